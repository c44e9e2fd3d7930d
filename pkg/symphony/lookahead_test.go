package symphony_test

import (
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"github.com/the-alchemiser/alchemiser/pkg/market"
	"github.com/the-alchemiser/alchemiser/pkg/symphony"
)

// outcome is everything that an evaluation says, for comparison.
func outcome(p *symphony.Program, h *symphony.History, d int) string {
	r, err := p.Evaluate(h, day(d))
	if err != nil {
		return err.Error()
	}
	text := show(r.Weights)
	for _, reason := range r.Reasons {
		text += "\n" + reason.Path + ": " + reason.Text
	}
	return text
}

// What comes after a date changes nothing about it, and neither does what has been asked before: values are the same to
// the last digit that is told.
func TestFutureAndOrderOfQuestionsDoNotMatter(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		const days, from = 40, 25
		g := newGenerator(rapid.Uint64().Draw(t, "seed"), 5, 6, 3)
		p, err := symphony.Parse("test.clj", program(g.chain(2, g.node(1500))))
		if err != nil {
			t.Fatal(err)
		}
		whole := g.market(days)
		at := rapid.IntRange(from, days-2).Draw(t, "as of")
		cut, other := map[string][]market.Bar{}, map[string][]market.Bar{}
		for symbol, bars := range whole {
			cut[symbol] = bars[:at+1]
			changed := append([]market.Bar(nil), bars...)
			for i := at + 1; i < days; i++ {
				changed[i].Close = changed[i].Close.Mul(decimal.New(int64(1+g.IntN(300)), -2))
			}
			other[symbol] = changed
		}
		build := func(bars map[string][]market.Bar) *symphony.History {
			h, err := symphony.NewHistory(bars)
			if err != nil {
				t.Fatal(err)
			}
			return h
		}
		want := outcome(p, build(cut), at)
		asked := build(whole)
		for _, d := range rapid.Permutation([]int{from - 5, from, days - 1, at, days - 3}).Draw(t, "order") {
			outcome(p, asked, d)
		}
		for name, h := range map[string]*symphony.History{"with the future": build(whole), "with another future": build(other), "after other days": asked} {
			if d := cmp.Diff(want, outcome(p, h, at)); d != "" {
				t.Fatalf("%s (-alone +now):\n%s", name, d)
			}
		}
	})
}

func TestWholeLanguageSumsToOne(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		g := newGenerator(rapid.Uint64().Draw(t, "seed"), 6, 5, 3)
		p, err := symphony.Parse("test.clj", program(g.chain(3, g.node(2000))))
		if err != nil {
			t.Fatal(err)
		}
		h, err := symphony.NewHistory(g.market(30))
		if err != nil {
			t.Fatal(err)
		}
		got, err := p.Evaluate(h, day(29))
		if err != nil {
			t.Fatal(err)
		}
		if !sum(got.Weights).Equal(one) {
			t.Fatalf("%s sums to %s", show(got.Weights), sum(got.Weights))
		}
		for symbol := range maps.Keys(got.Weights) {
			if _, needed := p.BarsNeeded()[symbol]; !needed {
				t.Fatalf("%s is held and not among those whose bars are needed", symbol)
			}
		}
	})
}

// BarsNeeded is enough: with so many bars of each symbol nothing is missing.
func TestBarsNeededAreEnough(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		g := newGenerator(rapid.Uint64().Draw(t, "seed"), 5, 6, 3)
		p, err := symphony.Parse("test.clj", program(g.chain(2, g.node(1500))))
		if err != nil {
			t.Fatal(err)
		}
		most := 0
		for _, n := range p.BarsNeeded() {
			most = max(most, n)
		}
		h, err := symphony.NewHistory(g.market(most))
		if err != nil {
			t.Fatal(err)
		}
		r, err := p.Evaluate(h, day(most-1))
		if err != nil {
			t.Fatal(err)
		}
		for _, reason := range r.Reasons {
			if strings.Contains(reason.Text, "left out") {
				t.Fatalf("with %d bars: %s", most, reason.Text)
			}
		}
	})
}
