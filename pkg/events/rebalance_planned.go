package events

import (
	"time"

	"github.com/shopspring/decimal"

	"github.com/the-alchemiser/alchemiser/pkg/market"
)

// TypeRebalancePlanned carries the trades that bring an account to its targets.
const TypeRebalancePlanned Type = "RebalancePlanned"

// RebalancePlanned is a plan: what to trade and why, and the account that it was made for. Amounts are US dollars.
type RebalancePlanned struct {
	Run
	// PlanID derives from the signal that the plan answers.
	PlanID string `json:"plan_id"`
	// PlannedAt is the broker's time; a plan ages by the broker's clock.
	PlannedAt time.Time `json:"planned_at"`

	Equity      decimal.Decimal            `json:"equity"`
	Cash        decimal.Decimal            `json:"cash"`
	BuyingPower decimal.Decimal            `json:"buying_power"`
	CashReserve decimal.Decimal            `json:"cash_reserve"`
	Targets     map[string]decimal.Decimal `json:"targets"`
	Positions   []Holding                  `json:"positions"`
	// Trades are in the order of execution: sells before buys. There is at least one and at most 100.
	Trades []Trade `json:"trades"`
	// Kept are the symbols that are not traded, each with the reason.
	Kept []KeptLine `json:"kept"`
}

// Holding is a position at one moment.
type Holding struct {
	Symbol      string          `json:"symbol"`
	Quantity    decimal.Decimal `json:"quantity"`
	Price       decimal.Decimal `json:"price"`
	MarketValue decimal.Decimal `json:"market_value"`
}

// Trade is one line of a plan.
type Trade struct {
	Symbol string      `json:"symbol"`
	Side   market.Side `json:"side"`
	// Quantity is positive. With Liquidate it is the whole position.
	Quantity decimal.Decimal `json:"quantity"`
	// Liquidate closes the position whatever its exact quantity is: no dust remains.
	Liquidate      bool            `json:"liquidate"`
	ReferencePrice decimal.Decimal `json:"reference_price"`
	Notional       decimal.Decimal `json:"notional"`
	CurrentWeight  decimal.Decimal `json:"current_weight"`
	TargetWeight   decimal.Decimal `json:"target_weight"`
	Reason         string          `json:"reason"`
}

// KeptLine is a symbol that the plan leaves alone.
type KeptLine struct {
	Symbol string `json:"symbol"`
	Reason string `json:"reason"`
}

// EventType implements Payload.
func (RebalancePlanned) EventType() Type { return TypeRebalancePlanned }

// Portfolio implements Payload.
func (p RebalancePlanned) Portfolio() string { return p.PortfolioID }

// Validate implements Payload.
func (p RebalancePlanned) Validate() error { return nil }
