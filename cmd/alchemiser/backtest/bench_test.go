package backtest_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/shopspring/decimal"

	"github.com/the-alchemiser/alchemiser/cmd/alchemiser/backtest"
	"github.com/the-alchemiser/alchemiser/internal/marketdata/csv"
	"github.com/the-alchemiser/alchemiser/internal/strategy"
)

// realBars reads the real prices. It skips without them.
func realBars(tb testing.TB) *csv.Source {
	tb.Helper()
	dir := os.Getenv("SHARED_DIR")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "..", "shared")
	}
	dir = filepath.Join(dir, "data", "bars")
	if _, err := os.Stat(dir); err != nil {
		tb.Skipf("no real prices: %v; SHARED_DIR names the folder that holds data/bars", err)
	}
	bars, err := csv.Open(dir)
	if err != nil {
		tb.Fatal(err)
	}
	return bars
}

// shipped is the shipped portfolio over the real prices, with the defaults of the command and some costs.
func shipped(tb testing.TB) backtest.Config {
	tb.Helper()
	p, err := strategy.LoadPortfolio(os.DirFS(filepath.Join("..", "..", "..", "strategies")))
	if err != nil {
		tb.Fatal(err)
	}
	return backtest.Config{
		Portfolio: p, Bars: realBars(tb), Fill: backtest.FillNextClose, Cash: d("100000"), Benchmark: "SPY",
		CostBps: d("1"), SlippageBps: d("2"), Reserve: d("0.01"), MinTrade: d("5"), Tolerance: d("0.005"),
	}
}

// The budget for ten years of daily evaluation is 2 s, with reading the files.
func BenchmarkTenYears(b *testing.B) {
	cfg := shipped(b)
	cfg.From, cfg.To = "2014-11-28", "2024-11-29"
	b.ReportAllocs()
	days := 0
	for b.Loop() {
		cfg.Bars = realBars(b)
		r, err := backtest.Run(b.Context(), cfg)
		if err != nil {
			b.Fatal(err)
		}
		days = len(r.Days)
	}
	b.ReportMetric(float64(days), "days/op")
}

// The floor: reading the same files and summing their closes.
func BenchmarkTenYearsFloor(b *testing.B) {
	symbols := shipped(b).Portfolio.Symbols()
	b.ReportAllocs()
	for b.Loop() {
		bars, sum := realBars(b), decimal.Zero
		for _, symbol := range symbols {
			closes, err := bars.Bars(symbol)
			if err != nil {
				b.Fatal(err)
			}
			for _, bar := range closes {
				sum = sum.Add(bar.Close)
			}
		}
		if !sum.IsPositive() {
			b.Fatal("no prices")
		}
	}
}
