package monitor

import (
	"context"
	"time"

	"github.com/shopspring/decimal"

	"github.com/the-alchemiser/alchemiser/pkg/events"
)

// Meter takes what workflows amount to in figures. It is safe for concurrent use and does not block. What happened may be told
// again, as an event may be handled again.
type Meter interface {
	// Ended tells that an attempt of a workflow has come to an end.
	Ended(ctx context.Context, e Ended)
	// Traded tells what a report of execution says.
	Traded(ctx context.Context, t Traded)
	// Watched tells what the watchdog has seen, each time that it looks.
	Watched(ctx context.Context, w Watched)
}

// Ended is the end of an attempt of a workflow.
type Ended struct {
	// State is terminal.
	State State
	// Took is the time from the workflow's first event to its end.
	Took time.Duration
}

// Traded is what a workflow has traded.
type Traded struct {
	// Orders is how many orders were placed, Fills how many of them were filled at least in part.
	Orders, Fills int
	// Equity is the account's value in US dollars afterwards.
	Equity decimal.Decimal
	// Turnover is what was sold and bought as a fraction of Equity; 1 replaces half of the account.
	Turnover decimal.Decimal
	// SlippageBps is the cost against the arrival prices in basis points, weighted by what was traded; positive is worse.
	SlippageBps decimal.Decimal
}

// Watched is what the watchdog has seen.
type Watched struct {
	// Stalled is how many workflows were found that had died without a word.
	Stalled int
	// Overdue says that the exchange has closed for today and no rebalance of today's session has come to a good end.
	Overdue bool
}

func tradedOf(p events.TradeExecuted) Traded {
	t := Traded{Orders: len(p.Orders), Equity: p.EquityAfter}
	var value, cost decimal.Decimal
	for _, o := range p.Orders {
		if o.FilledQuantity.IsZero() {
			continue
		}
		t.Fills++
		traded := o.FilledQuantity.Mul(o.AveragePrice)
		value = value.Add(traded)
		cost = cost.Add(traded.Mul(o.SlippageBps))
	}
	if value.IsPositive() {
		t.SlippageBps = cost.DivRound(value, 4)
	}
	if p.EquityAfter.IsPositive() {
		t.Turnover = p.Sold.Add(p.Bought).DivRound(p.EquityAfter, 6)
	}
	return t
}
