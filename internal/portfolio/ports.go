package portfolio

import (
	"context"

	"github.com/the-alchemiser/alchemiser/pkg/market"
)

// Broker is the part of a broker that a plan is made from.
type Broker interface {
	// Account returns equity, cash and buying power in US dollars.
	Account(ctx context.Context) (market.Account, error)
	// Positions returns every holding of the account; none of them is short.
	Positions(ctx context.Context) ([]market.Position, error)
	// Quotes returns a valid quote for each of symbols, or a fault.Transient error that names the ones without.
	Quotes(ctx context.Context, symbols []string) (map[string]market.Quote, error)
	// Asset returns what the broker allows for symbol, or a fault.Invalid error if it does not know it.
	Asset(ctx context.Context, symbol string) (market.Asset, error)
	// Clock returns the broker's time, which need not be the host's.
	Clock(ctx context.Context) (market.Clock, error)
}
