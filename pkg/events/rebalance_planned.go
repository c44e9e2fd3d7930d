package events

import (
	"time"

	"github.com/shopspring/decimal"

	"github.com/the-alchemiser/alchemiser/pkg/market"
)

// TypeRebalancePlanned carries the trades that bring an account to its targets.
const TypeRebalancePlanned Type = "RebalancePlanned"

// MaxOrders is the largest number of trades in a plan and of orders in a report: what one event can hold, and far more
// than a day's rebalance needs.
const MaxOrders = 100

// RebalancePlanned is a plan: what to trade and why, and the account that it was made for. Amounts are US dollars.
type RebalancePlanned struct {
	Run
	// PlanID derives from the signal that the plan answers.
	PlanID string `json:"plan_id" jsonschema:"minLength=1"`
	// PlannedAt is the broker's time; a plan ages by the broker's clock.
	PlannedAt time.Time `json:"planned_at"`

	// Equity is the account's value when the plan was made.
	Equity decimal.Decimal `json:"equity"`
	// Cash may be negative in a margin account.
	Cash decimal.Decimal `json:"cash"`
	// BuyingPower is what the broker lets the account spend before any sell.
	BuyingPower decimal.Decimal `json:"buying_power"`
	// CashReserve is the amount that the plan leaves unspent.
	CashReserve decimal.Decimal `json:"cash_reserve"`
	// Targets are the weights that the plan aims at, by symbol; each is in [0, 1].
	Targets map[string]decimal.Decimal `json:"targets"`
	// Positions are what the account holds when the plan is made.
	Positions []Holding `json:"positions"`
	// Trades are in the order of execution: sells before buys, each symbol once. There is at least one and at most 100.
	Trades []Trade `json:"trades" jsonschema:"minItems=1,maxItems=100"`
	// Kept are the symbols that are not traded, each with the reason.
	Kept []KeptLine `json:"kept"`
}

// Holding is a position at one moment.
type Holding struct {
	// Symbol is the exchange's ticker.
	Symbol string `json:"symbol" jsonschema:"minLength=1"`
	// Quantity is the number of shares, never negative.
	Quantity decimal.Decimal `json:"quantity"`
	// Price is the price of one share that MarketValue is based on.
	Price decimal.Decimal `json:"price"`
	// MarketValue is the broker's value of the position.
	MarketValue decimal.Decimal `json:"market_value"`
}

// Trade is one line of a plan.
type Trade struct {
	// Symbol is the exchange's ticker.
	Symbol string `json:"symbol" jsonschema:"minLength=1"`
	// Side is the direction.
	Side market.Side `json:"side" jsonschema:"enum=buy,enum=sell"`
	// Quantity is positive. With Liquidate it is the whole position.
	Quantity decimal.Decimal `json:"quantity"`
	// Liquidate closes the position whatever its exact quantity is: no dust remains.
	Liquidate bool `json:"liquidate"`
	// ReferencePrice is the price that the quantity was computed with.
	ReferencePrice decimal.Decimal `json:"reference_price"`
	// Notional is the trade's value at the reference price, positive for both sides.
	Notional decimal.Decimal `json:"notional"`
	// CurrentWeight is the symbol's share of the equity before the trade; with margin it may be above 1.
	CurrentWeight decimal.Decimal `json:"current_weight"`
	// TargetWeight is the share that the trade aims at, in [0, 1].
	TargetWeight decimal.Decimal `json:"target_weight"`
	// Reason says in words a trader understands why this is traded.
	Reason string `json:"reason" jsonschema:"minLength=1"`
}

// KeptLine is a symbol that the plan leaves alone.
type KeptLine struct {
	// Symbol is the exchange's ticker.
	Symbol string `json:"symbol" jsonschema:"minLength=1"`
	// Reason says why it is left alone.
	Reason string `json:"reason" jsonschema:"minLength=1"`
}

// EventType implements Payload.
func (RebalancePlanned) EventType() Type { return TypeRebalancePlanned }

// Portfolio implements Payload.
func (p RebalancePlanned) Portfolio() string { return p.PortfolioID }

// Validate implements Payload.
func (p RebalancePlanned) Validate() error {
	var fs faults
	in := fs.root()
	p.Run.validate(in)
	in.text("plan_id", p.PlanID)
	in.moment("planned_at", p.PlannedAt)
	in.positive("equity", p.Equity)
	in.notNegative("buying_power", p.BuyingPower)
	in.notNegative("cash_reserve", p.CashReserve)
	if sum := in.weights("targets", p.Targets); sum.GreaterThan(one()) {
		in.add("targets", "sum to %s, want at most 1", sum)
	}
	validateHoldings(in, "positions", p.Positions)
	validateTrades(in, p.Trades)
	for i, k := range p.Kept {
		at := in.item("kept", i)
		at.text("symbol", k.Symbol)
		at.text("reason", k.Reason)
	}
	return fs.err(p.EventType())
}

func validateTrades(in place, trades []Trade) {
	in.count("trades", len(trades), 1, MaxOrders)
	seen := map[string]int{}
	bought := -1
	for i, t := range trades {
		at := in.item("trades", i)
		t.validate(at)
		at.unique("trades", seen, t.Symbol, i)
		switch {
		case t.Side == market.Buy && bought < 0:
			bought = i
		case t.Side == market.Sell && bought >= 0:
			at.add("side", "is sell after the buy trades[%d]: want sells before buys", bought)
		}
	}
}

func (t Trade) validate(in place) {
	in.text("symbol", t.Symbol)
	oneOf(in, "side", t.Side, market.Buy, market.Sell)
	in.positive("quantity", t.Quantity)
	if t.Liquidate && t.Side != market.Sell {
		in.add("liquidate", "is true for a %s: only a sell closes a position", t.Side)
	}
	in.positive("reference_price", t.ReferencePrice)
	in.positive("notional", t.Notional)
	in.notNegative("current_weight", t.CurrentWeight)
	in.share("target_weight", t.TargetWeight)
	in.text("reason", t.Reason)
}

func validateHoldings(in place, name string, holdings []Holding) {
	seen := map[string]int{}
	for i, h := range holdings {
		at := in.item(name, i)
		at.text("symbol", h.Symbol)
		at.unique(name, seen, h.Symbol, i)
		at.notNegative("quantity", h.Quantity)
		at.notNegative("price", h.Price)
		at.notNegative("market_value", h.MarketValue)
	}
}
