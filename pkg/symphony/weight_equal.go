package symphony

// weightEqual gives each child that is not empty the same weight.
type weightEqual struct{ children []child }

// compileWeightEqual reads (weight-equal [node…]).
func compileWeightEqual(c *compiler, f *form) node {
	if !c.args(f, 1, "(weight-equal [node…])") {
		return nil
	}
	return &weightEqual{children: c.children(f.items[1])}
}

func (n *weightEqual) evaluate(e *evaluation) (portfolio, error) {
	p, err := e.mixEqually(n.children)
	if err == nil && len(p) == 0 {
		return nil, e.fail(errEmpty)
	}
	return p, err
}

// mixEqually evaluates children and gives each that is not empty the same weight. Nothing left is an empty portfolio.
func (e *evaluation) mixEqually(children []child) (portfolio, error) {
	parts := make([]part, len(children))
	for i := range children {
		p, err := e.visit(&children[i])
		if err != nil {
			return nil, err
		}
		parts[i] = part{portfolio: p, weight: ratio(1, 1)}
	}
	return mix(parts), nil
}
