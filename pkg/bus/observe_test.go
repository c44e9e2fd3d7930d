package bus_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/the-alchemiser/alchemiser/pkg/bus"
	"github.com/the-alchemiser/alchemiser/pkg/events"
)

// publisher answers with err after a second.
type publisher struct{ err error }

func (p publisher) Publish(context.Context, ...events.Event) error {
	time.Sleep(time.Second)
	return p.err
}

func TestObserveTellsWhatWasAccepted(t *testing.T) {
	a, b := events.Event{ID: "a"}, events.Event{ID: "b"}
	for name, tt := range map[string]struct {
		err      error
		accepted string
	}{
		"all":                {nil, "ab"},
		"a part":             {bus.NewPublishError([]bus.Rejected{{Event: a}}), "b"},
		"nobody knows which": {errors.New("closed"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var told []bus.Publication
				p := bus.Observe(publisher{tt.err}, time.Now, func(_ context.Context, p bus.Publication) { told = append(told, p) })
				if err := p.Publish(t.Context(), a, b); !errors.Is(err, tt.err) {
					t.Errorf("Publish = %v, want the publisher's own error", err)
				}
				accepted := ""
				for _, e := range told[0].Accepted {
					accepted += e.ID
				}
				if len(told) != 1 || accepted != tt.accepted || told[0].Took != time.Second || !errors.Is(told[0].Err, tt.err) {
					t.Errorf("told %+v, want once, %q accepted, after a second", told, tt.accepted)
				}
			})
		})
	}
}
