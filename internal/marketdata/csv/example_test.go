package csv_test

import (
	"fmt"
	"testing/fstest"

	"github.com/the-alchemiser/alchemiser/internal/marketdata/csv"
)

func Example() {
	source, err := csv.Load(fstest.MapFS{
		"SPY.csv": {Data: []byte("date,close\n2024-11-27,598.81\n2024-11-29,602.55\n")},
	}, "bars")
	if err != nil {
		fmt.Println(err)
		return
	}
	bars, err := source.Bars("SPY")
	fmt.Println(source.LastDate(), bars[1].Close, err)
	_, err = csv.Load(fstest.MapFS{"SPY.csv": {Data: []byte("date,close\n2024-11-27,n/a\n")}}, "bars")
	fmt.Println(err)
	// Output:
	// 2024-11-29 602.55 <nil>
	// bars/SPY.csv:2: close "n/a"; want a plain number above 0
}
