package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/the-alchemiser/alchemiser/cmd/alchemiser/workflow"
	"github.com/the-alchemiser/alchemiser/internal/report"
)

func newTraceCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "trace ID",
		Short: "Show where the time of a workflow went, from its X-Ray trace",
		Long: `Show the X-Ray trace of a workflow as a waterfall: by its correlation id, or by X-Ray's own id (1-…). The last line says how much of the
time lies in spans that have a name.`,
		Example: "  alchemiser --stage prod trace run-main-2026-03-02T20:45:00Z",
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
			trace, err := findTrace(cmd, client, args[0])
			if err != nil {
				return err
			}
			return o.print(trace, func() error { return report.Write(cmd.OutOrStdout(), report.Workflow{Trace: trace}) })
		},
	}
	cmd.Flags().Bool("json", false, "print JSON")
	return cmd
}

func findTrace(cmd *cobra.Command, client *workflow.Client, id string) (report.Trace, error) {
	if strings.HasPrefix(id, "1-") {
		return client.TraceByID(cmd.Context(), id)
	}
	entries, err := client.History(cmd.Context(), id)
	if err != nil {
		return report.Trace{}, err
	}
	if len(entries) == 0 {
		return report.Trace{}, fmt.Errorf("workflow %s: nothing is known of it: `workflow list --since 168h` has the ids", id)
	}
	trace, err := client.TraceNow(cmd.Context(), id, entries[0].At)
	if err == nil && len(trace.Roots) == 0 {
		err = fmt.Errorf("workflow %s has no trace: it was not sampled, or X-Ray has forgotten it (after 30 days), or it began only now: started %s", id, entries[0].At.Format(time.RFC3339))
	}
	return trace, err
}
