package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/the-alchemiser/alchemiser/cmd/alchemiser/release"
	"github.com/the-alchemiser/alchemiser/internal/functions"
)

func newRollbackCommand() *cobra.Command {
	var to string
	var agree consent
	cmd := &cobra.Command{
		Use:   "rollback FUNCTION",
		Short: "Send a function's events to the version before",
		Long: `Send a function's events to the newest version before the live one that passes its smoke test, or to --to. It takes a second, needs
no Terraform, and holds: the next apply leaves the function where it is, until "deploy" lets it follow the newest version again.

The older version runs with its own environment, as it was when it was published.`,
		Example:           "  make rollback FUNCTION=execution STAGE=dev\n  alchemiser --stage prod rollback execution --to 12",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: cobra.FixedCompletions(functionNames(), cobra.ShellCompDirectiveNoFileComp),
		RunE: func(cmd *cobra.Command, args []string) error {
			f, err := functionNamed(args[0])
			if err != nil {
				return err
			}
			o, err := newOperator(cmd)
			if err != nil {
				return err
			}
			ctx, desk := cmd.Context(), release.New(o.cloud, o.stage)
			state, err := desk.State(ctx, f)
			if err != nil {
				return err
			}
			var report functions.Report
			switch {
			case to == "":
				if to, report, err = desk.Before(ctx, state); err != nil {
					return fmt.Errorf("%w\n--to goes to a version all the same", err)
				}
			case !slices.Contains(state.Versions, to):
				return fmt.Errorf("%s has no version %s: there are %s", f, to, strings.Join(state.Versions, ", "))
			default:
				// A broker that is down must not keep anybody from going back: what the smoke test says is told, no more.
				if report, err = desk.Smoke(ctx, f, to); err != nil {
					fmt.Fprintf(cmd.ErrOrStderr(), "Version %s does not pass its smoke test: %v\n", to, err)
				}
			}
			if err := agree.ask(cmd, o.account, fmt.Sprintf("send the events of %s to version %s instead of %s, and keep it there", f, to, state.Live)); err != nil {
				return err
			}
			if err := desk.Move(ctx, f, to); err != nil {
				return err
			}
			done := deployment{Function: f, From: state.Live, To: to, Changes: []release.Change{}, Smoke: report}
			return o.print(done, func() error {
				fmt.Fprintf(cmd.OutOrStdout(), "%s: live was version %s and is version %s; it stays there until `deploy`.\n", f, done.From, done.To)
				return writeFindings(cmd.OutOrStdout(), report)
			})
		},
	}
	cmd.Flags().StringVar(&to, "to", "", "the version to go to; without it the one before the live one")
	agree.flags(cmd)
	cmd.Flags().Bool("json", false, "print JSON")
	return cmd
}
