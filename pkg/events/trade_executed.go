package events

import (
	"time"

	"github.com/shopspring/decimal"

	"github.com/the-alchemiser/alchemiser/pkg/market"
)

// TypeTradeExecuted reports what became of a plan: one event a plan, all orders in it.
const TypeTradeExecuted Type = "TradeExecuted"

// TradeExecuted lists every order of a plan in its final state. Amounts are US dollars.
type TradeExecuted struct {
	Run
	// PlanID is the plan that was traded.
	PlanID string `json:"plan_id" jsonschema:"minLength=1"`
	// Orders are in the order of submission; there are at most 100.
	Orders []ExecutedOrder `json:"orders" jsonschema:"maxItems=100"`
	// Bought is the sum of the bought fills.
	Bought decimal.Decimal `json:"bought"`
	// Sold is the sum of the sold fills.
	Sold decimal.Decimal `json:"sold"`
	// SlippageCost is what the fills have cost in all against the arrival prices; negative is a gain.
	SlippageCost decimal.Decimal `json:"slippage_cost,omitempty"`
	// EquityAfter is the account's value afterwards.
	EquityAfter decimal.Decimal `json:"equity_after"`
	// CashAfter is the account's cash afterwards; it may be negative in a margin account.
	CashAfter decimal.Decimal `json:"cash_after"`
	// PositionsAfter are what the account holds afterwards.
	PositionsAfter []Holding `json:"positions_after"`
}

// OrderStatus is the final state of an order.
type OrderStatus string

// The final states of an order.
const (
	OrderFilled    OrderStatus = "filled"
	OrderPartial   OrderStatus = "partially_filled" // ended with a part filled
	OrderCancelled OrderStatus = "cancelled"
	OrderRejected  OrderStatus = "rejected"
	OrderExpired   OrderStatus = "expired"
)

// ExecutedOrder is one order in its final state.
type ExecutedOrder struct {
	// ClientOrderID derives from plan, symbol, side and step.
	ClientOrderID string `json:"client_order_id" jsonschema:"minLength=1"`
	// BrokerOrderID is empty if the broker refused the order.
	BrokerOrderID string `json:"broker_order_id"`
	// Symbol is the exchange's ticker.
	Symbol string `json:"symbol" jsonschema:"minLength=1"`
	// Side is the direction.
	Side market.Side `json:"side" jsonschema:"enum=buy,enum=sell"`
	// Step counts the orders of one trade: each walks closer to the other side of the spread.
	Step int `json:"step" jsonschema:"minimum=0"`
	// OrderType is the broker's: "limit" or "market".
	OrderType string `json:"order_type" jsonschema:"minLength=1"`
	// Quantity is what was ordered.
	Quantity decimal.Decimal `json:"quantity"`
	// LimitPrice is 0 for market orders.
	LimitPrice decimal.Decimal `json:"limit_price,omitempty"`
	// FilledQuantity is the part of it that was traded.
	FilledQuantity decimal.Decimal `json:"filled_quantity"`
	// AveragePrice is 0 if nothing was filled.
	AveragePrice decimal.Decimal `json:"average_price"`
	// ArrivalPrice is the middle of the spread when the order's trade began.
	ArrivalPrice decimal.Decimal `json:"arrival_price"`
	// SlippageBps is the cost against the arrival price in basis points; positive is worse.
	SlippageBps decimal.Decimal `json:"slippage_bps"`
	// Status is the final state.
	Status OrderStatus `json:"status" jsonschema:"enum=filled,enum=partially_filled,enum=cancelled,enum=rejected,enum=expired"`
	// Reason says in words why an order was not filled whole.
	Reason string `json:"reason,omitempty"`
	// SubmittedAt is when the order was sent.
	SubmittedAt time.Time `json:"submitted_at"`
	// FinishedAt is when the order reached its final state.
	FinishedAt time.Time `json:"finished_at"`
}

// EventType implements Payload.
func (TradeExecuted) EventType() Type { return TypeTradeExecuted }

// Portfolio implements Payload.
func (p TradeExecuted) Portfolio() string { return p.PortfolioID }

// Validate implements Payload.
func (p TradeExecuted) Validate() error {
	var fs faults
	in := fs.root()
	p.Run.validate(in)
	in.text("plan_id", p.PlanID)
	in.count("orders", len(p.Orders), 0, MaxOrders)
	for i, o := range p.Orders {
		o.validate(in.item("orders", i))
	}
	in.notNegative("bought", p.Bought)
	in.notNegative("sold", p.Sold)
	validateHoldings(in, "positions_after", p.PositionsAfter)
	return fs.err(p.EventType())
}

// What the broker reports is checked for being there and for its sign alone: an account of trades that were made is
// never worth less than its neatness.
func (o ExecutedOrder) validate(in place) {
	in.text("client_order_id", o.ClientOrderID)
	in.text("symbol", o.Symbol)
	oneOf(in, "side", o.Side, market.Buy, market.Sell)
	in.atLeast("step", o.Step, 0)
	in.text("order_type", o.OrderType)
	in.positive("quantity", o.Quantity)
	in.notNegative("filled_quantity", o.FilledQuantity)
	in.notNegative("average_price", o.AveragePrice)
	in.notNegative("arrival_price", o.ArrivalPrice)
	oneOf(in, "status", o.Status, OrderFilled, OrderPartial, OrderCancelled, OrderRejected, OrderExpired)
	in.moment("submitted_at", o.SubmittedAt)
	in.moment("finished_at", o.FinishedAt)
}
