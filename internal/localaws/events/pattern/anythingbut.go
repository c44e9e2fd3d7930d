package pattern

import "slices"

// anythingBut matches any value that none of its matchers matches, of any type.
type anythingBut []matcher

func (a anythingBut) match(v value) bool {
	return !slices.ContainsFunc(a, func(m matcher) bool { return m.match(v) })
}

// anythingBut reads the operand of anything-but: strings, numbers, or one of four operators with strings.
func (c *compiler) anythingBut() (matcher, error) {
	op := ""
	if c.next() == tokenObject {
		if c.next() != tokenName {
			return nil, c.refuse("Anything-But expression name not found")
		}
		op = c.field
		switch op {
		case "equals-ignore-case", "prefix", "suffix", "wildcard":
		default:
			return nil, c.refuse("Unsupported anything-but pattern: %s", op)
		}
		c.next()
	}
	var m anythingBut
	var err error
	switch c.tok {
	case tokenArray:
		m, err = c.excluded(op)
	case tokenString, tokenNumber:
		var one matcher
		one, err = c.exclude(op)
		m = anythingBut{one}
	default:
		err = c.refuse("Value of anything-but must be an array or single string/number value.")
	}
	if err != nil {
		return nil, err
	}
	if c.next() != tokenObjectEnd || op != "" && c.next() != tokenObjectEnd {
		return nil, c.refuse(tooMany)
	}
	return m, nil
}

// excluded reads a list. AWS reports the position of an error inside twice.
func (c *compiler) excluded(op string) (anythingBut, error) {
	var m anythingBut
	numbers, strings := false, false
	for c.next() != tokenArrayEnd {
		one, err := c.exclude(op)
		if err != nil {
			c.err.Message += "\n at " + c.location(c.pos)
			return nil, c.err
		}
		numbers, strings = numbers || c.tok == tokenNumber, strings || c.tok == tokenString
		m = append(m, one)
	}
	if op == "" && numbers == strings {
		return nil, c.refuse("Inside anything but list, either all values are number or string, mixed type is not supported")
	}
	return m, nil
}

// exclude makes a matcher of the current token.
func (c *compiler) exclude(op string) (matcher, error) {
	if op == "" && c.tok == tokenNumber {
		n := parseNumber(c.text)
		return equalNumber(n), c.comparable(n)
	}
	if c.tok != tokenString {
		switch op {
		case "":
			return nil, c.refuse("Inside anything but list, start|null|boolean is not supported.")
		case "equals-ignore-case":
			return nil, c.refuse("Inside anything-but/equals-ignore-case list, number|start|null|boolean is not supported.")
		case "wildcard":
			return nil, c.refuse("wildcard match pattern must be a string")
		default:
			return nil, c.refuse("prefix/suffix match pattern must be a string")
		}
	}
	s := c.string()
	if c.err != nil {
		return nil, c.err
	}
	switch op {
	case "":
		return equalString(s), nil
	case "equals-ignore-case":
		return folded(fold(s)), nil
	case "wildcard":
		return c.wildcard(s)
	}
	if s == "" {
		return nil, c.refuse("Null prefix/suffix not allowed")
	}
	if op == "prefix" {
		return prefix(s), nil
	}
	return suffix(s), nil
}
