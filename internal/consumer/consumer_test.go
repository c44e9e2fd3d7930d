package consumer_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/the-alchemiser/alchemiser/internal/consumer"
	"github.com/the-alchemiser/alchemiser/pkg/events"
	"github.com/the-alchemiser/alchemiser/pkg/fault"
)

func TestWhatFollowsIsPublishedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{}
		c := w.consumer(t, func(context.Context, events.Event) ([]events.Payload, error) {
			return []events.Payload{completed("one"), completed("two")}, nil
		})
		for _, request := range []string{"request-1", "request-1", "request-2"} {
			if err := deliver(t, c, delivery(request)); err != nil {
				t.Fatal(err)
			}
		}
		want := []events.Event{
			events.Follow(started(), 0, completed("one"), events.Origin{Module: "strategy", Component: "handler"}, time.Now()),
			events.Follow(started(), 1, completed("two"), events.Origin{Module: "strategy", Component: "handler"}, time.Now()),
		}
		if d := cmp.Diff(want, w.published); d != "" {
			t.Errorf("published (-want +got):\n%s", d)
		}
		if w.handled != 1 {
			t.Errorf("the handler ran %d times, want once", w.handled)
		}
		if got := w.claim(t).Status; got != consumer.StatusDone {
			t.Errorf("the claim is %s, want done", got)
		}
	})
}

func TestNothingFollows(t *testing.T) {
	w := &world{}
	c := w.consumer(t, func(context.Context, events.Event) ([]events.Payload, error) { return nil, nil })
	if err := deliver(t, c, delivery("request-1")); err != nil {
		t.Fatal(err)
	}
	count(t, "published", w.published, 0)
	if got := w.claim(t).Status; got != consumer.StatusDone {
		t.Errorf("the claim is %s, want done", got)
	}
}

func TestLivingDeliveryIsWaitedFor(t *testing.T) {
	tests := map[string]struct {
		// first says how long the first delivery works and how it ends; the second comes a second after it.
		first       func() ([]events.Payload, error)
		wantCode    fault.Code
		wantHandled int
	}{
		"until it is done": {
			first: func() ([]events.Payload, error) {
				time.Sleep(10 * time.Second)
				return skipped(t.Context(), started())
			},
			wantHandled: 1,
		},
		"until it has failed and freed the claim": {
			first: func() ([]events.Payload, error) {
				time.Sleep(10 * time.Second)
				return nil, fault.New(fault.Transient, "later")
			},
			wantHandled: 2,
		},
		"not past our own deadline": {
			first: func() ([]events.Payload, error) {
				time.Sleep(timeout)
				return nil, fault.New(fault.Transient, "too late")
			},
			wantCode: fault.Transient, wantHandled: 1,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := &world{}
				var runs atomic.Int32
				c := w.consumer(t, func(ctx context.Context, in events.Event) ([]events.Payload, error) {
					if runs.Add(1) == 1 {
						return tt.first()
					}
					return skipped(ctx, in)
				})
				go func() { _ = deliver(t, c, delivery("request-1")) }()
				time.Sleep(time.Second)
				began := time.Now()
				// The second delivery has less time than the first.
				ctx, cancel := context.WithTimeout(t.Context(), timeout/2)
				defer cancel()
				wantCode(t, c.Handle(ctx, delivery("request-2")), tt.wantCode)
				if left := timeout/2 - time.Since(began); left < flushMargin {
					t.Errorf("the second delivery returned %s before its deadline, want at least the flush margin", left)
				}
				synctest.Wait()
				if w.handled != tt.wantHandled {
					t.Errorf("the handler ran %d times, want %d", w.handled, tt.wantHandled)
				}
				time.Sleep(2 * timeout)
			})
		})
	}
}

func TestExpiredLeaseIsTakenOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{}
		c := w.consumer(t, skipped)
		crash(t, w, c, "request-1", "after Swap to running")
		time.Sleep(timeout - 10*time.Second)
		if err := deliver(t, c, delivery("request-2")); err != nil {
			t.Fatal(err)
		}
		if got := w.claim(t); got.Owner != "request-2" || got.Status != consumer.StatusDone {
			t.Errorf("the claim is %s by %s, want done by request-2", got.Status, got.Owner)
		}
	})
}

func TestSameDeliveryTakesOverAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{}
		c := w.consumer(t, skipped)
		crash(t, w, c, "request-1", "after Swap to running")
		began := time.Now()
		if err := deliver(t, c, delivery("request-1")); err != nil {
			t.Fatal(err)
		}
		if waited := time.Since(began); waited > 0 {
			t.Errorf("the next attempt waited %s", waited)
		}
		if got := w.claim(t).Attempts["request-1"]; got != 2 {
			t.Errorf("%d attempts are counted, want 2", got)
		}
	})
}

func TestHandlerLeavesTheFlushMargin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{}
		c := w.consumer(t, func(ctx context.Context, in events.Event) ([]events.Payload, error) {
			<-ctx.Done()
			return skipped(ctx, in) // what has happened has happened
		})
		began := time.Now()
		if err := deliver(t, c, delivery("request-1")); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took != timeout-flushMargin {
			t.Errorf("the handler's context ended after %s, want %s", took, timeout-flushMargin)
		}
		count(t, "published", w.published, 1)
	})
}

func TestEffectsAreRecordedThoughTheContextIsCancelled(t *testing.T) {
	w := &world{}
	ctx, cancel := context.WithCancel(t.Context())
	c := w.consumer(t, func(context.Context, events.Event) ([]events.Payload, error) {
		cancel()
		return []events.Payload{completed("done")}, nil
	})
	if err := c.Handle(ctx, delivery("request-1")); err != nil {
		t.Fatal(err)
	}
	count(t, "published", w.published, 1)
	if got := w.claim(t).Status; got != consumer.StatusDone {
		t.Errorf("the claim is %s, want done", got)
	}
}

func TestReplays(t *testing.T) {
	replay := delivery("request-1")
	replay.ReplayName = "replay-1"
	undecodable := replay
	undecodable.Detail = []byte(`{}`)

	t.Run("have no effects", func(t *testing.T) {
		w := &world{}
		c := w.consumer(t, skipped)
		for _, d := range []struct{ name string }{{"event"}, {"undecodable"}} {
			what := replay
			if d.name == "undecodable" {
				what = undecodable
			}
			if err := deliver(t, c, what); err != nil {
				t.Errorf("%s: %v", d.name, err)
			}
		}
		count(t, "claims", w.All(), 0)
		count(t, "published", w.published, 0)
		count(t, "dead letters", w.letters, 0)
		if w.handled != 0 {
			t.Error("the handler ran")
		}
	})
	t.Run("are observed, once each", func(t *testing.T) {
		w := &world{}
		cfg := w.config(func(context.Context, events.Event) ([]events.Payload, error) { return nil, nil })
		cfg.Observer = true
		c := newConsumer(t, cfg)
		for range 2 {
			for _, name := range []string{"", "replay-1", "replay-2"} {
				d := delivery("request-" + name)
				d.ReplayName = name
				if err := deliver(t, c, d); err != nil {
					t.Fatal(err)
				}
			}
		}
		if w.handled != 3 {
			t.Errorf("the handler ran %d times, want 3: the event and its two replays", w.handled)
		}
	})
}

func TestObserverPublishesNothing(t *testing.T) {
	tests := map[string]struct {
		handler     consumer.Handler
		wantCode    fault.Code
		wantLetters int
	}{
		"an invalid event":          {failing(fault.Invalid), "", 1},
		"a failing handler":         {failing(fault.Transient), fault.Transient, 0},
		"a handler that publishes":  {skipped, fault.Internal, 0},
		"a handler that panics":     {func(context.Context, events.Event) ([]events.Payload, error) { panic("oh") }, fault.Internal, 0},
		"an event that is observed": {func(context.Context, events.Event) ([]events.Payload, error) { return nil, nil }, "", 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w := &world{}
			cfg := w.config(tt.handler)
			cfg.Observer, cfg.Publisher = true, nil // it need not have one
			c := newConsumer(t, cfg)
			for range 4 {
				wantCode(t, deliver(t, c, delivery("request-1")), tt.wantCode)
			}
			count(t, "dead letters", w.letters, tt.wantLetters)
		})
	}
}

func TestNewNamesEverythingThatIsMissing(t *testing.T) {
	_, err := consumer.New(consumer.Config{})
	for _, want := range []string{
		"function", "component", "source prefix", "handler", "claims", "publisher", "dead letters", "tracer", "logger", "meter", "now",
		"size limit", "max attempts", "flush margin", "lease", "poll interval",
	} {
		if err == nil || !strings.Contains(err.Error(), want+" is required") {
			t.Errorf("error %v does not name %s", err, want)
		}
	}
}

func TestPanicIsAnInternalError(t *testing.T) {
	w := &world{}
	c := w.consumer(t, func(context.Context, events.Event) ([]events.Payload, error) { panic("oh") })
	err := deliver(t, c, delivery("request-1"))
	wantCode(t, err, fault.Internal)
	var panicked *consumer.PanicError
	if !errors.As(err, &panicked) || panicked.Value != "oh" {
		t.Errorf("error %v does not hold the panic", err)
	}
	if len(w.fields) != 1 || !strings.Contains(w.fields[0]["stack"], "TestPanicIsAnInternalError") {
		t.Errorf("the log line has no stack: %v", w.fields)
	}
}
