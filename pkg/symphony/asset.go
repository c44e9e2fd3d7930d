package symphony

// asset is everything in one symbol.
type asset struct {
	symbol string
	all    portfolio
}

// compileAsset reads (asset "SYM" "Long name"|nil).
func compileAsset(c *compiler, f *form) node {
	if !c.args(f, 2, `(asset "SYM" "Long name")`) {
		return nil
	}
	if name := f.items[2]; name.kind != kindString && name.kind != kindNil {
		c.fail(name.pos, name.String(), "the long name as a string, or nil")
	}
	symbol, ok := c.symbol(f.items[1], 1)
	if !ok {
		return nil
	}
	c.account.holds[symbol] = true
	return asset{symbol: symbol, all: single(symbol)}
}

func (n asset) evaluate(*evaluation) (portfolio, error) { return n.all, nil }
