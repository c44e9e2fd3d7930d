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
time lies in spans that have a name. What a redrive has added is in a trace of its own, which follows.`,
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
			traces, err := findTraces(cmd, client, args[0])
			if err != nil {
				return err
			}
			return o.print(traces, func() error {
				for _, trace := range traces {
					if err := report.Write(cmd.OutOrStdout(), report.Workflow{Trace: trace}); err != nil {
						return err
					}
				}
				return nil
			})
		},
	}
	cmd.Flags().Bool("json", false, "print JSON")
	return cmd
}

func findTraces(cmd *cobra.Command, client *workflow.Client, id string) ([]report.Trace, error) {
	if strings.HasPrefix(id, "1-") {
		trace, err := client.TraceByID(cmd.Context(), id)
		return []report.Trace{trace}, err
	}
	entries, err := client.History(cmd.Context(), id)
	if err != nil {
		return nil, err
	}
	if len(entries) == 0 {
		return nil, fmt.Errorf("workflow %s: nothing is known of it: `workflow list --since 168h` has the ids", id)
	}
	traces, err := client.Traces(cmd.Context(), id, entries[0].At)
	if err == nil && len(traces) == 0 {
		err = fmt.Errorf("workflow %s, started %s, has no trace: it was not sampled, or X-Ray has forgotten it (after 30 days)", id, entries[0].At.Format(time.RFC3339))
	}
	return traces, err
}
