package execution_test

import (
	"context"
	"fmt"
	"maps"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/the-alchemiser/alchemiser/internal/execution"
	"github.com/the-alchemiser/alchemiser/pkg/events"
	"github.com/the-alchemiser/alchemiser/pkg/fault"
	"github.com/the-alchemiser/alchemiser/pkg/market"
)

// The process dies, or one call fails, at every single call of a plan, before or after the call took effect. Another
// attempt then ends where an undisturbed run does: same orders, same positions, same cash, and none twice.
func TestPlanSurvivesAFailureAtEveryCall(t *testing.T) {
	undisturbed := map[string]string{}
	calls := 0
	synctest.Test(t, func(t *testing.T) {
		w := mixedWorld()
		run(t, w, planned(w))
		undisturbed, calls = w.outcome(), w.calls
	})
	if calls < 100 {
		t.Fatalf("%d calls: the plan is too short to show anything", calls)
	}
	for kind, name := range map[failure]string{
		diesBefore: "dies before", diesAfter: "dies after", lostBefore: "lost before", lostAfter: "lost after",
	} {
		for n := 1; n <= calls; n++ {
			t.Run(fmt.Sprintf("%s call %d", name, n), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := mixedWorld()
					failed := ""
					w.fail = func(call int, name string) failure {
						if call != n {
							return works
						}
						failed = name
						return kind
					}
					in := planned(w)
					_, err := w.service(t).Handle(t.Context(), in)
					if (kind == diesBefore || kind == diesAfter) && err == nil {
						t.Errorf("died at %s without an error", failed)
					}
					w.dead, w.fail = false, nil
					run(t, w, in)
					if wrong := w.audit(); wrong != nil {
						t.Errorf("failed at %s: %v", failed, wrong)
					}
					if diff := cmp.Diff(undisturbed, w.outcome()); diff != "" {
						t.Errorf("failed at %s: (-undisturbed +this)\n%s", failed, diff)
					}
				})
			})
		}
	}
}

// mixedWorld has an order of every kind that ends filled or in part.
func mixedWorld() *world {
	w := newWorld()
	w.limitSteps, w.half = 3, dec("0.10")
	w.behave = map[string]behaviour{"OLD": fillsHalfThenRests, "GE": fillsByHalves, "SPY": fillsAtFar, "XOM": overtaken}
	return w
}

// outcome is what a finished plan comes to.
func (w *world) outcome() map[string]string {
	out := map[string]string{"cash": w.cash.String()}
	for symbol, q := range w.held {
		out["held "+symbol] = q.String()
	}
	for _, id := range w.sequence {
		o := w.orders[id]
		out["order "+id] = fmt.Sprint(o.Side, " ", o.Symbol, " ", o.Type, " ", o.Quantity, " ", o.State, " ", o.Filled)
	}
	return out
}

func TestHandlingAgainAfterSuccessSubmitsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := mixedWorld()
		in := planned(w)
		first, _ := run(t, w, in)
		before := w.outcome()
		second, _ := run(t, w, in)
		if diff := cmp.Diff(before, w.outcome()); diff != "" {
			t.Error(diff)
		}
		if len(first.Orders) != len(second.Orders) || !first.Bought.Equal(second.Bought) || !first.Sold.Equal(second.Sold) {
			t.Errorf("reported %d orders, then %d", len(first.Orders), len(second.Orders))
		}
	})
}

// A plan that was begun and has become too old is not continued, but every order it has made is settled and reported.
func TestLateAttemptSettlesAndReports(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.fail = func(_ int, name string) failure {
			if name == "Submit" && len(w.sequence) == 1 {
				return diesBefore // with one order accepted and one intent in the ledger
			}
			return works
		}
		in := planned(w)
		if _, err := w.service(t).Handle(t.Context(), in); err == nil {
			t.Fatal("no error")
		}
		w.dead, w.fail, w.offset = false, nil, time.Hour
		executed, done := run(t, w, in)
		if wrong := w.audit(); wrong != nil {
			t.Error(wrong)
		}
		if len(w.sequence) != 1 || len(executed.Orders) != 2 || executed.Orders[1].Status != events.OrderCancelled || done.Outcome != events.OutcomeCompleted {
			t.Errorf("%d orders at the broker, reported %+v, %+v", len(w.sequence), executed.Orders, done)
		}
	})
}

func TestBrokerThatNeverAnswersLeavesTheOrderAmbiguous(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		sent := 0
		w.fail = func(_ int, name string) failure {
			if name == "Submit" {
				sent++
				return lostBefore
			}
			return works
		}
		in := planned(w)
		if _, err := w.service(t).Handle(t.Context(), in); fault.CodeOf(err) != fault.Ambiguous {
			t.Errorf("got %v", err)
		}
		if len(w.ledger) != 1 || sent < 2 {
			t.Errorf("%d intents, sent %d times", len(w.ledger), sent)
		}
		w.fail = nil
		run(t, w, in)
		if wrong := w.audit(); wrong != nil {
			t.Error(wrong)
		}
	})
}

// Any plan, any market, any series of failures: the rules hold, and in the end every trade has at most what was planned.
// The reply to the submission is lost, and what the broker then shows is a fill without its price.
func TestOrderOfWhichOnlyTheIDIsKnownIsCancelledByIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.behave["OLD"] = fillsNoPrice
		w.fail = func(_ int, name string) failure {
			if name == "Submit" {
				return lostAfter
			}
			return works
		}
		_, err := w.service(t).Handle(t.Context(), planned(w, trade(market.Sell, "OLD", "10", "100")))
		if fault.CodeOf(err) != fault.Transient {
			t.Errorf("got %v, want a transient error", err)
		}
		for _, rule := range w.broken {
			t.Error(rule)
		}
	})
}

func TestNoSeriesOfFailuresBreaksTheRules(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// rapid asks a *testing.T for its deadline, which a bubble refuses.
		rapid.Check(struct{ testing.TB }{t}, func(rt *rapid.T) {
			w := newWorld()
			w.cash = decInt(rapid.IntRange(0, 20_000).Draw(rt, "cash"))
			w.limitSteps = rapid.IntRange(1, 4).Draw(rt, "limit steps")
			var trades []events.Trade
			for i, symbol := range []string{"OLD", "GE", "SPY", "XOM"} {
				if !rapid.Bool().Draw(rt, "trade "+symbol) {
					continue
				}
				side, price := market.Sell, w.prices[symbol]
				if i >= 2 {
					side = market.Buy
				}
				quantity := decInt(rapid.IntRange(1, 20).Draw(rt, "quantity"))
				if symbol != "XOM" && rapid.Bool().Draw(rt, "fraction") {
					quantity = quantity.Sub(dec("0.123456789"))
				}
				tr := events.Trade{Symbol: symbol, Side: side, Quantity: quantity, ReferencePrice: price, Notional: price.Mul(quantity), Reason: "test"}
				tr.Liquidate = side == market.Sell && rapid.Bool().Draw(rt, "liquidate")
				trades = append(trades, tr)
				w.behave[symbol] = rapid.SampledFrom([]behaviour{
					fillsAtOnce, fillsByHalves, fillsHalfThenRests, rests, refused, fillsLatePrice, overtaken, fillsAtFar, byHand, replacedByHand, expires, wholeOnly,
					fillsUnsaid,
				}).Draw(rt, "behaviour")
			}
			if trades == nil {
				return
			}
			w.closeMargin = time.Duration(rapid.IntRange(0, 60).Draw(rt, "margin")) * time.Second
			held := maps.Clone(w.held)
			in := planned(w, trades...)
			w.offset = time.Duration(rapid.IntRange(0, 15*60).Draw(rt, "seconds after 15:45")) * time.Second
			service := w.service(t)
			for range rapid.IntRange(0, 4).Draw(rt, "failing attempts") {
				at := rapid.SliceOfN(rapid.IntRange(1, 60), 1, 3).Draw(rt, "calls that fail")
				kind := failure(rapid.IntRange(int(diesBefore), int(lostAfter)).Draw(rt, "kind"))
				w.calls, w.dead = 0, false
				w.fail = func(n int, _ string) failure {
					for _, f := range at {
						if f == n {
							return kind
						}
					}
					return works
				}
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(rapid.IntRange(3, 60).Draw(rt, "seconds"))*time.Second)
				_, _ = service.Handle(ctx, in) // it may fail or not
				cancel()
				w.off = rapid.IntRange(0, 9).Draw(rt, "switch") == 0
			}
			w.fail, w.dead, w.off = nil, false, false
			began := w.now()
			if _, err := service.Handle(t.Context(), in); err != nil {
				rt.Fatalf("undisturbed attempt: %v", err)
			}
			if wrong := w.audit(); wrong != nil {
				rt.Fatal(wrong)
			}
			if took := w.now().Sub(began); took > time.Minute {
				rt.Fatalf("the last attempt took %s", took)
			}
			for _, tr := range trades {
				moved := w.held[tr.Symbol].Sub(held[tr.Symbol])
				most := tr.Quantity
				if tr.Side == market.Sell {
					moved = moved.Neg()
				}
				if tr.Liquidate {
					most = held[tr.Symbol]
				}
				if moved.IsNegative() || moved.GreaterThan(most) {
					rt.Fatalf("%s %s: %s of %s", tr.Side, tr.Symbol, moved, most)
				}
			}
		})
	})
}

func TestOrderIDsAreShortAndDistinct(t *testing.T) {
	seen := map[string]bool{}
	for _, plan := range []string{"plan-1", "plan-2"} {
		for _, symbol := range []string{"A", "AA"} {
			for _, side := range []market.Side{market.Buy, market.Sell} {
				for step := range 3 {
					id := execution.OrderID(plan, symbol, side, step)
					if seen[id] || len(id) > 48 || id != execution.OrderID(plan, symbol, side, step) {
						t.Errorf("%s %s %s %d: %s", plan, symbol, side, step, id)
					}
					seen[id] = true
				}
			}
		}
	}
}
