package main

import (
	"errors"
	"time"

	"github.com/spf13/cobra"

	"github.com/the-alchemiser/alchemiser/cmd/alchemiser/health"
)

func newStatusCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show a stage on one screen",
		Long: `Show a stage on one screen: what runs, whether it trades, its last workflows, dead letters, alarms, the next run that will trade,
and what the portfolio is worth.

The exit code is 0 if everything could be read, whatever it says: "validate" and "doctor" judge.`,
		Example: "  alchemiser --stage prod status",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o, err := newOperator(cmd)
			if err != nil {
				return err
			}
			s := health.NewReader(o.cloud, o.stage, o.account, time.Now).Status(cmd.Context())
			if err := o.print(s, func() error { return s.Write(cmd.OutOrStdout()) }); err != nil {
				return err
			}
			if len(s.Troubles) > 0 {
				return errors.New("not everything could be read: `alchemiser doctor` says what is misconfigured")
			}
			return nil
		},
	}
	cmd.Flags().Bool("json", false, "print JSON")
	return cmd
}
