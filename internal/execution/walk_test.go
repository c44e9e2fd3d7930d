package execution_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shopspring/decimal"

	"github.com/the-alchemiser/alchemiser/internal/execution"
	"github.com/the-alchemiser/alchemiser/pkg/events"
	"github.com/the-alchemiser/alchemiser/pkg/fault"
	"github.com/the-alchemiser/alchemiser/pkg/market"
)

// limits tells the orders of a symbol in their order: "499.90 499.95 market".
func (w *world) limits(symbol string) string {
	var out []string
	for _, id := range w.sequence {
		o := w.orders[id]
		switch {
		case o.Symbol != symbol:
		case o.Type == execution.OrderMarket:
			out = append(out, "market")
		default:
			out = append(out, o.Limit.String())
		}
	}
	return strings.Join(out, " ")
}

func TestLimitsWalkFromTheMiddleToTheFarSide(t *testing.T) {
	for name, tt := range map[string]struct {
		steps       int
		price, half string
		side        market.Side
		want        string
	}{
		"a buy in three steps":                {3, "50", "0.10", market.Buy, "50 50.05 50.1 market"},
		"a sell in three steps":               {3, "50", "0.10", market.Sell, "50 49.95 49.9 market"},
		"one step is the far side":            {1, "50", "0.10", market.Buy, "50.1 market"},
		"two steps are middle and far side":   {2, "50", "0.10", market.Sell, "50 49.9 market"},
		"a buy is cut down to the grid":       {3, "50.005", "0.005", market.Buy, "50 50 50.01 market"},
		"a sell is raised to the grid":        {3, "50.005", "0.005", market.Sell, "50.01 50.01 50 market"},
		"a quote finer than the grid, a buy":  {1, "50.0025", "0.0025", market.Buy, "50.01 market"},
		"a quote finer than the grid, a sell": {1, "49.9975", "0.0025", market.Sell, "49.99 market"},
		"below a dollar the grid is finer":    {3, "0.5", "0.0003", market.Buy, "0.5 0.5001 0.5003 market"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				w.limitSteps, w.half, w.prices["OLD"], w.behave["OLD"] = tt.steps, dec(tt.half), dec(tt.price), rests
				run(t, w, planned(w, trade(tt.side, "OLD", "10", tt.price)))
				if got := w.limits("OLD"); got != tt.want {
					t.Errorf("orders %s, want %s", got, tt.want)
				}
				if wrong := w.audit(); wrong != nil {
					t.Error(wrong)
				}
			})
		})
	}
}

func TestWalkFollowsTheMarketAndStopsWhenItIsFilled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.limitSteps, w.half, w.drift, w.behave["OLD"] = 3, dec("0.10"), dec("1"), fillsAtFar
		executed, _ := run(t, w, planned(w, trade(market.Sell, "OLD", "10", "100")))
		if got := w.limits("OLD"); got != "101 101.95 102.9" {
			t.Errorf("orders %s, want each priced by the quote of its time", got)
		}
		last := executed.Orders[len(executed.Orders)-1]
		if !last.ArrivalPrice.Equal(dec("101")) || !last.SlippageBps.Equal(dec("-188.12")) {
			t.Errorf("arrival %s, slippage %s: want the middle when the trade began, and a gain of 188.12 against it", last.ArrivalPrice, last.SlippageBps)
		}
	})
}

func TestHaltedSymbolHoldsUpNobody(t *testing.T) {
	for name, tt := range map[string]struct {
		halt func(*world)
		want string
	}{
		"no quote":         {func(w *world) { w.silent = map[string]bool{"SPY": true} }, "buy SPY: there is no quote to trade at"},
		"an old quote":     {func(w *world) { w.stale = map[string]time.Duration{"SPY": 16 * time.Minute} }, "buy SPY: the last quote is 16m0s old: it is not traded at"},
		"a halted holding": {func(w *world) { w.silent = map[string]bool{"OLD": true} }, "sell OLD: there is no quote to trade at"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				tt.halt(w)
				_, done := run(t, w, planned(w))
				if wrong := w.audit(); wrong != nil {
					t.Error(wrong)
				}
				if !strings.Contains(done.Reason, tt.want) || !strings.HasPrefix(done.Reason, "3 of 4 trades done") {
					t.Errorf("the end says %q, want %s", done.Reason, tt.want)
				}
			})
		})
	}
}

// A symbol that has no quote is its own matter; a broker that gives none is one for another attempt.
func TestNoQuotes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.silent = map[string]bool{"OLD": true}
		_, done := run(t, w, planned(w, trade(market.Sell, "OLD", "10", "100")))
		if done.Outcome != events.OutcomeNothingToDo || done.Reason != "sell OLD: there is no quote to trade at" {
			t.Errorf("a halted symbol alone: %+v", done)
		}
		w.fail = func(_ int, name string) failure {
			if name == "Quotes" {
				return lostBefore
			}
			return works
		}
		if _, err := w.service(t).Handle(t.Context(), planned(w)); fault.CodeOf(err) != fault.Transient {
			t.Errorf("no answer: %v, want the broker's error", err)
		}
	})
}

// A quote that is missing for a moment is waited for, within a step interval.
func TestQuoteThatIsMissingForAMomentIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.silent = map[string]bool{"SPY": true}
		asked := 0
		w.fail = func(_ int, name string) failure {
			if name == "Quotes" {
				if asked++; asked == 5 {
					w.silent = nil
				}
			}
			return works
		}
		_, done := run(t, w, planned(w))
		if !strings.HasPrefix(done.Reason, "4 of 4 trades done") {
			t.Errorf("the end says %q", done.Reason)
		}
	})
}

func TestCloseEndsTheTrading(t *testing.T) {
	for name, tt := range map[string]struct {
		before time.Duration // the close
		want   string
		reason string
	}{
		"in time":                     {2 * time.Minute, "99.9 market", "0 of 10 traded: nobody took it in time"},
		"time for one order":          {35 * time.Second, "market", "0 of 10 traded: cancelled as the session was about to close"},
		"cancelled before the margin": {31 * time.Second, "market", "0 of 10 traded: cancelled as the session was about to close"},
		"within the margin":           {30 * time.Second, "", "the session closes at 16:00, nothing is submitted in its last 30s"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				w.half, w.closeMargin, w.behave["OLD"] = dec("0.10"), 30*time.Second, rests
				in := planned(w, trade(market.Sell, "OLD", "10", "100"))
				w.offset = 15*time.Minute - tt.before
				began := time.Now()
				_, done := run(t, w, in)
				if got := w.limits("OLD"); got != tt.want || !strings.Contains(done.Reason, tt.reason) {
					t.Errorf("orders %q, the end says %q; want %q and %q", got, done.Reason, tt.want, tt.reason)
				}
				for _, o := range w.orders {
					if late := o.FinishedAt.Sub(w.now().Add(-time.Since(began)).Add(tt.before - w.closeMargin)); late > time.Second {
						t.Errorf("an order ends %s after the last moment", late)
					}
				}
			})
		})
	}
}

// The market order after limits that nobody took costs more than was there when the first was placed.
func TestMoneyIsCountedAgainBeforeEachStep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.cash, w.limitSteps, w.drift, w.behave["XOM"] = dec("980"), 2, dec("1"), fillsAtFar
		_, done := run(t, w, planned(w, trade(market.Buy, "XOM", "19", "50")))
		if wrong := w.audit(); wrong != nil {
			t.Error(wrong)
		}
		if held := w.held["XOM"]; !held.Equal(dec("18")) || !strings.Contains(done.Reason, "buys scaled down") {
			t.Errorf("bought %s: %s", held, done.Reason)
		}
	})
}

func TestSharesThatOtherOrdersHoldAreLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.reserved = map[string]decimal.Decimal{"OLD": dec("4"), "GE": dec("7.5")}
		all := trade(market.Sell, "OLD", "10", "100")
		all.Liquidate = true
		_, done := run(t, w, planned(w, all, trade(market.Sell, "GE", "2", "200")))
		if !w.held["OLD"].Equal(dec("4")) || !w.held["GE"].Equal(dec("7.5")) || !strings.Contains(done.Reason, "sell OLD: 4 of 10 shares are held by open orders that are not ours; sell GE: all 7.5 shares are held by open orders that are not ours") {
			t.Errorf("held %v: %s", w.held, done.Reason)
		}
	})
}

// A market order that was cancelled because the time of the attempt was up is followed by one more in the next attempt;
// one that nobody took in its time is not.
func TestWhatWasCutShortIsTradedByTheNextAttempt(t *testing.T) {
	for name, tt := range map[string]struct {
		time time.Duration
		want string
	}{
		"cut short":      {6 * time.Second, "99.99 market market"},
		"nobody took it": {time.Minute, "99.99 market"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				in := planned(w, trade(market.Sell, "OLD", "10", "100"))
				w.behave["OLD"] = rests
				w.fail = func(_ int, name string) failure {
					if name == "Positions" && len(w.sequence) > 0 { // the report
						return lostBefore
					}
					return works
				}
				ctx, cancel := context.WithTimeout(t.Context(), tt.time)
				defer cancel()
				if _, err := w.service(t).Handle(ctx, in); fault.CodeOf(err) != fault.Transient {
					t.Fatalf("the first attempt: %v", err)
				}
				w.fail, w.behave["OLD"] = nil, fillsAtOnce
				run(t, w, in)
				if got := w.limits("OLD"); got != tt.want {
					t.Errorf("orders %s, want %s", got, tt.want)
				}
				if wrong := w.audit(); wrong != nil {
					t.Error(wrong)
				}
			})
		})
	}
}

func TestFailureAfterOrdersNamesThemAndIsNeverInvalid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.behave["OLD"] = rests
		in := planned(w)
		w.fail = func(_ int, name string) failure {
			if name == "Cancel" {
				return lostBefore
			}
			return works
		}
		_, err := w.service(t).Handle(t.Context(), in)
		var open *execution.OpenOrdersError
		if !errors.As(err, &open) || len(open.Orders) == 0 || !strings.Contains(err.Error(), "may still be open at the broker: sell 10 OLD (client order id ") {
			t.Fatalf("got %v", err)
		}
		w.fail = nil
		forbidden := &forbiddenAfter{world: w}
		service, err := execution.New(execution.Config{
			Broker: forbidden, Ledger: w, Plans: w, Switch: w, MaxPlanAge: 30 * time.Minute, StepInterval: time.Second, LimitSteps: 1, Now: time.Now,
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := service.Handle(t.Context(), in); fault.CodeOf(err) != fault.Internal {
			t.Errorf("a broker that refuses all, with orders open: %v is %s, want internal", err, fault.CodeOf(err))
		}
		fresh := edit(in, func(p *events.RebalancePlanned) { p.PlanID = "plan-2" })
		if _, err := service.Handle(t.Context(), fresh); fault.CodeOf(err) != fault.Invalid {
			t.Errorf("and without any order: %v is %s, want invalid", err, fault.CodeOf(err))
		}
	})
}

func TestConfigOfTheWalkIsChecked(t *testing.T) {
	_, err := execution.New(execution.Config{LimitSteps: 10, CloseMargin: -time.Second})
	for _, want := range []string{"limit steps are 10, want 1 to 9", "close margin is -1s"} {
		if !strings.Contains(fmt.Sprint(err), want) {
			t.Errorf("New = %v, want %s", err, want)
		}
	}
}
