package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/the-alchemiser/alchemiser/cmd/alchemiser/logs"
	"github.com/the-alchemiser/alchemiser/cmd/alchemiser/workflow"
	"github.com/the-alchemiser/alchemiser/internal/naming"
)

func newLogsCommand() *cobra.Command {
	var follow bool
	var since time.Duration
	var functions []string
	cmd := &cobra.Command{
		Use:   "logs ID",
		Short: "Show what all functions logged about a workflow, in one stream by time",
		Long: `Show the log lines of all functions that carry a correlation id, in one stream by time, and what Lambda says about the
invocations that wrote them: its reports, and the last words of one that died. Lines marked ✗ are errors.

It reads from the workflow's first event on; a workflow that the monitor has not seen is looked for as far back as --since.`,
		Example: "  alchemiser --stage prod logs run-main-2026-03-02T20:45:00Z --follow",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var of []naming.Function
			for _, name := range functions {
				of = append(of, naming.Function(name))
			}
			o, err := newOperator(cmd)
			if err != nil {
				return err
			}
			reader, err := logs.New(o.cloud, o.stage, of...)
			if err != nil {
				return err
			}
			from := time.Now().Add(-since)
			if !cmd.Flags().Changed("since") {
				if from, err = begun(cmd.Context(), o, args[0], from); err != nil {
					return err
				}
			}
			if follow {
				return reader.Follow(cmd.Context(), args[0], from, func(l logs.Line) { _ = o.print(l, func() error { writeLogLine(cmd.OutOrStdout(), l); return nil }) })
			}
			lines, err := reader.Read(cmd.Context(), args[0], from)
			if err != nil {
				return err
			}
			return o.print(emptyNotNull(lines), func() error {
				for _, l := range lines {
					writeLogLine(cmd.OutOrStdout(), l)
				}
				if len(lines) == 0 {
					fmt.Fprintf(cmd.OutOrStdout(), "No function has logged %s since %s.\n", args[0], from.UTC().Format(time.RFC3339))
				}
				return nil
			})
		},
	}
	cmd.Flags().BoolVar(&follow, "follow", false, "go on until interrupted")
	cmd.Flags().DurationVar(&since, "since", 24*time.Hour, "how far to look back; without it to the begin of the workflow")
	cmd.Flags().StringSliceVar(&functions, "function", nil, "only these functions: strategy, portfolio, execution, monitor")
	cmd.Flags().Bool("json", false, "print JSON, with the lines as they are")
	return cmd
}

// begun returns when the first event of a workflow was made, or otherwise if the monitor has recorded none.
func begun(ctx context.Context, o *operator, id string, otherwise time.Time) (time.Time, error) {
	client, err := workflow.New(o.cloud, o.stage)
	if err != nil {
		return time.Time{}, err
	}
	entries, err := client.History(ctx, id)
	if err != nil || len(entries) == 0 {
		return otherwise, err
	}
	return entries[0].At.Add(-time.Minute), nil
}

func writeLogLine(out io.Writer, l logs.Line) {
	mark := " "
	if l.Level == "error" {
		mark = "✗"
	}
	var fields strings.Builder
	for _, f := range l.Fields {
		fmt.Fprintf(&fields, " %s=%s", f.Name, f.Value)
	}
	fmt.Fprintf(out, "%s %-9s %s %s%s\n", l.At.UTC().Format("15:04:05.000"), l.Function, mark, l.Message, fields.String())
}
