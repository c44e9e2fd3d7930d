package pattern

const oneKey = "Only one key allowed in match expression"

// expression reads a match expression such as {"prefix": "a"} whose brace has been read.
func (c *compiler) expression() (matcher, error) {
	if c.next() != tokenName {
		return nil, c.refuse("Match expression name not found")
	}
	switch op := c.field; op {
	case "exactly":
		return c.one("exact match pattern must be a string", func(s string) (matcher, error) { return equalString(s), nil })
	case "prefix":
		return c.edge("prefix", "Prefix",
			func(s string) matcher { return prefix(s) }, func(s string) matcher { return foldedPrefix(fold(s)) })
	case "suffix":
		return c.edge("suffix", "Suffix",
			func(s string) matcher { return suffix(s) }, func(s string) matcher { return foldedSuffix(fold(s)) })
	case "numeric":
		return c.numeric()
	case "anything-but":
		return c.anythingBut()
	case "exists":
		return c.exists()
	case "cidr":
		return c.one("prefix match pattern must be a string", func(s string) (matcher, error) { return parseCIDR(s) })
	case "equals-ignore-case":
		return c.one("equals-ignore-case match pattern must be a string",
			func(s string) (matcher, error) { return folded(fold(s)), nil })
	case "wildcard":
		return c.one("wildcard match pattern must be a string", c.wildcard)
	default:
		return nil, c.refuse("Unrecognized match type %s", op)
	}
}

// one reads a string and the end of the expression.
func (c *compiler) one(otherwise string, build func(string) (matcher, error)) (matcher, error) {
	if c.next() != tokenString {
		return nil, c.refuse("%s", otherwise)
	}
	s := c.string()
	if c.err != nil {
		return nil, c.err
	}
	m, err := build(s)
	if err != nil {
		return nil, err
	}
	if c.next() != tokenObjectEnd {
		return nil, c.refuse(oneKey)
	}
	return m, nil
}

// edge reads the operand of prefix or suffix: a string or {"equals-ignore-case": a string}.
func (c *compiler) edge(op, title string, exact, ignoringCase func(string) matcher) (matcher, error) {
	if c.next() != tokenObject {
		if c.tok != tokenString {
			return nil, c.refuse("%s match pattern must be a string", op)
		}
		m := exact(c.string())
		if c.next() != tokenObjectEnd {
			return nil, c.refuse(oneKey)
		}
		return m, nil
	}
	if c.next() != tokenName {
		return nil, c.refuse("%s expression name not found", title)
	}
	if c.field != "equals-ignore-case" {
		return nil, c.refuse("Unsupported %s pattern: %s", op, c.field)
	}
	m, err := c.one("equals-ignore-case match pattern must be a string",
		func(s string) (matcher, error) { return ignoringCase(s), nil })
	if err != nil {
		return nil, err
	}
	if c.next() != tokenObjectEnd {
		return nil, c.refuse(oneKey)
	}
	return m, nil
}

func (c *compiler) exists() (matcher, error) {
	var m matcher
	switch c.next() {
	case tokenTrue:
		m = presence{}
	case tokenFalse:
		m = absence{}
	default:
		return nil, c.refuse("exists match pattern must be either true or false.")
	}
	if c.next() != tokenObjectEnd {
		return nil, c.refuse(oneKey)
	}
	return m, nil
}

func (c *compiler) wildcard(s string) (matcher, error) {
	w, problem := parseWildcard(s)
	if problem != "" {
		return nil, c.refuse("%s", problem)
	}
	return w, nil
}

const tooMany = "Too many elements in numeric expression"

// numeric reads [operator, number] or [lower operator, number, upper operator, number].
func (c *compiler) numeric() (matcher, error) {
	if c.next() != tokenArray {
		return nil, c.refuse("Value of numeric must be an array.")
	}
	r, err := c.numericRange()
	if err != nil {
		return nil, err
	}
	if c.next() != tokenObjectEnd {
		return nil, c.refuse(tooMany)
	}
	return r, nil
}

func (c *compiler) numericRange() (matcher, error) {
	if c.next() != tokenString {
		return nil, c.refuse("Invalid member in numeric match: %s", c.spelling())
	}
	op := c.string()
	named := op
	switch op {
	case "=":
		named = "equals"
	case "<", "<=", ">", ">=":
	default:
		c.next()
		return nil, c.refuse("Unrecognized numeric range operator: %s", op)
	}
	first, err := c.bound(named)
	if err != nil {
		return nil, err
	}
	if c.next() == tokenArrayEnd {
		return span(op, first), c.comparable(first)
	}
	if op != ">" && op != ">=" {
		return nil, c.refuse(tooMany)
	}
	if c.tok != tokenString {
		return nil, c.refuse("Bad value in numeric range: %s", c.spelling())
	}
	upper := c.string()
	if upper != "<" && upper != "<=" {
		return nil, c.refuse("Bad numeric range operator: %s", upper)
	}
	last, err := c.bound(upper)
	if err != nil {
		return nil, err
	}
	if c.next() != tokenArrayEnd {
		return nil, c.refuse("Too many terms in numeric range expression")
	}
	if err := c.comparable(first, last); err != nil {
		return nil, err
	}
	if first.value >= last.value {
		return nil, c.refuse("Bottom must be less than top")
	}
	r := span(op, first)
	r.top = &limit{value: last.value, open: upper == "<"}
	return r, nil
}

func (c *compiler) bound(op string) (number, error) {
	if c.next() != tokenNumber {
		return number{}, c.refuse("Value of %s must be numeric", op)
	}
	return parseNumber(c.text), nil
}

// comparable refuses numbers that a double does not hold.
func (c *compiler) comparable(numbers ...number) error {
	for _, n := range numbers {
		if !n.exact {
			return c.refuse("Cannot compare number : %s", n.text)
		}
	}
	return nil
}

// spelling is the text of the current token.
func (c *compiler) spelling() string {
	switch c.tok {
	case tokenString:
		return c.string()
	case tokenObject:
		return "{"
	case tokenObjectEnd:
		return "}"
	case tokenArray:
		return "["
	case tokenArrayEnd:
		return "]"
	default:
		return c.text
	}
}
