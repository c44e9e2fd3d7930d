package membus_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/the-alchemiser/alchemiser/pkg/bus"
	"github.com/the-alchemiser/alchemiser/pkg/bus/bustest"
	"github.com/the-alchemiser/alchemiser/pkg/bus/membus"
	"github.com/the-alchemiser/alchemiser/pkg/events"
	"github.com/the-alchemiser/alchemiser/pkg/fault"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	bustest.Run(t, func(t *testing.T) bustest.Harness {
		t.Helper()
		b := newBus(t, func(c *membus.Config) { c.RetryDelays = []time.Duration{time.Millisecond, 2 * time.Millisecond} })
		return bustest.Harness{
			Publisher: b, Subscriber: b, Start: func() {}, Attempts: 3, Patience: 30 * time.Second,
			DeadLetters: func(function string) []string {
				var ids []string
				for _, d := range b.DeadLetters() {
					if e, err := events.Decode(d.Delivery.DetailType, d.Delivery.Detail); err == nil && d.Function == function {
						ids = append(ids, e.ID)
					}
				}
				return ids
			},
			Replay: func(name, function string) {
				now := time.Now()
				r := membus.Replay{Name: name, From: now.Add(-time.Hour), To: now.Add(time.Hour), Functions: []string{function}}
				if err := b.Replay(t.Context(), r); err != nil {
					t.Error(err)
				}
			},
		}
	})
}

func newBus(t *testing.T, change func(*membus.Config)) *membus.Bus {
	t.Helper()
	cfg := membus.Config{SourcePrefix: "alchemiser", Now: time.Now}
	change(&cfg)
	b, err := membus.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return b
}

func completed(id string) events.Event {
	return events.Event{
		ID: id, CorrelationID: "run-1", CausationID: "run-1", SchemaVersion: events.SchemaVersion,
		Timestamp: time.Date(2026, 3, 2, 20, 45, 1, 0, time.UTC), SourceModule: "execution",
		Payload: events.WorkflowCompleted{PortfolioID: "core", Outcome: events.OutcomeSkipped, Reason: "the market is closed"},
	}
}

func publish(t *testing.T, b *membus.Bus, ids ...string) {
	t.Helper()
	for _, id := range ids {
		if err := b.Publish(t.Context(), completed(id)); err != nil {
			t.Fatal(err)
		}
	}
}

func wait(t *testing.T, b *membus.Bus) {
	t.Helper()
	if err := b.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestAttemptsAreSpacedAsConfigured(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBus(t, func(c *membus.Config) { c.RetryDelays = []time.Duration{time.Minute, 2 * time.Minute} })
		start := time.Now()
		var at []time.Duration
		broken := errors.New("broken")
		b.Subscribe("f", func(context.Context, bus.Delivery) error {
			at = append(at, time.Since(start))
			return broken
		})
		publish(t, b, "e-1")
		wait(t, b)
		if len(at) != 3 || at[0] != 0 || at[1] != time.Minute || at[2] != 3*time.Minute {
			t.Errorf("attempts came after %v, want at once, after 1 and after 2 more minutes", at)
		}
		dead := b.DeadLetters()
		if len(dead) != 1 || dead[0].Condition != membus.RetriesExhausted || dead[0].Attempts != 3 || !errors.Is(dead[0].Err, broken) || dead[0].Function != "f" {
			t.Errorf("dead letters are %+v, want one of f after 3 attempts with its last error", dead)
		}
	})
}

func TestEventThatWouldBeTooOldIsGivenUpAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBus(t, func(c *membus.Config) {
			c.RetryDelays, c.MaxEventAge = []time.Duration{time.Minute, 2 * time.Minute}, 90*time.Second
		})
		b.Subscribe("f", func(context.Context, bus.Delivery) error { return errors.New("broken") })
		start := time.Now()
		publish(t, b, "e-1")
		wait(t, b)
		dead := b.DeadLetters()
		if len(dead) != 1 || dead[0].Condition != membus.EventAgeExceeded || dead[0].Attempts != 2 || dead[0].At.Sub(start) != time.Minute {
			t.Errorf("dead letters are %+v, want one given up after the second attempt at 1 minute, without waiting for a third", dead)
		}
	})
}

func TestPanicAndTimeoutAreFailedAttempts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBus(t, func(c *membus.Config) { c.AttemptTimeout = time.Second })
		b.Subscribe("panics", func(context.Context, bus.Delivery) error { panic("at the disco") })
		b.Subscribe("hangs", func(ctx context.Context, _ bus.Delivery) error { <-ctx.Done(); return ctx.Err() })
		publish(t, b, "e-1")
		wait(t, b)
		reasons := map[string]error{}
		for _, d := range b.DeadLetters() {
			reasons[d.Function] = d.Err
		}
		if err := reasons["panics"]; err == nil || !strings.Contains(err.Error(), "at the disco") {
			t.Errorf("the panic was kept as %v", err)
		}
		if err := reasons["hangs"]; !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the time-out was kept as %v", err)
		}
	})
}

func TestDeadLettersAreGivenAwayBeforeTheBusIsIdle(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var buried []membus.DeadLetter
		b := newBus(t, func(c *membus.Config) {
			c.RetryDelays = []time.Duration{time.Minute}
			c.Bury = func(l membus.DeadLetter) { buried = append(buried, l) }
		})
		b.Subscribe("f", func(context.Context, bus.Delivery) error { return errors.New("broken") })
		publish(t, b, "e-1")
		wait(t, b)
		if len(buried) != 1 || buried[0].Attempts != 2 || buried[0].Condition != membus.RetriesExhausted || buried[0].At.IsZero() {
			t.Errorf("buried %+v, want the one delivery after its two attempts", buried)
		}
	})
}

func TestPublishWaitsForRoomAndGivesUpWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBus(t, func(c *membus.Config) { c.QueueSize = 2 })
		release := make(chan struct{})
		b.Subscribe("slow", func(context.Context, bus.Delivery) error { <-release; return nil })
		publish(t, b, "e-1", "e-2")
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		err := b.Publish(ctx, completed("e-3"))
		var rejected *bus.PublishError
		if !errors.As(err, &rejected) || len(rejected.Rejected) != 1 || fault.CodeOf(err) != fault.Transient || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Publish into a full queue = %v, want e-3 rejected as transient at the deadline", err)
		}
		close(release)
		publish(t, b, "e-3")
		wait(t, b)
	})
}

func TestARejectedEventReachesNobodyAndIsNotArchived(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBus(t, func(c *membus.Config) { c.QueueSize = 1 })
		var fast atomic.Int32
		release := make(chan struct{})
		b.Subscribe("fast", func(context.Context, bus.Delivery) error { fast.Add(1); return nil })
		b.Subscribe("slow", func(context.Context, bus.Delivery) error { <-release; return nil })
		publish(t, b, "e-1")
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := b.Publish(ctx, completed("e-2")); err == nil {
			t.Error("an event was accepted for which one function had no room")
		}
		close(release)
		wait(t, b)
		if n := fast.Load(); n != 1 {
			t.Errorf("the function with room handled %d events, want the accepted one", n)
		}
		now := time.Now()
		if err := b.Replay(t.Context(), membus.Replay{Name: "r", From: now.Add(-time.Hour), To: now.Add(time.Hour), Functions: []string{"fast"}}); err != nil {
			t.Fatal(err)
		}
		wait(t, b)
		if n := fast.Load(); n != 2 {
			t.Errorf("a replay delivered %d events, want the accepted one", n-1)
		}
	})
}

func TestFunctionHandlesNoMoreAtOnceThanAllowed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBus(t, func(c *membus.Config) { c.Concurrency = 3 })
		var running, most atomic.Int32
		b.Subscribe("f", func(context.Context, bus.Delivery) error {
			most.Store(max(most.Load(), running.Add(1)))
			time.Sleep(time.Second)
			running.Add(-1)
			return nil
		})
		start := time.Now()
		publish(t, b, "1", "2", "3", "4", "5", "6", "7")
		wait(t, b)
		if most.Load() != 3 || time.Since(start) != 3*time.Second {
			t.Errorf("%d ran at once and all took %s, want 3 and 3s", most.Load(), time.Since(start))
		}
	})
}

func TestCloseKeepsWhatIsNotDoneAsDeadLetters(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBus(t, func(c *membus.Config) { c.RetryDelays = []time.Duration{time.Hour} })
		b.Subscribe("f", func(context.Context, bus.Delivery) error { return errors.New("broken") })
		publish(t, b, "e-1")
		synctest.Wait()
		if err := b.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		if dead := b.DeadLetters(); len(dead) != 1 || dead[0].Condition != membus.BusClosed || dead[0].Attempts != 1 {
			t.Errorf("dead letters are %+v, want the delivery that waited for its second attempt", dead)
		}
		err := b.Publish(t.Context(), completed("e-2"))
		if fault.CodeOf(err) != fault.Transient || !strings.Contains(err.Error(), "closed") {
			t.Errorf("Publish = %v, want a transient error that says the bus is closed", err)
		}
	})
}

func TestWaitEndsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBus(t, func(*membus.Config) {})
		b.Subscribe("f", func(ctx context.Context, _ bus.Delivery) error { <-ctx.Done(); return nil })
		publish(t, b, "e-1")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := b.Wait(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Wait = %v, want the deadline", err)
		}
	})
}

func TestReplayIsOfItsPeriodAndRetention(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBus(t, func(c *membus.Config) { c.ArchiveRetention = 48 * time.Hour })
		var mu sync.Mutex
		replayed := map[string]int{}
		b.Subscribe("f", func(_ context.Context, d bus.Delivery) error {
			e, err := events.Decode(d.DetailType, d.Detail)
			mu.Lock()
			defer mu.Unlock()
			if d.ReplayName != "" {
				replayed[e.ID]++
			}
			return err
		})
		begin := time.Now()
		for _, id := range []string{"day-0", "day-1", "day-2", "day-3"} {
			publish(t, b, id)
			wait(t, b)
			time.Sleep(24 * time.Hour)
		}
		for range 2 { // what is replayed is not archived again
			if err := b.Replay(t.Context(), membus.Replay{Name: "r", From: begin, To: begin.Add(72 * time.Hour)}); err != nil {
				t.Fatal(err)
			}
			wait(t, b)
		}
		if len(replayed) != 2 || replayed["day-1"] != 2 || replayed["day-2"] != 2 {
			t.Errorf("replayed %v, want day-1 and day-2 twice: day-0 is past the retention, day-3 past the period", replayed)
		}
		if err := b.Replay(t.Context(), membus.Replay{From: begin, To: begin}); fault.CodeOf(err) != fault.Invalid {
			t.Errorf("Replay without a name and a period = %v, want an invalid error", err)
		}
	})
}

func TestNewNamesEveryFaultOfItsConfig(t *testing.T) {
	t.Parallel()
	_, err := membus.New(membus.Config{QueueSize: -1})
	for _, want := range []string{"source prefix is required", "now is required", "0 or more"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("New = %v, want it to say %q", err, want)
		}
	}
}
