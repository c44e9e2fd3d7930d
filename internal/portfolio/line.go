package portfolio

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"github.com/the-alchemiser/alchemiser/pkg/market"
)

// quantityPlaces is how finely a share can be divided: brokers take nine decimals, and finer ones are refused.
const quantityPlaces = 9

// line is one symbol that is held or wanted.
type line struct {
	symbol string
	// weight is the signal's; 0 if the symbol is not wanted.
	weight   decimal.Decimal
	held     decimal.Decimal // shares
	free     decimal.Decimal // the part of held that no open order holds
	value    decimal.Decimal // US dollars, at the middle of the spread
	asset    market.Asset
	bid, ask decimal.Decimal
	price    decimal.Decimal // the middle, which quantities are computed with
	// resting says that no strategy that wants it rebalances today.
	resting bool
	// doubt says why the quote is not trusted; then the line is not traded.
	doubt string
}

// maxQuoteAge is how old a quote may be: beyond it the symbol is halted or hardly traded.
const maxQuoteAge = 15 * time.Minute

// doubtOf says why a quote is not trusted at now, or "".
func doubtOf(q market.Quote, now time.Time, maxSpread decimal.Decimal) string {
	if age := now.Sub(q.At); age > maxQuoteAge {
		return fmt.Sprintf("its last quote is %s old", age.Round(time.Second))
	}
	if apart, mid := q.Ask.Sub(q.Bid), q.Mid(); apart.GreaterThan(maxSpread.Mul(mid)) {
		return fmt.Sprintf("bid %s and ask %s are %s apart", market.USD(q.Bid), market.USD(q.Ask), percent(apart.DivRound(mid, weightPlaces)))
	}
	return ""
}

// places is how many decimals a quantity of the line may have.
func (l line) places() int32 {
	if l.asset.Fractionable {
		return quantityPlaces
	}
	return 0
}

// shares is how much of the symbol the amount buys at price, cut toward zero.
func (l line) shares(amount, price decimal.Decimal) decimal.Decimal {
	whole, _ := amount.QuoRem(price, l.places())
	return whole
}

// lines returns every symbol that is held or wanted, in alphabetical order, with what the broker knows of it at now. A
// symbol that cannot be traded is not quoted but valued as the broker values it, and so is one whose quote is in doubt: a
// halted or delisted holding must not keep the others from being planned.
func (s *Service) lines(ctx context.Context, weights map[string]decimal.Decimal, positions []market.Position, now time.Time) ([]line, error) {
	bySymbol := map[string]line{}
	for symbol, weight := range weights {
		if weight.IsPositive() {
			bySymbol[symbol] = line{symbol: symbol, weight: weight}
		}
	}
	for _, p := range positions {
		if p.Quantity.IsPositive() {
			l := bySymbol[p.Symbol]
			l.symbol, l.held, l.free, l.value = p.Symbol, p.Quantity, decimal.Min(p.Available, p.Quantity), p.MarketValue
			bySymbol[p.Symbol] = l
		}
	}
	out := make([]line, 0, len(bySymbol))
	var quoted []string
	for _, symbol := range slices.Sorted(maps.Keys(bySymbol)) {
		l := bySymbol[symbol]
		var err error
		if l.asset, err = s.cfg.Broker.Asset(ctx, symbol); err != nil {
			return nil, fmt.Errorf("read what the broker allows for %s: %w", symbol, err)
		}
		if l.asset.Tradable {
			quoted = append(quoted, symbol)
		}
		out = append(out, l)
	}
	if len(quoted) == 0 {
		return out, nil
	}
	quotes, err := s.quotes(ctx, quoted)
	if err != nil {
		return nil, fmt.Errorf("read quotes: %w", err)
	}
	for i := range out {
		if l := &out[i]; l.asset.Tradable {
			l.quote(quotes, now, s.cfg.MaxSpread)
		}
	}
	return out, nil
}

// quotes returns the quotes that there are. Symbols are asked for one by one if one of them has none; if there is none of
// any, that is the broker's fault and an error.
func (s *Service) quotes(ctx context.Context, symbols []string) (map[string]market.Quote, error) {
	quotes, err := s.cfg.Broker.Quotes(ctx, symbols)
	if !errors.Is(err, market.ErrNoQuote) {
		return quotes, err
	}
	all := map[string]market.Quote{}
	for _, symbol := range symbols {
		one, failed := s.cfg.Broker.Quotes(ctx, []string{symbol})
		if failed != nil && !errors.Is(failed, market.ErrNoQuote) {
			return nil, failed
		}
		maps.Copy(all, one)
	}
	if len(all) == 0 {
		return nil, err
	}
	return all, nil
}

// quote prices the line, or says why there is no price to trade at.
func (l *line) quote(quotes map[string]market.Quote, now time.Time, maxSpread decimal.Decimal) {
	q, ok := quotes[l.symbol]
	if !ok {
		l.doubt = "it has no two-sided quote"
		return
	}
	if l.doubt = doubtOf(q, now, maxSpread); l.doubt == "" {
		l.bid, l.ask, l.price = q.Bid, q.Ask, q.Mid()
		l.value = l.held.Mul(l.price)
	}
}
