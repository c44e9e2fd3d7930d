package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"

	"github.com/the-alchemiser/alchemiser/cmd/alchemiser/workflow"
	"github.com/the-alchemiser/alchemiser/internal/monitor"
	"github.com/the-alchemiser/alchemiser/internal/report"
	"github.com/the-alchemiser/alchemiser/pkg/events"
)

func newWorkflowCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "workflow", Short: "What workflows did, and why"}
	cmd.AddCommand(newWorkflowListCommand(), newWorkflowShowCommand())
	return cmd
}

// states are those of workflows, for flags and completion.
func states() []string {
	return []string{
		string(monitor.StateRunning), string(monitor.StateResumed), string(monitor.StateCompleted), string(monitor.StateNothingToDo),
		string(monitor.StateSkipped), string(monitor.StateFailed), string(monitor.StateStalled),
	}
}

func newWorkflowListCommand() *cobra.Command {
	var since time.Duration
	var state string
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List workflows, the latest first",
		Example: "  alchemiser --stage prod workflow list --since 168h --state failed",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if state != "" && !slices.Contains(states(), state) {
				return fmt.Errorf("--state %s: want one of %s", state, strings.Join(states(), ", "))
			}
			o, err := newOperator(cmd)
			if err != nil {
				return err
			}
			client, err := workflow.New(o.cloud, o.stage)
			if err != nil {
				return err
			}
			from := time.Now().Add(-since)
			all, err := client.Since(cmd.Context(), from)
			if err != nil {
				return err
			}
			all = slices.DeleteFunc(all, func(w monitor.Workflow) bool {
				return w.UpdatedAt.Before(from) || state != "" && string(w.State) != state
			})
			return o.print(emptyNotNull(all), func() error { writeWorkflows(cmd.OutOrStdout(), all); return nil })
		},
	}
	cmd.Flags().DurationVar(&since, "since", 24*time.Hour, "how far to look back")
	cmd.Flags().StringVar(&state, "state", "", "only these: "+strings.Join(states(), ", "))
	_ = cmd.RegisterFlagCompletionFunc("state", cobra.FixedCompletions(states(), cobra.ShellCompDirectiveNoFileComp))
	cmd.Flags().Bool("json", false, "print JSON")
	return cmd
}

func writeWorkflows(out io.Writer, all []monitor.Workflow) {
	if len(all) == 0 {
		fmt.Fprintln(out, "No workflows.")
		return
	}
	t := newTable(out, "started", "workflow", "date", "state", "took", "last")
	t.SetColumnConfigs([]table.ColumnConfig{{Name: "last", WidthMax: 60, WidthMaxEnforcer: text.WrapSoft}})
	for _, w := range all {
		t.AppendRow(table.Row{
			w.StartedAt.UTC().Format("2006-01-02 15:04:05"), w.CorrelationID, w.TradingDate, w.State, w.UpdatedAt.Sub(w.StartedAt).Round(time.Millisecond), w.LastSummary,
		})
	}
	t.Render()
}

func newWorkflowShowCommand() *cobra.Command {
	var follow, orders bool
	cmd := &cobra.Command{
		Use:   "show ID",
		Short: "Show a workflow: what happened, what it wanted, planned and traded",
		Long: `Show a workflow by its correlation id: the timeline, the signals with their reasons, the plan, the orders with their fills, and the
positions before and after. --orders explains each order from signal to fill instead; those of a run that is under way, or has died, too.

The timeline, orders and fills come from the state table, the rest from the log group of all events.`,
		Example: "  alchemiser --stage prod workflow show run-main-2026-03-02T20:45:00Z --orders",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			o, err := newOperator(cmd)
			if err != nil {
				return err
			}
			client, err := workflow.New(o.cloud, o.stage)
			if err != nil {
				return err
			}
			ctx, id := cmd.Context(), args[0]
			if follow {
				passing := cmd.OutOrStdout()
				if o.wantsJSON() {
					passing = cmd.ErrOrStderr()
				}
				if _, err := client.Follow(ctx, id, func(e workflow.Passed) { writePassed(passing, e) }); err != nil {
					return err
				}
			}
			entries, err := client.History(ctx, id)
			if err != nil {
				return err
			}
			if len(entries) == 0 {
				return fmt.Errorf("workflow %s: nothing is known of it: `workflow list --since 168h` has the ids", id)
			}
			passed, err := client.Events(ctx, id, entries[0].At.Add(-time.Minute))
			if err != nil {
				return err
			}
			story := storyOf(id, entries, passed)
			if orders {
				ledger, err := client.Orders(ctx, planOf(story.Events))
				if err != nil {
					return err
				}
				explained := report.Explain(story.Events, ledger)
				return o.print(emptyNotNull(explained), func() error { return report.WriteOrders(cmd.OutOrStdout(), explained) })
			}
			return o.print(story, func() error { return report.Write(cmd.OutOrStdout(), story) })
		},
	}
	cmd.Flags().BoolVar(&follow, "follow", false, "wait for the end, and show events as they pass")
	cmd.Flags().BoolVar(&orders, "orders", false, "explain each order")
	cmd.Flags().Bool("json", false, "print JSON")
	return cmd
}

// storyOf puts together what is known of a workflow. An event that passed more than once is told once.
func storyOf(id string, entries []monitor.Entry, passed []workflow.Passed) report.Workflow {
	story := report.Workflow{CorrelationID: id}
	for _, e := range entries {
		story.Timeline = append(story.Timeline, report.Step{At: e.At, Event: string(e.Type), Source: e.Source, Summary: e.Summary})
	}
	seen := map[string]bool{}
	for _, p := range passed {
		if !seen[p.ID] {
			seen[p.ID] = true
			story.Events = append(story.Events, p.Event)
		}
	}
	slices.SortStableFunc(story.Events, func(a, b events.Event) int { return a.Timestamp.Compare(b.Timestamp) })
	return story
}

// planOf returns the plan that the events tell of, or one without trades.
func planOf(es []events.Event) events.RebalancePlanned {
	var plan events.RebalancePlanned
	for _, e := range es {
		if p, ok := e.Payload.(events.RebalancePlanned); ok {
			plan = p
		}
	}
	return plan
}

// writePassed writes an event as a line.
func writePassed(out io.Writer, e workflow.Passed) {
	said, err := monitor.Summary(e.Payload)
	if err != nil {
		said = err.Error()
	}
	fmt.Fprintf(out, "%s  %-17s  %-9s  %s\n", e.At.Format("15:04:05.000"), e.Type(), e.SourceModule, said)
}
