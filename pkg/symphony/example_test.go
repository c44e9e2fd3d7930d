package symphony_test

import (
	"fmt"

	"github.com/shopspring/decimal"

	"github.com/the-alchemiser/alchemiser/pkg/market"
	"github.com/the-alchemiser/alchemiser/pkg/symphony"
)

func Example() {
	p, err := symphony.Parse("trend.clj", `
		(defsymphony "Trend" {:asset-class "EQUITIES"}
		  (if (> (current-price "SPY") (moving-average-price "SPY" {:window 3}))
		    [(asset "SPY" nil)]
		    [(weight-equal [(asset "WMT" nil) (asset "T" nil)])]))`)
	if err != nil {
		fmt.Println(err)
		return
	}
	var spy []market.Bar
	for i, price := range []int64{470, 468, 474} {
		spy = append(spy, market.Bar{Date: market.Date(fmt.Sprintf("2024-01-0%d", i+2)), Close: decimal.NewFromInt(price)})
	}
	h, err := symphony.NewHistory(map[string][]market.Bar{"SPY": spy})
	if err != nil {
		fmt.Println(err)
		return
	}
	got, err := p.Evaluate(h, "2024-01-04")
	fmt.Println(got.Weights["SPY"], err)
	fmt.Println(got.Reasons[0].Text)

	_, err = p.Evaluate(h, "2024-01-03")
	fmt.Println(err)
	_, err = symphony.Parse("trend.clj", "(defsymphony \"Trend\" {}")
	fmt.Println(err)
	// Output:
	// 1 <nil>
	// price of SPY is 474.00, above its moving average(3) at 470.67: then
	// trend.clj:3:5: if: moving-average-price of SPY with window 3 needs 3 bars of history, there are 2; the first usable day is 2024-01-04
	// trend.clj:1:24: found end of file, want ) to close the list of line 1, column 1
}
