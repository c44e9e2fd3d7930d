package indicator_test

import (
	"fmt"

	"github.com/the-alchemiser/alchemiser/pkg/indicator"
)

func Example() {
	rsi, _ := indicator.Lookup("rsi")
	closes := []float64{44.34, 44.09, 44.15, 43.61, 44.33, 44.83}
	v, err := rsi.Value(closes, 3)
	fmt.Printf("%.2f %v\n", v, err)
	_, err = rsi.Value(closes, 14)
	fmt.Println(err)
	// Output:
	// 77.52 <nil>
	// rsi with window 14 needs 15 bars of history, there are 6: 9 are missing
}
