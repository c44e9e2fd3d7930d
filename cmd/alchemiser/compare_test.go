package main

import (
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/the-alchemiser/alchemiser/internal/fingerprint"
	"github.com/the-alchemiser/alchemiser/pkg/events"
	"github.com/the-alchemiser/alchemiser/pkg/market"
)

func TestDaysSince(t *testing.T) {
	today := time.Date(2026, 3, 2, 23, 59, 0, 0, time.UTC)
	for since, want := range map[string][]market.Date{
		"": {"2026-03-02"}, "2026-03-02": {"2026-03-02"}, "2026-02-28": {"2026-02-28", "2026-03-01", "2026-03-02"}, "2026-03-03": nil, "yesterday": nil,
	} {
		got, err := daysSince(since, today)
		if d := cmp.Diff(want, got); d != "" || (err == nil) != (want != nil) {
			t.Errorf("since %q: %v, days (-want +got):\n%s", since, err, d)
		}
	}
}

func Example_writeComparison() {
	writeComparison(os.Stdout, fingerprint.Report{
		Types: []fingerprint.Counts{
			{Type: events.TypeWorkflowStarted, Events: 2, Both: 2}, {Type: events.TypeSignalGenerated, Events: 2, Both: 1, Missing: 1},
		},
		Total: fingerprint.Counts{Type: "total", Events: 4, Both: 3, Missing: 1},
		Publish: fingerprint.Publish{
			Memory:      fingerprint.Quantiles{N: 4, P50: 200 * time.Microsecond, P99: 300 * time.Microsecond},
			EventBridge: fingerprint.Quantiles{N: 3, P50: 8 * time.Millisecond, P99: 21 * time.Millisecond},
			Overhead:    fingerprint.Quantiles{N: 3, P50: 7 * time.Millisecond, P99: 20 * time.Millisecond},
		},
		Findings: []fingerprint.Finding{{
			CorrelationID: "run-main-2026-03-02", EventID: "9a40", Type: events.TypeSignalGenerated, What: "missing",
			Why: "accepted by EventBridge, but not delivered to portfolio",
		}},
	})
	// Output:
	// ┌─────────────────┬────────┬──────┬─────────┬───────┬───────────┬────────────┬──────────────┐
	// │ event           │ events │ both │ missing │ extra │ different │ duplicated │ out of order │
	// ├─────────────────┼────────┼──────┼─────────┼───────┼───────────┼────────────┼──────────────┤
	// │ WorkflowStarted │      2 │    2 │       0 │     0 │         0 │          0 │            0 │
	// │ SignalGenerated │      2 │    1 │       1 │     0 │         0 │          0 │            0 │
	// ├─────────────────┼────────┼──────┼─────────┼───────┼───────────┼────────────┼──────────────┤
	// │ total           │      4 │    3 │       1 │     0 │         0 │          0 │            0 │
	// └─────────────────┴────────┴──────┴─────────┴───────┴───────────┴────────────┴──────────────┘
	// missing: SignalGenerated 9a40 of run-main-2026-03-02: accepted by EventBridge, but not delivered to portfolio
	// Consistent: 3 of 4 events (75.00 %).
	// Publishing: in the process p50 200µs, p99 300µs; on EventBridge p50 8ms, p99 21ms; overhead p50 7ms, p99 20ms.
}
