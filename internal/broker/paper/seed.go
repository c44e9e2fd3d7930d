package paper

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"github.com/the-alchemiser/alchemiser/internal/nyse"
	"github.com/the-alchemiser/alchemiser/pkg/market"
)

const (
	seededDays = 750
	// seededLast is the date of the last bar, a Friday.
	seededLast = "2026-02-27"
)

// seededSymbols are the ones that the shared test data has, too.
var seededSymbols = []string{
	"AAPL", "AMD", "AMZN", "BABA", "BAC", "BBY", "GE", "GM", "GOOG", "JPM",
	"MA", "META", "PFE", "RRC", "SBUX", "SPY", "T", "UAA", "WMT", "XOM",
}

type seeded struct{ bars map[string][]market.Bar }

// Seeded returns a simulated market: 20 symbols that walk at random for 750 sessions. The same seed gives the same bars
// on every machine, as all arithmetic is on integers.
func Seeded(seed uint64) Prices {
	days := make([]market.Date, 0, seededDays)
	calendar, err := nyse.New()
	if err != nil {
		panic(err) // the zone is linked in
	}
	day, err := time.Parse(time.DateOnly, seededLast)
	if err != nil {
		panic(err)
	}
	for ; len(days) < seededDays; day = day.AddDate(0, 0, -1) {
		if _, ok := calendar.Session(market.DateOf(day)); ok {
			days = append(days, market.DateOf(day))
		}
	}
	slices.Reverse(days)
	s := seeded{bars: make(map[string][]market.Bar, len(seededSymbols))}
	for i, symbol := range seededSymbols {
		s.bars[symbol] = walk(rand.New(rand.NewPCG(seed, uint64(i))), days) //nolint:gosec // it is to be predictable
	}
	return s
}

// walk returns one bar a day: every day's return is drawn from a bell-shaped distribution, in millionths.
func walk(r *rand.Rand, days []market.Date) []market.Bar {
	const millionth = 1_000_000
	bars := make([]market.Bar, 0, len(days))
	last := 20_000_000 + r.Int64N(280_000_000) // in millionths of a dollar
	spread := 3_000 + r.Int64N(12_000)         // about half of the daily standard deviation
	draw := func() int64 {
		sum := int64(0)
		for range 12 { // Irwin-Hall: near normal, standard deviation = spread * 2
			sum += r.Int64N(4*spread+1) - 2*spread
		}
		return sum / 2
	}
	for _, day := range days {
		opens := max(last+last*(draw()/4)/millionth, millionth)
		closes := max(opens+opens*(draw()+300)/millionth, millionth) // a drift of 0.03 % a day
		high := max(opens, closes) + opens*r.Int64N(spread)/millionth
		low := max(min(opens, closes)-opens*r.Int64N(spread)/millionth, millionth)
		bars = append(bars, market.Bar{
			Date: day, Open: cents(opens), High: cents(high).Add(cent), Low: cents(low), Close: cents(closes),
			Volume: decimal.NewFromInt(1_000_000 + r.Int64N(50_000_000)),
		})
		last = closes
	}
	return bars
}

var cent = decimal.New(1, -2)

func cents(millionths int64) decimal.Decimal { return decimal.New(millionths/10_000, -2) }

// Symbols implements Prices.
func (s seeded) Symbols() []string { return slices.Clone(seededSymbols) }

// LastDate implements Prices.
func (s seeded) LastDate() market.Date { return seededLast }

// Bars implements Prices.
func (s seeded) Bars(symbol string) ([]market.Bar, error) {
	bars, ok := s.bars[symbol]
	if !ok {
		return nil, fmt.Errorf("no bars of %s", symbol)
	}
	return bars, nil
}
