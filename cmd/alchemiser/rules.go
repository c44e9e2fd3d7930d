package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"github.com/the-alchemiser/alchemiser/cmd/alchemiser/rules"
	"github.com/the-alchemiser/alchemiser/internal/naming"
)

func newRulesCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "rules",
		Short: "Switch the rules off that bring events to the functions, and on again",
		Long: `Switch the rules off that bring events to the functions, and on again. Terraform leaves a rule off that was switched off here.

An event that passes while a rule is off is in the archive only: no function will get it when the rule is on again.

"rules disable --all" and then "run --mode memory" take a stage back into one process, in the middle of a run too; "rules enable
--all", once the process has ended, undoes it (docs/migration.md).`,
	}
	cmd.AddCommand(newRulesListCommand(), newRulesSetCommand(false), newRulesSetCommand(true))
	return cmd
}

func newRulesListCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the rules of the bus",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o, err := newOperator(cmd)
			if err != nil {
				return err
			}
			all, err := rules.New(o.cloud, o.stage).List(cmd.Context())
			if err != nil {
				return err
			}
			return o.print(emptyNotNull(all), func() error {
				t := newTable(cmd.OutOrStdout(), "rule", "state", "targets")
				for _, r := range all {
					targets := make([]string, len(r.Targets))
					for i, arn := range r.Targets {
						targets[i] = shortARN(arn)
					}
					t.AppendRow(table.Row{r.Name, stateOf(r), strings.Join(targets, "\n")})
				}
				t.Render()
				return nil
			})
		},
	}
	cmd.Flags().Bool("json", false, "print JSON")
	return cmd
}

func stateOf(r rules.Rule) string {
	switch {
	case r.Managed:
		return "on, AWS's own"
	case r.Enabled && r.KeptOff:
		return "on, but the next apply switches it off"
	case r.Enabled:
		return "on"
	case r.KeptOff:
		return "off"
	default:
		return "off, but the next apply may switch it on"
	}
}

// functionNames completes what a rule may be called by.
func functionNames() []string {
	var names []string
	for _, f := range naming.Functions() {
		names = append(names, string(f))
	}
	return names
}

func newRulesSetCommand(on bool) *cobra.Command {
	verb, word := "disable", "off"
	if on {
		verb, word = "enable", "on"
	}
	var all, withMonitor bool
	var agree consent
	cmd := &cobra.Command{
		Use:   verb + " [RULE | FUNCTION ...]",
		Short: "Switch rules " + word,
		Long: "Switch rules " + word + `, each by its name or that of its function. --all are the rules of strategy, portfolio and execution; that of the monitor is
left alone, as it only records, unless --with-monitor is given.`,
		Example:           "  alchemiser --stage prod rules " + verb + " execution\n  alchemiser --stage prod rules " + verb + " --all",
		ValidArgsFunction: cobra.FixedCompletions(functionNames(), cobra.ShellCompDirectiveNoFileComp),
		RunE: func(cmd *cobra.Command, args []string) error {
			o, err := newOperator(cmd)
			if err != nil {
				return err
			}
			board := rules.New(o.cloud, o.stage)
			var names []string
			for _, arg := range args {
				names = append(names, board.Name(arg))
			}
			if all {
				names = append(names, board.Acting()...)
			}
			if withMonitor {
				names = append(names, board.Name("monitor"))
			}
			if len(names) == 0 {
				return errors.New("which rules? give names, or --all")
			}
			what := fmt.Sprintf("switch %s the rules %s", word, strings.Join(names, ", "))
			if !on {
				what += "; events that pass meanwhile live on in the archive only"
			}
			if err := agree.ask(cmd, o.account, what); err != nil {
				return err
			}
			if err := board.Set(cmd.Context(), on, names...); err != nil {
				return err
			}
			return o.print(map[string]any{"rules": names, "enabled": on}, func() error {
				fmt.Fprintf(cmd.OutOrStdout(), "Switched %s: %s.\n", word, strings.Join(names, ", "))
				return nil
			})
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "the rules of strategy, portfolio and execution")
	cmd.Flags().BoolVar(&withMonitor, "with-monitor", false, "the monitor's rule as well")
	agree.flags(cmd)
	cmd.Flags().Bool("json", false, "print JSON")
	return cmd
}
