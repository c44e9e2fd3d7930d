package symphony_test

import (
	"strings"
	"testing"

	"github.com/the-alchemiser/alchemiser/pkg/market"
	"github.com/the-alchemiser/alchemiser/pkg/symphony"
)

// large is a symphony of 2 MB over 200 symbols, 200 levels deep at its deepest, and three years of prices. It is many
// strategies side by side, so that a large part of it is reached on each day.
func large() (src string, prices map[string][]market.Bar) {
	g := newGenerator(1, 200, 200, 40)
	var b strings.Builder
	for b.Len() < 2_000_000 {
		b.WriteString(g.chain(80, g.node(20_000)))
	}
	src = program("(weight-equal [" + b.String() + "])")
	return src, g.market(756)
}

func BenchmarkLargeCompile(b *testing.B) {
	src, _ := large()
	b.SetBytes(int64(len(src)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := symphony.Parse("large.clj", src); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkLargeCompileAndFirstDay(b *testing.B) {
	src, prices := large()
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		fresh, err := symphony.NewHistory(prices)
		if err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		p, err := symphony.Parse("large.clj", src)
		if err != nil {
			b.Fatal(err)
		}
		r, err := p.Evaluate(fresh, day(755))
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(len(r.Reasons)), "decisions")
	}
}

// Each further day is one of a backtest: what earlier days have computed stays.
func BenchmarkLargeOneMoreDay(b *testing.B) {
	src, prices := large()
	h, err := symphony.NewHistory(prices)
	if err != nil {
		b.Fatal(err)
	}
	p, err := symphony.Parse("large.clj", src)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if _, err := p.Evaluate(h, day(500+i%256)); err != nil {
			b.Fatal(err)
		}
	}
}

// The floor: reading and summing the same prices.
func BenchmarkLargeFloor(b *testing.B) {
	_, prices := large()
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
