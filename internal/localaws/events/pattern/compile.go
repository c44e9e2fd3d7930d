package pattern

import (
	"fmt"
	"slices"
)

// maxBranches is how many combinations the $or of a pattern may make.
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html#eb-filtering-complex-example-or
const maxBranches = 1000

// Compile compiles text. It returns an *Error if text is no pattern. What follows the pattern's closing brace is
// ignored, as event-ruler does.
func Compile(text string) (*Pattern, error) {
	c := &compiler{lexer: lexer{src: text}}
	if c.next() != tokenObject {
		return nil, c.refuse("Filter is not an object")
	}
	built, err := c.object(nil, "", false)
	if err != nil {
		return nil, err
	}
	if tooComplex(built) {
		return nil, &Error{Message: "Rule is too complex - try using fewer wildcard characters or fewer repeating " +
			"character sequences after a wildcard character"}
	}
	return &Pattern{branches: built.branches()}, nil
}

type compiler struct{ lexer }

// refuse returns the lexer's error if it has one, since that came first, else message with the position.
func (c *compiler) refuse(format string, args ...any) error {
	message := format
	if len(args) > 0 {
		message = fmt.Sprintf(format, args...)
	}
	c.fail(message, c.pos)
	return c.err
}

// reserved are the names that cannot be fields inside $or.
func reserved(name string) bool {
	return slices.Contains([]string{
		"exactly", "prefix", "suffix", "anything-but", "exists", "numeric", "cidr", "equals-ignore-case", "wildcard",
	}, name)
}

// object reads the fields of an object that has begun, path being the full name of it, and adds them to all of r.
func (c *compiler) object(r rules, path string, insideOr bool) (rules, error) {
	empty := true
	for c.next() != tokenObjectEnd {
		if c.err != nil {
			return nil, c.err
		}
		empty = false
		name := c.field
		if name == "$or" {
			var err error
			if r, err = c.or(r, path); err != nil {
				return nil, err
			}
			continue
		}
		if insideOr && reserved(name) {
			return nil, c.refuse("%s is Ruler reserved fieldName which cannot be used inside $or.", name)
		}
		full := name
		if path != "" {
			full = path + "." + name
		}
		var err error
		switch c.next() {
		case tokenObject:
			r, err = c.object(r, full, insideOr)
		case tokenArray:
			r, err = c.values(r, full)
		default:
			err = c.refuse(`"%s" must be an object or an array`, name)
		}
		if err != nil {
			return nil, err
		}
	}
	if empty {
		return nil, c.refuse("Empty objects are not allowed")
	}
	return r, nil
}

// or reads the alternatives of $or: each continues all of r in its own way.
func (c *compiler) or(r rules, path string) (rules, error) {
	if c.next() != tokenArray {
		return nil, c.refuse("It must be an Array followed with $or.")
	}
	var out rules
	alternatives := 0
	for c.next() != tokenArrayEnd {
		alternatives++
		if c.tok != tokenObject {
			return nil, c.refuse("Only JSON object is allowed in array of $or relationship.")
		}
		branches, err := c.object(r.clone(), path, true)
		if err != nil {
			return nil, err
		}
		if out = append(out, branches...); len(out) > maxBranches {
			return nil, c.refuse("Rule is too complex - it has more than %d combinations of $or", maxBranches)
		}
	}
	if alternatives < 2 {
		return nil, c.refuse("There must have at least 2 Objects in $or relationship.")
	}
	return out, nil
}

// values reads the array of what a field may be.
func (c *compiler) values(r rules, name string) (rules, error) {
	f := field{name: name}
	count := 0
	for c.next() != tokenArrayEnd {
		count++
		var m matcher
		switch c.tok {
		case tokenObject:
			var err error
			if m, err = c.expression(); err != nil {
				return nil, err
			}
		case tokenString:
			m = exactly(c.string())
		case tokenNumber:
			m = equalNumber(parseNumber(c.text))
		case tokenNull, tokenTrue, tokenFalse:
			m = literal(c.tok)
		default:
			return nil, c.refuse("Match value must be String, number, true, false, or null")
		}
		if c.err != nil {
			return nil, c.err
		}
		if _, ok := m.(absence); ok {
			f.absent = true
			continue
		}
		f.matchers = append(f.matchers, m)
	}
	if count == 0 {
		return nil, c.refuse("Empty arrays are not allowed")
	}
	if len(r) == 0 {
		r = rules{{}}
	}
	for _, fields := range r {
		fields[name] = f // a repeated name replaces what was there
	}
	return r, nil
}
