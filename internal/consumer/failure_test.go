package consumer_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/the-alchemiser/alchemiser/internal/consumer"
	"github.com/the-alchemiser/alchemiser/pkg/bus"
	"github.com/the-alchemiser/alchemiser/pkg/events"
	"github.com/the-alchemiser/alchemiser/pkg/fault"
)

func TestInvalidEventIsBuriedAndAnnouncedOnce(t *testing.T) {
	w := &world{}
	c := w.consumer(t, failing(fault.Invalid))
	for _, request := range []string{"request-1", "request-1", "request-2"} {
		if err := deliver(t, c, delivery(request)); err != nil {
			t.Fatal(err)
		}
	}
	want := []consumer.DeadLetter{{EventID: "event-1", Reason: "the reason", Raw: []byte("raw request-1")}}
	if d := cmp.Diff(want, w.letters); d != "" {
		t.Errorf("dead letters (-want +got):\n%s", d)
	}
	wantFailed(t, w, events.WorkflowFailed{
		PortfolioID: "main", Attempt: 1, Function: "strategy", FailedEventID: "event-1",
		FailedEventType: events.TypeWorkflowStarted, Code: fault.Invalid, Reason: "the reason",
	})
	if got := w.claim(t); got.Status != consumer.StatusDead || got.Reason != "the reason" {
		t.Errorf("the claim is %s because of %q, want dead because of the reason", got.Status, got.Reason)
	}
	if w.handled != 1 {
		t.Errorf("the handler ran %d times, want once", w.handled)
	}
}

func TestBurialGoesOnWhereItBroke(t *testing.T) {
	for _, broken := range []string{"before Send", "before Publish"} {
		t.Run(broken, func(t *testing.T) {
			w := &world{step: failAt(broken)}
			c := w.consumer(t, failing(fault.Invalid))
			if err := deliver(t, c, delivery("request-1")); err == nil {
				t.Fatal("the first attempt succeeded")
			}
			if err := deliver(t, c, delivery("request-1")); err != nil {
				t.Fatal(err)
			}
			count(t, "dead letters", w.letters, 1)
			count(t, "announcements", w.published, 1)
			if w.handled != 1 {
				t.Errorf("the handler ran %d times, want once", w.handled)
			}
		})
	}
}

func TestUndecodableEventIsADeadLetterAndNothingElse(t *testing.T) {
	tests := map[string]struct{ detail, wantID string }{
		"with an id":           {`{"event_id":"event-9","event_type":"WorkflowStarted"}`, "event-9"},
		"without an id":        {`{}`, "unknown"},
		"that is not JSON":     {`nonsense`, "unknown"},
		"of a later version":   {strings.Replace(string(delivery("").Detail), `"schema_version":"1.0"`, `"schema_version":"2.0"`, 1), "event-1"},
		"with an id of number": {`{"event_id":7}`, "unknown"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w := &world{step: failAt("before Send")}
			c := w.consumer(t, skipped)
			d := bus.Delivery{RequestID: "request-1", DetailType: "WorkflowStarted", Detail: []byte(tt.detail), Raw: []byte("raw")}
			wantCode(t, deliver(t, c, d), fault.Transient)
			count(t, "dead letters of a queue that is down", w.letters, 0)
			if err := deliver(t, c, d); err != nil {
				t.Fatal(err)
			}
			count(t, "dead letters", w.letters, 1)
			if got := w.letters[0]; got.EventID != tt.wantID || string(got.Raw) != "raw" || got.Reason == "" {
				t.Errorf("dead letter %+v, want the raw event under %s with a reason", got, tt.wantID)
			}
			count(t, "published", w.published, 0)
			count(t, "claims", w.All(), 0)
		})
	}
}

func TestFailureIsAnnouncedOnTheLastAttempt(t *testing.T) {
	for _, code := range []fault.Code{fault.Transient, fault.Internal, fault.Ambiguous} {
		t.Run(string(code), func(t *testing.T) {
			w := &world{}
			c := w.consumer(t, failing(code))
			for attempt := range 4 { // Lambda may deliver once more than it says
				count(t, "announcements", w.published, max(0, attempt-2))
				wantCode(t, deliver(t, c, delivery("request-1")), code)
			}
			wantFailed(t, w, events.WorkflowFailed{
				PortfolioID: "main", Attempt: 1, Function: "strategy", FailedEventID: "event-1",
				FailedEventType: events.TypeWorkflowStarted, Code: code, Reason: "the reason",
			})
			count(t, "dead letters", w.letters, 0) // Lambda's destination has it
		})
	}
}

func TestRedriveOpensTheNextRound(t *testing.T) {
	w := &world{}
	c := w.consumer(t, failing(fault.Internal))
	for _, request := range []string{"first", "redrive", "third"} {
		for range 3 {
			wantCode(t, deliver(t, c, delivery(request)), fault.Internal)
		}
	}
	var attempts []int
	ids := map[string]bool{}
	for _, e := range w.published {
		failed, ok := e.Payload.(events.WorkflowFailed)
		if !ok {
			t.Fatalf("%s was published", e.Type())
		}
		attempts = append(attempts, failed.Attempt)
		ids[e.ID] = true
	}
	if d := cmp.Diff([]int{1, 2, 3}, attempts); d != "" || len(ids) != 3 {
		t.Errorf("attempts announced (-want +got), under %d ids:\n%s", len(ids), d)
	}
}

func TestDuplicatesThatFailTogetherAnnounceOnce(t *testing.T) {
	w := &world{}
	c := w.consumer(t, failing(fault.Internal))
	for range 3 {
		for _, request := range []string{"request-1", "request-2"} {
			wantCode(t, deliver(t, c, delivery(request)), fault.Internal)
		}
	}
	count(t, "announcements", w.published, 1)
}

func TestWhoeverWasReplacedAnnouncesNothing(t *testing.T) {
	tests := map[string]consumer.Handler{
		"when it has succeeded": skipped,
		"when it has failed":    failing(fault.Transient),
		"when it has refused":   failing(fault.Invalid),
	}
	for name, late := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := &world{}
				var runs atomic.Int32
				c := w.consumer(t, func(ctx context.Context, in events.Event) ([]events.Payload, error) {
					switch runs.Add(1) {
					case 1, 2:
						return nil, fault.New(fault.Transient, "broken")
					case 3:
						time.Sleep(2 * timeout) // frozen until after its deadline
						return late(ctx, in)
					default:
						return skipped(ctx, in)
					}
				})
				for range 2 {
					wantCode(t, deliver(t, c, delivery("request-1")), fault.Transient)
				}
				frozen := make(chan error)
				go func() { frozen <- deliver(t, c, delivery("request-1")) }()
				time.Sleep(timeout)
				if err := deliver(t, c, delivery("request-2")); err != nil {
					t.Fatal(err)
				}
				if err := <-frozen; err == nil {
					t.Error("the replaced attempt succeeded")
				}
				count(t, "announcements", w.only(events.TypeWorkflowFailed), 0)
				count(t, "dead letters", w.letters, 0)
				wantFinished(t, w)
			})
		})
	}
}

func TestRedriveAfterAFailureSucceeds(t *testing.T) {
	w := &world{}
	broken := true
	c := w.consumer(t, func(ctx context.Context, in events.Event) ([]events.Payload, error) {
		if broken {
			return nil, fault.New(fault.Transient, "broken")
		}
		return skipped(ctx, in)
	})
	for range 3 {
		wantCode(t, deliver(t, c, delivery("request-1")), fault.Transient)
	}
	broken = false
	if err := deliver(t, c, delivery("redrive")); err != nil {
		t.Fatal(err)
	}
	count(t, "announcements", w.only(events.TypeWorkflowFailed), 1)
	count(t, "completions", w.only(events.TypeWorkflowCompleted), 1)
}

func TestAmbiguousMatterStaysWithItsDelivery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{}
		c := w.consumer(t, failing(fault.Ambiguous))
		wantCode(t, deliver(t, c, delivery("request-1")), fault.Ambiguous)

		ctx, cancel := context.WithTimeout(t.Context(), timeout/2)
		defer cancel()
		wantCode(t, c.Handle(ctx, delivery("request-2")), fault.Transient)
		if w.handled != 1 {
			t.Errorf("the handler ran %d times, want once: the other delivery must wait", w.handled)
		}
		wantCode(t, deliver(t, c, delivery("request-1")), fault.Ambiguous)
		if w.handled != 2 {
			t.Errorf("the handler ran %d times, want twice: its own delivery settles it", w.handled)
		}
	})
}

func TestOutputThatCannotTravelIsInvalid(t *testing.T) {
	tests := map[string]struct {
		payload events.Payload
		reason  string
	}{
		"too large":   {completed(strings.Repeat("x", events.DefaultSizeLimit)), "the limit is"},
		"not valid":   {completed(""), "$.reason"},
		"no currency": {events.WorkflowCompleted{}, "$.portfolio_id"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w := &world{}
			c := w.consumer(t, func(context.Context, events.Event) ([]events.Payload, error) {
				return []events.Payload{completed("fine"), tt.payload}, nil
			})
			if err := deliver(t, c, delivery("request-1")); err != nil {
				t.Fatal(err)
			}
			count(t, "dead letters", w.letters, 1)
			if !strings.Contains(w.letters[0].Reason, tt.reason) {
				t.Errorf("reason %q, want %q in it", w.letters[0].Reason, tt.reason)
			}
			count(t, "completions", w.only(events.TypeWorkflowCompleted), 0)
		})
	}
}

func TestWhatIsKeptIsNeverDead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{}
		refused := true
		w.step = func(at string) error {
			if at == "before Publish" && refused {
				return fault.New(fault.Invalid, "refused by the bus")
			}
			return nil
		}
		c := w.consumer(t, skipped)
		for range 4 {
			if err := deliver(t, c, delivery("request-1")); err == nil {
				t.Fatal("an event that was not published counts as handled")
			}
		}
		count(t, "dead letters", w.letters, 0)
		refused = false
		if err := deliver(t, c, delivery("redrive")); err != nil {
			t.Fatal(err)
		}
		count(t, "completions", w.only(events.TypeWorkflowCompleted), 1)
		if w.handled != 1 {
			t.Errorf("the handler ran %d times, want once", w.handled)
		}
	})
}

func TestOutboxThatIsGoneIsNoSuccess(t *testing.T) {
	w := &world{step: failAt("before Publish")}
	cfg := w.config(skipped)
	cfg.Claims = withoutOutbox{w}
	c := newConsumer(t, cfg)
	for range 2 {
		if err := deliver(t, c, delivery("request-1")); err == nil {
			t.Fatal("an event whose followers are lost counts as handled")
		}
	}
	if got := w.claim(t); got.Status != consumer.StatusCommitted {
		t.Errorf("the claim is %s, want it still committed", got.Status)
	}
}

// withoutOutbox are claims that have outlived their outbox.
type withoutOutbox struct{ consumer.Claims }

func (withoutOutbox) Outbox(context.Context, consumer.Key) ([]events.Event, error) { return nil, nil }

func TestLongReasonIsCutVisibly(t *testing.T) {
	w := &world{}
	c := w.consumer(t, func(context.Context, events.Event) ([]events.Payload, error) {
		return nil, fault.New(fault.Invalid, "%s", strings.Repeat("é", events.DefaultSizeLimit))
	})
	if err := deliver(t, c, delivery("request-1")); err != nil {
		t.Fatal(err)
	}
	failed, ok := w.published[0].Payload.(events.WorkflowFailed)
	if !ok || len(failed.Reason) > 3000 || !strings.HasSuffix(failed.Reason, "more bytes in the log)") {
		t.Errorf("announced reason of %d bytes: …%s", len(failed.Reason), failed.Reason[max(0, len(failed.Reason)-50):])
	}
}

// wantFailed wants exactly one WorkflowFailed, and nothing else, on the bus.
func wantFailed(t *testing.T, w *world, want events.WorkflowFailed) {
	t.Helper()
	count(t, "published", w.published, 1)
	if d := cmp.Diff(events.Payload(want), w.published[0].Payload); d != "" {
		t.Errorf("announcement (-want +got):\n%s", d)
	}
	if id := w.published[0].ID; id != events.FollowID("event-1", events.TypeWorkflowFailed, want.Attempt) {
		t.Errorf("announcement has id %s, want the one of attempt %d", id, want.Attempt)
	}
	if at := w.published[0].Timestamp; time.Since(at) > time.Hour {
		t.Errorf("announcement is of %s", at)
	}
}
