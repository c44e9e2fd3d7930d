package symphony_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"

	"github.com/the-alchemiser/alchemiser/pkg/market"
)

// generator writes programs that use the whole language, in about the proportions of real ones.
type generator struct {
	*rand.Rand
	symbols   []string
	maxWindow int
	groups    int // filters over groups that may still be written
}

func (g *generator) symbol() string { return g.symbols[g.IntN(len(g.symbols))] }

func (g *generator) asset() string { return fmt.Sprintf(`(asset "%s" "%[1]s Inc.")`, g.symbol()) }

// metric returns an indicator and its parameters.
func (g *generator) metric() (name, parameters string) {
	names := []string{
		"rsi", "rsi", "rsi", "rsi", "cumulative-return", "cumulative-return", "moving-average-return", "moving-average-price", "current-price",
		"max-drawdown", "stdev-return", "exponential-moving-average-price", "stdev-price",
	}
	if name = names[g.IntN(len(names))]; name == "current-price" {
		return name, ""
	}
	return name, fmt.Sprintf(" {:window %d}", 2+g.IntN(g.maxWindow-1))
}

func (g *generator) value() string {
	name, parameters := g.metric()
	return fmt.Sprintf(`(%s "%s"%s)`, name, g.symbol(), parameters)
}

func (g *generator) condition() string {
	right := fmt.Sprint(g.IntN(100))
	if g.IntN(2) == 0 {
		right = g.value()
	}
	return fmt.Sprintf("(%s %s %s)", []string{">", "<", ">=", "<="}[g.IntN(4)], g.value(), right)
}

func (g *generator) filter(children ...string) string {
	name, parameters := g.metric()
	side := []string{"top", "bottom"}[g.IntN(2)]
	return fmt.Sprintf("(filter (%s%s) (select-%s %d) [%s])", name, parameters, side, 1+g.IntN(2), strings.Join(children, " "))
}

// leaf is something without conditions.
func (g *generator) leaf() string {
	assets := make([]string, 2+g.IntN(4))
	for i := range assets {
		assets[i] = g.asset()
	}
	switch g.IntN(8) {
	case 0:
		return g.filter(assets...)
	case 1:
		return "(weight-equal [" + strings.Join(assets, " ") + "])"
	case 2:
		return fmt.Sprintf("(weight-specified 0.6 %s 0.4 %s)", assets[0], assets[1])
	case 3:
		return fmt.Sprintf("(weight-inverse-volatility %d [%s])", 2+g.IntN(g.maxWindow-1), strings.Join(assets, " "))
	case 4:
		if g.groups > 0 {
			g.groups--
			return g.filter(fmt.Sprintf(`(group "A" [(weight-equal [%s])])`, assets[0]), fmt.Sprintf(`(group "B" [(weight-equal [%s %s])])`, assets[1], assets[0]))
		}
	}
	return assets[0]
}

// node is a tree of conditions and weights that is about size bytes long.
func (g *generator) node(size int) string {
	if size < 300 {
		return g.leaf()
	}
	left := size * (1 + g.IntN(8)) / 9
	if g.IntN(4) == 0 {
		return fmt.Sprintf("(weight-equal [%s %s])", g.node(left-20), g.node(size-left-20))
	}
	branches := fmt.Sprintf("[%s] [%s]", g.node(left-150), g.node(size-left-150))
	text := fmt.Sprintf("(if %s %s)", g.condition(), branches)
	switch g.IntN(3) {
	case 0:
		return fmt.Sprintf("(weight-equal [%s])", text)
	case 1:
		return fmt.Sprintf(`(group "G%d" [(weight-equal [%s])])`, g.IntN(50), text)
	}
	return text
}

// chain nests conditions one in the else of the other, depth levels deep.
func (g *generator) chain(depth int, last string) string {
	for range depth {
		last = fmt.Sprintf("(if %s [%s] [%s])", g.condition(), g.leaf(), last)
	}
	return last
}

// market returns closes of every symbol over so many days, with rises and falls.
func (g *generator) market(days int) map[string][]market.Bar {
	out := map[string][]market.Bar{}
	for _, symbol := range g.symbols {
		closes := make([]float64, days)
		price := 20 + 200*g.Float64()
		for i := range closes {
			price *= math.Exp(0.02 * g.NormFloat64())
			closes[i] = math.Round(price*10_000) / 10_000
		}
		out[symbol] = bars(closes...)
	}
	return out
}

func newGenerator(seed uint64, symbols, maxWindow, groups int) *generator {
	g := &generator{Rand: rand.New(rand.NewPCG(seed, 0)), maxWindow: maxWindow, groups: groups}
	for i := range symbols {
		g.symbols = append(g.symbols, fmt.Sprintf("S%d", i))
	}
	return g
}
