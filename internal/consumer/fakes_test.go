package consumer_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/the-alchemiser/alchemiser/internal/consumer"
	"github.com/the-alchemiser/alchemiser/internal/consumer/consumertest"
	"github.com/the-alchemiser/alchemiser/pkg/bus"
	"github.com/the-alchemiser/alchemiser/pkg/events"
	"github.com/the-alchemiser/alchemiser/pkg/fault"
)

const (
	flushMargin  = 3 * time.Second
	pollInterval = time.Second
	timeout      = time.Minute
)

// world is everything around a consumer, working, in memory. Before and after each call of a port it calls step, which a
// test replaces to break things.
type world struct {
	consumertest.Memory

	mu        sync.Mutex
	step      func(name string) error
	published []events.Event
	letters   []consumer.DeadLetter
	errors    []error
	fields    []map[string]string
	outcomes  []consumer.Outcome
	handled   int
	done      int
}

func (w *world) at(name string) error {
	if w.step == nil {
		return nil
	}
	return w.step(name)
}

func (w *world) Get(ctx context.Context, key consumer.Key) (consumer.Claim, bool, error) {
	if err := w.at("before Get"); err != nil {
		return consumer.Claim{}, false, err
	}
	return w.Memory.Get(ctx, key)
}

func (w *world) Swap(ctx context.Context, prev string, next consumer.Claim, outbox []events.Event) (consumer.Claim, error) {
	name := "Swap to " + string(next.Status)
	if err := errors.Join(w.at("before "+name), ctx.Err()); err != nil {
		return consumer.Claim{}, err
	}
	stored, err := w.Memory.Swap(ctx, prev, next, outbox)
	if stored.Token == next.Token && next.Status == consumer.StatusDone {
		w.mu.Lock()
		w.done++
		w.mu.Unlock()
	}
	return stored, errors.Join(err, w.at("after "+name))
}

func (w *world) Publish(ctx context.Context, es ...events.Event) error {
	if err := errors.Join(w.at("before Publish"), ctx.Err()); err != nil {
		return err
	}
	w.mu.Lock()
	w.published = append(w.published, es...)
	w.mu.Unlock()
	return w.at("after Publish")
}

func (w *world) Send(ctx context.Context, d consumer.DeadLetter) error {
	if err := errors.Join(w.at("before Send"), ctx.Err()); err != nil {
		return err
	}
	w.mu.Lock()
	w.letters = append(w.letters, d)
	w.mu.Unlock()
	return w.at("after Send")
}

func (w *world) Trace(ctx context.Context, _ string, _ map[string]string, f func(context.Context) error) error {
	return f(ctx)
}

func (w *world) With(ctx context.Context, _ map[string]string) context.Context { return ctx }

func (w *world) Info(context.Context, string, map[string]string) {}

func (w *world) Error(_ context.Context, _ string, err error, fields map[string]string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.errors, w.fields = append(w.errors, err), append(w.fields, fields)
}

func (w *world) Delivered(_ context.Context, o consumer.Outcome) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.outcomes = append(w.outcomes, o)
}

// only returns the published events of a type.
func (w *world) only(t events.Type) []events.Event {
	return slices.DeleteFunc(slices.Clone(w.published), func(e events.Event) bool { return e.Type() != t })
}

// claim returns the only claim.
func (w *world) claim(t *testing.T) consumer.Claim {
	t.Helper()
	all := w.All()
	if len(all) != 1 {
		t.Fatalf("there are %d claims, want 1: %+v", len(all), all)
	}
	return all[0]
}

// config is that of a function in w; tests change it.
func (w *world) config(handler consumer.Handler) consumer.Config {
	return consumer.Config{
		Function: "strategy", Component: "handler", SourcePrefix: "alchemiser", SizeLimit: events.DefaultSizeLimit,
		Handler: func(ctx context.Context, in events.Event) ([]events.Payload, error) {
			w.mu.Lock()
			w.handled++
			w.mu.Unlock()
			return handler(ctx, in)
		},
		Claims: w, Publisher: w, DeadLetters: w, Tracer: w, Logger: w, Meter: w, Now: time.Now, MaxAttempts: 3,
		FlushMargin: flushMargin, Lease: 15 * time.Minute, PollInterval: pollInterval,
	}
}

func (w *world) consumer(t *testing.T, handler consumer.Handler) *consumer.Consumer {
	t.Helper()
	return newConsumer(t, w.config(handler))
}

func newConsumer(t *testing.T, cfg consumer.Config) *consumer.Consumer {
	t.Helper()
	c, err := consumer.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// deliver hands the event to c as Lambda does: with a deadline.
func deliver(t *testing.T, c *consumer.Consumer, d bus.Delivery) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()
	return c.Handle(ctx, d)
}

func started() events.Event {
	return events.Event{
		ID: "event-1", CorrelationID: "run-1", CausationID: "run-1", SchemaVersion: events.SchemaVersion,
		Timestamp: time.Date(2026, 3, 2, 20, 45, 0, 0, time.UTC), SourceModule: "scheduler", SourceComponent: "test",
		Metadata: map[string]string{}, Payload: events.WorkflowStarted{PortfolioID: "main"},
	}
}

// delivery returns the delivery of started with a request id.
func delivery(requestID string) bus.Delivery {
	wire, err := events.Encode(started(), "alchemiser")
	if err != nil {
		panic(err)
	}
	return bus.Delivery{
		RequestID: requestID, DetailType: wire.DetailType, Source: wire.Source, Detail: wire.Detail, Raw: []byte("raw " + requestID),
	}
}

// skipped answers with one event.
func skipped(context.Context, events.Event) ([]events.Payload, error) {
	return []events.Payload{completed("market closed")}, nil
}

func completed(reason string) events.WorkflowCompleted {
	return events.WorkflowCompleted{PortfolioID: "main", Outcome: events.OutcomeSkipped, Reason: reason}
}

// failing answers with an error of a code.
func failing(code fault.Code) consumer.Handler {
	return func(context.Context, events.Event) ([]events.Payload, error) {
		return nil, fault.New(code, "the reason")
	}
}

// failAt returns a step that fails the first time that name comes.
func failAt(name string) func(string) error {
	failed := false
	return func(at string) error {
		if at != name || failed {
			return nil
		}
		failed = true
		return fault.New(fault.Transient, "broken %s", name)
	}
}

func wantCode(t *testing.T, err error, want fault.Code) {
	t.Helper()
	if got := fault.CodeOf(err); got != want {
		t.Fatalf("error %v has code %q, want %q", err, got, want)
	}
}

func count[T any](t *testing.T, what string, got []T, want int) {
	t.Helper()
	if len(got) != want {
		t.Errorf("%s: %d, want %d: %s", what, len(got), want, fmt.Sprintf("%+v", got))
	}
}
