package backtest_test

import (
	"context"
	"fmt"
	"testing/fstest"

	"github.com/the-alchemiser/alchemiser/cmd/alchemiser/backtest"
	"github.com/the-alchemiser/alchemiser/internal/strategy"
)

func ExampleRun() {
	p, err := strategy.LoadPortfolio(fstest.MapFS{
		"portfolio.yaml": {Data: []byte("id: main\nstrategies:\n  - {file: half.clj, weight: 1}\n")},
		"half.clj":       {Data: []byte(`(defsymphony "Half" {:asset-class "EQUITIES"} (weight-equal [(asset "AAA" nil) (asset "BBB" nil)]))`)},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	r, err := backtest.Run(context.Background(), backtest.Config{
		Portfolio: p, Fill: backtest.FillNextClose, Cash: d("10000"), Benchmark: "AAA", Reserve: d("0.02"), MinTrade: d("5"), Tolerance: d("0.01"),
		Bars: fakeBars{
			"AAA": weekdays("2024-01-01", "100", "100", "103", "120"),
			"BBB": weekdays("2024-01-01", "50", "50", "50", "50"),
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, t := range r.Trades {
		fmt.Println(t.Date, t.Side, t.Quantity, t.Symbol, "at", t.Price)
	}
	fmt.Println(r.Total.FinalEquityUSD, r.Total.MaxDrawdownPercent, r.Benchmark.FinalEquityUSD)
	// Output:
	// 2024-01-02 buy 49 AAA at 100
	// 2024-01-02 buy 98 BBB at 50
	// 2024-01-04 sell 4.165 AAA at 120
	// 2024-01-04 buy 9.604 BBB at 50
	// 10980 0 12000
}
