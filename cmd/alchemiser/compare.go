package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"github.com/the-alchemiser/alchemiser/internal/fingerprint"
	"github.com/the-alchemiser/alchemiser/internal/store"
	"github.com/the-alchemiser/alchemiser/pkg/market"
)

// compareOptions are the flags of `alchemiser compare`.
type compareOptions struct {
	since string
	wait  time.Duration
	json  bool
}

func newCompareCommand() *cobra.Command {
	var o compareOptions
	cmd := &cobra.Command{
		Use:   "compare",
		Short: "Compare what both sides of a dual run have delivered",
		Long: `Compare the fingerprints that "alchemiser run --mode dual" and the functions that run as its shadow have left: which
events both sides delivered to the same functions with the same content, and what publishing took.

The exit code is 0 only if there were events and EventBridge delivered exactly those, once and unchanged. Events that came
before their cause are told, but are no inconsistency: EventBridge promises no order, and no function relies on one.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return compare(cmd, o) },
	}
	cmd.Flags().StringVar(&o.since, "since", "", "first day (UTC, YYYY-MM-DD); without it today alone")
	cmd.Flags().DurationVar(&o.wait, "wait", 10*time.Second, "how long to wait for events that are still under way")
	cmd.Flags().BoolVar(&o.json, "json", false, "print JSON")
	return cmd
}

func compare(cmd *cobra.Command, o compareOptions) error {
	ctx := cmd.Context()
	days, err := daysSince(o.since, time.Now().UTC())
	if err != nil {
		return err
	}
	operator, err := newOperator(cmd)
	if err != nil {
		return err
	}
	log, err := store.New(store.Config{Client: dynamodb.NewFromConfig(operator.cloud), Table: operator.stage.Table(), Now: time.Now})
	if err != nil {
		return err
	}
	report, err := settled(ctx, log, days, o.wait)
	if err != nil {
		return err
	}
	if o.json {
		err = json.NewEncoder(cmd.OutOrStdout()).Encode(report)
	} else {
		writeComparison(cmd.OutOrStdout(), report)
	}
	switch {
	case err != nil:
		return err
	case report.Total.Events == 0:
		return errors.New("there is nothing to compare: no dual run has left fingerprints in that time")
	case !report.Consistent():
		return errors.New("the two sides are not consistent")
	}
	return nil
}

// daysSince returns the days from since to today; no since is today.
func daysSince(since string, today time.Time) ([]market.Date, error) {
	first := today
	if since != "" {
		var err error
		if first, err = time.Parse(time.DateOnly, since); err != nil {
			return nil, fmt.Errorf("--since %s: want a day as 2026-03-02", since)
		}
	}
	var days []market.Date
	for ; !first.After(today); first = first.AddDate(0, 0, 1) {
		days = append(days, market.Date(first.Format(time.DateOnly)))
	}
	if len(days) == 0 {
		return nil, fmt.Errorf("--since %s is after today, %s", since, today.Format(time.DateOnly))
	}
	return days, nil
}

// settled compares until nothing is under way any more, or patience ends.
func settled(ctx context.Context, log fingerprint.Log, days []market.Date, patience time.Duration) (fingerprint.Report, error) {
	for end := time.Now().Add(patience); ; {
		var records []fingerprint.Record
		for _, day := range days {
			more, err := log.Fingerprints(ctx, day)
			if err != nil {
				return fingerprint.Report{}, fmt.Errorf("read the fingerprints of %s: %w", day, err)
			}
			records = append(records, more...)
		}
		report := fingerprint.Compare(records)
		if !report.Underway() || time.Now().After(end) {
			return report, nil
		}
		select {
		case <-ctx.Done():
			return report, ctx.Err()
		case <-time.After(500 * time.Millisecond):
		}
	}
}

// maxFindings is how many deviations are listed; --json has all.
const maxFindings = 20

func writeComparison(out io.Writer, r fingerprint.Report) {
	t := table.NewWriter()
	t.SetOutputMirror(out)
	t.SetStyle(table.StyleLight)
	t.AppendHeader(table.Row{"event", "events", "both", "missing", "extra", "different", "duplicated", "out of order"})
	for _, c := range r.Types {
		t.AppendRow(countsRow(c))
	}
	t.AppendFooter(countsRow(r.Total))
	t.Style().Format.Header, t.Style().Format.Footer = 0, 0
	t.Render()
	for i, f := range r.Findings {
		if i == maxFindings {
			fmt.Fprintf(out, "… and %d more: --json lists all\n", len(r.Findings)-i)
			break
		}
		fmt.Fprintf(out, "%s: %s %s of %s: %s\n", f.What, f.Type, f.EventID, f.CorrelationID, f.Why)
	}
	if n := r.Total.Events; n > 0 {
		fmt.Fprintf(out, "Consistent: %d of %d events (%.2f %%).\n", r.Total.Both, n, float64(r.Total.Both)*100/float64(n))
	}
	p := r.Publish
	fmt.Fprintf(out, "Publishing: in the process p50 %s, p99 %s; on EventBridge p50 %s, p99 %s; overhead p50 %s, p99 %s.\n",
		p.Memory.P50, p.Memory.P99, p.EventBridge.P50, p.EventBridge.P99, p.Overhead.P50, p.Overhead.P99)
}

func countsRow(c fingerprint.Counts) table.Row {
	return table.Row{c.Type, c.Events, c.Both, c.Missing, c.Extra, c.Different, c.Duplicated, c.OutOfOrder}
}
