package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/the-alchemiser/alchemiser/internal/marketdata/csv"
	"github.com/the-alchemiser/alchemiser/pkg/market"
	"github.com/the-alchemiser/alchemiser/pkg/symphony"
)

// maxStale is how many days the bars may end before the day that is asked about: longer than any weekend with holidays.
const maxStale = 10

// prices are bars as of a day.
type prices struct {
	history *symphony.History
	asOf    market.Date
}

// openPrices reads the bars of symbols from dir. The as-of date is that of the newest bar up to date. It is an error if
// some symbol has no file, if the bars end long before date, and if those of one symbol end before the others'. A symbol
// whose first bar is later is none: whoever looks at it says so.
func openPrices(dir string, date market.Date, symbols []string) (*prices, error) {
	p := &prices{}
	bars := make(map[string][]market.Bar, len(symbols))
	last := map[string]market.Date{}
	source, err := csv.Open(dir, symbols...)
	if err != nil {
		return nil, err
	}
	for _, symbol := range symbols {
		if bars[symbol], err = source.Bars(symbol); err != nil {
			return nil, err
		}
		for _, bar := range bars[symbol] {
			if bar.Date <= date {
				last[symbol] = bar.Date
			}
		}
		p.asOf = max(p.asOf, last[symbol])
	}
	if p.asOf == "" {
		return nil, fmt.Errorf("--date %s: no symbol of %s has a bar up to then, of %s", date, dir, strings.Join(symbols, ", "))
	}
	if days, err := daysBetween(p.asOf, date); err != nil || days > maxStale {
		return nil, fmt.Errorf("--date %s: the newest bar in %s is of %s, %d days before; want prices up to that day", date, dir, p.asOf, days)
	}
	var behind []string
	for _, symbol := range symbols {
		if date, begun := last[symbol]; begun && date < p.asOf {
			behind = append(behind, fmt.Sprintf("%s (%s)", symbol, date))
		}
	}
	if len(behind) > 0 {
		return nil, fmt.Errorf("bars in %s are not all up to %s: those of %s end before", dir, p.asOf, strings.Join(behind, ", "))
	}
	p.history, err = symphony.NewHistory(bars)
	return p, err
}

func daysBetween(from, to market.Date) (int, error) {
	a, err := time.Parse(time.DateOnly, string(from))
	if err != nil {
		return 0, err
	}
	b, err := time.Parse(time.DateOnly, string(to))
	return int(b.Sub(a).Hours() / 24), err
}
