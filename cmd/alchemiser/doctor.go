package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/the-alchemiser/alchemiser/cmd/alchemiser/health"
)

func newDoctorCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Find what is misconfigured on a stage, with the fix",
		Long: `Find what is misconfigured on a stage, with the fix for each: what Terraform makes is compared with what is there, and what
Terraform does not make (broker keys, confirmed subscriptions, this machine's clock) is looked for. Nothing is changed, and no
secret is read.

The exit code is 1 if something is wrong. A warning is what somebody may have meant to be so.`,
		Example: "  alchemiser --stage prod doctor",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o, err := newOperator(cmd)
			if err != nil {
				return err
			}
			d, err := health.NewReader(o.cloud, o.stage, o.account, time.Now).Diagnose(cmd.Context())
			if err != nil {
				return err
			}
			if err := o.print(d, func() error { return d.Write(cmd.OutOrStdout()) }); err != nil {
				return err
			}
			if n := d.Count(health.Wrong); n > 0 {
				return fmt.Errorf("stage %s: %d misconfigurations", o.stage, n)
			}
			return nil
		},
	}
	cmd.Flags().Bool("json", false, "print JSON")
	return cmd
}
