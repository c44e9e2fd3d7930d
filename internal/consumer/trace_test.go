package consumer_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/the-alchemiser/alchemiser/internal/consumer"
	"github.com/the-alchemiser/alchemiser/pkg/events"
)

// traced is a tracer that keeps the names of what was done and what the work can be found by.
type traced struct {
	names       []string
	annotations map[string]string
}

func (a *traced) Trace(ctx context.Context, name string, annotations map[string]string, f func(context.Context) error) error {
	a.names = append(a.names, name)
	if annotations != nil {
		a.annotations = annotations
	}
	return f(ctx)
}

// handle delivers an event to a consumer that publishes what its handler returns, and returns what was traced.
func handle(t *testing.T, e events.Event, replay string, observer bool, handler consumer.Handler) *traced {
	t.Helper()
	cfg := (&world{}).config(handler)
	tracer := &traced{}
	cfg.Tracer, cfg.Observer = tracer, observer
	c, err := consumer.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	w, err := events.Encode(e, "alchemiser")
	if err != nil {
		t.Fatal(err)
	}
	d := delivery("request-1")
	d.DetailType, d.Detail, d.ReplayName = w.DetailType, w.Detail, replay
	if err := c.Handle(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	return tracer
}

// A workflow's correlation id must find one trace, that of its publishers; its workflow id finds all, and a replay says so.
func TestAnnotationsFindAWorkflowsTraces(t *testing.T) {
	t.Parallel()
	later := started()
	later.ID, later.CausationID = "later", "an event"
	for name, tt := range map[string]struct {
		event    events.Event
		observer bool
		replay   string
		own      bool
	}{
		"the function that begins the workflow":     {event: started(), own: true},
		"an observer that sees it begin":            {event: started(), observer: true},
		"an observer that sees a published event":   {event: later, observer: true, own: true},
		"an observer that sees a replay of the day": {event: later, observer: true, replay: "again"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := handle(t, tt.event, tt.replay, tt.observer, func(context.Context, events.Event) ([]events.Payload, error) { return nil, nil }).annotations
			want := map[string]string{"workflow_id": tt.event.CorrelationID, "event_id": tt.event.ID, "portfolio_id": tt.event.Payload.Portfolio()}
			if tt.own {
				want["correlation_id"] = tt.event.CorrelationID
			}
			if tt.replay != "" {
				want["replay"] = tt.replay
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("annotations (-want +got):\n%s", d)
			}
		})
	}
}

func TestEveryPartOfTheWorkHasASubsegment(t *testing.T) {
	t.Parallel()
	got := handle(t, started(), "", false, skipped)
	want := []string{"WorkflowStarted", "claim", "handler", "outbox", "publish", "done"}
	if d := cmp.Diff(want, got.names); d != "" {
		t.Errorf("subsegments (-want +got):\n%s", d)
	}
}
