package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/the-alchemiser/alchemiser/internal/stack"
)

func newUpCommand() *cobra.Command {
	var bars, mode, access string
	cmd := &cobra.Command{
		Use:   "up",
		Short: "Start the local stack and keep it running",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := stackConfig(cmd)
			if err != nil {
				return err
			}
			if cfg, err = withBars(cfg, bars); err != nil {
				return err
			}
			cfg.Detach, cfg.IAM, cfg.Variables = true, access, map[string]string{"mode": mode}
			out := cmd.OutOrStdout()
			s, err := bringUp(cmd.Context(), out, cfg)
			if err != nil {
				return err
			}
			printNextSteps(out, s)
			return nil
		},
	}
	cmd.Flags().StringVar(&bars, "bars", "", "folder of SYMBOL.csv with real prices; without it the market is simulated")
	cmd.Flags().StringVar(&mode, "mode", "live", "who handles events (Terraform's variable mode): live, shadow or hosted")
	cmd.Flags().StringVar(&access, "iam", "enforce", "what happens to calls that no policy allows: off, audit or enforce")
	return cmd
}

func newDownCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "down",
		Short: "Stop the local stack; what it deployed goes with it",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := stackConfig(cmd)
			if err != nil {
				return err
			}
			s, err := stack.Find(cfg)
			if err != nil {
				return err
			}
			if err := s.Stop(); err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "Stack %s is stopped.\n", cfg.Stage)
			return nil
		},
	}
}

func printNextSteps(out io.Writer, s *stack.Stack) {
	fmt.Fprintf(out, `
The stack is running: AWS endpoint %s, paper broker %s.

  eval "$(bin/alchemiser --stage %[3]s local env)"    point the AWS CLI, SDKs and Terraform at it
  aws events list-rules --event-bus-name alchemiser-trading-events-%[3]s
  terraform -chdir=terraform plan -var stage=%[3]s -detailed-exitcode
  bin/alchemiser --stage %[3]s local permissions        which statements of which policies were used
  bin/alchemiser --stage %[3]s local mails              the mails that a trader would have got
  make down STAGE=%[3]s                               stop it
`, s.Record.URL, s.Record.BrokerURL, s.Record.Stage)
}
