//nolint:thelper // these are the tests themselves: failures must point at their own lines
package bustest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/the-alchemiser/alchemiser/pkg/bus"
	"github.com/the-alchemiser/alchemiser/pkg/events"
	"github.com/the-alchemiser/alchemiser/pkg/fault"
)

// Functions of the suite. A harness for a deployed bus may make them before the suite subscribes.
const (
	First  = "first"
	Second = "second"
)

func deliversAsPublished(t *testing.T, h Harness) {
	in := newInbox(nil)
	h.Subscribe(First, in.handle, events.TypeWorkflowCompleted)
	h.Start()
	sent := completed("e-1")
	sent.Metadata = map[string]string{"note": "for \"people\", <&> é 世界"}
	sent.Extra = map[string]json.RawMessage{"later": json.RawMessage(`{"a":1.50}`)}
	publish(t, h, sent)
	in.awaitIDs(t, h, "e-1")
	d := in.deliveries()[0]
	got, err := events.Decode(d.DetailType, d.Detail)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(sent, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("arrived otherwise (-sent +arrived):\n%s", diff)
	}
	if d.Source != "alchemiser.execution" || d.DetailType != "WorkflowCompleted" || d.ReplayName != "" || d.RequestID == "" || d.Time.IsZero() {
		t.Errorf("delivery is %+v, want source, type, request id and time, and no replay", d)
	}
	raw, err := bus.ParseEnvelope(d.Raw)
	if err != nil || raw.DetailType != d.DetailType || raw.Source != d.Source {
		t.Errorf("raw is %s, %v, want the envelope for the dead letter queue", d.Raw, err)
	}
	if want := []string{"correlation:" + sent.CorrelationID, "causation:" + sent.CausationID}; !slices.Equal(raw.Resources, want) {
		t.Errorf("resources are %q, want %q", raw.Resources, want)
	}
}

func fansOut(t *testing.T, h Harness) {
	one, two := newInbox(nil), newInbox(nil)
	h.Subscribe(First, one.handle, events.TypeWorkflowCompleted)
	h.Subscribe(Second, two.handle)
	h.Start()
	publish(t, h, completed("e-1"))
	one.awaitIDs(t, h, "e-1")
	two.awaitIDs(t, h, "e-1")
	if a, b := one.deliveries()[0].RequestID, two.deliveries()[0].RequestID; a == b {
		t.Errorf("both functions got the delivery %s, want one each", a)
	}
}

func filters(t *testing.T, h Harness) {
	some, all := newInbox(nil), newInbox(nil)
	h.Subscribe(First, some.handle, events.TypeWorkflowStarted, events.TypeWorkflowFailed)
	h.Subscribe(Second, all.handle)
	h.Start()
	publish(t, h, completed("e-1"), started("e-2"), failed("e-3"))
	some.awaitIDs(t, h, "e-2", "e-3")
	all.awaitIDs(t, h, "e-1", "e-2", "e-3")
	if got := some.ids(); slices.Contains(got, "e-1") {
		t.Errorf("the function got %q, want its types only", got)
	}
}

func redelivers(t *testing.T, h Harness) {
	in := newInbox(func(_ string, n int) error {
		if n == 1 {
			return errors.New("not this time")
		}
		return nil
	})
	h.Subscribe(First, in.handle)
	h.Start()
	publish(t, h, completed("e-1"))
	in.await(t, h, "the second attempt", func() bool { return len(in.deliveries()) >= 2 })
	ds := in.deliveries()
	if ds[0].RequestID != ds[1].RequestID {
		t.Errorf("attempts have the request ids %s and %s, want the same", ds[0].RequestID, ds[1].RequestID)
	}
	if string(ds[0].Detail) != string(ds[1].Detail) {
		t.Errorf("attempts carry %s and %s, want the same", ds[0].Detail, ds[1].Detail)
	}
}

func deadLetters(t *testing.T, h Harness) {
	in := newInbox(func(event string, _ int) error {
		if event == "e-bad" {
			return fault.New(fault.Invalid, "never")
		}
		return nil
	})
	h.Subscribe(First, in.handle)
	h.Start()
	publish(t, h, completed("e-bad"), completed("e-good"))
	awaitDead(t, h, First, "e-bad")
	attempts := 0
	for _, d := range in.deliveries() {
		if e, err := events.Decode(d.DetailType, d.Detail); err == nil && e.ID == "e-bad" {
			attempts++
		}
	}
	if attempts != h.Attempts {
		t.Errorf("attempted %d times, want %d", attempts, h.Attempts)
	}
	in.awaitIDs(t, h, "e-bad", "e-good")
}

func isolates(t *testing.T, h Harness) {
	bad := newInbox(func(string, int) error { return errors.New("always") })
	good := newInbox(nil)
	h.Subscribe(First, bad.handle)
	h.Subscribe(Second, good.handle)
	h.Start()
	publish(t, h, completed("e-1"))
	awaitDead(t, h, First, "e-1")
	good.awaitIDs(t, h, "e-1")
	if n := len(h.DeadLetters(Second)); n != 0 {
		t.Errorf("the other function has %d dead letters, want none", n)
	}
}

func takesLargeBatches(t *testing.T, h Harness) {
	in := newInbox(nil)
	h.Subscribe(First, in.handle)
	h.Start()
	var batch []events.Event
	var want []string
	for i := range 57 {
		e := completed(fmt.Sprintf("e-%02d", i))
		e.Metadata = map[string]string{"padding": strings.Repeat("x", 20_000)} // so that ten do not fit into one call
		batch, want = append(batch, e), append(want, e.ID)
	}
	publish(t, h, batch...)
	in.awaitIDs(t, h, want...)
}

func rejectsExactly(t *testing.T, h Harness) {
	in := newInbox(nil)
	h.Subscribe(First, in.handle)
	h.Start()
	large, invalid := completed("e-large"), completed("e-invalid")
	large.Metadata = map[string]string{"padding": strings.Repeat("x", events.DefaultSizeLimit)}
	invalid.Payload = events.WorkflowCompleted{}
	err := h.Publish(t.Context(), completed("e-1"), large, completed("e-2"), invalid, completed("e-3"))
	var publish *bus.PublishError
	if !errors.As(err, &publish) {
		t.Fatalf("Publish = %v, want a *bus.PublishError", err)
	}
	var rejected []string
	for _, r := range publish.Rejected {
		rejected = append(rejected, r.Event.ID)
	}
	slices.Sort(rejected)
	if want := []string{"e-invalid", "e-large"}; !slices.Equal(rejected, want) {
		t.Errorf("rejected %q, want %q", rejected, want)
	}
	var size *events.SizeError
	if !errors.As(err, &size) || fault.CodeOf(err) != fault.Invalid {
		t.Errorf("Publish = %v (%s), want the size error behind it and invalid", err, fault.CodeOf(err))
	}
	in.awaitIDs(t, h, "e-1", "e-2", "e-3")
}

func concurrent(t *testing.T, h Harness) {
	in := newInbox(nil)
	h.Subscribe(First, in.handle)
	h.Start()
	want := map[string]bool{}
	var wg sync.WaitGroup
	for i := range 20 {
		var batch []events.Event
		for j := range 5 {
			e := completed(fmt.Sprintf("e-%02d-%d", i, j))
			batch, want[e.ID] = append(batch, e), true
		}
		wg.Go(func() {
			if err := h.Publish(t.Context(), batch...); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	in.awaitIDs(t, h, slices.Collect(maps.Keys(want))...)
}

func publishesNothing(t *testing.T, h Harness) {
	h.Start()
	publish(t, h)
}

func heedsContext(t *testing.T, h Harness) {
	in := newInbox(nil)
	h.Subscribe(First, in.handle)
	h.Start()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	err := h.Publish(ended, completed("e-late"))
	var publishing *bus.PublishError
	if !errors.As(err, &publishing) || len(publishing.Rejected) != 1 || !errors.Is(err, context.Canceled) || fault.CodeOf(err) != fault.Transient {
		t.Errorf("Publish = %v (%s), want the event rejected as transient because the context was cancelled", err, fault.CodeOf(err))
	}
	publish(t, h, completed("e-1"))
	in.awaitIDs(t, h, "e-1")
}

func replays(t *testing.T, h Harness) {
	one, two := newInbox(nil), newInbox(nil)
	h.Subscribe(First, one.handle)
	h.Subscribe(Second, two.handle)
	h.Start()
	publish(t, h, completed("e-1"))
	one.awaitIDs(t, h, "e-1")
	two.awaitIDs(t, h, "e-1")
	h.Replay("again", First)
	one.await(t, h, "the replayed event", func() bool { return len(one.deliveries()) >= 2 })
	first, second := one.deliveries()[0], one.deliveries()[1]
	if second.ReplayName != "again" || second.RequestID == first.RequestID || string(second.Detail) != string(first.Detail) {
		t.Errorf("replayed as %+v, want the same detail marked \"again\" in a delivery of its own", second)
	}
	if n := len(two.deliveries()); n != 1 {
		t.Errorf("the other function got %d deliveries, want the one before the replay", n)
	}
}

func publish(t *testing.T, h Harness, es ...events.Event) {
	t.Helper()
	if err := h.Publish(t.Context(), es...); err != nil {
		t.Fatal(err)
	}
}

// Samples: the smallest events of three types.

func sample(id string, p events.Payload) events.Event {
	return events.Event{
		ID: id, CorrelationID: "run-1", CausationID: "cause-1", SchemaVersion: events.SchemaVersion,
		Timestamp: time.Date(2026, 3, 2, 20, 45, 1, 0, time.UTC), SourceModule: "execution", SourceComponent: "suite", Payload: p,
	}
}

func started(id string) events.Event { return sample(id, events.WorkflowStarted{PortfolioID: "core"}) }

func completed(id string) events.Event {
	return sample(id, events.WorkflowCompleted{PortfolioID: "core", Outcome: events.OutcomeSkipped, Reason: "the market is closed"})
}

func failed(id string) events.Event {
	return sample(id, events.WorkflowFailed{
		PortfolioID: "core", Attempt: 1, Function: First, FailedEventID: "e-0", FailedEventType: events.TypeWorkflowStarted,
		Code: fault.Internal, Reason: "a test",
	})
}
