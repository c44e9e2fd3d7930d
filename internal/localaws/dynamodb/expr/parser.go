// Package expr is DynamoDB's expression language: conditions, filters, key conditions, updates and projections. Names
// and values are resolved while parsing, so a parsed expression needs nothing but the item. Parsing takes a few
// microseconds, less than decoding the request it came in, so nothing is cached.
//
// All errors are *wire.Error with DynamoDB's words.
//
// Language: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.html
package expr

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/the-alchemiser/alchemiser/internal/localaws/dynamodb/attr"
)

// Kind is the parameter that an expression stands in: messages begin with it.
type Kind string

// The parameters that hold expressions.
const (
	ConditionExpression    Kind = "ConditionExpression"
	FilterExpression       Kind = "FilterExpression"
	KeyConditionExpression Kind = "KeyConditionExpression"
	UpdateExpression       Kind = "UpdateExpression"
	ProjectionExpression   Kind = "ProjectionExpression"
)

// Limits of expressions.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html#limits-expression-parameters
const (
	maxExpression = 4096
	maxOperators  = 300
	maxNesting    = 32
)

func (k Kind) errorf(format string, args ...any) error {
	return attr.Invalidf("Invalid %s: %s", k, fmt.Sprintf(format, args...))
}

// parser reads one expression from its tokens.
type parser struct {
	kind   Kind
	env    *Env
	text   string
	tokens []token
	at     int
	// operators is how many operators and functions were read.
	operators int
}

func newParser(kind Kind, text string, env *Env) (*parser, error) {
	if len(text) > maxExpression {
		return nil, kind.errorf("Expression size has exceeded the maximum allowed size; expression size: %d", len(text))
	}
	p := &parser{kind: kind, env: env, text: text, tokens: lex(text)}
	if p.peek().kind == tokenEnd {
		return nil, kind.errorf("The expression can not be empty;")
	}
	return p, nil
}

func (p *parser) peek() token { return p.tokens[p.at] }

func (p *parser) take() token {
	t := p.tokens[p.at]
	if t.kind != tokenEnd {
		p.at++
	}
	return t
}

// symbol takes the symbol s if it is next.
func (p *parser) symbol(s string) bool {
	if t := p.peek(); t.kind != tokenSymbol || t.text != s {
		return false
	}
	p.at++
	return true
}

// keyword takes the word s, in any case, if it is next.
func (p *parser) keyword(s string) bool {
	if t := p.peek(); t.kind != tokenWord || !strings.EqualFold(t.text, s) {
		return false
	}
	p.at++
	return true
}

func (p *parser) expect(symbol string) error {
	if !p.symbol(symbol) {
		return p.syntax()
	}
	return nil
}

// end returns an error if anything is left.
func (p *parser) end() error {
	if p.peek().kind != tokenEnd {
		return p.syntax()
	}
	return nil
}

// syntax complains about the next token, with its neighbours.
func (p *parser) syntax() error {
	t := p.peek()
	from, to := t.start, t.end
	if p.at > 0 {
		from = p.tokens[p.at-1].start
	}
	if p.at+1 < len(p.tokens) {
		to = p.tokens[p.at+1].end
	}
	return p.kind.errorf("Syntax error; token: %q, near: %q", t.text, p.text[from:to])
}

// path reads a document path.
func (p *parser) path() (Path, error) {
	first, err := p.name()
	if err != nil {
		return nil, err
	}
	path := Path{first}
	for {
		switch {
		case p.symbol("."):
			step, err := p.name()
			if err != nil {
				return nil, err
			}
			path = append(path, step)
		case p.symbol("["):
			t := p.peek()
			index, err := strconv.Atoi(t.text)
			if t.kind != tokenNumber || err != nil {
				return nil, p.syntax()
			}
			p.take()
			if err := p.expect("]"); err != nil {
				return nil, err
			}
			path = append(path, Step{Index: index, IsIndex: true})
		case len(path) > maxNesting:
			return nil, p.kind.errorf("The document path has too many nesting elements; nesting elements: %d", len(path))
		default:
			p.env.mentioned[p.kind] = append(p.env.mentioned[p.kind], path)
			return path, nil
		}
	}
}

func (p *parser) name() (Step, error) {
	t := p.peek()
	switch t.kind { //nolint:exhaustive // the others are no names
	case tokenWord:
		if isReserved(t.text) {
			return Step{}, p.kind.errorf("Attribute name is a reserved keyword; reserved keyword: %s", t.text)
		}
		p.take()
		return Step{Name: t.text}, nil
	case tokenName:
		name, ok := p.env.names[t.text]
		if !ok {
			return Step{}, p.kind.errorf("An expression attribute name used in the document path is not defined; "+
				"attribute name: %s", t.text)
		}
		p.env.used[t.text] = true
		p.take()
		return Step{Name: name}, nil
	}
	return Step{}, p.syntax()
}

// value reads a :placeholder.
func (p *parser) value() (attr.Value, error) {
	t := p.peek()
	if t.kind != tokenValue {
		return attr.Value{}, p.syntax()
	}
	v, ok := p.env.values[t.text]
	if !ok {
		return attr.Value{}, p.kind.errorf("An expression attribute value used in expression is not defined; "+
			"attribute value: %s", t.text)
	}
	p.env.used[t.text] = true
	p.take()
	return v, nil
}

// ParseProjection reads a list of paths.
func ParseProjection(text string, env *Env) ([]Path, error) {
	p, err := newParser(ProjectionExpression, text, env)
	if err != nil {
		return nil, err
	}
	var paths []Path
	for {
		path, err := p.path()
		if err != nil {
			return nil, err
		}
		paths = append(paths, path)
		if !p.symbol(",") {
			break
		}
	}
	if err := p.end(); err != nil {
		return nil, err
	}
	return paths, checkDistinct(ProjectionExpression, paths)
}
