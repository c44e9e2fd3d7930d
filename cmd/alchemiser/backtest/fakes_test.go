package backtest_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"testing/fstest"
	"time"

	"github.com/shopspring/decimal"

	"github.com/the-alchemiser/alchemiser/cmd/alchemiser/backtest"
	"github.com/the-alchemiser/alchemiser/internal/strategy"
	"github.com/the-alchemiser/alchemiser/pkg/market"
)

var d = decimal.RequireFromString

// fakeBars are bars by symbol.
type fakeBars map[string][]market.Bar

var _ backtest.Bars = fakeBars{}

func (b fakeBars) Symbols() []string { return slices.Sorted(maps.Keys(b)) }

func (b fakeBars) Bars(symbol string) ([]market.Bar, error) {
	if len(b[symbol]) == 0 {
		return nil, fmt.Errorf("no bars of %s", symbol)
	}
	return b[symbol], nil
}

// clone returns bars that can be changed without changing b.
func (b fakeBars) clone() fakeBars {
	out := fakeBars{}
	for symbol, bars := range b {
		out[symbol] = slices.Clone(bars)
	}
	return out
}

// weekdays makes bars on weekdays from first on.
func weekdays(first market.Date, closes ...string) []market.Bar {
	day, err := time.Parse(time.DateOnly, string(first))
	if err != nil {
		panic(err)
	}
	bars := make([]market.Bar, 0, len(closes))
	for len(bars) < len(closes) {
		if day.Weekday() != time.Saturday && day.Weekday() != time.Sunday {
			bars = append(bars, market.Bar{Date: market.DateOf(day), Close: d(closes[len(bars)])})
		}
		day = day.AddDate(0, 0, 1)
	}
	return bars
}

// portfolioOf makes a portfolio of one strategy with the body.
func portfolioOf(tb testing.TB, body string) *strategy.Portfolio {
	tb.Helper()
	return load(tb, fstest.MapFS{
		"portfolio.yaml": {Data: []byte("id: main\nstrategies:\n  - {file: only.clj, weight: 1}\n")},
		"only.clj":       {Data: []byte(program(body))},
	})
}

func program(body string) string {
	return `(defsymphony "Test" {:asset-class "EQUITIES"} ` + body + `)`
}

func load(tb testing.TB, files fstest.MapFS) *strategy.Portfolio {
	tb.Helper()
	p, err := strategy.LoadPortfolio(files)
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

// config is a backtest free of costs, reserve and tolerance.
func config(p *strategy.Portfolio, bars backtest.Bars) backtest.Config {
	return backtest.Config{
		Portfolio: p, Bars: bars, Fill: backtest.FillNextClose, Cash: d("1000"), Benchmark: "AAA",
		MinTrade: d("2"),
	}
}

func runOf(tb testing.TB, cfg backtest.Config) *backtest.Result {
	tb.Helper()
	r, err := backtest.Run(tb.Context(), cfg)
	if err != nil {
		tb.Fatalf("Run: %v", err)
	}
	return r
}
