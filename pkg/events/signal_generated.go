package events

import (
	"time"

	"github.com/shopspring/decimal"

	"github.com/the-alchemiser/alchemiser/pkg/market"
)

// TypeSignalGenerated carries the target weights of one portfolio for one day.
const TypeSignalGenerated Type = "SignalGenerated"

// SignalGenerated is what the strategies want to hold, and why.
type SignalGenerated struct {
	Run
	// AsOf is the date of the last completed bar that the signals have seen.
	AsOf market.Date `json:"as_of"`
	// Weights are the merged targets by symbol; each is in [0, 1] and they sum to 1.
	Weights map[string]decimal.Decimal `json:"weights"`
	// Signals are the strategies that were merged, in the order of portfolio.yaml.
	Signals []StrategySignal `json:"signals"`
}

// Run identifies the day's run that an event belongs to and the session that it trades in.
type Run struct {
	PortfolioID string      `json:"portfolio_id"`
	AccountID   string      `json:"account_id"`
	TradingDate market.Date `json:"trading_date"`
	// SessionClose is the moment after which nothing of this run may trade.
	SessionClose time.Time `json:"session_close"`
}

// StrategySignal is one strategy's part of the signals.
type StrategySignal struct {
	Strategy string `json:"strategy"`
	// Digest is the SHA-256 of the strategy's text in hex: which version spoke.
	Digest string `json:"digest"`
	// Allocation is the strategy's share of the portfolio, in (0, 1].
	Allocation decimal.Decimal            `json:"allocation"`
	Weights    map[string]decimal.Decimal `json:"weights"`
	// Options are the disputed definitions in force, such as "rsi": "wilder".
	Options map[string]string `json:"options"`
	// HistoryDays is the number of bars that recursive indicators have seen.
	HistoryDays int      `json:"history_days"`
	Reasons     []Reason `json:"reasons"`
}

// Reason explains one decision of a strategy in words a trader understands.
type Reason struct {
	// Path is the place in the strategy, such as "if[1]/then/group(Calm)".
	Path string `json:"path"`
	// Text says what was decided and on which values: "RSI(14) of SPY is 61.2, above 55: then".
	Text string `json:"text"`
}

// EventType implements Payload.
func (SignalGenerated) EventType() Type { return TypeSignalGenerated }

// Portfolio implements Payload.
func (p SignalGenerated) Portfolio() string { return p.PortfolioID }

// Validate implements Payload.
func (p SignalGenerated) Validate() error { return nil }
