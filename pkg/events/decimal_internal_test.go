package events

import (
	"testing"

	"github.com/shopspring/decimal"
	"pgregory.net/rapid"
)

func TestDecimalsAreWrittenAsTheirOwnStrings(t *testing.T) {
	t.Parallel()
	check := func(tb rapid.TB, d decimal.Decimal) {
		if got := string(appendDecimal([]byte("x"), d)); got != "x"+d.String() {
			tb.Fatalf("%d·10^%d is written %s, want %s", d.Coefficient(), d.Exponent(), got, d)
		}
	}
	for _, text := range []string{"0", "-0.05", "0.000000", "100", "100.50", "-1234567.890", "999999999999999999", "1000000000000000000", "1e3", "12e-30", "0.1"} {
		check(t, decimal.RequireFromString(text))
	}
	rapid.Check(t, func(t *rapid.T) {
		check(t, decimal.New(rapid.Int64().Draw(t, "coefficient"), rapid.Int32Range(-25, 5).Draw(t, "exponent")))
	})
}
