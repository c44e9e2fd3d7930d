package main

import (
	"bytes"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/the-alchemiser/alchemiser/cmd/alchemiser/dashboard"
)

func newDashboardCommand() *cobra.Command {
	var file string
	var since time.Duration
	cmd := &cobra.Command{
		Use:   "dashboard",
		Short: "Draw the stage's dashboard as a picture",
		Long: `Draw the CloudWatch dashboard of the stage as SVG: for those who are not logged in to the console, for a ticket, and for the
local endpoint, which has no console. With --json the figures are printed instead.`,
		Example: "  alchemiser --stage prod dashboard --out today.svg",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o, err := newOperator(cmd)
			if err != nil {
				return err
			}
			picture, err := dashboard.NewReader(o.cloud, time.Now, since).Read(cmd.Context(), o.stage.Dashboard())
			if err != nil {
				return err
			}
			return o.print(picture, func() error {
				var svg bytes.Buffer
				if err := dashboard.Draw(&svg, picture); err != nil {
					return err
				}
				if err := os.WriteFile(file, svg.Bytes(), 0o644); err != nil {
					return fmt.Errorf("write the picture: %w", err)
				}
				fmt.Fprintln(cmd.OutOrStdout(), "Wrote", file)
				return nil
			})
		},
	}
	cmd.Flags().StringVar(&file, "out", "dashboard.svg", "file to write")
	cmd.Flags().DurationVar(&since, "since", 3*time.Hour, "how far lines look back")
	cmd.Flags().Bool("json", false, "print JSON instead of drawing")
	return cmd
}
