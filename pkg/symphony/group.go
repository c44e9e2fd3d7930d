package symphony

// group is its body; the name is for explanation only.
type group struct{ body child }

// compileGroup reads (group "Name" [weight]).
func compileGroup(c *compiler, f *form) node {
	const usage = `(group "Name" [weight])`
	if !c.args(f, 2, usage) {
		return nil
	}
	if name := f.items[1]; name.kind != kindString {
		c.fail(name.pos, name.String(), "the name as a string")
	}
	body := f.items[2]
	if body.kind != kindVector || len(body.items) != 1 {
		c.fail(body.pos, body.String(), "a vector with the one body of the group: "+usage)
		return nil
	}
	return &group{body: c.child(body.items[0])}
}

func (n *group) evaluate(e *evaluation) (portfolio, error) { return e.visit(&n.body) }
