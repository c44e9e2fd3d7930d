package dualbus_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/the-alchemiser/alchemiser/pkg/bus"
	"github.com/the-alchemiser/alchemiser/pkg/bus/dualbus"
	"github.com/the-alchemiser/alchemiser/pkg/events"
	"github.com/the-alchemiser/alchemiser/pkg/fault"
)

// side is a bus that takes its time, refuses the events in refuse, and keeps the rest.
type side struct {
	takes  time.Duration
	refuse map[string]bool
	down   error
	panics int // how many publications end in a panic

	mu   sync.Mutex
	have []string
}

func (s *side) Publish(ctx context.Context, es ...events.Event) error {
	select {
	case <-time.After(s.takes):
	case <-ctx.Done():
		return ctx.Err()
	}
	if s.down != nil {
		return s.down
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.panics > 0 {
		s.panics--
		panic("broken")
	}
	var rejected []bus.Rejected
	for _, e := range es {
		if s.refuse[e.ID] {
			rejected = append(rejected, bus.Rejected{Event: e, Code: "ThrottlingException", Err: fault.New(fault.Transient, "slow down")})
			continue
		}
		s.have = append(s.have, e.ID)
	}
	return bus.NewPublishError(rejected)
}

// observer writes down what it is told.
type observer struct {
	mu    sync.Mutex
	lines []string
}

func (o *observer) Published(_ context.Context, p dualbus.Publication) {
	o.mu.Lock()
	defer o.mu.Unlock()
	ids := ""
	for _, e := range p.Accepted {
		ids += " " + e.ID
	}
	o.lines = append(o.lines, fmt.Sprintf("%s%s %s %v", p.Side, ids, p.Took, p.Err != nil))
}

func completed(id string) events.Event {
	return events.Event{
		ID: id, CorrelationID: "run-1", CausationID: "run-1", SchemaVersion: events.SchemaVersion,
		Timestamp: time.Date(2026, 3, 2, 20, 45, 1, 0, time.UTC), SourceModule: "execution",
		Payload: events.WorkflowCompleted{PortfolioID: "core", Outcome: events.OutcomeSkipped, Reason: "the market is closed"},
	}
}

func newDual(t *testing.T, cfg dualbus.Config) *dualbus.Publisher {
	t.Helper()
	cfg.Now = time.Now
	p, err := dualbus.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestTheShadowGetsWhatThePrimaryHasAccepted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		primary := &side{takes: time.Millisecond, refuse: map[string]bool{"b": true}}
		shadow, seen := &side{takes: 5 * time.Millisecond, refuse: map[string]bool{"d": true}}, &observer{}
		p := newDual(t, dualbus.Config{Primary: primary, Shadow: shadow, Observer: seen})
		err := p.Publish(t.Context(), completed("a"), completed("b"))
		var rejected *bus.PublishError
		if !errors.As(err, &rejected) || len(rejected.Rejected) != 1 || rejected.Rejected[0].Event.ID != "b" {
			t.Errorf("Publish = %v, want the primary's refusal of b", err)
		}
		if err := p.Publish(t.Context(), completed("c"), completed("d")); err != nil {
			t.Errorf("Publish = %v: what the shadow refuses is no error", err)
		}
		if err := p.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff([]string{"a", "c"}, shadow.have); d != "" {
			t.Errorf("the shadow has (-want +got):\n%s", d)
		}
		want := []string{"primary a 1ms true", "primary c d 1ms false", "shadow a 5ms false", "shadow c 5ms true"}
		if d := cmp.Diff(want, seen.lines); d != "" {
			t.Errorf("observed (-want +got):\n%s", d)
		}
	})
}

// The budget of the primary is its own: whatever the shadow does, Publish takes as long as the primary.
func TestAShadowThatIsSlowOrDownCostsThePrimaryNothing(t *testing.T) {
	for name, shadow := range map[string]*side{
		"slow":            {takes: time.Hour},
		"down":            {down: errors.New("no such host")},
		"refusing it all": {refuse: map[string]bool{"e": true}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				primary, seen := &side{takes: time.Millisecond}, &observer{}
				p := newDual(t, dualbus.Config{Primary: primary, Shadow: shadow, Observer: seen, QueueSize: 3, Timeout: time.Minute})
				for range 10 {
					start := time.Now()
					if err := p.Publish(t.Context(), completed("e")); err != nil || time.Since(start) != time.Millisecond {
						t.Errorf("Publish = %v after %s, want nil after 1ms", err, time.Since(start))
					}
				}
				if err := p.Close(t.Context()); err != nil {
					t.Fatal(err)
				}
				failed := 0
				for _, line := range seen.lines {
					if strings.HasPrefix(line, "shadow ") && strings.HasSuffix(line, "true") {
						failed++
					}
				}
				if len(primary.have) != 10 || failed != 10 {
					t.Errorf("the primary has %d events and %d failures of the shadow were told, want 10 and 10", len(primary.have), failed)
				}
			})
		})
	}
}

func TestAShadowThatPanicsIsToldOfAndGoesOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		primary, shadow, seen := &side{}, &side{panics: 1}, &observer{}
		p := newDual(t, dualbus.Config{Primary: primary, Shadow: shadow, Observer: seen})
		for _, id := range []string{"e-1", "e-2"} {
			if err := p.Publish(t.Context(), completed(id)); err != nil {
				t.Fatal(err)
			}
		}
		if err := p.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		if want := []string{"e-2"}; !slices.Equal(shadow.have, want) {
			t.Errorf("the shadow has %v, want %v", shadow.have, want)
		}
		if !slices.Contains(seen.lines, "shadow 0s true") {
			t.Errorf("the observer was told %q, and nothing of the panic", seen.lines)
		}
	})
}

func TestWhatThePrimaryRefusesNeverReachesTheShadow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shadow := &side{}
		p := newDual(t, dualbus.Config{Primary: &side{down: errors.New("closed")}, Shadow: shadow, Observer: &observer{}})
		if err := p.Publish(t.Context(), completed("e")); err == nil || err.Error() != "closed" {
			t.Errorf("Publish = %v, want the primary's own error", err)
		}
		if err := p.Close(t.Context()); err != nil || len(shadow.have) > 0 {
			t.Errorf("Close = %v, the shadow has %v", err, shadow.have)
		}
	})
}

func TestACancelledPublisherDoesNotTakeTheShadowsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shadow := &side{takes: time.Second}
		p := newDual(t, dualbus.Config{Primary: &side{}, Shadow: shadow, Observer: &observer{}})
		ctx, cancel := context.WithCancel(t.Context())
		if err := p.Publish(ctx, completed("e")); err != nil {
			t.Fatal(err)
		}
		cancel()
		if err := p.Close(t.Context()); err != nil || len(shadow.have) != 1 {
			t.Errorf("Close = %v, the shadow has %v, want e", err, shadow.have)
		}
	})
}

func TestCloseEndsWithItsContextAndThenOnlyThePrimaryIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		primary, seen := &side{}, &observer{}
		p := newDual(t, dualbus.Config{Primary: primary, Shadow: &side{takes: time.Hour}, Observer: seen, Timeout: time.Minute})
		for range 2 {
			if err := p.Publish(t.Context(), completed("e")); err != nil {
				t.Fatal(err)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := p.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Close = %v, want the deadline", err)
		}
		if err := p.Publish(t.Context(), completed("f")); err != nil || len(primary.have) != 3 {
			t.Errorf("Publish after Close = %v, the primary has %v", err, primary.have)
		}
		if err := p.Close(t.Context()); err != nil { // a second Close waits for the rest
			t.Error(err)
		}
		if !slices.Contains(seen.lines, "shadow 0s true") {
			t.Errorf("told %q, want that the shadow did not get the last one", seen.lines)
		}
	})
}

func TestNewNamesEveryFaultOfItsConfig(t *testing.T) {
	_, err := dualbus.New(dualbus.Config{QueueSize: -1})
	for _, want := range []string{"primary and shadow", "observer", "now", "0 or more"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("New = %v, want it to say %q", err, want)
		}
	}
}
