package consumer_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/the-alchemiser/alchemiser/internal/consumer"
	"github.com/the-alchemiser/alchemiser/pkg/bus"
	"github.com/the-alchemiser/alchemiser/pkg/events"
	"github.com/the-alchemiser/alchemiser/pkg/fault"
)

// Each delivery is told to the meter once, with what became of it and how long that took.
func TestEachDeliveryHasAnOutcome(t *testing.T) {
	replayed := delivery("request-1")
	replayed.ReplayName = "again"
	undecodable := delivery("request-1")
	undecodable.Detail = []byte(`{"event_id": 7}`)
	answer := func(err error) consumer.Handler {
		return func(context.Context, events.Event) ([]events.Payload, error) {
			time.Sleep(2 * time.Second)
			return nil, err
		}
	}
	tests := map[string]struct {
		handler    consumer.Handler
		deliveries []bus.Delivery
		want       []consumer.Result
		took       time.Duration
	}{
		"handled":                      {answer(nil), []bus.Delivery{delivery("request-1")}, []consumer.Result{consumer.ResultHandled}, 2 * time.Second},
		"handled, then a duplicate":    {answer(nil), []bus.Delivery{delivery("request-1"), delivery("request-2")}, []consumer.Result{consumer.ResultHandled, consumer.ResultDuplicate}, 2 * time.Second},
		"failed":                       {answer(errors.New("down")), []bus.Delivery{delivery("request-1")}, []consumer.Result{consumer.ResultFailed}, 2 * time.Second},
		"refused by the handler":       {answer(fault.New(fault.Invalid, "never")), []bus.Delivery{delivery("request-1")}, []consumer.Result{consumer.ResultRefused}, 2 * time.Second},
		"refused as it is no event":    {answer(nil), []bus.Delivery{undecodable}, []consumer.Result{consumer.ResultRefused}, 0},
		"a replay that is not handled": {answer(nil), []bus.Delivery{replayed}, []consumer.Result{consumer.ResultReplayed}, 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := &world{}
				c := w.consumer(t, tt.handler)
				for _, d := range tt.deliveries {
					_ = deliver(t, c, d)
				}
				var got []consumer.Result
				for _, o := range w.outcomes {
					got = append(got, o.Result)
				}
				if d := cmp.Diff(tt.want, got); d != "" {
					t.Errorf("results (-want +got):\n%s", d)
				}
				if first := w.outcomes[0]; first.Type != "WorkflowStarted" || first.Took != tt.took {
					t.Errorf("the first outcome is of %q after %s, want of WorkflowStarted after %s", first.Type, first.Took, tt.took)
				}
			})
		})
	}
}
