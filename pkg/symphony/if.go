package symphony

// ifElse is the branch that its condition chooses. The other branch is not evaluated.
type ifElse struct {
	condition condition
	then, els child
}

// compileIf reads (if condition [node…] [node…]).
func compileIf(c *compiler, f *form) node {
	if !c.args(f, 3, "(if condition [node…] [node…])") {
		return nil
	}
	return &ifElse{
		condition: c.condition(f.items[1]),
		then:      child{label: "then", pos: f.items[2].pos, node: &branch{c.children(f.items[2])}},
		els:       child{label: "else", pos: f.items[3].pos, node: &branch{c.children(f.items[3])}},
	}
}

func (n *ifElse) evaluate(e *evaluation) (portfolio, error) {
	holds, text, err := n.condition.test(e)
	if err != nil {
		return nil, e.fail(err)
	}
	chosen := &n.els
	if holds {
		chosen = &n.then
	}
	e.explain(text + ": " + chosen.label)
	return e.visit(chosen)
}

// branch weights its nodes equally. Unlike weight-equal it may be empty.
type branch struct{ children []child }

func (n *branch) evaluate(e *evaluation) (portfolio, error) { return e.mixEqually(n.children) }
