package strategy

import (
	"context"

	"github.com/the-alchemiser/alchemiser/pkg/market"
)

// Broker is the part of a broker that decides whether a run may begin: whose account it is, and what time it is at
// the exchange.
type Broker interface {
	// Account returns the account that the broker's keys belong to.
	Account(ctx context.Context) (market.Account, error)
	// Clock returns the broker's time, which need not be the host's.
	Clock(ctx context.Context) (market.Clock, error)
	// Session returns the calendar's session of date; trading is false on a day without one.
	Session(ctx context.Context, date market.Date) (s market.Session, trading bool, err error)
}

// Prices are the daily bars that symphonies are evaluated on.
type Prices interface {
	// DailyBars returns, for each of symbols, all completed daily bars up to and including until, oldest first, at
	// most one a date, adjusted for splits and dividends. A symbol that the source does not know is a fault.Invalid
	// error that names it; a symbol without a bar up to until is present with an empty slice.
	DailyBars(ctx context.Context, symbols []string, until market.Date) (map[string][]market.Bar, error)
}

// RunKey is what a portfolio may trade once: there is one run for each account, portfolio and trading date.
type RunKey struct {
	AccountID   string
	PortfolioID string
	Date        market.Date
}

// Runs keeps the run keys. They outlive every other record of a run.
type Runs interface {
	// ClaimRun takes key for the workflow correlationID, unless another holds it, and returns the correlation id
	// that holds it afterwards. Claiming a key again for its owner succeeds. A key whose run failed before any order
	// was submitted may be claimed by another workflow. It is safe for concurrent use: of several claimants one
	// becomes the owner and all are told the same name.
	ClaimRun(ctx context.Context, key RunKey, correlationID string) (owner string, err error)
}
