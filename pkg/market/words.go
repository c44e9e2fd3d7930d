package market

import "github.com/shopspring/decimal"

// USD writes an amount of US dollars for people: "$12,345.67", "-$0.50".
func USD(amount decimal.Decimal) string {
	s := amount.Abs().StringFixed(2)
	for i := len(s) - 6; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	if amount.IsNegative() {
		return "-$" + s
	}
	return "$" + s
}
