package portfolio

import "github.com/shopspring/decimal"

// weightPlaces is the number of decimals of weights in a plan.
const weightPlaces = 6

// share writes part of whole as "12.34 %".
func share(part, whole decimal.Decimal) string {
	return part.Shift(2).DivRound(whole, 2).StringFixed(2) + " %"
}

// percent writes a fraction as "12.34 %".
func percent(fraction decimal.Decimal) string { return fraction.Shift(2).StringFixed(2) + " %" }

// points writes a fraction as "0.50 percentage points".
func points(fraction decimal.Decimal) string {
	return fraction.Shift(2).StringFixed(2) + " percentage points"
}
