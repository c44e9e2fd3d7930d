package telemetry_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"

	"github.com/the-alchemiser/alchemiser/internal/consumer"
	"github.com/the-alchemiser/alchemiser/internal/monitor"
	"github.com/the-alchemiser/alchemiser/internal/telemetry"
	"github.com/the-alchemiser/alchemiser/pkg/bus"
	"github.com/the-alchemiser/alchemiser/pkg/events"
)

func TestPublicationsAreMetricsInTheLog(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	at := time.Now()
	m := telemetry.NewMetrics(&log, "dev", "strategy", func() time.Time { return at })
	ctx := telemetry.NewLogger(&log, "strategy", "7").With(t.Context(), map[string]string{"correlation_id": "run-1"})
	m.Published(ctx, bus.Publication{Accepted: make([]events.Event, 2), Took: 8500 * time.Microsecond})
	m.Published(ctx, bus.Publication{Err: &bus.PublishError{Rejected: make([]bus.Rejected, 3)}})
	m.Published(ctx, bus.Publication{Err: errors.New("closed")})
	line := func(published, refused, took float64) map[string]any {
		definition := func(name, unit string) map[string]any { return map[string]any{"Name": name, "Unit": unit} }
		return map[string]any{
			"level": "info", "message": "metrics", "Stage": "dev", "function": "strategy", "correlation_id": "run-1",
			"EventsPublished": published, "EventsNotPublished": refused, "PublishDuration": took,
			"_aws": map[string]any{
				"Timestamp": float64(at.UnixMilli()),
				"CloudWatchMetrics": []any{map[string]any{
					"Namespace": "Alchemiser", "Dimensions": []any{[]any{"Stage"}},
					"Metrics": []any{definition("EventsPublished", "Count"), definition("PublishDuration", "Milliseconds")},
				}},
			},
		}
	}
	if d := cmp.Diff([]map[string]any{line(2, 0, 8.5), line(0, 3, 0), line(0, 1, 0)}, lines(t, &log)); d != "" {
		t.Errorf("lines (-want +got):\n%s", d)
	}
}

func TestTenMetricsAndTheRestAsFields(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	m := telemetry.NewMetrics(&log, "dev", "monitor", time.Now)
	ctx := t.Context()
	m.Published(ctx, bus.Publication{Accepted: make([]events.Event, 1)})
	for _, r := range []consumer.Result{consumer.ResultHandled, consumer.ResultRefused, consumer.ResultDuplicate, consumer.ResultReplayed, consumer.ResultFailed} {
		m.Delivered(ctx, consumer.Outcome{Result: r, Type: "TradeExecuted", Took: time.Second})
	}
	for _, s := range []monitor.State{monitor.StateCompleted, monitor.StateNothingToDo, monitor.StateFailed, monitor.StateSkipped} {
		m.Ended(ctx, monitor.Ended{State: s, Took: time.Minute})
	}
	m.Traded(ctx, monitor.Traded{Orders: 2, Fills: 1, Equity: decimal.RequireFromString("100000.10"), Turnover: decimal.RequireFromString("0.25")})
	m.Watched(ctx, monitor.Watched{Stalled: 1, Overdue: true})

	sums := map[string]float64{}
	for text := range bytes.Lines(log.Bytes()) {
		var line struct {
			AWS struct {
				CloudWatchMetrics []struct{ Metrics []struct{ Name string } }
			} `json:"_aws"`
		}
		values := map[string]any{}
		if err := errors.Join(json.Unmarshal(text, &line), json.Unmarshal(text, &values)); err != nil {
			t.Fatal(err)
		}
		for _, metrics := range line.AWS.CloudWatchMetrics {
			for _, m := range metrics.Metrics {
				value, ok := values[m.Name].(float64)
				if !ok {
					t.Errorf("%s is %v, want a number", m.Name, values[m.Name])
				}
				sums[m.Name] += value
			}
		}
	}
	want := map[string]float64{
		"EventsPublished": 1, "PublishDuration": 0, "EventsHandled": 1, "EventsDeadLettered": 1, "WorkflowsCompleted": 2, "WorkflowsFailed": 1,
		"WorkflowDuration": 180_000, "PortfolioValue": 100000.10, "WorkflowsStalled": 1, "RebalanceOverdue": 1,
	}
	if d := cmp.Diff(want, sums); d != "" {
		t.Errorf("metrics (-want +got):\n%s", d)
	}
}
