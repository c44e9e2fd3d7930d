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
	PlanID string `json:"plan_id"`
	// Orders are in the order of submission; there are at most 100.
	Orders []ExecutedOrder `json:"orders"`
	// Bought and Sold are the sums of the fills.
	Bought decimal.Decimal `json:"bought"`
	Sold   decimal.Decimal `json:"sold"`
	// The account afterwards.
	EquityAfter    decimal.Decimal `json:"equity_after"`
	CashAfter      decimal.Decimal `json:"cash_after"`
	PositionsAfter []Holding       `json:"positions_after"`
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
	ClientOrderID  string          `json:"client_order_id"`
	BrokerOrderID  string          `json:"broker_order_id"`
	Symbol         string          `json:"symbol"`
	Side           market.Side     `json:"side"`
	Step           int             `json:"step"`
	OrderType      string          `json:"order_type"`
	Quantity       decimal.Decimal `json:"quantity"`
	FilledQuantity decimal.Decimal `json:"filled_quantity"`
	// AveragePrice is 0 if nothing was filled.
	AveragePrice decimal.Decimal `json:"average_price"`
	// ArrivalPrice is the middle of the spread when the order's trade began.
	ArrivalPrice decimal.Decimal `json:"arrival_price"`
	// SlippageBps is the cost against the arrival price in basis points; positive is worse.
	SlippageBps decimal.Decimal `json:"slippage_bps"`
	Status      OrderStatus     `json:"status"`
	// Reason is the broker's, for orders that were not filled.
	Reason      string    `json:"reason,omitempty"`
	SubmittedAt time.Time `json:"submitted_at"`
	// FinishedAt is when the order reached its final state.
	FinishedAt time.Time `json:"finished_at"`
}

// EventType implements Payload.
func (TradeExecuted) EventType() Type { return TypeTradeExecuted }

// Portfolio implements Payload.
func (p TradeExecuted) Portfolio() string { return p.PortfolioID }

// Validate implements Payload.
func (p TradeExecuted) Validate() error { return nil }
