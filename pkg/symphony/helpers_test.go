package symphony_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/the-alchemiser/alchemiser/pkg/market"
	"github.com/the-alchemiser/alchemiser/pkg/symphony"
)

// program wraps body in the top form; body stands on line 2.
func program(body string) string {
	return "(defsymphony \"Test\" {:asset-class \"EQUITIES\"}\n" + body + ")"
}

func parse(tb testing.TB, src string) *symphony.Program {
	tb.Helper()
	p, err := symphony.Parse("test.clj", src)
	if err != nil {
		tb.Fatalf("Parse: %v", err)
	}
	return p
}

// day returns the i-th date of test histories.
func day(i int) market.Date {
	return market.DateOf(time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, i))
}

func bars(closes ...float64) []market.Bar {
	out := make([]market.Bar, len(closes))
	for i, c := range closes {
		out[i] = market.Bar{Date: day(i), Close: decimal.NewFromFloat(c)}
	}
	return out
}

func history(tb testing.TB, bySymbol map[string][]market.Bar) *symphony.History {
	tb.Helper()
	h, err := symphony.NewHistory(bySymbol)
	if err != nil {
		tb.Fatalf("NewHistory: %v", err)
	}
	return h
}

// show writes weights as "A=0.500000 B=0.500000".
func show(weights map[string]decimal.Decimal) string {
	var parts []string
	for _, symbol := range slices.Sorted(maps.Keys(weights)) {
		parts = append(parts, symbol+"="+weights[symbol].StringFixed(6))
	}
	return strings.Join(parts, " ")
}

func sum(weights map[string]decimal.Decimal) decimal.Decimal {
	total := decimal.Zero
	for _, w := range weights {
		total = total.Add(w)
	}
	return total
}
