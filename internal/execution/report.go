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
	executed.SlippageCost = r.cost()
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

// cost is what all fills have cost against the arrival prices, to a hundredth of a cent.
func (r *run) cost() decimal.Decimal {
	sum := decimal.Zero
	for _, o := range r.orders {
		sum = sum.Add(o.worse().Mul(o.Filled))
	}
	return sum.Round(4)
}

// worse is how much worse the average price is than the arrival price; negative is better. It is zero without a fill.
func (o Order) worse() decimal.Decimal {
	switch {
	case o.Filled.IsZero() || !o.ArrivalPrice.IsPositive():
		return decimal.Zero
	case o.Side == market.Sell:
		return o.ArrivalPrice.Sub(o.AveragePrice)
	}
	return o.AveragePrice.Sub(o.ArrivalPrice)
}

// slippage is worse in basis points of the arrival price, to a hundredth.
func (o Order) slippage() decimal.Decimal {
	if worse := o.worse(); !worse.IsZero() {
		return worse.Shift(4).DivRound(o.ArrivalPrice, 2)
	}
	return decimal.Zero
}

// words say what became of the order if it was not filled whole.
func (o Order) words() string {
	if o.State != StateFilled && o.Filled.IsPositive() {
		return fmt.Sprintf("%s of %s traded; %s", o.Filled, o.Quantity, o.why())
	}
	return o.why()
}

// why says why the order, which has come to its end, was not filled whole.
func (o Order) why() string {
	switch o.State {
	case StateRejected:
		return "refused: " + o.Reason
	case StateExpired:
		return "it has expired: " + o.Reason
	case StateReplaced:
		return "replaced by somebody at the broker, so it is left alone: " + o.Reason
	case StateCancelled:
		return map[Cause]string{
			CauseStep:        "not taken in time",
			CauseUnfilled:    "nobody took it in time",
			CauseClose:       "cancelled as the session was about to close",
			CauseInterrupted: "cancelled as the time of the attempt was up",
			CauseUnsent:      o.Reason,
			"":               "cancelled by somebody at the broker, so it is left alone: " + o.Reason,
		}[o.Cause]
	case StateNew, StatePendingSubmit, StateWorking, StatePartiallyFilled, StateFilled:
	}
	return ""
}

// executed is the order as it is reported.
func (o Order) executed() events.ExecutedOrder {
	status := map[State]events.OrderStatus{
		StateFilled: events.OrderFilled, StateCancelled: events.OrderCancelled, StateRejected: events.OrderRejected, StateExpired: events.OrderExpired,
		StateReplaced: events.OrderCancelled,
	}[o.State]
	if o.State != StateFilled && o.Filled.IsPositive() {
		status = events.OrderPartial
	}
	return events.ExecutedOrder{
		ClientOrderID: o.ClientID, BrokerOrderID: o.BrokerID, Symbol: o.Symbol, Side: o.Side, Step: o.Step, OrderType: string(o.Type),
		Quantity: o.Quantity, LimitPrice: o.Limit, FilledQuantity: o.Filled, AveragePrice: o.AveragePrice, ArrivalPrice: o.ArrivalPrice, SlippageBps: o.slippage(),
		Status: status, Reason: o.words(), SubmittedAt: o.SubmittedAt, FinishedAt: o.FinishedAt,
	}
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
		reasons = append(reasons, fmt.Sprintf("%d of %d trades done: sold %s, bought %s US dollars, which cost %s against the prices on arrival",
			r.traded(), len(r.lines), sold.StringFixed(2), bought.StringFixed(2), r.cost().StringFixed(2)))
	case r.halted != "":
		done.Outcome = events.OutcomeSkipped
	default:
		done.Outcome = events.OutcomeNothingToDo
	}
	for _, l := range r.lines {
		if n := len(l.orders); n > 0 && l.rest().IsPositive() {
			reasons = append(reasons, fmt.Sprintf("%s %s, %s of %s traded: %s", l.trade.Side, l.trade.Symbol, l.quantity.Sub(l.rest()), l.quantity, l.orders[n-1].why()))
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
