package invariants

import (
	"fmt"
	"maps"
	"slices"

	"github.com/shopspring/decimal"

	"github.com/the-alchemiser/alchemiser/pkg/events"
	"github.com/the-alchemiser/alchemiser/pkg/market"
)

// cent is how far cash may be off for each order: the broker rounds.
var cent = decimal.New(1, -2)

// orders: the broker has one order for each step of a trade at most, the ledger has every one of them as the broker
// has it, the report names the same, and no more is traded than planned.
func (c *check) orders() {
	atBroker := map[string]Order{}
	for _, r := range c.Runs {
		traded := map[string]decimal.Decimal{}
		for _, o := range r.Orders {
			if _, twice := atBroker[o.ClientID]; twice {
				c.say("%s: the broker has order %s of %s twice", r.ID, o.ClientID, o.Symbol)
			}
			atBroker[o.ClientID] = o
			c.written(r.ID, o)
			trade := string(o.Side) + " " + o.Symbol
			traded[trade] = traded[trade].Add(o.Filled)
		}
		c.reported(r)
		c.planned(r.ID, traded)
	}
	steps := map[string]string{}
	for _, id := range slices.Sorted(maps.Keys(c.Ledger)) {
		o := c.Ledger[id]
		if _, there := atBroker[id]; !there && (o.BrokerID != "" || o.Filled.IsPositive()) {
			c.say("%s: order %s is in the ledger as %q with %s filled, and the broker does not know it", o.CorrelationID, id, o.BrokerID, o.Filled)
		}
		if !o.Final {
			c.say("%s: order %s is left open in the ledger", o.CorrelationID, id)
		}
		step := fmt.Sprintf("plan %s, %s %s, step %d", o.PlanID, o.Side, o.Symbol, o.Step)
		if other := steps[step]; other != "" {
			c.say("%s: %s was ordered twice: %s and %s", o.CorrelationID, step, other, id)
		}
		steps[step] = id
	}
}

// written: the ledger has o and its fills as the broker has them.
func (c *check) written(run string, o Order) {
	kept, there := c.Ledger[o.ClientID]
	if !there {
		c.say("%s: order %s of %s is not in the ledger", run, o.ClientID, o.Symbol)
		return
	}
	if kept.CorrelationID != run || kept.Symbol != o.Symbol || kept.Side != o.Side {
		c.say("%s: order %s (%s %s) is in the ledger as %s's (%s %s)", run, o.ClientID, o.Side, o.Symbol, kept.CorrelationID, kept.Side, kept.Symbol)
	}
	quantity, value := decimal.Zero, decimal.Zero
	for _, f := range kept.Fills {
		quantity, value = quantity.Add(f.Quantity), value.Add(f.Quantity.Mul(f.Price))
	}
	if !kept.Filled.Equal(o.Filled) || !quantity.Equal(o.Filled) || value.Sub(o.value()).Abs().GreaterThan(cent) {
		c.say("%s: order %s of %s: the broker filled %s for %s, the ledger says %s, its fills make %s for %s",
			run, o.ClientID, o.Symbol, o.Filled, o.value(), kept.Filled, quantity, value)
	}
}

// reported: the report of the run's orders names every order of the broker's, as the broker has it, and no other.
func (c *check) reported(r Run) {
	filled := map[string]decimal.Decimal{}
	for _, e := range c.Events {
		if p, ok := e.Payload.(events.TradeExecuted); ok && e.CorrelationID == r.ID {
			for _, o := range p.Orders {
				if o.BrokerOrderID != "" {
					filled[o.ClientOrderID] = o.FilledQuantity
				}
			}
		}
	}
	for _, o := range r.Orders {
		if got, there := filled[o.ClientID]; !there || !got.Equal(o.Filled) {
			c.say("%s: order %s of %s: the broker filled %s, the report says %s (named: %t)", r.ID, o.ClientID, o.Symbol, o.Filled, got, there)
		}
		delete(filled, o.ClientID)
	}
	for _, id := range slices.Sorted(maps.Keys(filled)) {
		c.say("%s: order %s is reported, and the broker does not know it", r.ID, id)
	}
}

// planned: no more was traded than one plan asks for.
func (c *check) planned(run string, traded map[string]decimal.Decimal) {
	plans, planned := map[string]bool{}, map[string]decimal.Decimal{}
	for _, e := range c.Events {
		if p, ok := e.Payload.(events.RebalancePlanned); ok && e.CorrelationID == run {
			plans[p.PlanID] = true
			for _, t := range p.Trades {
				planned[string(t.Side)+" "+t.Symbol] = t.Quantity
			}
		}
	}
	if len(plans) != 1 {
		c.say("%s: it has %d plans, want one", run, len(plans))
	}
	for _, trade := range slices.Sorted(maps.Keys(traded)) {
		if traded[trade].GreaterThan(planned[trade]) {
			c.say("%s: %s: traded %s, planned %s", run, trade, traded[trade], planned[trade])
		}
	}
}

// account: cash and shares are what the fills make of those before.
func (c *check) account(r Run) {
	cash, shares := r.Before.Cash, maps.Clone(r.Before.Shares)
	if shares == nil {
		shares = map[string]decimal.Decimal{}
	}
	for _, o := range r.Orders {
		quantity, value := o.Filled, o.value()
		if o.Side == market.Sell {
			quantity, value = quantity.Neg(), value.Neg()
		}
		shares[o.Symbol], cash = shares[o.Symbol].Add(quantity), cash.Sub(value)
	}
	if cash.Sub(r.After.Cash).Abs().GreaterThan(cent.Mul(decimal.NewFromInt(int64(len(r.Orders))))) {
		c.say("%s: the account has %s in cash, the fills make %s", r.ID, r.After.Cash, cash)
	}
	for symbol := range r.After.Shares {
		shares[symbol] = shares[symbol].Add(decimal.Zero)
	}
	for _, symbol := range slices.Sorted(maps.Keys(shares)) {
		if !shares[symbol].Equal(r.After.Shares[symbol]) {
			c.say("%s: the account has %s shares of %s, the fills make %s", r.ID, r.After.Shares[symbol], symbol, shares[symbol])
		}
	}
}
