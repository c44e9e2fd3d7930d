package main

import (
	"fmt"
	"maps"
	"slices"

	"github.com/shopspring/decimal"

	"github.com/the-alchemiser/alchemiser/internal/execution"
	"github.com/the-alchemiser/alchemiser/pkg/events"
	"github.com/the-alchemiser/alchemiser/pkg/market"
)

// brokerOrder is an order as the broker has it.
type brokerOrder struct {
	ClientID     string           `json:"client_order_id"`
	Symbol       string           `json:"symbol"`
	Side         market.Side      `json:"side"`
	Status       string           `json:"status"`
	Filled       decimal.Decimal  `json:"filled_qty"`
	AveragePrice *decimal.Decimal `json:"filled_avg_price"`
}

// account is what the broker holds for us: cash, and shares by symbol.
type account struct {
	cash   decimal.Decimal
	shares map[string]decimal.Decimal
}

// ended is all that is known of a workflow when nothing of it is left to do.
type ended struct {
	id string
	// events are those that passed, each once.
	events []events.Event
	// before and after are the account around the workflow, orders what the broker was sent, ledger what we wrote down.
	before, after account
	orders        []brokerOrder
	ledger        map[string]execution.Order
}

// check returns what is wrong with a workflow: nothing, if every event was handled once in its effects.
func (w ended) check() (wrong []string) {
	say := func(format string, args ...any) { wrong = append(wrong, w.id+": "+fmt.Sprintf(format, args...)) }
	var plan events.RebalancePlanned
	var executed []events.TradeExecuted
	var outcomes []events.Outcome
	for _, e := range w.events {
		switch p := e.Payload.(type) {
		case events.RebalancePlanned:
			plan = p
		case events.TradeExecuted:
			executed = append(executed, p)
		case events.WorkflowCompleted:
			outcomes = append(outcomes, p.Outcome)
		}
	}
	if len(outcomes) != 1 || outcomes[0] != events.OutcomeCompleted || len(executed) != 1 {
		say("it ended as %v with %d reports of its orders, want one completed end and one report", outcomes, len(executed))
	}
	if len(w.orders) == 0 {
		say("it placed no order, so it shows nothing")
	}
	w.checkOrders(plan, say)
	w.checkAccount(say)
	return wrong
}

// checkOrders compares the broker's orders with the ledger and the plan.
func (w ended) checkOrders(plan events.RebalancePlanned, say func(string, ...any)) {
	atBroker := map[string]bool{}
	traded := map[string]decimal.Decimal{}
	for _, o := range w.orders {
		if atBroker[o.ClientID] {
			say("the broker has two orders %s", o.ClientID)
		}
		atBroker[o.ClientID] = true
		traded[o.Symbol+" "+string(o.Side)] = traded[o.Symbol+" "+string(o.Side)].Add(o.Filled)
		kept, there := w.ledger[o.ClientID]
		switch {
		case !there:
			say("order %s of %s is not in the ledger", o.ClientID, o.Symbol)
		case !kept.Filled.Equal(o.Filled) || !kept.State.Final():
			say("order %s of %s: the broker filled %s (%s), the ledger says %s (%s)", o.ClientID, o.Symbol, o.Filled, o.Status, kept.Filled, kept.State)
		}
	}
	steps := map[string]string{}
	for _, id := range slices.Sorted(maps.Keys(w.ledger)) {
		o := w.ledger[id]
		if o.Filled.IsPositive() && !atBroker[id] {
			say("order %s of %s is filled in the ledger and unknown to the broker", id, o.Symbol)
		}
		step := fmt.Sprintf("%s %s step %d", o.Side, o.Symbol, o.Step)
		if other := steps[step]; other != "" {
			say("%s is in orders %s and %s", step, other, id)
		}
		steps[step] = id
	}
	planned := map[string]decimal.Decimal{}
	for _, t := range plan.Trades {
		planned[t.Symbol+" "+string(t.Side)] = t.Quantity
	}
	for trade, quantity := range traded {
		if quantity.GreaterThan(planned[trade]) {
			say("%s: traded %s, planned %s", trade, quantity, planned[trade])
		}
	}
}

// checkAccount compares cash and shares with what the fills make of those before.
func (w ended) checkAccount(say func(string, ...any)) {
	cash, shares := w.before.cash, maps.Clone(w.before.shares)
	for _, o := range w.orders {
		if o.AveragePrice == nil {
			continue
		}
		quantity := o.Filled
		if o.Side == market.Sell {
			quantity = quantity.Neg()
		}
		shares[o.Symbol] = shares[o.Symbol].Add(quantity)
		cash = cash.Sub(quantity.Mul(*o.AveragePrice))
	}
	if cash.Sub(w.after.cash).Abs().GreaterThan(decimal.New(int64(len(w.orders)), -2)) { // a cent for each rounding
		say("the account has %s in cash, the fills make %s", w.after.cash, cash)
	}
	for symbol, quantity := range shares {
		if !quantity.Equal(w.after.shares[symbol]) {
			say("the account has %s shares of %s, the fills make %s", w.after.shares[symbol], symbol, quantity)
		}
	}
}
