package consumer_test

import (
	"context"
	"testing"

	"github.com/the-alchemiser/alchemiser/internal/consumer"
	"github.com/the-alchemiser/alchemiser/pkg/events"
)

// annotated is a tracer that keeps what the work can be found by.
type annotated struct{ annotations map[string]string }

func (a *annotated) Trace(ctx context.Context, _ string, annotations map[string]string, f func(context.Context) error) error {
	a.annotations = annotations
	return f(ctx)
}

// A workflow's correlation id must find one trace: that of its publishers.
func TestCorrelationIDAnnotatesTheWorkflowsOwnTraceAlone(t *testing.T) {
	t.Parallel()
	later := started()
	later.ID, later.CausationID = "later", "an event"
	for name, tt := range map[string]struct {
		event    events.Event
		observer bool
		replay   string
		want     string
	}{
		"the function that begins the workflow":     {event: started(), want: "correlation_id"},
		"an observer that sees it begin":            {event: started(), observer: true, want: "observed_correlation_id"},
		"an observer that sees a published event":   {event: later, observer: true, want: "correlation_id"},
		"an observer that sees a replay of the day": {event: later, observer: true, replay: "again", want: "observed_correlation_id"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := (&world{}).config(func(context.Context, events.Event) ([]events.Payload, error) { return nil, nil })
			tracer := &annotated{}
			cfg.Tracer, cfg.Observer = tracer, tt.observer
			c, err := consumer.New(cfg)
			if err != nil {
				t.Fatal(err)
			}
			w, err := events.Encode(tt.event, "alchemiser")
			if err != nil {
				t.Fatal(err)
			}
			d := delivery("request-1")
			d.DetailType, d.Detail, d.ReplayName = w.DetailType, w.Detail, tt.replay
			if err := c.Handle(t.Context(), d); err != nil {
				t.Fatal(err)
			}
			for _, key := range []string{"correlation_id", "observed_correlation_id"} {
				if _, ok := tracer.annotations[key]; ok != (key == tt.want) {
					t.Errorf("annotations are %v, want only %s of the two", tracer.annotations, tt.want)
				}
			}
			if got := tracer.annotations[tt.want]; got != tt.event.CorrelationID {
				t.Errorf("%s is %q, want %q", tt.want, got, tt.event.CorrelationID)
			}
		})
	}
}
