package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/the-alchemiser/alchemiser/cmd/alchemiser/workflow"
	"github.com/the-alchemiser/alchemiser/internal/report"
)

func newTraceCommand() *cobra.Command {
	var width int
	cmd := &cobra.Command{
		Use:   "trace ID",
		Short: "Show where the time of a workflow went, from its X-Ray trace",
		Long: `Show the X-Ray trace of a workflow as a waterfall: by its correlation id, or by X-Ray's own id (1-…). The last line says how much of the
time lies in spans that have a name. What a redrive has added is in a trace of its own, which follows. Replays are listed.`,
		Example: "  alchemiser --stage prod trace run-main-2026-03-02T20:45:00Z",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if width < 1 {
				return fmt.Errorf("--width %d: want a positive number", width)
			}
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
			return o.print(withShares(traces), func() error { return writeTraces(cmd.OutOrStdout(), traces, width) })
		},
	}
	cmd.Flags().IntVar(&width, "width", report.BarWidth, "width of the bars in characters")
	cmd.Flags().Bool("json", false, "print JSON")
	return cmd
}

func findTraces(cmd *cobra.Command, client *workflow.Client, id string) (workflow.Traces, error) {
	if strings.HasPrefix(id, "1-") {
		trace, err := client.TraceByID(cmd.Context(), id)
		return workflow.Traces{Own: []report.Trace{trace}}, err
	}
	entries, err := client.History(cmd.Context(), id)
	if err != nil {
		return workflow.Traces{}, err
	}
	if len(entries) == 0 {
		return workflow.Traces{}, fmt.Errorf("workflow %s: nothing is known of it: `workflow list --since 168h` has the ids", id)
	}
	at := make([]time.Time, len(entries))
	for i, e := range entries {
		at[i] = e.At
	}
	traces, err := client.Traces(cmd.Context(), id, at...)
	if err == nil && len(traces.Own) == 0 {
		err = fmt.Errorf("workflow %s, started %s, has no trace: it was not sampled, or X-Ray has forgotten it (after 30 days)", id, at[0].Format(time.RFC3339))
	}
	return traces, err
}

func writeTraces(out io.Writer, traces workflow.Traces, width int) error {
	for _, trace := range traces.Own {
		if err := report.WriteTrace(out, trace, width); err != nil {
			return err
		}
	}
	begun := false
	for _, l := range traces.Linked {
		if l.Replay == "" { // the monitor's, of the start that nobody published under a trace: every workflow has one
			continue
		}
		if !begun {
			fmt.Fprintln(out, "\nReplays have traces of their own:")
			begun = true
		}
		fmt.Fprintf(out, "  %s  %s  %s\n", l.ID, l.Begun.UTC().Format(time.RFC3339), l.Replay)
	}
	return nil
}

// sharedTrace is a trace for programs.
type sharedTrace struct {
	report.Trace
	// Named is how much of the time, from 0 to 1, lies in spans that have a name.
	Named float64 `json:"named"`
}

func withShares(traces workflow.Traces) any {
	answer := struct {
		Traces []sharedTrace     `json:"traces"`
		Linked []workflow.Linked `json:"linked"`
	}{Linked: emptyNotNull(traces.Linked)}
	for _, t := range traces.Own {
		answer.Traces = append(answer.Traces, sharedTrace{t, t.Covered()})
	}
	return answer
}
