package execution_test

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"github.com/the-alchemiser/alchemiser/internal/execution"
	"github.com/the-alchemiser/alchemiser/pkg/market"
)

// inspect checks a new order against the rules.
func (w *world) inspect(r execution.OrderRequest) {
	complain := func(format string, args ...any) { w.broken = append(w.broken, fmt.Sprintf(format, args...)) }
	if known, ok := w.ledger[r.ClientID]; !ok || known.State != execution.StatePendingSubmit {
		complain("%s %s was sent before the ledger knew", r.Side, r.Symbol)
	}
	if w.off {
		complain("%s %s was sent although trading is off", r.Side, r.Symbol)
	}
	if at := w.now(); !at.Before(time.Date(at.Year(), at.Month(), at.Day(), 16, 0, 0, 0, at.Location()).Add(-w.closeMargin)) {
		complain("%s %s was sent at %s, %s before the close", r.Side, r.Symbol, at, w.closeMargin)
	}
	if len(r.ClientID) > 48 {
		complain("client id %s is too long", r.ClientID)
	}
	if r.Side == market.Sell && r.Quantity.GreaterThan(w.held[r.Symbol]) {
		complain("sell of %s %s, %s are held", r.Quantity, r.Symbol, w.held[r.Symbol])
	}
	open := decimal.Zero
	for _, o := range w.orders {
		if !o.State.Final() && o.Side == market.Sell && r.Side == market.Buy {
			complain("buy of %s while the sale of %s is open", r.Symbol, o.Symbol)
		}
		if !o.State.Final() && o.Side == market.Buy {
			open = open.Add(o.Quantity.Sub(o.Filled).Mul(w.quote(o.Symbol).Ask))
		}
		if !o.State.Final() && o.Symbol == r.Symbol {
			complain("second order for %s while one is open", r.Symbol)
		}
	}
	if cost := r.Quantity.Mul(w.quote(r.Symbol).Ask).Add(open); r.Side == market.Buy && cost.GreaterThan(w.cash.Add(w.credit)) {
		complain("buys of %s, the account has %s", cost, w.cash)
	}
	cents := int32(2)
	if w.prices[r.Symbol].LessThan(decimal.NewFromInt(1)) {
		cents = 4
	}
	if q := w.quote(r.Symbol); r.Type == execution.OrderLimit && (r.Limit.LessThan(q.Bid.RoundFloor(cents)) || r.Limit.GreaterThan(q.Ask.RoundCeil(cents))) {
		complain("limit %s is outside of %s to %s", r.Limit, q.Bid, q.Ask)
	}
}

// audit returns what is wrong with the world after a finished run.
func (w *world) audit() []string {
	wrong := slices.Clone(w.broken)
	for id, o := range w.orders {
		kept, ok := w.ledger[id]
		if !ok || kept.State != o.State || !kept.Filled.Equal(o.Filled) {
			wrong = append(wrong, fmt.Sprintf("%s %s: the broker has %s %s, the ledger %s %s", o.Side, o.Symbol, o.State, o.Filled, kept.State, kept.Filled))
		}
		if id != execution.OrderID(thePlan, o.Symbol, o.Side, kept.Step) {
			wrong = append(wrong, fmt.Sprintf("%s %s step %d has the id %s", o.Side, o.Symbol, kept.Step, id))
		}
	}
	cash, held := w.cashBefore, maps.Clone(w.heldBefore)
	for id, o := range w.ledger {
		sum := decimal.Zero
		for n := 1; n <= o.Fills; n++ {
			fill := w.fills[fmt.Sprint(id, "#", n)]
			sum = sum.Add(fill.Quantity)
			bought := fill.Quantity
			if o.Side == market.Sell {
				bought = bought.Neg()
			}
			cash, held[o.Symbol] = cash.Sub(bought.Mul(fill.Price)), held[o.Symbol].Add(bought)
		}
		if !sum.Equal(o.Filled) {
			wrong = append(wrong, fmt.Sprintf("%s %s: fills of %s make up %s", o.Side, o.Symbol, sum, o.Filled))
		}
		if !o.State.Final() {
			wrong = append(wrong, fmt.Sprintf("%s %s: the ledger leaves it %s", o.Side, o.Symbol, o.State))
		}
	}
	// Prices of fills are quotients of average prices.
	if cash.Sub(w.cash).Abs().GreaterThan(dec("0.000001")) {
		wrong = append(wrong, fmt.Sprintf("cash is %s, the fills in the ledger make it %s", w.cash, cash))
	}
	for symbol, q := range held {
		if !q.Equal(w.held[symbol]) {
			wrong = append(wrong, fmt.Sprintf("%s of %s are held, the fills in the ledger make it %s", w.held[symbol], symbol, q))
		}
	}
	return wrong
}
