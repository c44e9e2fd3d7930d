package filter

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// parseJSON reads { condition }.
func parseJSON(text string) (Pattern, error) {
	p := &jsonParser{text: text}
	p.symbol("{")
	c, err := p.or()
	if err != nil {
		return nil, err
	}
	if !p.symbol("}") || p.at != len(p.text) {
		return nil, p.fail("expected }")
	}
	return jsonPattern{c}, nil
}

// jsonPattern matches messages that are JSON and satisfy the condition.
type jsonPattern struct{ of condition }

// Match implements Pattern.
func (p jsonPattern) Match(message string) bool {
	if !strings.HasPrefix(strings.TrimLeft(message, " \t\r\n"), "{") {
		return false
	}
	d := json.NewDecoder(strings.NewReader(message))
	d.UseNumber()
	var doc any
	return d.Decode(&doc) == nil && p.of(doc)
}

type condition func(doc any) bool

// step is one step of a selector: a member, an element, or all elements.
type step struct {
	name  string
	index int
	kind  stepKind
}

type stepKind int

const (
	member stepKind = iota
	element
	every
)

// find returns all values that the steps lead to.
func find(doc any, steps []step) []any {
	if len(steps) == 0 {
		return []any{doc}
	}
	s := steps[0]
	switch doc := doc.(type) {
	case map[string]any:
		if v, ok := doc[s.name]; ok && s.kind == member {
			return find(v, steps[1:])
		}
	case []any:
		if s.kind == element && s.index < len(doc) {
			return find(doc[s.index], steps[1:])
		}
		if s.kind == every {
			var found []any
			for _, e := range doc {
				found = append(found, find(e, steps[1:])...)
			}
			return found
		}
	}
	return nil
}

type jsonParser struct {
	text string
	at   int
}

func (p *jsonParser) fail(what string) error {
	return fmt.Errorf("%w: %s at character %d of %q", ErrInvalid, what, p.at+1, p.text)
}

func (p *jsonParser) space() {
	for p.at < len(p.text) && strings.IndexByte(" \t\r\n", p.text[p.at]) >= 0 {
		p.at++
	}
}

// symbol takes s if it is next.
func (p *jsonParser) symbol(s string) bool {
	p.space()
	if !strings.HasPrefix(p.text[p.at:], s) {
		return false
	}
	p.at += len(s)
	return true
}

// keyword takes the word s, in any case, if it is next and ends there.
func (p *jsonParser) keyword(s string) bool {
	p.space()
	end := p.at + len(s)
	if end > len(p.text) || !strings.EqualFold(p.text[p.at:end], s) || end < len(p.text) && isWord(p.text[end]) {
		return false
	}
	p.at = end
	return true
}

func isWord(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

func (p *jsonParser) or() (condition, error) {
	c, err := p.and()
	for err == nil && p.symbol("||") {
		a := c
		var b condition
		b, err = p.and()
		c = func(doc any) bool { return a(doc) || b(doc) }
	}
	return c, err
}

func (p *jsonParser) and() (condition, error) {
	c, err := p.primary()
	for err == nil && p.symbol("&&") {
		a := c
		var b condition
		b, err = p.primary()
		c = func(doc any) bool { return a(doc) && b(doc) }
	}
	return c, err
}

func (p *jsonParser) primary() (condition, error) {
	if p.symbol("(") {
		c, err := p.or()
		if err == nil && !p.symbol(")") {
			err = p.fail("expected )")
		}
		return c, err
	}
	steps, err := p.selector()
	if err != nil {
		return nil, err
	}
	switch {
	case p.keyword("IS"):
		return p.is(steps)
	case p.keyword("NOT"):
		if !p.keyword("EXISTS") {
			return nil, p.fail("expected EXISTS")
		}
		return func(doc any) bool { return len(find(doc, steps)) == 0 }, nil
	case p.keyword("EXISTS"):
		return func(doc any) bool { return len(find(doc, steps)) > 0 }, nil
	}
	for _, operator := range []string{"!=", "<=", ">=", "=", "<", ">"} {
		if p.symbol(operator) {
			return p.compare(steps, operator)
		}
	}
	return nil, p.fail("expected a comparison")
}

func (p *jsonParser) is(steps []step) (condition, error) {
	for word, want := range map[string]any{"TRUE": true, "FALSE": false, "NULL": nil} {
		if p.keyword(word) {
			return func(doc any) bool { return slices.Contains(find(doc, steps), want) }, nil
		}
	}
	return nil, p.fail("expected TRUE, FALSE or NULL")
}

// selector reads $.a.b[0]['c d'][*].
func (p *jsonParser) selector() ([]step, error) {
	if !p.symbol("$") {
		return nil, p.fail("expected $")
	}
	var steps []step
	for p.at < len(p.text) {
		switch p.text[p.at] {
		case '.':
			p.at++
			from := p.at
			for p.at < len(p.text) && (isWord(p.text[p.at]) || p.text[p.at] == '-' || p.text[p.at] == '@' || p.text[p.at] >= 0x80) {
				p.at++
			}
			if p.at == from {
				return nil, p.fail("expected a name")
			}
			steps = append(steps, step{name: p.text[from:p.at]})
		case '[':
			end := strings.IndexByte(p.text[p.at:], ']')
			if end < 0 {
				return nil, p.fail("expected ]")
			}
			s, ok := bracket(strings.TrimSpace(p.text[p.at+1 : p.at+end]))
			if !ok {
				return nil, p.fail("expected an index or a quoted name")
			}
			steps = append(steps, s)
			p.at += end + 1
		default:
			return steps, nil
		}
	}
	return steps, nil
}

func bracket(inside string) (step, bool) {
	if inside == "*" {
		return step{kind: every}, true
	}
	if i, err := strconv.ParseUint(inside, 10, 31); err == nil {
		return step{kind: element, index: int(i)}, true
	}
	if n := len(inside); n >= 2 && inside[0] == inside[n-1] && (inside[0] == '"' || inside[0] == '\'') {
		return step{name: inside[1 : n-1]}, true
	}
	return step{}, false
}

// compare reads the value to compare with: a number, a text with * as wildcard, or a regular expression.
func (p *jsonParser) compare(steps []step, operator string) (condition, error) {
	p.space()
	var matches func(v any) bool
	var err error
	switch {
	case p.at < len(p.text) && (p.text[p.at] == '"' || p.text[p.at] == '%'):
		matches, err = p.quoted(p.text[p.at])
	default:
		from := p.at
		for p.at < len(p.text) && strings.IndexByte(" \t\r\n(){}&|=<>\"%", p.text[p.at]) < 0 {
			p.at++
		}
		word := p.text[from:p.at]
		if word == "" {
			return nil, p.fail("expected a value")
		}
		if n, err := strconv.ParseFloat(word, 64); err == nil {
			return func(doc any) bool {
				return slices.ContainsFunc(find(doc, steps), func(v any) bool { return numberIs(v, operator, n) })
			}, nil
		}
		matches = like(word)
	}
	if err != nil {
		return nil, err
	}
	if operator != "=" && operator != "!=" {
		return nil, p.fail("a text can be compared by = and != only")
	}
	return func(doc any) bool {
		return slices.ContainsFunc(find(doc, steps), func(v any) bool { return matches(v) == (operator == "=") })
	}, nil
}

func (p *jsonParser) quoted(mark byte) (func(v any) bool, error) {
	var b strings.Builder
	for i := p.at + 1; i < len(p.text); i++ {
		switch c := p.text[i]; {
		case c == mark:
			p.at = i + 1
			if mark == '"' {
				return like(b.String()), nil
			}
			re, err := regexp.Compile(b.String())
			if err != nil {
				return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
			}
			return func(v any) bool { return re.MatchString(show(v)) }, nil
		case c == '\\' && mark == '"' && i+1 < len(p.text):
			i++
			b.WriteByte(p.text[i])
		default:
			b.WriteByte(c)
		}
	}
	return nil, p.fail("the value is not closed")
}

// like matches the whole text, * standing for any characters.
func like(pattern string) func(v any) bool {
	parts := strings.Split(pattern, "*")
	for i := range parts {
		parts[i] = regexp.QuoteMeta(parts[i])
	}
	re := regexp.MustCompile("(?s)^" + strings.Join(parts, ".*") + "$")
	return func(v any) bool { return re.MatchString(show(v)) }
}

// show spells a scalar as it stands in the message.
func show(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	case bool:
		return strconv.FormatBool(v)
	}
	return ""
}

func numberIs(v any, operator string, n float64) bool {
	text, ok := v.(json.Number)
	have, err := text.Float64()
	if !ok || err != nil {
		return false
	}
	switch operator {
	case "=":
		return have == n
	case "!=":
		return have != n
	case "<":
		return have < n
	case "<=":
		return have <= n
	case ">":
		return have > n
	}
	return have >= n
}
