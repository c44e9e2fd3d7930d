package telemetry_test

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

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
					"Metrics": []any{definition("EventsPublished", "Count"), definition("EventsNotPublished", "Count"), definition("PublishDuration", "Milliseconds")},
				}},
			},
		}
	}
	if d := cmp.Diff([]map[string]any{line(2, 0, 8.5), line(0, 3, 0), line(0, 1, 0)}, lines(t, &log)); d != "" {
		t.Errorf("lines (-want +got):\n%s", d)
	}
}
