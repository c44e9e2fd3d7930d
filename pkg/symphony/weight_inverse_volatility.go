package symphony

import (
	"fmt"
	"maps"
	"math"
	"slices"
)

// inverseVolatility weights each child in proportion to 1/volatility. The volatility of an asset is its stdev-return
// over the window, that of a portfolio the weighted average of its holdings'.
type inverseVolatility struct {
	window   int
	children []child
	// volatility is the number of each symbol's metric.
	volatility map[string]int
}

// compileInverseVolatility reads (weight-inverse-volatility WINDOW [node…]).
func compileInverseVolatility(c *compiler, f *form) node {
	if !c.args(f, 2, "(weight-inverse-volatility WINDOW [node…])") {
		return nil
	}
	def := c.indicators["stdev-return"]
	window, ok := c.days(f.items[1], def)
	if !ok {
		return nil
	}
	n := &inverseVolatility{window: window, volatility: map[string]int{}}
	part := c.part(0, func() { n.children = c.children(f.items[2]) })
	for _, symbol := range slices.Sorted(maps.Keys(part.holds)) {
		n.volatility[symbol] = c.metricOf(def, symbol, window)
	}
	return n
}

func (n *inverseVolatility) evaluate(e *evaluation) (portfolio, error) {
	var kept []weighed
	var skipped []string
	total := 0.0
	for i := range n.children {
		child := &n.children[i]
		p, err := e.visit(child)
		if err != nil {
			return nil, err
		}
		if len(p) == 0 {
			skipped = append(skipped, child.called()+" holds nothing")
			continue
		}
		v, err := n.volatilityOf(e, p)
		if err != nil {
			return nil, e.fail(err)
		}
		if math.IsInf(1/v, 0) { // v is 0, or next to it
			skipped = append(skipped, child.called()+" has no volatility")
			continue
		}
		total += 1 / v
		kept = append(kept, weighed{child, p, v})
	}
	if len(kept) == 0 {
		return nil, e.fail(errEmpty)
	}
	if !e.quiet {
		e.explain(n.words(kept, total, skipped))
	}
	return mix(inverse(kept, total)), nil
}

// weighed is a child, what it holds and its volatility.
type weighed struct {
	*child
	portfolio  portfolio
	volatility float64
}

// grain is what weights by volatility are multiples of. Fractions that come of one grain stay small when they are added,
// however many there are; those of the floats themselves would grow with each.
const grain = 1_000_000_000_000

// inverse weights children by 1/volatility; total is the sum of that. What rounding leaves over is the largest's.
func inverse(kept []weighed, total float64) []part {
	grains := make([]int64, len(kept))
	left, largest := int64(grain), 0
	for i, k := range kept {
		grains[i] = int64(1 / k.volatility / total * grain)
		left -= grains[i]
		if grains[i] > grains[largest] {
			largest = i
		}
	}
	grains[largest] += left
	parts := make([]part, len(kept))
	for i, k := range kept {
		parts[i] = part{portfolio: k.portfolio, weight: lowest(grains[i], grain)}
	}
	return parts
}

// words tells the weights: "weights by 1/volatility(20), with the volatility: SPY 75.00 % (12.10 %), TQQQ 25.00 % (36.30 %)".
func (n *inverseVolatility) words(kept []weighed, total float64, skipped []string) string {
	told := listed(len(kept), func(i int) string {
		k := kept[i]
		return fmt.Sprintf("%s %.2f %% (%.2f %%)", k.called(), 100/k.volatility/total, k.volatility)
	})
	text := fmt.Sprintf("weights by 1/volatility(%d), with the volatility: %s", n.window, told)
	if len(skipped) > 0 {
		text += "; skipped: " + listed(len(skipped), func(i int) string { return skipped[i] })
	}
	return text
}

func (n *inverseVolatility) volatilityOf(e *evaluation, p portfolio) (float64, error) {
	sum := 0.0
	for _, h := range p {
		v, err := e.metric(n.volatility[h.symbol])
		if err != nil {
			return 0, err
		}
		sum += h.weight.float() * v
	}
	return sum, nil
}
