package symphony

import (
	"fmt"

	"github.com/shopspring/decimal"
)

// weightSpecified gives each child the weight that stands before it.
type weightSpecified struct {
	weights  []fraction
	children []child
}

// compileWeightSpecified reads (weight-specified FRACTION node FRACTION node …).
func compileWeightSpecified(c *compiler, f *form) node {
	const usage = "(weight-specified FRACTION node FRACTION node …)"
	args := f.items[1:]
	if len(args) == 0 || len(args)%2 == 1 {
		c.fail(f.pos, fmt.Sprintf("%s with %s", f, count(len(args), "argument")), usage)
		return nil
	}
	n := &weightSpecified{}
	sum := decimal.Zero
	for i := 0; i < len(args); i += 2 {
		weight := args[i]
		if weight.kind != kindNumber || weight.number.IsNegative() {
			c.fail(weight.pos, weight.String(), "a weight of 0 or more before each node")
			return nil
		}
		sum = sum.Add(weight.number)
		n.weights = append(n.weights, exactly(weight.number.Rat()))
		ch := c.child(args[i+1])
		if len(args) > 2 {
			ch.label = numbered(ch.label, i/2+1)
		}
		n.children = append(n.children, ch)
	}
	switch {
	case sum.IsZero():
		c.fail(f.pos, "weights that sum to 0", "weights that sum to 1")
	case sum.Sub(decimal.NewFromInt(1)).Abs().GreaterThan(decimal.New(1, -3)):
		c.warn(f.pos, fmt.Sprintf("weights sum to %s, not 1; they are scaled", sum))
	}
	return n
}

func (n *weightSpecified) evaluate(e *evaluation) (portfolio, error) {
	parts := make([]part, len(n.children))
	for i := range n.children {
		child := &n.children[i]
		p, err := e.visit(child)
		if err != nil {
			return nil, err
		}
		if len(p) == 0 {
			return nil, e.fail(fmt.Errorf("%s: %w", child.label, errEmpty))
		}
		parts[i] = part{portfolio: p, weight: n.weights[i]}
	}
	return mix(parts), nil
}
