package execution

import (
	"context"
	"fmt"
	"strings"

	"github.com/shopspring/decimal"

	"github.com/the-alchemiser/alchemiser/pkg/events"
	"github.com/the-alchemiser/alchemiser/pkg/market"
)

// report returns what was done, or that nothing was.
func (r *run) report(ctx context.Context) ([]events.Payload, error) {
	if len(r.orders) == 0 {
		return []events.Payload{r.completed()}, nil
	}
	account, err := r.cfg.Broker.Account(ctx)
	if err != nil {
		return nil, err
	}
	positions, err := r.cfg.Broker.Positions(ctx)
	if err != nil {
		return nil, err
	}
	executed := events.TradeExecuted{
		Run: r.plan.Run, PlanID: r.plan.PlanID, Orders: []events.ExecutedOrder{}, PositionsAfter: []events.Holding{},
		EquityAfter: account.Equity, CashAfter: account.Cash,
	}
	executed.Bought, executed.Sold = r.turnover()
	for _, o := range r.orders {
		executed.Orders = append(executed.Orders, o.executed())
	}
	for _, p := range positions {
		executed.PositionsAfter = append(executed.PositionsAfter, events.Holding{
			Symbol: p.Symbol, Quantity: p.Quantity, Price: p.Price, MarketValue: p.MarketValue,
		})
	}
	return []events.Payload{executed, r.completed()}, nil
}

func (r *run) turnover() (bought, sold decimal.Decimal) {
	for _, l := range r.lines {
		if l.trade.Side == market.Buy {
			bought = bought.Add(l.value())
		} else {
			sold = sold.Add(l.value())
		}
	}
	return bought, sold
}

// executed is the order as it is reported.
func (o Order) executed() events.ExecutedOrder {
	status := map[State]events.OrderStatus{
		StateFilled: events.OrderFilled, StateCancelled: events.OrderCancelled, StateRejected: events.OrderRejected, StateExpired: events.OrderExpired,
	}[o.State]
	if o.State != StateFilled && o.Filled.IsPositive() {
		status = events.OrderPartial
	}
	return events.ExecutedOrder{
		ClientOrderID: o.ClientID, BrokerOrderID: o.BrokerID, Symbol: o.Symbol, Side: o.Side, Step: o.Step, OrderType: string(o.Type),
		Quantity: o.Quantity, FilledQuantity: o.Filled, AveragePrice: o.AveragePrice, ArrivalPrice: o.ArrivalPrice, SlippageBps: o.slippage(),
		Status: status, Reason: o.Reason, SubmittedAt: o.SubmittedAt, FinishedAt: o.FinishedAt,
	}
}

// slippage is the cost against the arrival price in basis points, to a hundredth; positive is worse.
func (o Order) slippage() decimal.Decimal {
	if o.Filled.IsZero() || !o.ArrivalPrice.IsPositive() {
		return decimal.Zero
	}
	cost := o.AveragePrice.Sub(o.ArrivalPrice)
	if o.Side == market.Sell {
		cost = cost.Neg()
	}
	return cost.Shift(4).DivRound(o.ArrivalPrice, 2)
}

// completed ends the workflow. A plan that was stopped before its first order is skipped; one that was stopped later
// is completed, with the reason.
func (r *run) completed() events.WorkflowCompleted {
	done := events.WorkflowCompleted{
		PortfolioID: r.plan.PortfolioID, AccountID: r.plan.AccountID, TradingDate: r.plan.TradingDate, PlanID: r.plan.PlanID, Orders: len(r.orders),
	}
	var reasons []string
	switch {
	case len(r.orders) > 0:
		done.Outcome = events.OutcomeCompleted
		bought, sold := r.turnover()
		reasons = append(reasons, fmt.Sprintf("%d of %d trades done: sold %s, bought %s US dollars",
			r.traded(), len(r.lines), sold.StringFixed(2), bought.StringFixed(2)))
	case r.halted != "":
		done.Outcome = events.OutcomeSkipped
	default:
		done.Outcome = events.OutcomeNothingToDo
	}
	for _, o := range r.orders {
		if o.State != StateFilled && o.Reason != "" {
			reasons = append(reasons, fmt.Sprintf("%s %s %s: %s", o.Side, o.Symbol, o.State, o.Reason))
		}
	}
	reasons = append(reasons, r.notes...)
	if r.halted != "" {
		reasons = append(reasons, r.halted)
	}
	done.Reason = strings.Join(reasons, "; ")
	return done
}

// traded counts the lines that are traded whole.
func (r *run) traded() int {
	n := 0
	for _, l := range r.lines {
		if len(l.orders) > 0 && !l.rest().IsPositive() {
			n++
		}
	}
	return n
}
