package telemetry_test

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/the-alchemiser/alchemiser/internal/telemetry"
	"github.com/the-alchemiser/alchemiser/pkg/fault"
)

func TestLinesCarryFunctionAndIDs(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	l := telemetry.NewLogger(&log, "execution", "7")
	l.Info(t.Context(), "started", nil)
	outer := l.With(t.Context(), map[string]string{"event_id": "e-1", "correlation_id": "run-1", "causation_id": "e-0"})
	inner := l.With(outer, map[string]string{"order_key": "o-1", "event_id": "e-2"})
	l.Info(inner, "sent", map[string]string{"side": "buy", "order_key": "o-2"})
	l.Error(outer, "refused", fmt.Errorf("submit: %w", fault.New(fault.Ambiguous, "no answer")), nil)
	want := []map[string]any{
		{"level": "info", "message": "started", "function": "execution", "version": "7"},
		{
			"level": "info", "message": "sent", "function": "execution", "version": "7", "event_id": "e-2", "correlation_id": "run-1",
			"causation_id": "e-0", "order_key": "o-2", "side": "buy",
		},
		{
			"level": "error", "message": "refused", "function": "execution", "version": "7", "event_id": "e-1", "correlation_id": "run-1",
			"causation_id": "e-0", "error": "submit: no answer", "code": "ambiguous",
		},
	}
	if diff := cmp.Diff(want, lines(t, &log)); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
}

func TestLinesNameTheirTrace(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	l := telemetry.NewLogger(&log, "execution", "7")
	ctx, traceID := invocation(t.Context(), true)
	l.Info(ctx, "outside", nil)
	if err := xrayDaemon.tracer.Trace(ctx, "x", nil, func(ctx context.Context) error { l.Info(ctx, "inside", nil); return nil }); err != nil {
		t.Fatal(err)
	}
	for _, line := range lines(t, &log) {
		if line["trace_id"] != traceID {
			t.Errorf("line is %v, want the trace %s", line, traceID)
		}
	}
}

func TestNoLineIsSampledAway(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	l := telemetry.NewLogger(&log, "execution", "7")
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() {
			for range 200 {
				l.Info(context.Background(), "the same", nil)
			}
		})
	}
	wg.Wait()
	if n := len(lines(t, &log)); n != 2000 {
		t.Errorf("%d lines were written, want all 2000", n)
	}
}

func ExampleLogger() {
	var out bytes.Buffer
	l := telemetry.NewLogger(&out, "execution", "7")
	ctx := l.With(context.Background(), map[string]string{"event_id": "e-1", "correlation_id": "run-1"})
	l.Info(ctx, "order sent", map[string]string{"order_key": "o-1"})
	_, line, _ := bytes.Cut(out.Bytes(), []byte(`Z",`))
	fmt.Printf("{%s", line)
	// Output: {"message":"order sent","function":"execution","version":"7","correlation_id":"run-1","event_id":"e-1","order_key":"o-1"}
}
