package execution

import (
	"context"
	"fmt"

	"github.com/shopspring/decimal"

	"github.com/the-alchemiser/alchemiser/pkg/events"
	"github.com/the-alchemiser/alchemiser/pkg/market"
)

// line is one trade of the plan on its way: at most one order a step.
type line struct {
	trade events.Trade
	// quantity is what is to be traded in all: the plan's, as far as it is there to sell or to be paid for.
	quantity decimal.Decimal
	// recalled are the orders of an earlier attempt, as the ledger has them, by step.
	recalled []Order
	orders   []*Order
	quote    market.Quote
	// ended says that no further step follows.
	ended bool
}

// maxOrders is how many orders each line may have, so that the report holds all of them.
func (r *run) maxOrders() int { return events.MaxOrders / len(r.lines) }

// limitSteps is how many limit orders a line may have before it goes to the market: fewer in large plans.
func (r *run) limitSteps() int { return min(r.cfg.LimitSteps, r.maxOrders()-1) }

// kind is the type of the line's next order. Shortly before the close there is time for one more only, and what is refused
// as a limit order is tried at the market.
func (r *run) kind(l *line) OrderType {
	step := len(l.orders)
	if step >= r.limitSteps() || r.hurried() || step > 0 && l.orders[step-1].State == StateRejected {
		return OrderMarket
	}
	return OrderLimit
}

// goesOn says whether the line, whose orders have all ended, may have one more.
func (r *run) goesOn(l *line) bool {
	if l.ended || !l.rest().IsPositive() || len(l.orders) >= r.maxOrders() {
		return false
	}
	return len(l.orders) == 0 || l.orders[len(l.orders)-1].followed()
}

// rest is the quantity that no order has traded.
func (l *line) rest() decimal.Decimal {
	rest := l.quantity
	for _, o := range l.orders {
		rest = rest.Sub(o.Filled)
	}
	return rest
}

// value is what the line's orders have bought or sold for.
func (l *line) value() decimal.Decimal {
	sum := decimal.Zero
	for _, o := range l.orders {
		sum = sum.Add(o.Filled.Mul(o.AveragePrice))
	}
	return sum
}

// newOrder is the line's next order, which nobody knows yet.
func (r *run) newOrder(l *line) Order {
	step, kind := len(l.orders), r.kind(l)
	o := Order{
		OrderRequest: OrderRequest{
			ClientID: OrderID(r.plan.PlanID, l.trade.Symbol, l.trade.Side, step), Symbol: l.trade.Symbol, Side: l.trade.Side, Type: kind, Quantity: l.rest(),
		},
		State: StateNew, SubmittedAt: r.now(),
		PlanID: r.plan.PlanID, AccountID: r.plan.AccountID, PortfolioID: r.plan.PortfolioID, TradingDate: r.plan.TradingDate,
		CorrelationID: r.correlationID, Step: step, ArrivalPrice: l.quote.Mid(),
	}
	if kind == OrderLimit {
		o.Limit = limit(l.trade.Side, l.quote, step, r.limitSteps())
	}
	if step > 0 {
		o.ArrivalPrice = l.orders[0].ArrivalPrice
	}
	return o
}

// OrderID returns the client order id of one step of one trade of a plan: 36 characters that derive from nothing else,
// so that the same order has the same id in every attempt.
func OrderID(planID, symbol string, side market.Side, step int) string {
	return events.DeriveID("order", planID, symbol, string(side), fmt.Sprint(step))
}

// recall makes the lines and reads what earlier attempts have left in the ledger.
func (r *run) recall(ctx context.Context) error {
	for _, t := range r.plan.Trades {
		l, filled := &line{trade: t, quantity: t.Quantity}, decimal.Zero
		for step := 0; ; step++ {
			o, found, err := r.cfg.Ledger.Order(ctx, OrderID(r.plan.PlanID, t.Symbol, t.Side, step))
			if err != nil {
				return fmt.Errorf("read the ledger: %w", err)
			}
			if !found {
				break
			}
			l.recalled = append(l.recalled, o)
			// Each order was for all that the ones before had left: the last one knows of every cut.
			l.quantity, filled = filled.Add(o.Quantity), filled.Add(o.Filled)
		}
		if l.quantity.LessThan(t.Quantity) {
			r.note(l, "an earlier attempt has cut it down to %s of %s", l.quantity, t.Quantity)
		}
		r.lines = append(r.lines, l)
	}
	return nil
}

// begun says whether an earlier attempt has left an order.
func (r *run) begun() bool {
	for _, l := range r.lines {
		if len(l.recalled) > 0 {
			return true
		}
	}
	return false
}

// end says why a line is traded no further.
func (r *run) end(l *line, format string, args ...any) {
	l.ended = true
	r.note(l, format, args...)
}

// note keeps what a trader should know about a line.
func (r *run) note(l *line, format string, args ...any) {
	r.notes = append(r.notes, fmt.Sprintf("%s %s: ", l.trade.Side, l.trade.Symbol)+fmt.Sprintf(format, args...))
}
