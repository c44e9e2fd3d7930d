package execution

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

// maxQuoteAge is how old a quote may be to price an order: beyond it the symbol is halted or hardly traded.
const maxQuoteAge = 15 * time.Minute

// quotes sets the quotes of the lines. A symbol without one that can be traded at is asked for again during one step
// interval; then its line ends with a note: it is not traded blindly, not even at the market, and it holds up nobody.
func (r *run) quotes(ctx context.Context, lines []*line) error {
	until := r.now().Add(r.cfg.StepInterval)
	for pause := r.cfg.StepInterval / firstLook; ; pause = min(2*pause, r.cfg.StepInterval) {
		symbols := make([]string, len(lines))
		for i, l := range lines {
			symbols[i] = l.trade.Symbol
		}
		quotes, err := r.latest(ctx, symbols)
		if err != nil {
			return err
		}
		doubts := map[*line]string{}
		for _, l := range lines {
			q, ok := quotes[l.trade.Symbol]
			switch age := r.now().Sub(q.At); {
			case !ok:
				doubts[l] = "there is no quote to trade at"
			case age > maxQuoteAge:
				doubts[l] = fmt.Sprintf("the last quote is %s old: it is not traded at", age.Round(time.Second))
			default:
				l.quote = q
			}
		}
		lines = slices.DeleteFunc(slices.Clone(lines), func(l *line) bool { return doubts[l] == "" })
		if len(lines) == 0 {
			return nil
		}
		if err := r.hasTime(ctx); err != nil {
			return err
		}
		if !r.now().Before(until) || !r.now().Before(r.lastMoment()) {
			for _, l := range lines {
				r.end(l, "%s", doubts[l])
			}
			return nil
		}
		if err := r.sleep(ctx, pause); err != nil {
			return err
		}
	}
}

// latest returns the quotes that there are. Symbols are asked for one by one after one of them has none.
func (r *run) latest(ctx context.Context, symbols []string) (map[string]market.Quote, error) {
	quotes, err := r.cfg.Broker.Quotes(ctx, symbols)
	switch {
	case !errors.Is(err, market.ErrNoQuote):
		return quotes, err
	case len(symbols) == 1:
		return nil, nil
	}
	all := map[string]market.Quote{}
	for _, symbol := range symbols {
		one, err := r.latest(ctx, []string{symbol})
		if err != nil {
			return nil, err
		}
		maps.Copy(all, one)
	}
	return all, nil
}

// limit is the price of one of steps limit orders: the middle of the spread for the first, its far side, where it trades
// at once and never worse, for the last, and even steps between. It lies on the exchange's grid and is never worse than
// the far side, or the next price of the grid beyond it where a quote is finer than that.
func limit(side market.Side, q market.Quote, step, steps int) decimal.Decimal {
	far := far(side, q)
	if step >= steps-1 {
		return far
	}
	way := decimal.NewFromInt(int64(step)).Div(decimal.NewFromInt(int64(steps - 1)))
	price := q.Mid().Add(far.Sub(q.Mid()).Mul(way))
	if side == market.Sell {
		return decimal.Max(price.RoundCeil(tick(price)), far)
	}
	return decimal.Min(price.RoundFloor(tick(price)), far)
}

// far is the price of the far side of the spread on the grid.
func far(side market.Side, q market.Quote) decimal.Decimal {
	if side == market.Sell {
		return q.Bid.RoundFloor(tick(q.Bid))
	}
	return q.Ask.RoundCeil(tick(q.Ask))
}

// tick is the number of decimals of a price: cents from one dollar, else hundredths of a cent. Finer ones are refused.
// https://www.law.cornell.edu/cfr/text/17/242.612 (Regulation NMS, rule 612)
func tick(price decimal.Decimal) int32 {
	if price.LessThan(decimal.NewFromInt(1)) {
		return 4
	}
	return 2
}
