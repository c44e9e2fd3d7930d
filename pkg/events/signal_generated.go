package events

import (
	"regexp"

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
	Signals []StrategySignal `json:"signals" jsonschema:"minItems=1"`
}

// StrategySignal is one strategy's part of the signals.
type StrategySignal struct {
	// Strategy is the name of the strategy.
	Strategy string `json:"strategy" jsonschema:"minLength=1"`
	// Digest is the SHA-256 of the strategy's text in hex: which version spoke.
	Digest string `json:"digest" jsonschema:"pattern=^[0-9a-f]{64}$"`
	// Allocation is the strategy's share of the portfolio, in (0, 1].
	Allocation decimal.Decimal `json:"allocation"`
	// Weights are the strategy's own targets by symbol, each in [0, 1].
	Weights map[string]decimal.Decimal `json:"weights"`
	// Options are the disputed definitions in force, such as "rsi": "wilder".
	Options map[string]string `json:"options"`
	// HistoryDays is the number of bars that recursive indicators have seen.
	HistoryDays int `json:"history_days" jsonschema:"minimum=0"`
	// Resting says that the strategy does not rebalance on the trading date: its weights are what its last trade has become
	// at the closes up to AsOf. Prices have moved since, so nothing is to be traded toward them.
	Resting bool `json:"resting,omitempty"`
	// Reasons are the decisions on the way to the weights, in the order in which they were made.
	Reasons []Reason `json:"reasons"`
}

// Reason explains one decision of a strategy in words a trader understands.
type Reason struct {
	// Path is the place in the strategy, such as "if[1]/then/group(Calm)".
	Path string `json:"path" jsonschema:"minLength=1"`
	// Text says what was decided and on which values: "RSI(14) of SPY is 61.2, above 55: then".
	Text string `json:"text" jsonschema:"minLength=1"`
}

// EventType implements Payload.
func (SignalGenerated) EventType() Type { return TypeSignalGenerated }

// Portfolio implements Payload.
func (p SignalGenerated) Portfolio() string { return p.PortfolioID }

// Validate implements Payload.
func (p SignalGenerated) Validate() error {
	var fs faults
	in := fs.root()
	p.Run.validate(in)
	in.date("as_of", p.AsOf)
	if p.AsOf > p.TradingDate {
		in.add("as_of", "is %s, after the trading date %s: a bar that is not complete yet", p.AsOf, p.TradingDate)
	}
	if sum := in.weights("weights", p.Weights); !sum.Equal(one()) {
		in.add("weights", "sum to %s, want exactly 1", sum)
	}
	if len(p.Signals) == 0 {
		in.add("signals", "is empty")
	}
	for i, s := range p.Signals {
		s.validate(in.item("signals", i))
	}
	return fs.err(p.EventType())
}

var digestText = regexp.MustCompile(`^[0-9a-f]{64}$`)

func (s StrategySignal) validate(in place) {
	in.text("strategy", s.Strategy)
	if !digestText.MatchString(s.Digest) {
		in.add("digest", "is %q, want a SHA-256 in hex", s.Digest)
	}
	in.positive("allocation", s.Allocation)
	in.share("allocation", s.Allocation)
	in.weights("weights", s.Weights)
	in.atLeast("history_days", s.HistoryDays, 0)
	for i, r := range s.Reasons {
		at := in.item("reasons", i)
		at.text("path", r.Path)
		at.text("text", r.Text)
	}
}
