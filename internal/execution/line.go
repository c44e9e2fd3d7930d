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

// steps are the order types of a line, one after the other. Fractions are traded at the market, which every broker
// takes. The report must hold every order, so large plans have one step.
func (r *run) steps(l *line) []OrderType {
	if !l.quantity.IsInteger() || 2*len(r.lines) > events.MaxOrders {
		return []OrderType{OrderMarket}
	}
	return []OrderType{OrderLimit, OrderMarket}
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

// newOrder is the line's order of one step, which nobody knows yet.
func (r *run) newOrder(l *line, step int, kind OrderType) Order {
	o := Order{
		OrderRequest: OrderRequest{
			ClientID: OrderID(r.plan.PlanID, l.trade.Symbol, l.trade.Side, step), Symbol: l.trade.Symbol, Side: l.trade.Side, Type: kind, Quantity: l.rest(),
		},
		State: StateNew, SubmittedAt: r.now(),
		PlanID: r.plan.PlanID, AccountID: r.plan.AccountID, PortfolioID: r.plan.PortfolioID, TradingDate: r.plan.TradingDate,
		CorrelationID: r.correlationID, Step: step, ArrivalPrice: l.quote.Mid(),
	}
	if kind == OrderLimit {
		o.Limit = limit(l.trade.Side, l.quote)
	}
	if step > 0 {
		o.ArrivalPrice = l.orders[0].ArrivalPrice
	}
	return o
}

// limit is the price at the far side of the spread: it trades at once and never worse.
func limit(side market.Side, q market.Quote) decimal.Decimal {
	if side == market.Buy {
		return q.Ask
	}
	return q.Bid
}

// OrderID returns the client order id of one step of one trade of a plan: 36 characters that derive from nothing else,
// so that the same order has the same id in every attempt.
func OrderID(planID, symbol string, side market.Side, step int) string {
	return events.DeriveID("order", planID, symbol, string(side), fmt.Sprint(step))
}

// recall makes the lines and reads what earlier attempts have left in the ledger.
func (r *run) recall(ctx context.Context) error {
	for _, t := range r.plan.Trades {
		l := &line{trade: t, quantity: t.Quantity}
		for step := 0; ; step++ {
			o, found, err := r.cfg.Ledger.Order(ctx, OrderID(r.plan.PlanID, t.Symbol, t.Side, step))
			if err != nil {
				return fmt.Errorf("read the ledger: %w", err)
			}
			if !found {
				break
			}
			l.recalled = append(l.recalled, o)
		}
		if len(l.recalled) > 0 {
			l.quantity = l.recalled[0].Quantity
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

// note keeps what a trader should know about a line.
func (r *run) note(l *line, format string, args ...any) {
	r.notes = append(r.notes, fmt.Sprintf("%s %s: ", l.trade.Side, l.trade.Symbol)+fmt.Sprintf(format, args...))
}
