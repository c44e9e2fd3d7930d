package execution_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/the-alchemiser/alchemiser/internal/execution"
	"github.com/the-alchemiser/alchemiser/pkg/events"
	"github.com/the-alchemiser/alchemiser/pkg/fault"
	"github.com/the-alchemiser/alchemiser/pkg/market"
)

// run handles in and returns the report, if there is one, and the end of the workflow. All payloads must be valid.
func run(t *testing.T, w *world, in events.Event) (*events.TradeExecuted, events.WorkflowCompleted) {
	t.Helper()
	out, err := w.service(t).Handle(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range out {
		if err := p.Validate(); err != nil {
			t.Error(err)
		}
	}
	done, ok := out[len(out)-1].(events.WorkflowCompleted)
	if !ok {
		t.Fatalf("the last payload is %T", out[len(out)-1])
	}
	if len(out) == 1 {
		return nil, done
	}
	executed, ok := out[0].(events.TradeExecuted)
	if !ok || len(out) != 2 {
		t.Fatalf("got %d payloads, the first is %T", len(out), out[0])
	}
	return &executed, done
}

func TestPlanIsTradedSellsFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		executed, done := run(t, w, planned(w))
		if wrong := w.audit(); wrong != nil {
			t.Error(wrong)
		}
		if done.Outcome != events.OutcomeCompleted || done.Orders != 4 {
			t.Errorf("got %+v", done)
		}
		if len(w.held) != 3 || !w.held["GE"].Equal(dec("5")) || !w.held["SPY"].Equal(dec("12.123456789")) || !w.held["XOM"].Equal(dec("20")) {
			t.Errorf("held: %v", w.held)
		}
		sides := ""
		for _, o := range executed.Orders {
			sides += string(o.Side)[:1]
			if o.Status != events.OrderFilled {
				t.Errorf("%s %s is %s", o.Side, o.Symbol, o.Status)
			}
		}
		if sides != "ssbb" {
			t.Errorf("order of submission: %s", sides)
		}
		// The spread is a cent each way: 0.01 of 500 is 0.2 basis points, of 100 it is 1.
		if got := executed.Orders[0].SlippageBps.String() + " " + executed.Orders[2].SlippageBps.String(); got != "1 0.2" {
			t.Errorf("slippage: %s", got)
		}
		if !executed.Sold.Equal(dec("999.9").Add(dec("2.5").Mul(dec("199.99")))) || !executed.CashAfter.Equal(w.cash) {
			t.Errorf("sold %s, cash %s, want %s", executed.Sold, executed.CashAfter, w.cash)
		}
	})
}

func TestPlanThatMayNotBeTradedIsSkipped(t *testing.T) {
	tests := map[string]struct {
		arrange func(w *world, p *events.RebalancePlanned)
		reason  string
	}{
		"older than the limit":     {func(_ *world, p *events.RebalancePlanned) { p.PlannedAt = p.PlannedAt.Add(-31 * time.Minute) }, "the limit is 30m0s"},
		"after the session":        {func(w *world, p *events.RebalancePlanned) { w.offset = 15 * time.Minute; p.PlannedAt = w.now() }, "closed at 16:00"},
		"before the session":       {func(w *world, _ *events.RebalancePlanned) { w.offset = -8 * time.Hour }, "has not opened"},
		"for another date":         {func(_ *world, p *events.RebalancePlanned) { p.TradingDate = "2026-03-03" }, "the broker's date is 2026-03-02"},
		"on no trading day":        {func(w *world, p *events.RebalancePlanned) { w.offset = -24 * time.Hour; p.TradingDate = "2026-03-01" }, "no trading day"},
		"while trading is off":     {func(w *world, _ *events.RebalancePlanned) { w.off = true }, "switched off"},
		"after the day's own plan": {func(w *world, _ *events.RebalancePlanned) { w.plans[theKey] = "plan-0" }, "traded by plan plan-0"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				in := edit(planned(w), func(p *events.RebalancePlanned) { tt.arrange(w, p) })
				executed, done := run(t, w, in)
				if executed != nil || done.Outcome != events.OutcomeSkipped || !strings.Contains(done.Reason, tt.reason) {
					t.Errorf("got %v, %+v; want it skipped with %q", executed, done, tt.reason)
				}
				if len(w.orders)+len(w.ledger) != 0 {
					t.Errorf("%d orders, %d in the ledger", len(w.orders), len(w.ledger))
				}
				if owner := w.plans[theKey]; owner == "plan-1" {
					t.Error("a plan that was not traded holds the day")
				}
			})
		})
	}
}

var theKey = execution.PlanKey{AccountID: "acct", PortfolioID: "core", Date: "2026-03-02"}

func TestPlanThatCanNeverBeTradedIsInvalid(t *testing.T) {
	tests := map[string]func(p *events.RebalancePlanned){
		"for another account": func(p *events.RebalancePlanned) { p.AccountID = "other" },
		"of 101 trades":       func(p *events.RebalancePlanned) { p.Trades = make([]events.Trade, 101) },
	}
	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			if _, err := w.service(t).Handle(t.Context(), edit(planned(w), change)); fault.CodeOf(err) != fault.Invalid {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestKillSwitchStopsBetweenOrders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.offAfter = 1
		executed, done := run(t, w, planned(w))
		if wrong := w.audit(); wrong != nil {
			t.Error(wrong)
		}
		if len(executed.Orders) != 1 || done.Outcome != events.OutcomeCompleted || !strings.Contains(done.Reason, "switched off") {
			t.Errorf("got %d orders, %+v", len(executed.Orders), done)
		}
	})
}

// The answer that an order may be sent is worth nothing once the session is over.
func TestNothingIsSubmittedAfterAnAnswerThatTookTooLong(t *testing.T) {
	for _, slow := range []string{"TradingEnabled", "ClaimPlan"} {
		t.Run(slow, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				w.fail = func(_ int, name string) failure {
					if name == slow {
						time.Sleep(16 * time.Minute)
					}
					return works
				}
				_, done := run(t, w, planned(w))
				if len(w.orders) != 0 || done.Outcome != events.OutcomeSkipped || !strings.Contains(done.Reason, "closed at 16:00") {
					t.Errorf("%d orders, %+v; want none, and it skipped", len(w.orders), done)
				}
			})
		})
	}
}

func TestOrdersThatDoNotFill(t *testing.T) {
	tests := map[string]struct {
		behave behaviour
		// steps of the whole-share sell of OLD, with what each has sold
		want string
	}{
		"fills in parts":                       {fillsByHalves, "0 limit filled 10"},
		"part fills, then the market for rest": {fillsHalfThenRests, "0 limit partially_filled 5, 1 market partially_filled 2.5"},
		"rests and is cancelled":               {rests, "0 limit cancelled 0, 1 market cancelled 0"},
		"is refused":                           {refused, "0 limit rejected 0"},
		"price comes after the fill":           {fillsLatePrice, "0 limit filled 10"},
		"the whole is shown as a part":         {fillsUnsaid, "0 limit filled 10"},
		"fill overtakes the cancel":            {overtaken, "0 limit filled 10"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				w.behave["OLD"] = tt.behave
				executed, done := run(t, w, planned(w, trade(market.Sell, "OLD", "10", "100"), trade(market.Buy, "SPY", "21", "500")))
				if wrong := w.audit(); wrong != nil {
					t.Error(wrong)
				}
				var steps []string
				for _, o := range executed.Orders {
					if o.Symbol == "OLD" {
						steps = append(steps, strings.Join([]string{decInt(o.Step).String(), o.OrderType, string(o.Status), o.FilledQuantity.String()}, " "))
					}
				}
				if got := strings.Join(steps, ", "); got != tt.want {
					t.Errorf("got %s; want %s", got, tt.want)
				}
				if done.Outcome != events.OutcomeCompleted {
					t.Errorf("got %+v", done)
				}
				if w.cash.IsNegative() || w.cash.GreaterThan(dec("600")) {
					t.Errorf("%s US dollars are left", w.cash)
				}
			})
		})
	}
}

func TestSellsNoMoreThanIsHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		whole := trade(market.Sell, "GE", "7", "200")
		whole.Liquidate = true
		_, done := run(t, w, planned(w, trade(market.Sell, "OLD", "99", "100"), whole, trade(market.Sell, "XOM", "1", "50")))
		if wrong := w.audit(); wrong != nil {
			t.Error(wrong)
		}
		if len(w.held) != 0 || !strings.Contains(done.Reason, "sell XOM: nothing is held") {
			t.Errorf("held %v; %+v", w.held, done)
		}
	})
}

func TestBuysAreScaledToWhatThereIsToSpend(t *testing.T) {
	tests := map[string]struct {
		cash, credit, reserve string
		refuse                string
		spy, xom              string
	}{
		"enough":                     {"10000", "0", "0", "", "10", "100"},
		"half":                       {"4000", "0", "0", "", "4.999350071", "49"}, // 4999.90 of 10001.10 with the sale
		"the reserve is kept":        {"4000", "0", "1000", "", "3.999460059", "39"},
		"on credit as planned":       {"100", "20000", "0", "", "9.998800131", "99"}, // less the spread of the sale
		"no credit for failed sales": {"100", "20000", "0", "OLD", "8.999010108", "89"},
		"too little for anything":    {"0.5", "0", "0", "OLD", "0", "0"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				w.cash, w.credit = dec(tt.cash), dec(tt.credit)
				if tt.refuse != "" {
					w.behave[tt.refuse] = refused
				}
				in := planned(w, trade(market.Sell, "OLD", "10", "100"), trade(market.Buy, "SPY", "10", "500"), trade(market.Buy, "XOM", "100", "50"))
				run(t, w, edit(in, func(p *events.RebalancePlanned) { p.CashReserve = dec(tt.reserve) }))
				if wrong := w.audit(); wrong != nil {
					t.Error(wrong)
				}
				if got := w.held["SPY"].String() + " " + w.held["XOM"].String(); got != tt.spy+" "+tt.xom {
					t.Errorf("bought %s; want %s %s", got, tt.spy, tt.xom)
				}
			})
		})
	}
}

func TestLargePlanFitsTheReport(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.cash = dec("1000000")
		var trades []events.Trade
		for i := range events.MaxOrders {
			symbol := "S" + decInt(i).String()
			w.prices[symbol], w.behave[symbol] = dec("10"), rests
			trades = append(trades, trade(market.Buy, symbol, "1", "10"))
		}
		executed, _ := run(t, w, planned(w, trades...))
		if len(executed.Orders) != events.MaxOrders {
			t.Errorf("%d orders", len(executed.Orders))
		}
	})
}

func TestNewNamesEveryFault(t *testing.T) {
	_, err := execution.New(execution.Config{})
	for _, name := range []string{"broker", "ledger", "plans", "switch", "now", "plan age", "step interval"} {
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s is not named: %v", name, err)
		}
	}
}

func TestAttemptWithoutTimeIsTransientAndContinuesLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.behave["OLD"] = rests
		ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
		defer cancel()
		in := planned(w)
		if _, err := w.service(t).Handle(ctx, in); fault.CodeOf(err) != fault.Transient {
			t.Fatalf("got %v", err)
		}
		w.behave["OLD"] = fillsAtOnce
		run(t, w, in)
		if wrong := w.audit(); wrong != nil {
			t.Error(wrong)
		}
	})
}
