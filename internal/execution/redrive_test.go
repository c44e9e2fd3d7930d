package execution_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/the-alchemiser/alchemiser/pkg/events"
	"github.com/the-alchemiser/alchemiser/pkg/fault"
	"github.com/the-alchemiser/alchemiser/pkg/market"
)

// rotation sells all of OLD to buy XOM, with next to no cash.
func rotation(w *world) events.Event {
	w.cash = dec("10")
	return planned(w, trade(market.Sell, "OLD", "10", "100"), trade(market.Buy, "XOM", "19", "50"))
}

// The time of an attempt that is up while proceeds are waited for is no end of the buys: the next attempt goes on.
func TestTimeThatIsUpWhileProceedsAreWaitedForLeavesTheBuysToTheNextAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		in := rotation(w)
		w.settles = 5 * time.Second
		ctx, cancel := context.WithTimeout(t.Context(), 6*time.Second)
		defer cancel()
		if _, err := w.service(t).Handle(ctx, in); fault.CodeOf(err) != fault.Transient {
			t.Errorf("the first attempt: %v", err)
		}
		run(t, w, in)
		if !w.held["XOM"].Equal(dec("19")) {
			t.Errorf("bought %s", w.held["XOM"])
		}
	})
}

func TestTimeThatIsUpWhileAQuoteIsWaitedForLeavesTheTradeToTheNextAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.silent = map[string]bool{"OLD": true}
		in := planned(w, trade(market.Sell, "OLD", "10", "100"))
		ctx, cancel := context.WithTimeout(t.Context(), 3500*time.Millisecond)
		defer cancel()
		if _, err := w.service(t).Handle(ctx, in); fault.CodeOf(err) != fault.Transient {
			t.Errorf("the first attempt: %v", err)
		}
		w.silent = nil
		run(t, w, in)
		if !w.held["OLD"].IsZero() {
			t.Errorf("%s are left", w.held["OLD"])
		}
	})
}

// The proceeds of what an earlier attempt has sold, and of what it has begun to sell, are waited for as those of any other.
func TestProceedsAreWaitedForInTheNextAttemptToo(t *testing.T) {
	for name, call := range map[string]string{"sold before": "Account", "sold after": "OrderByClientID"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				in := rotation(w)
				w.settles = 3 * time.Second
				w.fail = func(_ int, name string) failure {
					if name == call && len(w.sequence) > 0 {
						return diesBefore
					}
					return works
				}
				if _, err := w.service(t).Handle(t.Context(), in); err == nil {
					t.Fatal("the first attempt succeeded")
				}
				w.dead, w.fail = false, nil
				_, done := run(t, w, in)
				if !w.held["XOM"].Equal(dec("19")) {
					t.Errorf("bought %s: %s", w.held["XOM"], done.Reason)
				}
			})
		})
	}
}

// What an attempt reports does not depend on whether the attempt before it has traded.
func TestATradeThatWasCutIsReportedTheSameByTheNextAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.cash, w.limitSteps, w.drift, w.behave["XOM"] = dec("980"), 2, dec("1"), fillsAtFar
		in := planned(w, trade(market.Buy, "XOM", "19", "50"))
		_, first := run(t, w, in)
		_, second := run(t, w, in)
		if a, b := strings.SplitN(first.Reason, ";", 2)[0], strings.SplitN(second.Reason, ";", 2)[0]; a != b || strings.Contains(second.Reason, "traded: ;") || strings.HasSuffix(second.Reason, "traded: ") {
			t.Errorf("first %q, then %q", first.Reason, second.Reason)
		}
	})
}
