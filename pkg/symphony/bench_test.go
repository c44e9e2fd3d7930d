package symphony_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/the-alchemiser/alchemiser/pkg/market"
	"github.com/the-alchemiser/alchemiser/pkg/symphony"
)

// benchDays is ten years of prices.
const benchDays = 2520

// A large symphony is 2 MB of the whole language over 200 symbols.
type large struct {
	src    string
	prices map[string][]market.Bar
}

// nested is strategies side by side of conditions within conditions, 200 levels deep at the deepest, as real large
// symphonies are: a day reaches some hundred of them.
func nested() large {
	g := newGenerator(1, 200, 200, 40)
	var b strings.Builder
	for b.Len() < 2_000_000 {
		b.WriteString(g.chain(80, g.node(20_000)))
	}
	return large{program("(weight-equal [" + b.String() + "])"), g.market(benchDays)}
}

// wide is as hard as 2 MB can reasonably be: every day reaches five hundred trees of conditions, forty filters of all
// symbols, and twenty filters of groups of trees, most by metrics that depend on the groups' past of all ten years.
func wide() large {
	g := newGenerator(1, 200, 200, 0)
	var parts []string
	for range 500 {
		parts = append(parts, g.chain(2, g.node(5_000)))
	}
	for range 20 {
		groups := make([]string, 4)
		for i := range groups {
			groups[i] = fmt.Sprintf(`(group "G%d" [(weight-equal [%s])])`, i, g.chain(5, g.node(800)))
		}
		parts = append(parts, g.filter(groups...))
	}
	all := make([]string, len(g.symbols))
	for i, symbol := range g.symbols {
		all[i] = fmt.Sprintf(`(asset "%s" nil)`, symbol)
	}
	for range 40 {
		parts = append(parts, g.filter(all...))
	}
	return large{program("(weight-equal [" + strings.Join(parts, "\n") + "])"), g.market(benchDays)}
}

// each runs a benchmark on both.
func each(b *testing.B, run func(b *testing.B, l large)) {
	b.Helper()
	b.Run("nested", func(b *testing.B) { run(b, nested()) })
	b.Run("wide", func(b *testing.B) { run(b, wide()) })
}

func (l large) parse(b *testing.B) *symphony.Program {
	b.Helper()
	p, err := symphony.Parse("large.clj", l.src)
	if err != nil {
		b.Fatal(err)
	}
	return p
}

func evaluate(b *testing.B, p *symphony.Program, h *symphony.History, d int) symphony.Result {
	b.Helper()
	r, err := p.Evaluate(h, day(d))
	if err != nil {
		b.Fatal(err)
	}
	return r
}

func BenchmarkCompile2MB(b *testing.B) {
	each(b, func(b *testing.B, l large) {
		b.Helper()
		b.SetBytes(int64(len(l.src)))
		b.ReportAllocs()
		for b.Loop() {
			l.parse(b)
		}
	})
}

// The first evaluation includes compiling and taking over the prices.
func BenchmarkFirstEvaluation2MB(b *testing.B) {
	each(b, func(b *testing.B, l large) {
		b.Helper()
		b.ReportAllocs()
		decisions := 0
		for b.Loop() {
			decisions = len(evaluate(b, l.parse(b), history(b, l.prices), benchDays-1).Reasons)
		}
		b.ReportMetric(float64(decisions), "decisions/op")
	})
}

// Each further day is one of a backtest: what earlier days have computed stays.
func BenchmarkOneMoreDay2MB(b *testing.B) {
	each(b, func(b *testing.B, l large) {
		b.Helper()
		const first = benchDays / 2
		p, h := l.parse(b), history(b, l.prices)
		evaluate(b, p, h, first-1)
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			evaluate(b, p, h, first+i%(benchDays-first))
		}
	})
}

// The floor of all of them: reading and summing the same prices.
func BenchmarkFloor2MB(b *testing.B) {
	prices := newGenerator(1, 200, 200, 0).market(benchDays)
	b.ReportAllocs()
	for b.Loop() {
		sum := 0.0
		for _, bars := range prices {
			for _, bar := range bars {
				sum += bar.Close.InexactFloat64()
			}
		}
		if sum == 0 {
			b.Fatal("no prices")
		}
	}
}
