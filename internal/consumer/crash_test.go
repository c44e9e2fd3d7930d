package consumer_test

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/the-alchemiser/alchemiser/internal/consumer"
	"github.com/the-alchemiser/alchemiser/pkg/events"
	"github.com/the-alchemiser/alchemiser/pkg/fault"
)

// crash delivers to a process that dies at a step.
func crash(t *testing.T, w *world, c *consumer.Consumer, request, step string) {
	t.Helper()
	w.step = func(at string) error {
		if at == step {
			runtime.Goexit() // a process that dies runs nothing more; no recover stops it
		}
		return nil
	}
	died := make(chan bool, 1)
	go func() {
		survived := false
		defer func() { died <- !survived }()
		_ = deliver(t, c, delivery(request))
		survived = true
	}()
	if !<-died {
		t.Fatalf("the delivery never came to %q", step)
	}
	w.step = nil
}

func steps() []string {
	return []string{
		"before Swap to running", "after Swap to running", "handler", "before Swap to committed", "after Swap to committed",
		"before Publish", "after Publish", "before Swap to done", "after Swap to done",
	}
}

func TestCrashOrErrorAnywhereThenTheNextAttemptFinishes(t *testing.T) {
	for _, step := range steps() {
		for _, kind := range []string{"crash", "error"} {
			for _, next := range []string{"request-1", "request-2"} {
				t.Run(fmt.Sprintf("%s %s, then %s", kind, step, next), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						w := &world{}
						runs := 0
						c := w.consumer(t, func(context.Context, events.Event) ([]events.Payload, error) {
							if err := w.at("handler"); err != nil {
								return nil, err
							}
							runs++
							return []events.Payload{completed("run " + strconv.Itoa(runs))}, nil
						})
						if kind == "crash" {
							crash(t, w, c, "request-1", step)
						} else {
							w.step = failAt(step)
							wantCode(t, deliver(t, c, delivery("request-1")), fault.Transient)
						}
						time.Sleep(timeout)
						if err := deliver(t, c, delivery(next)); err != nil {
							t.Fatal(err)
						}
						wantFinished(t, w)
					})
				})
			}
		}
	}
}

// Deliveries of one event come as Lambda may send them: several at once, each again and again until it succeeds, while
// processes die, stall past their deadline and come back, and replies are lost.
func TestWhateverHappensTheCommittedResultIsPublishedAndDoneOnce(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		deliveries := rapid.IntRange(1, 3).Draw(rt, "deliveries")
		troubles := rapid.SliceOfN(rapid.SampledFrom([]string{"", "", "", "", "crash", "error", "stall", "pause"}), 0, 40).Draw(rt, "troubles")
		synctest.Test(t, func(t *testing.T) {
			w := &world{}
			w.step = func(string) error {
				w.mu.Lock()
				trouble := ""
				if len(troubles) > 0 {
					trouble, troubles = troubles[0], troubles[1:]
				}
				w.mu.Unlock()
				switch trouble {
				case "crash":
					runtime.Goexit()
				case "error":
					return fault.New(fault.Transient, "trouble")
				case "stall": // frozen until long after the deadline
					time.Sleep(3 * timeout)
				case "pause":
					time.Sleep(time.Second)
				}
				return nil
			}
			runs := 0
			c := w.consumer(t, func(context.Context, events.Event) ([]events.Payload, error) {
				if err := w.at("handler"); err != nil {
					return nil, err
				}
				w.mu.Lock()
				runs++
				run := runs
				w.mu.Unlock()
				return []events.Payload{completed(fmt.Sprintf("run %d", run)), completed("second")}, nil
			})
			for i := range deliveries {
				go redeliver(t, c, "request-"+strconv.Itoa(i))
			}
			time.Sleep(24 * time.Hour)
			synctest.Wait()
			wantFinished(t, w)
		})
	})
}

// redeliver delivers until an attempt succeeds, each in a goroutine of its own, as a process that may die.
func redeliver(t *testing.T, c *consumer.Consumer, request string) {
	t.Helper()
	for range 100 {
		succeeded := make(chan bool, 1)
		go func() {
			ok := false
			defer func() { succeeded <- ok }()
			ok = deliver(t, c, delivery(request)) == nil
		}()
		select {
		case ok := <-succeeded:
			if ok {
				return
			}
			time.Sleep(time.Minute)
		case <-time.After(timeout): // Lambda gives up on it, and it may wake up later
		}
	}
	t.Errorf("%s never succeeded", request)
}

// wantFinished wants one result on the bus, however often it was published, and the claim done, once.
func wantFinished(t *testing.T, w *world) {
	t.Helper()
	if claim := w.claim(t); claim.Status != consumer.StatusDone {
		t.Errorf("the claim is %s, want done", claim.Status)
	}
	if w.done != 1 {
		t.Errorf("the claim was marked done %d times, want once", w.done)
	}
	outbox, err := w.Outbox(t.Context(), consumer.Key{Function: "strategy", EventID: "event-1"})
	if err != nil {
		t.Fatal(err)
	}
	kept := map[string]string{}
	for _, e := range outbox {
		kept[e.ID] = fingerprint(t, e)
	}
	var ids []string
	for _, e := range w.only(events.TypeWorkflowCompleted) {
		if kept[e.ID] != fingerprint(t, e) {
			t.Errorf("published %+v, which is not what was kept", e)
		}
		ids = append(ids, e.ID)
	}
	slices.Sort(ids)
	if got := len(slices.Compact(ids)); got != len(outbox) || got == 0 {
		t.Errorf("%d different events were published, want the %d that were kept", got, len(outbox))
	}
}

func fingerprint(t *testing.T, e events.Event) string {
	t.Helper()
	wire, err := events.Encode(e, "alchemiser")
	if err != nil {
		t.Fatal(err)
	}
	sum, err := events.Fingerprint(wire.Detail)
	if err != nil {
		t.Fatal(err)
	}
	return sum
}
