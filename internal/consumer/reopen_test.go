package consumer_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/the-alchemiser/alchemiser/internal/consumer"
	"github.com/the-alchemiser/alchemiser/pkg/bus"
	"github.com/the-alchemiser/alchemiser/pkg/events"
	"github.com/the-alchemiser/alchemiser/pkg/fault"
)

var noon = time.Date(2026, 3, 2, 17, 0, 0, 0, time.UTC)

var key = consumer.Key{Function: "strategy", EventID: "event-1"}

func TestReopenedEventIsHandledInTheNextRound(t *testing.T) {
	w := &world{}
	dead := w.consumer(t, failing(fault.Invalid))
	if err := deliver(t, dead, delivery("first")); err != nil {
		t.Fatal(err)
	}
	if opened, err := consumer.Reopen(t.Context(), w, key, noon); !opened || err != nil {
		t.Fatalf("opened %v, %v", opened, err)
	}
	if opened, err := consumer.Reopen(t.Context(), w, key, noon); opened || err != nil {
		t.Errorf("opened again: %v, %v", opened, err)
	}
	if err := deliver(t, dead, delivery("redrive")); err != nil {
		t.Fatal(err)
	}
	var rounds []int
	for _, e := range w.published {
		if failed, ok := e.Payload.(events.WorkflowFailed); ok {
			rounds = append(rounds, failed.Attempt)
		}
	}
	if !slices.Equal(rounds, []int{1, 2}) || len(w.letters) != 2 {
		t.Errorf("announced rounds %v with %d dead letters, want 1 and 2", rounds, len(w.letters))
	}
	if _, err := consumer.Reopen(t.Context(), w, key, noon); err != nil {
		t.Fatal(err)
	}
	mended := w.consumer(t, func(context.Context, events.Event) ([]events.Payload, error) { return nil, nil })
	if err := deliver(t, mended, delivery("another redrive")); err != nil {
		t.Fatal(err)
	}
	if got := w.claim(t); got.Status != consumer.StatusDone || got.Round != 3 {
		t.Errorf("the claim is %s in round %d, want done in round 3", got.Status, got.Round)
	}
}

func TestNothingButASettledDeadEventIsReopened(t *testing.T) {
	for name, status := range map[string]consumer.Status{"nobody's": "", "running": consumer.StatusRunning, "done": consumer.StatusDone} {
		t.Run(name, func(t *testing.T) {
			w := &world{}
			if status != "" {
				if _, err := w.Swap(t.Context(), "", consumer.Claim{Key: key, Token: "1", Status: status}, nil); err != nil {
					t.Fatal(err)
				}
			}
			if opened, err := consumer.Reopen(t.Context(), w, key, noon); opened || err != nil {
				t.Errorf("opened %v, %v", opened, err)
			}
		})
	}
}

// Every attempt has died while it buried the event: what Lambda put into the queue is redriven once the last of them is
// certainly dead, and not for ever refused.
func TestAnEventWhoseBurialWasInterruptedIsReopened(t *testing.T) {
	w := &world{}
	unfinished := consumer.Claim{
		Key: key, Token: "1", Status: consumer.StatusDead, Owner: "first", Round: 1, Reason: "no such portfolio", Lease: noon.Add(time.Minute),
	}
	if _, err := w.Swap(t.Context(), "", unfinished, nil); err != nil {
		t.Fatal(err)
	}
	if opened, err := consumer.Reopen(t.Context(), w, key, noon); opened || fault.CodeOf(err) != fault.Transient {
		t.Errorf("while it may be being buried: opened %v, %v", opened, err)
	}
	if opened, err := consumer.Reopen(t.Context(), w, key, unfinished.Lease); !opened || err != nil {
		t.Fatalf("afterwards: opened %v, %v", opened, err)
	}
	if err := deliver(t, w.consumer(t, failing(fault.Invalid)), delivery("redrive")); err != nil {
		t.Fatal(err)
	}
	if len(w.published) != 1 || len(w.letters) != 1 {
		t.Errorf("%d failures announced, %d dead letters, want one of each", len(w.published), len(w.letters))
	}
}

func TestReplayedEventHasAKeyOfItsOwn(t *testing.T) {
	if got := consumer.KeyOf("monitor", "e", bus.Delivery{ReplayName: "r"}); got.EventID != "r/e" {
		t.Errorf("key %+v", got)
	}
}
