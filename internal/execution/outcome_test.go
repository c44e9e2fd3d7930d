package execution_test

import (
	"context"
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

// What is done with a trade whose order has come to an end that is not a fill, and what the trader reads of it.
func TestTradeAfterAnOrderThatWasNotFilled(t *testing.T) {
	const ge = "sell GE, "
	const all = "2 of 2 trades done"
	for name, tt := range map[string]struct {
		behave   behaviour
		quantity string
		orders   string // limit prices and market orders
		sold     string
		reason   string
	}{
		"nobody takes it":                {rests, "2", "200 199.9 market", "0", ge + "0 of 2 traded: nobody took it in time"},
		"a part of each is taken":        {fillsHalfThenRests, "4", "200 199.9 market", "3.5", ge + "3.5 of 4 traded: nobody took it in time"},
		"cancelled by hand":              {byHand, "2", "200", "1", ge + "1 of 2 traded: cancelled by somebody at the broker, so it is left alone: canceled"},
		"replaced by hand":               {replacedByHand, "2", "200", "1", ge + "1 of 2 traded: replaced by somebody at the broker, so it is left alone: order 7 stands in its place"},
		"expired":                        {expires, "2", "200", "0", ge + "0 of 2 traded: it has expired: expired"},
		"refused":                        {refused, "2", "", "0", ge + "0 of 2 traded: refused: the broker does not like GE"},
		"a fraction refused at a limit":  {wholeOnly, "2.5", "market", "2.5", all},
		"a fraction refused altogether":  {refused, "2.5", "", "0", ge + "0 of 2.5 traded: refused: the broker does not like GE"},
		"a fraction that walks":          {fillsAtFar, "2.5", "200 199.9", "2.5", all},
		"the fill overtakes each cancel": {overtaken, "2", "200", "2", all},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				w.limitSteps, w.half, w.behave["GE"] = 2, dec("0.10"), tt.behave
				executed, done := run(t, w, planned(w, trade(market.Sell, "GE", tt.quantity, "200"), trade(market.Buy, "SPY", "1", "500")))
				if wrong := w.audit(); wrong != nil {
					t.Error(wrong)
				}
				if got := w.limits("GE"); got != tt.orders {
					t.Errorf("orders %s, want %s", got, tt.orders)
				}
				if got := dec("7.5").Sub(w.held["GE"]); !got.Equal(dec(tt.sold)) {
					t.Errorf("sold %s, want %s", got, tt.sold)
				}
				if !strings.Contains(done.Reason, tt.reason) {
					t.Errorf("the end says %q, want %q", done.Reason, tt.reason)
				}
				if tt.behave == wholeOnly && len(executed.Orders) != 3 {
					t.Errorf("%d orders: what is refused at a limit goes to the market at once", len(executed.Orders))
				}
				if !w.held["SPY"].Equal(dec("1")) {
					t.Errorf("bought %s SPY: one trade holds up another", w.held["SPY"])
				}
				for _, o := range executed.Orders {
					if (o.Reason == "") != (o.Status == events.OrderFilled) {
						t.Errorf("%s %s %s: %q", o.Side, o.Symbol, o.Status, o.Reason)
					}
				}
			})
		})
	}
}

func TestSlippageIsACostOnBothSides(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.half = dec("0.10")
		executed, done := run(t, w, planned(w, trade(market.Sell, "OLD", "10", "100"), trade(market.Buy, "SPY", "2", "500")))
		got := fmt.Sprint(executed.Orders[0].SlippageBps, executed.Orders[0].LimitPrice, executed.Orders[1].SlippageBps, executed.Orders[1].LimitPrice, executed.SlippageCost)
		if want := "10 99.9 2 500.1 1.2"; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		if want := "2 of 2 trades done: sold 999.00, bought 1000.20 US dollars, which cost 1.20 against the prices on arrival"; done.Reason != want {
			t.Errorf("the end says %q, want %q", done.Reason, want)
		}
	})
}

// A fraction may remain of a split although the broker takes no fractions of the symbol.
func TestFractionThatCannotBeSoldIsLeftAndSaid(t *testing.T) {
	for held, want := range map[string]string{
		"3.3": "1 of 1 trades done: sold 149.97, bought 0.00 US dollars, which cost 0.03 against the prices on arrival; " +
			"sell XOM: the broker takes no fractions of it: 0.3 shares cannot be sold",
		"0.3": "sell XOM: the broker takes no fractions of it: 0.3 shares cannot be sold",
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld()
			w.held["XOM"] = dec(held)
			all := trade(market.Sell, "XOM", held, "50")
			all.Liquidate = true
			_, done := run(t, w, planned(w, all))
			if !w.held["XOM"].Equal(dec("0.3")) || done.Reason != want {
				t.Errorf("%s are left: %q, want %q", w.held["XOM"], done.Reason, want)
			}
		})
	}
}

// An order that was recorded but not sent while trading was off is sent, as another step, when it is on again.
func TestOrderThatWasNotSentIsTradedWhenTradingIsOnAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		in := planned(w, trade(market.Sell, "OLD", "10", "100"), trade(market.Sell, "GE", "1", "200"))
		w.fail = func(_ int, name string) failure {
			if name == "Submit" && len(w.sequence) == 1 {
				return diesBefore
			}
			return works
		}
		if _, err := w.service(t).Handle(t.Context(), in); err == nil {
			t.Fatal("the first attempt succeeded")
		}
		w.dead, w.off = false, true
		w.fail = func(n int, name string) failure {
			if name == "Positions" { // the report
				return lostBefore
			}
			return works
		}
		_, err := w.service(t).Handle(t.Context(), in)
		if fault.CodeOf(err) != fault.Transient || !strings.Contains(err.Error(), "traded so far: sell 10 OLD") {
			t.Fatalf("the second attempt: %v", err)
		}
		w.off, w.fail = false, nil
		executed, done := run(t, w, in)
		if wrong := w.audit(); wrong != nil {
			t.Error(wrong)
		}
		if !w.held["GE"].Equal(dec("6.5")) || !strings.HasPrefix(done.Reason, "2 of 2 trades done") {
			t.Errorf("held %v: %s", w.held, done.Reason)
		}
		if unsent := executed.Orders[1]; unsent.BrokerOrderID != "" || !strings.HasPrefix(unsent.Reason, "never reached the broker; trading is switched off") {
			t.Errorf("the order that was not sent: %+v", unsent)
		}
	})
}

// The broker blocks the account in the middle of a plan: what is there is settled and reported, and nothing is sent.
func TestBlockedAccountIsReportedIfItHasTraded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.blocked = true
		in := planned(w)
		if _, err := w.service(t).Handle(t.Context(), in); fault.CodeOf(err) != fault.Invalid {
			t.Errorf("before any order: %v, want invalid", err)
		}
		w.blocked = false
		w.fail = func(_ int, name string) failure {
			if name == "Submit" && len(w.sequence) == 1 {
				return diesAfter
			}
			return works
		}
		if _, err := w.service(t).Handle(t.Context(), in); err == nil {
			t.Fatal("the process died without an error")
		}
		w.blocked, w.dead, w.fail = true, false, nil
		executed, done := run(t, w, in)
		if wrong := w.audit(); wrong != nil {
			t.Error(wrong)
		}
		if len(w.sequence) != 2 || len(executed.Orders) != 2 || !strings.Contains(done.Reason, "does not let the account trade any more") {
			t.Errorf("%d orders, %d reported: %s", len(w.sequence), len(executed.Orders), done.Reason)
		}
	})
}

// At most one order a (plan, symbol, side, step), and never more of them than the report holds.
func TestEachStepIsOneOrderWithinTheReport(t *testing.T) {
	for _, n := range []int{1, 25, 33, 50, 51} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld()
			w.cash, w.limitSteps = dec("1000000"), 9
			var trades []events.Trade
			for i := range n {
				symbol := "S" + decInt(i).String()
				w.prices[symbol], w.behave[symbol] = dec("10"), rests
				trades = append(trades, trade(market.Buy, symbol, "1", "10"))
			}
			executed, _ := run(t, w, planned(w, trades...))
			if wrong := w.audit(); wrong != nil {
				t.Error(wrong)
			}
			want := n * min(10, events.MaxOrders/n)
			if len(executed.Orders) != want || len(w.sequence) != want {
				t.Errorf("%d trades: %d orders, %d reported, want %d", n, len(w.sequence), len(executed.Orders), want)
			}
			seen := map[string]bool{}
			for _, o := range executed.Orders {
				if seen[o.ClientOrderID] || o.ClientOrderID != execution.OrderID(thePlan, o.Symbol, o.Side, o.Step) {
					t.Errorf("order %s of %s, step %d", o.ClientOrderID, o.Symbol, o.Step)
				}
				seen[o.ClientOrderID] = true
			}
		})
	}
}

// Orders that attempt after attempt has no time for do not outgrow the report.
func TestOrdersThatAreCutShortAgainAndAgainFitTheReport(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.cash = dec("1000000")
		var trades []events.Trade
		for i := range 50 {
			symbol := "S" + decInt(i).String()
			w.prices[symbol], w.behave[symbol] = dec("10"), rests
			trades = append(trades, trade(market.Buy, symbol, "1", "10"))
		}
		in := planned(w, trades...)
		for range 4 {
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			_, _ = w.service(t).Handle(ctx, in)
			cancel()
		}
		executed, _ := run(t, w, in)
		if wrong := w.audit(); wrong != nil {
			t.Error(wrong)
		}
		if len(executed.Orders) != events.MaxOrders {
			t.Errorf("%d orders", len(executed.Orders))
		}
	})
}

// Buys wait for the proceeds of the sales, but not for ever.
func TestBuysWaitForTheProceeds(t *testing.T) {
	for settles, want := range map[time.Duration]string{0: "20", 3 * time.Second: "20", time.Hour: "2"} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld()
			w.cash, w.settles = dec("110"), settles
			began := w.now()
			_, done := run(t, w, planned(w, trade(market.Sell, "OLD", "10", "100"), trade(market.Buy, "XOM", "20", "50")))
			if wrong := w.audit(); wrong != nil {
				t.Error(wrong)
			}
			if !w.held["XOM"].Equal(dec(want)) {
				t.Errorf("proceeds after %s: bought %s, want %s: %s", settles, w.held["XOM"], want, done.Reason)
			}
			if took := w.now().Sub(began); took > 30*time.Second {
				t.Errorf("proceeds after %s: waited for %s", settles, took)
			}
		})
	}
}

func TestRestThatIsTooSmallForAnOrderIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.behave["OLD"] = fillsHalfThenRests
		_, done := run(t, w, planned(w, trade(market.Sell, "OLD", "0.015", "100")))
		if got := w.limits("OLD"); got != "99.99" || !strings.Contains(done.Reason, "sell OLD: the rest of 0.0075 is too small for an order") {
			t.Errorf("orders %s: %s", got, done.Reason)
		}
	})
}

// What an attempt has found out is in the report of the attempt that succeeds.
func TestReportSaysWhatAnEarlierAttemptHasCutDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.reserved = map[string]decimal.Decimal{"OLD": dec("4")}
		in := planned(w, trade(market.Sell, "OLD", "10", "100"))
		w.fail = func(_ int, name string) failure {
			if name == "Positions" && len(w.sequence) > 0 { // the report
				return lostBefore
			}
			return works
		}
		if _, err := w.service(t).Handle(t.Context(), in); err == nil || !strings.HasSuffix(err.Error(), "; traded so far: sell 6 OLD") {
			t.Errorf("the first attempt: %v", err)
		}
		w.fail = nil
		_, done := run(t, w, in)
		if !strings.HasSuffix(done.Reason, "sell OLD: an earlier attempt has cut it down to 6 of 10") {
			t.Errorf("the end says %q", done.Reason)
		}
	})
}

// Cash that has left the account since the plan was made is not made up for on credit.
func TestCashThatIsGoneIsNotMadeUpForOnCredit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		in := planned(w, trade(market.Buy, "XOM", "100", "50"))
		w.cash, w.credit = dec("1000"), dec("20000")
		run(t, w, in)
		if w.cash.IsNegative() {
			t.Errorf("cash is %s, bought %s", w.cash, w.held["XOM"])
		}
	})
}

// A broker holds a limit order against its limit, which may lie beyond an ask that is finer than the grid.
func TestBuysAreCountedAtTheirLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.half, w.cash = dec("0.001"), dec("1000.05")
		run(t, w, planned(w, trade(market.Buy, "XOM", "20", "50")))
		for _, o := range w.orders {
			if cost := o.Limit.Mul(o.Quantity); cost.GreaterThan(dec("1000.05")) {
				t.Errorf("%s at %s needs %s", o.Quantity, o.Limit, cost)
			}
		}
	})
}
