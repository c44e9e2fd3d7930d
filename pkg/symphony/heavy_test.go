package symphony_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/the-alchemiser/alchemiser/pkg/symphony"
)

// reached is a symphony of 2 MB of which every part is evaluated every day but the branches that conditions rule out: a
// thousand trees side by side, filters over all symbols, and filters over groups of trees by metrics that depend on all of
// ten years.
func reached() (g *generator, src string) {
	g = newGenerator(1, 200, 200, 0)
	var parts []string
	for range 1000 {
		parts = append(parts, g.chain(2, g.node(1200)))
	}
	for range 20 {
		groups := make([]string, 4)
		for i := range groups {
			groups[i] = fmt.Sprintf(`(group "G" [(weight-equal [%s])])`, g.chain(5, g.node(800)))
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
	return g, program("(weight-equal [" + strings.Join(parts, "\n") + "])")
}

func BenchmarkReachedFirst(b *testing.B) {
	g, src := reached()
	prices := g.market(2520)
	b.ReportMetric(float64(len(src))/1e6, "MB")
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		h, err := symphony.NewHistory(prices)
		if err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		p, err := symphony.Parse("x.clj", src)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := p.Evaluate(h, day(2000)); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkReachedNext(b *testing.B) {
	g, src := reached()
	h, err := symphony.NewHistory(g.market(2520))
	if err != nil {
		b.Fatal(err)
	}
	p, err := symphony.Parse("x.clj", src)
	if err != nil {
		b.Fatal(err)
	}
	if _, err := p.Evaluate(h, day(1999)); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if _, err := p.Evaluate(h, day(2000+i%500)); err != nil {
			b.Fatal(err)
		}
	}
}
