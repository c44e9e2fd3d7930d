package xray

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// filter is a parsed filter expression.
// https://docs.aws.amazon.com/xray/latest/devguide/xray-console-filters.html
type filter interface {
	matches(t trace) bool
}

// parseFilter parses an expression. What X-Ray has and this endpoint has not is an error that names it.
func parseFilter(expression string) (filter, error) {
	tokens, err := scan(expression)
	if err != nil {
		return nil, err
	}
	p := &parser{tokens: tokens}
	f, err := p.or(0)
	if err != nil {
		return nil, err
	}
	if t := p.peek(); t.kind != endOfInput {
		return nil, fmt.Errorf("unexpected %s", t)
	}
	return f, nil
}

// maxDepth bounds how deep expressions may be nested.
const maxDepth = 100

type parser struct {
	tokens []token
	at     int
}

func (p *parser) peek() token { return p.tokens[p.at] }

func (p *parser) next() token {
	t := p.tokens[p.at]
	if t.kind != endOfInput {
		p.at++
	}
	return t
}

// take consumes the next token if it is one of texts, which are symbols or keywords.
func (p *parser) take(texts ...string) (string, bool) {
	t := p.peek()
	if t.kind != symbol && t.kind != word {
		return "", false
	}
	for _, text := range texts {
		if strings.EqualFold(t.text, text) {
			p.at++
			return text, true
		}
	}
	return "", false
}

func (p *parser) expect(text string) error {
	if _, ok := p.take(text); !ok {
		return fmt.Errorf("expected %q, found %s", text, p.peek())
	}
	return nil
}

func (p *parser) or(depth int) (filter, error) {
	f, err := p.and(depth)
	for err == nil {
		if _, ok := p.take("OR", "||"); !ok {
			return f, nil
		}
		var g filter
		if g, err = p.and(depth); err == nil {
			f = either{f, g}
		}
	}
	return nil, err
}

func (p *parser) and(depth int) (filter, error) {
	f, err := p.not(depth)
	for err == nil {
		if _, ok := p.take("AND", "&&"); !ok {
			return f, nil
		}
		var g filter
		if g, err = p.not(depth); err == nil {
			f = both{f, g}
		}
	}
	return nil, err
}

func (p *parser) not(depth int) (filter, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("nested more than %d deep", maxDepth)
	}
	if _, ok := p.take("NOT", "!"); ok {
		f, err := p.not(depth + 1)
		return negation{f}, err
	}
	if _, ok := p.take("("); ok {
		f, err := p.or(depth + 1)
		if err != nil {
			return nil, err
		}
		return f, p.expect(")")
	}
	return p.term(depth)
}

// term parses a keyword with what belongs to it.
func (p *parser) term(depth int) (filter, error) {
	t := p.next()
	if t.kind != word {
		return nil, fmt.Errorf("expected a keyword, found %s", t)
	}
	keyword := strings.ToLower(t.text)
	switch {
	case keyword == "service":
		return p.service(depth)
	case keyword == "annotation":
		return p.annotation("")
	case strings.HasPrefix(keyword, "annotation."):
		return p.annotation(t.text[len("annotation."):])
	case flags[keyword] != nil:
		return p.flag(flags[keyword])
	case numbers[keyword] != nil:
		return p.number(numbers[keyword])
	case texts[keyword] != nil:
		return p.text(texts[keyword])
	}
	return nil, fmt.Errorf("the keyword %q is not supported", t.text)
}

// flag parses what may follow a boolean keyword.
func (p *parser) flag(of func(trace) bool) (filter, error) {
	want := true
	if operator, ok := p.take("=", "!="); ok {
		value, ok := p.take("true", "false")
		if !ok {
			return nil, fmt.Errorf("expected true or false, found %s", p.peek())
		}
		want = (value == "true") == (operator == "=")
	}
	return condition(func(t trace) bool { return of(t) == want }), nil
}

var (
	comparisons = []string{"=", "!=", "<", "<=", ">", ">="}
	searches    = []string{"=", "!=", "CONTAINS", "BEGINSWITH", "ENDSWITH"}
)

func (p *parser) number(of func(trace) (float64, bool)) (filter, error) {
	operator, ok := p.take(comparisons...)
	if !ok {
		return nil, fmt.Errorf("expected a comparison, found %s", p.peek())
	}
	t := p.next()
	if t.kind != number {
		return nil, fmt.Errorf("expected a number, found %s", t)
	}
	return condition(func(tr trace) bool {
		have, ok := of(tr)
		return ok && compare(operator, have, t.number)
	}), nil
}

func (p *parser) text(of func(trace) []string) (filter, error) {
	operator, ok := p.take(searches...)
	if !ok {
		return nil, fmt.Errorf("expected =, !=, CONTAINS, BEGINSWITH or ENDSWITH, found %s", p.peek())
	}
	t := p.next()
	if t.kind != text {
		return nil, fmt.Errorf("expected a text in quotes, found %s", t)
	}
	return condition(func(tr trace) bool { return search(operator, of(tr), t.text) }), nil
}

// annotation parses annotation.key and annotation[key], alone (it exists) or compared with a value.
func (p *parser) annotation(key string) (filter, error) {
	if key == "" {
		if err := p.expect("["); err != nil {
			return nil, err
		}
		t := p.next()
		if t.kind != word && t.kind != text {
			return nil, fmt.Errorf("expected the key of an annotation, found %s", t)
		}
		key = t.text
		if err := p.expect("]"); err != nil {
			return nil, err
		}
	}
	operator, compared := p.take(append(slices.Clone(comparisons), searches[2:]...)...)
	if !compared {
		return condition(func(t trace) bool { return len(values(t, key)) > 0 }), nil
	}
	want := p.next()
	switch want.kind {
	case text:
		if !slices.Contains(searches, operator) {
			return nil, fmt.Errorf("a text cannot be compared with %s", operator)
		}
		return condition(func(t trace) bool { return search(operator, only[string](values(t, key)), want.text) }), nil
	case number:
		if !slices.Contains(comparisons, operator) {
			return nil, fmt.Errorf("a number cannot be searched with %s", operator)
		}
		return condition(func(t trace) bool {
			return slices.ContainsFunc(only[float64](values(t, key)), func(x float64) bool { return compare(operator, x, want.number) })
		}), nil
	case word:
		b, err := strconv.ParseBool(strings.ToLower(want.text))
		if err != nil || operator != "=" && operator != "!=" {
			return nil, fmt.Errorf("an annotation cannot be compared with %s", want)
		}
		return condition(func(t trace) bool {
			return slices.ContainsFunc(only[bool](values(t, key)), func(x bool) bool { return (x == b) == (operator == "=") })
		}), nil
	case symbol, endOfInput:
	}
	return nil, fmt.Errorf("expected a value, found %s", want)
}

// service parses service("name") and service(id(name: "n", type: "t")), with a filter in braces or none.
func (p *parser) service(depth int) (filter, error) {
	if err := p.expect("("); err != nil {
		return nil, err
	}
	name, kind, err := p.serviceID()
	if err != nil {
		return nil, err
	}
	if err := p.expect(")"); err != nil {
		return nil, err
	}
	var within filter = always{}
	if _, ok := p.take("{"); ok {
		if within, err = p.or(depth + 1); err != nil {
			return nil, err
		}
		if err := p.expect("}"); err != nil {
			return nil, err
		}
	}
	return ofService{name, kind, within}, nil
}

func (p *parser) serviceID() (name, kind string, err error) {
	if t := p.peek(); t.kind == text {
		p.at++
		return t.text, "", nil
	}
	if _, ok := p.take("id"); !ok {
		return "", "", fmt.Errorf("expected the name of a service in quotes or id(…), found %s", p.peek())
	}
	if err := p.expect("("); err != nil {
		return "", "", err
	}
	for {
		member, ok := p.take("name", "type")
		if !ok {
			return "", "", fmt.Errorf("expected name or type, found %s", p.peek())
		}
		if err := p.expect(":"); err != nil {
			return "", "", err
		}
		t := p.next()
		if t.kind != text {
			return "", "", fmt.Errorf("expected a text in quotes, found %s", t)
		}
		if member == "name" {
			name = t.text
		} else {
			kind = t.text
		}
		if _, more := p.take(","); !more {
			return name, kind, p.expect(")")
		}
	}
}
