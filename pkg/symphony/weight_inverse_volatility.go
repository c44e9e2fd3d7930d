package symphony

import (
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"
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
	n := inverseVolatility{window: window, volatility: map[string]int{}}
	symbols := c.apart(func() { n.children = c.children(f.items[2]) })
	for _, symbol := range slices.Sorted(maps.Keys(symbols)) {
		c.need(symbol, symbols[symbol])
		n.volatility[symbol] = c.metricOf(def, symbol, window)
	}
	return n
}

func (n inverseVolatility) evaluate(e *evaluation) (portfolio, error) {
	var parts []part
	var said []string
	for _, child := range n.children {
		p, err := e.visit(child)
		if err != nil {
			return nil, err
		}
		if len(p) == 0 {
			said = append(said, nameOf(child)+" holds nothing and is skipped")
			continue
		}
		v, err := n.volatilityOf(e, p)
		if err != nil {
			return nil, e.fail(err)
		}
		if v <= 0 {
			said = append(said, nameOf(child)+" has no volatility and is skipped")
			continue
		}
		parts = append(parts, part{portfolio: p, weight: new(big.Rat).SetFloat64(1 / v)})
		if !e.quiet {
			said = append(said, fmt.Sprintf("%s %.2f %%", nameOf(child), v))
		}
	}
	if len(parts) == 0 {
		return nil, e.fail(errEmpty)
	}
	e.explain(fmt.Sprintf("weights by 1/volatility(%d): %s", n.window, strings.Join(said, ", ")))
	return mix(parts), nil
}

// nameOf is what people call a child.
func nameOf(c child) string {
	if a, ok := c.node.(asset); ok {
		return a.symbol
	}
	return c.label
}

func (n inverseVolatility) volatilityOf(e *evaluation, p portfolio) (float64, error) {
	sum := 0.0
	for _, h := range p {
		v, err := e.metric(n.volatility[h.symbol])
		if err != nil {
			return 0, err
		}
		weight, _ := h.weight.Float64()
		sum += weight * v
	}
	return sum, nil
}
