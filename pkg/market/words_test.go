package market_test

import (
	"testing"

	"github.com/shopspring/decimal"

	"github.com/the-alchemiser/alchemiser/pkg/market"
)

func TestUSD(t *testing.T) {
	t.Parallel()
	for amount, want := range map[string]string{
		"0": "$0.00", "0.005": "$0.01", "-0.5": "-$0.50", "999.99": "$999.99", "1000": "$1,000.00", "-1234567.891": "-$1,234,567.89",
	} {
		if got := market.USD(decimal.RequireFromString(amount)); got != want {
			t.Errorf("USD(%s) = %s, want %s", amount, got, want)
		}
	}
}
