package report

import (
	"fmt"
	"io"
	"slices"
	"strings"

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
	Planned *events.Trade        `json:"planned"`
	Placed  events.ExecutedOrder `json:"placed"`
}

// Wanted is what a strategy wanted of a symbol.
type Wanted struct {
	Strategy   string          `json:"strategy"`
	Weight     decimal.Decimal `json:"weight"`
	Allocation decimal.Decimal `json:"allocation"`
	Reasons    []string        `json:"reasons"`
}

// Explain returns the orders that the events of a workflow tell of, each with what led to it, in the order in which they
// were placed.
func Explain(es []events.Event) []Order {
	var signals events.SignalGenerated
	plan := planOf(es)
	var orders []Order
	for _, e := range es {
		if s, ok := e.Payload.(events.SignalGenerated); ok {
			signals = s
		}
	}
	for _, e := range es {
		x, ok := e.Payload.(events.TradeExecuted)
		if !ok {
			continue
		}
		for _, placed := range x.Orders {
			o := Order{Symbol: placed.Symbol, Wanted: wanted(signals, placed.Symbol), Placed: placed}
			if i := slices.IndexFunc(plan.Trades, func(t events.Trade) bool { return t.Symbol == placed.Symbol }); i >= 0 {
				o.Planned = &plan.Trades[i]
			}
			orders = append(orders, o)
		}
	}
	return orders
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
		p.printf("placed   %s order, step %d, id %s, at %s\n", o.Placed.OrderType, o.Placed.Step, o.Placed.ClientOrderID, o.Placed.SubmittedAt.UTC().Format("15:04:05.000"))
		p.printf("came of  %s: %s filled at %s, %s bp against %s\n", status(o.Placed), o.Placed.FilledQuantity, market.USD(o.Placed.AveragePrice),
			o.Placed.SlippageBps.StringFixed(1), market.USD(o.Placed.ArrivalPrice))
	}
	return p.err
}

func status(o events.ExecutedOrder) string {
	if o.Reason == "" {
		return string(o.Status)
	}
	return string(o.Status) + ", " + o.Reason
}
