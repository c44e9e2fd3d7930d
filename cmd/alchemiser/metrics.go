package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/the-alchemiser/alchemiser/cmd/alchemiser/health"
)

func newMetricsCommand() *cobra.Command {
	var since time.Duration
	cmd := &cobra.Command{
		Use:   "metrics",
		Short: "Show the figures of a stage: its own metrics, and those of functions, rules and queues",
		Long: `Show the figures of a stage: its own metrics, with data or without, and those of Lambda, EventBridge and SQS that have data. On
AWS a figure takes some minutes to get to CloudWatch; "validate" counts what happened instead.`,
		Example: "  alchemiser --stage prod metrics --since 168h",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if since < time.Minute || since > health.MaxSpan {
				return fmt.Errorf("--since %s: want 1m to %s", since, health.MaxSpan)
			}
			o, err := newOperator(cmd)
			if err != nil {
				return err
			}
			figures, err := health.NewReader(o.cloud, o.stage, o.account, time.Now).Figures(cmd.Context(), since)
			if err != nil {
				return err
			}
			return o.print(figures, func() error { return health.WriteFigures(cmd.OutOrStdout(), figures) })
		},
	}
	cmd.Flags().DurationVar(&since, "since", 24*time.Hour, "how far to look back")
	cmd.Flags().Bool("json", false, "print JSON")
	return cmd
}
