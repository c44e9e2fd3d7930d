// Package bustest holds every implementation of the bus to the same promises. A test of an implementation builds a
// Harness and calls Run.
package bustest

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/the-alchemiser/alchemiser/pkg/bus"
	"github.com/the-alchemiser/alchemiser/pkg/events"
)

// Harness is one bus under test with nothing on it. Its source prefix is "alchemiser" and its size limit the default.
type Harness struct {
	bus.Publisher
	bus.Subscriber
	// Start makes the bus deliver; the suite calls it once, after its subscriptions.
	Start func()
	// Attempts is how often a delivery that always fails is attempted.
	Attempts int
	// DeadLetters returns the ids of the events that were given up for function so far.
	DeadLetters func(function string) []string
	// Replay delivers the archived events of the last hour again under name, to function alone. Nil means that the bus
	// has no archive; what concerns replays is not tested then.
	Replay func(name, function string)
	// Patience is how long the suite waits for what must come. It is no measure of speed.
	Patience time.Duration
}

// Run runs the suite. harness is called once for each test; it cleans up after itself by the test's Cleanup.
func Run(t *testing.T, harness func(*testing.T) Harness) {
	t.Helper()
	for name, test := range map[string]func(*testing.T, Harness){
		"delivers what was published, as it was":              deliversAsPublished,
		"hands each function its own copy":                    fansOut,
		"hands a function its types only":                     filters,
		"attempts again after an error, as the same delivery": redelivers,
		"gives up after the attempts and keeps the event":     deadLetters,
		"one function's failure does not touch another's":     isolates,
		"takes large batches whole":                           takesLargeBatches,
		"names exactly the events that it did not accept":     rejectsExactly,
		"serves many publishers at once":                      concurrent,
		"publishing nothing is no error":                      publishesNothing,
		"does not publish under a context that has ended":     heedsContext,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, harness(t))
		})
	}
	t.Run("marks replayed events, each a delivery of its own", func(t *testing.T) {
		t.Parallel()
		h := harness(t)
		if h.Replay == nil {
			t.Log("this bus declares that it has no archive")
			return
		}
		replays(t, h)
	})
}

// inbox is a handler that keeps what it gets.
type inbox struct {
	mu      sync.Mutex
	got     []bus.Delivery
	arrived chan struct{}
	// fail, if set, decides what the n-th delivery of an event returns, from 1.
	fail func(event string, n int) error
	seen map[string]int
}

func newInbox(fail func(event string, n int) error) *inbox {
	return &inbox{arrived: make(chan struct{}, 100_000), fail: fail, seen: map[string]int{}}
}

func (in *inbox) handle(_ context.Context, d bus.Delivery) error {
	e, err := events.Decode(d.DetailType, d.Detail)
	if err != nil {
		return err
	}
	in.mu.Lock()
	in.got = append(in.got, d)
	in.seen[e.ID]++
	n := in.seen[e.ID]
	in.mu.Unlock()
	in.arrived <- struct{}{}
	if in.fail != nil {
		return in.fail(e.ID, n)
	}
	return nil
}

func (in *inbox) deliveries() []bus.Delivery {
	in.mu.Lock()
	defer in.mu.Unlock()
	return slices.Clone(in.got)
}

// ids returns the events that arrived, sorted, each once.
func (in *inbox) ids() []string {
	var ids []string
	for _, d := range in.deliveries() {
		if e, err := events.Decode(d.DetailType, d.Detail); err == nil {
			ids = append(ids, e.ID)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// await waits until done says so, asking after each arrival.
func (in *inbox) await(t *testing.T, h Harness, what string, done func() bool) {
	t.Helper()
	timeout := time.NewTimer(h.Patience)
	defer timeout.Stop()
	for !done() {
		select {
		case <-in.arrived:
		case <-timeout.C:
			t.Fatalf("waited %s for %s; arrived: %q", h.Patience, what, in.ids())
		}
	}
}

// awaitIDs waits until exactly want arrived, in any order and any number of times.
func (in *inbox) awaitIDs(t *testing.T, h Harness, want ...string) {
	t.Helper()
	slices.Sort(want)
	in.await(t, h, "all events", func() bool { return len(in.ids()) >= len(want) })
	if got := in.ids(); !slices.Equal(got, want) {
		t.Errorf("arrived %q, want %q", got, want)
	}
}

// awaitDead waits until the function's dead letters are exactly want.
func awaitDead(t *testing.T, h Harness, function string, want ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), h.Patience)
	defer cancel()
	poll := time.NewTicker(5 * time.Millisecond)
	defer poll.Stop()
	for {
		got := h.DeadLetters(function)
		slices.Sort(got)
		if slices.Equal(got, want) {
			return
		}
		select {
		case <-poll.C:
		case <-ctx.Done():
			t.Fatalf("dead letters of %s are %q, want %q", function, got, want)
		}
	}
}
