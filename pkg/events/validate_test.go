package events_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/the-alchemiser/alchemiser/pkg/events"
	"github.com/the-alchemiser/alchemiser/pkg/market"
)

func TestSamplesAreValid(t *testing.T) {
	t.Parallel()
	for _, e := range samples() {
		if err := e.Validate(); err != nil {
			t.Error(err)
		}
	}
}

func TestValidateRefuses(t *testing.T) {
	t.Parallel()
	weights := func(pairs ...string) map[string]decimal.Decimal {
		ws := map[string]decimal.Decimal{}
		for i := 0; i < len(pairs); i += 2 {
			ws[pairs[i]] = dec(pairs[i+1])
		}
		return ws
	}
	for name, tt := range map[string]struct {
		payload events.Payload
		want    string
	}{
		"start without a portfolio":   {events.WorkflowStarted{}, "$.portfolio_id is empty"},
		"start on a day that is none": {events.WorkflowStarted{PortfolioID: "p", TradingDate: "2026-02-30"}, `$.trading_date is "2026-02-30"`},

		"signal without a run": {edit(signal(), func(s *events.SignalGenerated) { s.Run = events.Run{} }), "$.portfolio_id is empty; $.account_id is empty; $.trading_date is \"\""},
		"weights below 1": {edit(signal(), func(s *events.SignalGenerated) {
			s.Weights = weights("A", "0.333333", "B", "0.333333", "C", "0.333333")
		}), "$.weights sum to 0.999999, want exactly 1"},
		"weights above 1":          {edit(signal(), func(s *events.SignalGenerated) { s.Weights = weights("A", "1", "B", "0.01") }), "$.weights sum to 1.01"},
		"short weight":             {edit(signal(), func(s *events.SignalGenerated) { s.Weights = weights("A", "1.5", "B", "-0.5") }), "$.weights.A is 1.5, want 0 to 1; $.weights.B is -0.5, want 0 to 1"},
		"no weights":               {edit(signal(), func(s *events.SignalGenerated) { s.Weights = nil }), "$.weights is empty"},
		"weight without symbol":    {edit(signal(), func(s *events.SignalGenerated) { s.Weights = weights("", "1") }), `$.weights[""] is a weight without a symbol`},
		"bar that is not complete": {edit(signal(), func(s *events.SignalGenerated) { s.AsOf = "2026-03-03" }), "$.as_of is 2026-03-03, after the trading date"},
		"no strategies":            {edit(signal(), func(s *events.SignalGenerated) { s.Signals = nil }), "$.signals is empty"},
		"strategy that says nothing": {
			edit(signal(), func(s *events.SignalGenerated) {
				s.Signals = []events.StrategySignal{{HistoryDays: -1, Reasons: []events.Reason{{}}}}
			}),
			`$.signals[0].strategy is empty; $.signals[0].digest is "", want a SHA-256 in hex; $.signals[0].allocation is 0, want more than 0; ` +
				`$.signals[0].weights is empty; $.signals[0].history_days is -1, want 0 or more; $.signals[0].reasons[0].path is empty; $.signals[0].reasons[0].text is empty`,
		},
		"allocation above 1": {edit(signal(), func(s *events.SignalGenerated) { s.Signals[0].Allocation = dec("6") }), "$.signals[0].allocation is 6, want 0 to 1"},

		"buy before a sell":          {edit(plan(), func(p *events.RebalancePlanned) { p.Trades[0], p.Trades[1] = p.Trades[1], p.Trades[0] }), "$.trades[1].side is sell after the buy trades[0]"},
		"no trades":                  {edit(plan(), func(p *events.RebalancePlanned) { p.Trades = nil }), "$.trades has 0 elements, want 1 to 100"},
		"too many trades":            {edit(plan(), func(p *events.RebalancePlanned) { p.Trades = buys(101) }), "$.trades has 101 elements, want 1 to 100"},
		"symbol traded twice":        {edit(plan(), func(p *events.RebalancePlanned) { p.Trades[1].Symbol = "TLT" }), `$.trades[1].symbol is "TLT", as in trades[0]`},
		"side that is none":          {edit(plan(), func(p *events.RebalancePlanned) { p.Trades[1].Side = "short" }), `$.trades[1].side is "short", want one of ["buy" "sell"]`},
		"quantity of 0":              {edit(plan(), func(p *events.RebalancePlanned) { p.Trades[1].Quantity = decimal.Zero }), "$.trades[1].quantity is 0, want more than 0"},
		"buy that liquidates":        {edit(plan(), func(p *events.RebalancePlanned) { p.Trades[1].Liquidate = true }), "$.trades[1].liquidate is true for a buy"},
		"trade without a reason":     {edit(plan(), func(p *events.RebalancePlanned) { p.Trades[1].Reason = "" }), "$.trades[1].reason is empty"},
		"price of 0":                 {edit(plan(), func(p *events.RebalancePlanned) { p.Trades[1].ReferencePrice = decimal.Zero }), "$.trades[1].reference_price is 0"},
		"targets above 1":            {edit(plan(), func(p *events.RebalancePlanned) { p.Targets["QQQ"] = dec("0.1") }), "$.targets sum to 1.1, want at most 1"},
		"short position":             {edit(plan(), func(p *events.RebalancePlanned) { p.Positions[0].Quantity = dec("-1") }), "$.positions[0].quantity is -1, want 0 or more"},
		"position twice":             {edit(plan(), func(p *events.RebalancePlanned) { p.Positions = append(p.Positions, p.Positions[0]) }), `$.positions[1].symbol is "TLT", as in positions[0]`},
		"kept without a reason":      {edit(plan(), func(p *events.RebalancePlanned) { p.Kept[0].Reason = "" }), "$.kept[0].reason is empty"},
		"plan of an empty account":   {edit(plan(), func(p *events.RebalancePlanned) { p.Equity = decimal.Zero }), "$.equity is 0, want more than 0"},
		"plan made at no time":       {edit(plan(), func(p *events.RebalancePlanned) { p.PlannedAt = time.Time{} }), "$.planned_at is the zero time"},
		"negative buying power":      {edit(plan(), func(p *events.RebalancePlanned) { p.BuyingPower = dec("-1") }), "$.buying_power is -1, want 0 or more"},
		"too many orders":            {edit(executed(), func(e *events.TradeExecuted) { e.Orders = orders(101) }), "$.orders has 101 elements, want 0 to 100"},
		"order without id and time":  {edit(executed(), func(e *events.TradeExecuted) { e.Orders[0].ClientOrderID, e.Orders[0].SubmittedAt = "", time.Time{} }), "$.orders[0].client_order_id is empty; $.orders[0].submitted_at is the zero time"},
		"order in no final state":    {edit(executed(), func(e *events.TradeExecuted) { e.Orders[0].Status = "new" }), `$.orders[0].status is "new"`},
		"end without a reason":       {edit(completed(), func(c *events.WorkflowCompleted) { c.Reason = " \n" }), "$.reason is empty"},
		"outcome that is none":       {edit(completed(), func(c *events.WorkflowCompleted) { c.Outcome = "ok" }), `$.outcome is "ok", want one of ["completed" "skipped" "nothing_to_do"]`},
		"negative number of orders":  {edit(completed(), func(c *events.WorkflowCompleted) { c.Orders = -1 }), "$.orders is -1, want 0 or more"},
		"failure without an attempt": {edit(failed(), func(f *events.WorkflowFailed) { f.Attempt = 0 }), "$.attempt is 0, want 1 or more"},
		"failure without a code":     {edit(failed(), func(f *events.WorkflowFailed) { f.Code = "" }), `$.code is ""`},
		"failure of nothing":         {edit(failed(), func(f *events.WorkflowFailed) { f.FailedEventID, f.FailedEventType, f.Function = "", "", "" }), "$.function is empty; $.failed_event_id is empty; $.failed_event_type is empty"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := tt.payload.Validate()
			var invalid *events.InvalidError
			if !errors.As(err, &invalid) || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("Validate = %v\nwant it to say %s", err, tt.want)
			}
			if invalid.Type != tt.payload.EventType() {
				t.Errorf("the error is about %s, want %s", invalid.Type, tt.payload.EventType())
			}
		})
	}
}

func TestValidateAccepts(t *testing.T) {
	t.Parallel()
	for name, p := range map[string]events.Payload{
		"a plan of 100 trades":       edit(plan(), func(p *events.RebalancePlanned) { p.Trades = buys(100) }),
		"targets that leave cash":    edit(plan(), func(p *events.RebalancePlanned) { p.Targets = map[string]decimal.Decimal{"SPY": dec("0.5")} }),
		"a plan that nobody filled":  edit(executed(), func(e *events.TradeExecuted) { e.Orders = nil }),
		"a trade of many steps":      edit(executed(), func(e *events.TradeExecuted) { e.Orders = orders(100) }),
		"a weight of 0":              edit(signal(), func(s *events.SignalGenerated) { s.Weights["TLT"] = decimal.Zero }),
		"a skipped run without date": events.WorkflowCompleted{PortfolioID: "p", Outcome: events.OutcomeSkipped, Reason: "the market is closed"},
	} {
		if err := p.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func edit[P any](p P, change func(*P)) P {
	change(&p)
	return p
}

func buys(n int) []events.Trade {
	var ts []events.Trade
	for i := range n {
		ts = append(ts, events.Trade{
			Symbol: fmt.Sprintf("S%d", i), Side: market.Buy, Quantity: dec("1"), ReferencePrice: dec("1"), Notional: dec("1"),
			TargetWeight: dec("0.01"), Reason: "below its target",
		})
	}
	return ts
}

func orders(n int) []events.ExecutedOrder {
	var os []events.ExecutedOrder
	for i := range n {
		o := executed().Orders[0]
		o.ClientOrderID, o.Step = fmt.Sprint("c-", i), i
		os = append(os, o)
	}
	return os
}
