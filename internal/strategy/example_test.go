package strategy_test

import (
	"fmt"
	"testing/fstest"

	"github.com/shopspring/decimal"

	"github.com/the-alchemiser/alchemiser/internal/strategy"
	"github.com/the-alchemiser/alchemiser/pkg/market"
	"github.com/the-alchemiser/alchemiser/pkg/symphony"
)

func ExampleLoadPortfolio() {
	p, err := strategy.LoadPortfolio(fstest.MapFS{
		"portfolio.yaml": {Data: []byte("id: main\nstrategies:\n  - {file: half.clj, weight: 0.6}\n  - {file: cash.clj, weight: 0.4}\n")},
		"half.clj":       {Data: []byte(`(defsymphony "Half" {:asset-class "EQUITIES"} (weight-equal [(asset "SPY" nil) (asset "BIL" nil)]))`)},
		"cash.clj":       {Data: []byte(`(defsymphony "Cash" {:asset-class "EQUITIES"} (asset "BIL" nil))`)},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	bar := []market.Bar{{Date: "2024-11-29", Close: decimal.NewFromInt(100)}}
	h, err := symphony.NewHistory(map[string][]market.Bar{"SPY": bar, "BIL": bar})
	if err != nil {
		fmt.Println(err)
		return
	}
	weights, _, err := p.Signals(h, "2024-11-29", "2024-12-02")
	fmt.Println(p.Symbols(), weights["SPY"], weights["BIL"], err)
	// Output: [BIL SPY] 0.3 0.7 <nil>
}
