package report

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/the-alchemiser/alchemiser/pkg/events"
	"github.com/the-alchemiser/alchemiser/pkg/market"
)

// Order is an order with all that led to it.
type Order struct {
	Symbol string `json:"symbol"`
	// Wanted are the strategies that spoke of the symbol, each with its weight of the symbol, its share of the portfolio and
	// its reasons.
	Wanted []Wanted `json:"wanted"`
	// Planned is the line of the plan; nil if the plan is not known.
	Planned *events.Trade `json:"planned"`
	// Placed is the order as execution has reported it; of one that was not reported yet, as the ledger has it.
	Placed events.ExecutedOrder `json:"placed"`
	// Reported says that execution has reported the order.
	Reported bool   `json:"reported"`
	Fills    []Fill `json:"fills"`
	// PlanSlippageBps is the cost against the price that the plan was made at, in basis points; positive is worse, 0 without fills.
	PlanSlippageBps decimal.Decimal `json:"plan_slippage_bps"`
}

// Booked is an order as the ledger has it, whose status may be one of an order that is under way.
type Booked struct {
	Order events.ExecutedOrder
	Fills []Fill
}

// Fill is a part of an order that was traded.
type Fill struct {
	Quantity decimal.Decimal `json:"quantity"`
	Price    decimal.Decimal `json:"price"`
	At       time.Time       `json:"at"`
}

// Wanted is what a strategy wanted of a symbol.
type Wanted struct {
	Strategy   string          `json:"strategy"`
	Weight     decimal.Decimal `json:"weight"`
	Allocation decimal.Decimal `json:"allocation"`
	Reasons    []string        `json:"reasons"`
}

// Explain returns the orders that the events of a workflow tell of, in the order in which they were placed, and then those that
// only the ledger knows, each with what led to it.
func Explain(es []events.Event, ledger []Booked) []Order {
	var signals events.SignalGenerated
	plan := planOf(es)
	var orders []Order
	for _, e := range es {
		switch p := e.Payload.(type) {
		case events.SignalGenerated:
			signals = p
		case events.TradeExecuted:
			for _, placed := range p.Orders {
				orders = append(orders, Order{Placed: placed, Reported: true, Fills: []Fill{}})
			}
		}
	}
	for _, b := range ledger {
		i := slices.IndexFunc(orders, func(o Order) bool { return o.Placed.ClientOrderID == b.Order.ClientOrderID })
		if i < 0 {
			i, orders = len(orders), append(orders, Order{Placed: b.Order, Fills: []Fill{}})
		}
		orders[i].Fills = append(orders[i].Fills, b.Fills...)
	}
	for i := range orders {
		o := &orders[i]
		o.Symbol, o.Wanted = o.Placed.Symbol, wanted(signals, o.Placed.Symbol)
		if i := slices.IndexFunc(plan.Trades, func(t events.Trade) bool { return t.Symbol == o.Placed.Symbol && t.Side == o.Placed.Side }); i >= 0 {
			o.Planned = &plan.Trades[i]
			o.PlanSlippageBps = slippage(o.Placed, o.Planned.ReferencePrice)
		}
	}
	return orders
}

// slippage is what an order has cost against a price, in basis points.
func slippage(o events.ExecutedOrder, price decimal.Decimal) decimal.Decimal {
	if !o.FilledQuantity.IsPositive() || !price.IsPositive() {
		return decimal.Zero
	}
	cost := o.AveragePrice.Sub(price)
	if o.Side == market.Sell {
		cost = cost.Neg()
	}
	return cost.Shift(4).DivRound(price, 4)
}

func wanted(signals events.SignalGenerated, symbol string) []Wanted {
	var all []Wanted
	for _, s := range signals.Signals {
		weight, ok := s.Weights[symbol]
		if !ok {
			continue
		}
		w := Wanted{Strategy: s.Strategy, Weight: weight, Allocation: s.Allocation}
		for _, r := range s.Reasons {
			w.Reasons = append(w.Reasons, r.Text)
		}
		all = append(all, w)
	}
	return all
}

// WriteOrders writes each order as a paragraph: who wanted it, what was planned, what came of it.
func WriteOrders(w io.Writer, orders []Order) error {
	p := &printer{w: w}
	if len(orders) == 0 {
		p.printf("No orders.\n")
	}
	for _, o := range orders {
		p.heading(fmt.Sprintf("%s %s %s", o.Placed.Side, o.Placed.Quantity, o.Symbol))
		if len(o.Wanted) == 0 {
			p.printf("wanted   by no strategy: what is held is sold\n")
		}
		for _, s := range o.Wanted {
			p.printf("wanted   %s of %s, which has %s of the portfolio: %s\n", percent(s.Weight), s.Strategy, percent(s.Allocation), strings.Join(s.Reasons, "; "))
		}
		if t := o.Planned; t != nil {
			p.printf("planned  %s %s at about %s, from %s to %s: %s\n", t.Side, t.Quantity, market.USD(t.ReferencePrice), percent(t.CurrentWeight), percent(t.TargetWeight), t.Reason)
		}
		p.printf("placed   %s, step %d, at %s, id %s\n", placed(o.Placed), o.Placed.Step, o.Placed.SubmittedAt.UTC().Format("15:04:05.000"), ids(o.Placed))
		for _, f := range o.Fills {
			p.printf("filled   %s at %s, %s\n", f.Quantity, market.USD(f.Price), f.At.UTC().Format("15:04:05.000"))
		}
		p.printf("came of  %s\n", outcome(o))
	}
	return p.err
}

func placed(o events.ExecutedOrder) string {
	if o.LimitPrice.IsPositive() {
		return o.OrderType + " order at " + market.USD(o.LimitPrice)
	}
	return o.OrderType + " order"
}

// ids are the order's names: ours and, if it has one, the broker's.
func ids(o events.ExecutedOrder) string {
	if o.BrokerOrderID == "" {
		return o.ClientOrderID
	}
	return o.ClientOrderID + ", the broker's " + o.BrokerOrderID
}

func outcome(o Order) string {
	said := status(o.Placed)
	if o.Placed.FilledQuantity.IsPositive() {
		said += fmt.Sprintf(": %s of %s filled at %s", o.Placed.FilledQuantity, o.Placed.Quantity, market.USD(o.Placed.AveragePrice))
		if o.Reported {
			said += fmt.Sprintf(", %s bp against %s on arrival", o.Placed.SlippageBps.StringFixed(1), market.USD(o.Placed.ArrivalPrice))
		}
		if o.Planned != nil {
			said += fmt.Sprintf(", %s bp against the plan", o.PlanSlippageBps.StringFixed(1))
		}
	} else {
		said += ": nothing filled"
	}
	if !o.Reported {
		said += "; so the ledger says, execution has not reported it yet"
	}
	return said
}

func status(o events.ExecutedOrder) string {
	if o.Reason == "" {
		return string(o.Status)
	}
	return string(o.Status) + ", " + o.Reason
}
