package main

import (
	"strings"
	"testing"

	"github.com/shopspring/decimal"

	"github.com/the-alchemiser/alchemiser/internal/execution"
	"github.com/the-alchemiser/alchemiser/pkg/events"
	"github.com/the-alchemiser/alchemiser/pkg/market"
)

func dec(s string) decimal.Decimal { return decimal.RequireFromString(s) }

// whole is a workflow that sold 10 GE at 20 dollars and bought 2 SPY at 100.
func whole() ended {
	order := func(id, symbol string, side market.Side, quantity, price string) (brokerOrder, execution.Order) {
		average := dec(price)
		kept := execution.Order{State: execution.StateFilled, Filled: dec(quantity), AveragePrice: average}
		kept.ClientID, kept.Symbol, kept.Side = id, symbol, side
		return brokerOrder{ClientID: id, Symbol: symbol, Side: side, Status: "filled", Filled: dec(quantity), AveragePrice: &average}, kept
	}
	sell, soldLedger := order("1", "GE", market.Sell, "10", "20")
	buy, boughtLedger := order("2", "SPY", market.Buy, "2", "100")
	return ended{
		id: "w",
		events: []events.Event{
			{Payload: events.RebalancePlanned{Trades: []events.Trade{
				{Symbol: "GE", Side: market.Sell, Quantity: dec("10")}, {Symbol: "SPY", Side: market.Buy, Quantity: dec("2")},
			}}},
			{Payload: events.TradeExecuted{}}, {Payload: events.WorkflowCompleted{Outcome: events.OutcomeCompleted}},
		},
		before: account{cash: dec("50"), shares: map[string]decimal.Decimal{"GE": dec("10")}},
		after:  account{cash: dec("50"), shares: map[string]decimal.Decimal{"SPY": dec("2")}},
		orders: []brokerOrder{sell, buy},
		ledger: map[string]execution.Order{"1": soldLedger, "2": boughtLedger},
	}
}

// A check that finds nothing would pass for ever.
func TestCheckFindsWhatIsWrong(t *testing.T) {
	tests := map[string]struct {
		spoil func(*ended)
		want  []string // a part of each line
	}{
		"nothing":       {func(*ended) {}, nil},
		"no end":        {func(w *ended) { w.events = w.events[:2] }, []string{"ended as []"}},
		"two ends":      {func(w *ended) { w.events = append(w.events, w.events[2]) }, []string{"ended as [completed completed]"}},
		"a failed end":  {func(w *ended) { w.events[2].Payload = events.WorkflowFailed{} }, []string{"ended as []"}},
		"two reports":   {func(w *ended) { w.events = append(w.events, w.events[1]) }, []string{"2 reports"}},
		"another price": {func(w *ended) { w.after.cash = dec("49") }, []string{"has 49 in cash, the fills make 50"}},
		"another count": {func(w *ended) { w.after.shares["SPY"] = dec("3") }, []string{"has 3 shares of SPY, the fills make 2"}},
		"an order that nobody wrote down": {
			func(w *ended) { delete(w.ledger, "2") }, []string{"order 2 of SPY is not in the ledger"},
		},
		"a fill that nobody wrote down": {
			func(w *ended) { o := w.ledger["2"]; o.Filled = dec("1"); w.ledger["2"] = o }, []string{"the broker filled 2 (filled), the ledger says 1"},
		},
		"an order that is still open in the ledger": {
			func(w *ended) { o := w.ledger["2"]; o.State = execution.StateWorking; w.ledger["2"] = o }, []string{"the ledger says 2 (working)"},
		},
		"an order twice under one id": {
			func(w *ended) {
				w.orders = append(w.orders, w.orders[1])
				w.after = account{cash: dec("-150"), shares: map[string]decimal.Decimal{"SPY": dec("4")}}
			},
			[]string{"two orders 2", "SPY buy: traded 4, planned 2"},
		},
		"an order twice under two ids": {
			func(w *ended) {
				again, kept := w.orders[1], w.ledger["2"]
				again.ClientID, kept.ClientID = "3", "3"
				w.orders, w.ledger["3"] = append(w.orders, again), kept
				w.after = account{cash: dec("-150"), shares: map[string]decimal.Decimal{"SPY": dec("4")}}
			},
			[]string{"buy SPY step 0 is in orders 2 and 3", "SPY buy: traded 4, planned 2"},
		},
		"an order that the broker does not know": {
			func(w *ended) {
				w.orders = w.orders[:1]
				w.after = account{cash: dec("250"), shares: map[string]decimal.Decimal{}}
			},
			[]string{"order 2 of SPY is filled in the ledger and unknown to the broker"},
		},
		"no order": {
			func(w *ended) { w.orders, w.ledger, w.after = nil, nil, w.before }, []string{"it placed no order"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w := whole()
			tt.spoil(&w)
			got := w.check()
			if len(got) != len(tt.want) {
				t.Fatalf("check says %q, want %q", got, tt.want)
			}
			for i, want := range tt.want {
				if !strings.Contains(got[i], want) {
					t.Errorf("check says %q, want %q", got[i], want)
				}
			}
		})
	}
}
