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

// limitSteps is how many limit orders the line may take before it goes to the market. Fractions are traded at the market,
// which every broker takes. The report must hold every order, so large plans take fewer.
func (r *run) limitSteps(l *line) int {
	if !l.quantity.IsInteger() {
		return 0
	}
	return min(r.cfg.LimitSteps, events.MaxOrders/len(r.lines)-1)
}

// kind is the type of the line's order of a step. Shortly before the close there is time for one more only.
func (r *run) kind(l *line, step int) OrderType {
	if step < r.limitSteps(l) && !r.hurried() {
		return OrderLimit
	}
	return OrderMarket
}

// goesOn says whether the line may have an order of a step that nobody has submitted yet. A market order is the last one;
// if it was cut short, as the time of an attempt was up or trading was switched off, the next attempt has one more.
func (r *run) goesOn(l *line, step int) bool {
	if l.ended || len(l.orders) < step || !l.rest().IsPositive() || len(r.orders) >= events.MaxOrders {
		return false
	}
	if step == 0 || l.orders[step-1].Type == OrderLimit {
		return true
	}
	return step == len(l.recalled) && r.cutShort(l.orders[step-1])
}

// cutShort says that an order was cancelled before its time, or never reached the broker.
func (r *run) cutShort(o *Order) bool {
	return o.State == StateCancelled && (o.BrokerID == "" || o.FinishedAt.Sub(o.SubmittedAt) < patience*r.cfg.StepInterval)
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
func (r *run) newOrder(l *line, step int) Order {
	kind := r.kind(l, step)
	o := Order{
		OrderRequest: OrderRequest{
			ClientID: OrderID(r.plan.PlanID, l.trade.Symbol, l.trade.Side, step), Symbol: l.trade.Symbol, Side: l.trade.Side, Type: kind, Quantity: l.rest(),
		},
		State: StateNew, SubmittedAt: r.now(),
		PlanID: r.plan.PlanID, AccountID: r.plan.AccountID, PortfolioID: r.plan.PortfolioID, TradingDate: r.plan.TradingDate,
		CorrelationID: r.correlationID, Step: step, ArrivalPrice: l.quote.Mid(),
	}
	if kind == OrderLimit {
		o.Limit = limit(l.trade.Side, l.quote, step, r.limitSteps(l))
	}
	if step > 0 {
		o.ArrivalPrice = l.orders[0].ArrivalPrice
	}
	return o
}

// limit is the price of one of steps limit orders: the middle of the spread for the first, its far side, where it trades
// at once and never worse, for the last, and even steps between. It lies on the exchange's grid and is never worse than
// the far side.
func limit(side market.Side, q market.Quote, step, steps int) decimal.Decimal {
	far := q.Ask
	if side == market.Sell {
		far = q.Bid
	}
	if step >= steps-1 {
		return far
	}
	way := decimal.NewFromInt(int64(step)).Div(decimal.NewFromInt(int64(steps - 1)))
	price := q.Mid().Add(far.Sub(q.Mid()).Mul(way))
	if side == market.Sell {
		return decimal.Max(price.RoundCeil(tick(price)), far)
	}
	return decimal.Min(price.RoundFloor(tick(price)), far)
}

// tick is the number of decimals of a price: cents from one dollar, else hundredths of a cent. Finer ones are refused.
// https://www.law.cornell.edu/cfr/text/17/242.612 (Regulation NMS, rule 612)
func tick(price decimal.Decimal) int32 {
	if price.LessThan(decimal.NewFromInt(1)) {
		return 4
	}
	return 2
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
