package symphony_test

import (
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"github.com/the-alchemiser/alchemiser/pkg/symphony"
)

// exactTree draws a program of weights with up to 18 decimals, and what it is worth in exact fractions. After a few levels
// the fractions are far beyond 64 bits.
func exactTree(t *rapid.T, depth int) (text string, want map[string]*big.Rat) {
	if depth == 0 || rapid.IntRange(0, 4).Draw(t, "leaf") == 0 {
		symbol := rapid.StringMatching("[A-G]").Draw(t, "symbol")
		return fmt.Sprintf(`(asset "%s" nil)`, symbol), map[string]*big.Rat{symbol: big.NewRat(1, 1)}
	}
	equal := rapid.Bool().Draw(t, "equal")
	var parts []string
	total, want := new(big.Rat), map[string]*big.Rat{}
	for range rapid.IntRange(1, 5).Draw(t, "children") {
		child, worth := exactTree(t, depth-1)
		weight := decimal.NewFromInt(1)
		if !equal {
			weight = decimal.New(rapid.Int64Range(1, 1e18).Draw(t, "weight"), -18)
			child = weight.String() + " " + child
		}
		parts = append(parts, child)
		total.Add(total, weight.Rat())
		for symbol, w := range worth {
			if want[symbol] == nil {
				want[symbol] = new(big.Rat)
			}
			want[symbol].Add(want[symbol], new(big.Rat).Mul(w, weight.Rat()))
		}
	}
	for _, w := range want {
		w.Quo(w, total)
	}
	if equal {
		return "(weight-equal [" + strings.Join(parts, " ") + "])", want
	}
	return "(weight-specified " + strings.Join(parts, " ") + ")", want
}

// rounded is the largest remainder method, written down once more.
func rounded(exact map[string]*big.Rat) string {
	million := big.NewRat(1_000_000, 1)
	units, rest := map[string]int64{}, map[string]*big.Rat{}
	missing := int64(1_000_000)
	for symbol, w := range exact {
		scaled := new(big.Rat).Mul(w, million)
		units[symbol] = new(big.Int).Quo(scaled.Num(), scaled.Denom()).Int64()
		rest[symbol] = scaled.Sub(scaled, big.NewRat(units[symbol], 1))
		missing -= units[symbol]
	}
	symbols := slices.Sorted(maps.Keys(exact))
	for ; missing > 0; missing-- {
		best := symbols[0]
		for _, symbol := range symbols {
			if rest[symbol].Cmp(rest[best]) > 0 {
				best = symbol
			}
		}
		units[best]++
		rest[best] = big.NewRat(-1, 1)
	}
	out := map[string]decimal.Decimal{}
	for symbol, n := range units {
		if n > 0 {
			out[symbol] = decimal.New(n, -6)
		}
	}
	return show(out)
}

func TestWeightsAreExactFractionsRoundedOnce(t *testing.T) {
	t.Parallel()
	h := history(t, nil)
	rapid.Check(t, func(t *rapid.T) {
		text, want := exactTree(t, 4)
		p, err := symphony.Parse("test.clj", program(text))
		if err != nil {
			t.Fatal(err)
		}
		got, err := p.Evaluate(h, day(0))
		if err != nil {
			t.Fatal(err)
		}
		if show(got.Weights) != rounded(want) {
			t.Fatalf("%s, want %s", show(got.Weights), rounded(want))
		}
	})
}
