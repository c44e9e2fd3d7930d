package expr

import (
	"slices"

	"github.com/the-alchemiser/alchemiser/internal/localaws/dynamodb/attr"
)

// term is the right side of an assignment.
type term interface {
	operand
	// result is the value, or DynamoDB's error if there is none.
	result(item attr.Item) (attr.Value, error)
}

type (
	given       struct{ operand }
	ifNotExists struct {
		path pathTo
		or   term
	}
	listAppend struct{ a, b term }
	arithmetic struct {
		minus bool
		a, b  term
	}
)

func errOperandType() error {
	return attr.Invalidf("An operand in the update expression has an incorrect data type")
}

func (g given) result(item attr.Item) (attr.Value, error) {
	v, ok := g.value(item)
	if !ok {
		return v, attr.Invalidf("The provided expression refers to an attribute that does not exist in the item")
	}
	return v, nil
}

func (f ifNotExists) result(item attr.Item) (attr.Value, error) {
	if v, ok := f.path.value(item); ok {
		return v, nil
	}
	return f.or.result(item)
}

func (f listAppend) result(item attr.Item) (attr.Value, error) {
	a, err := f.a.result(item)
	if err != nil {
		return a, err
	}
	b, err := f.b.result(item)
	if err != nil {
		return b, err
	}
	if a.Type != attr.List || b.Type != attr.List {
		return a, errOperandType()
	}
	return attr.Value{Type: attr.List, List: slices.Concat(a.List, b.List)}, nil
}

func (f arithmetic) result(item attr.Item) (attr.Value, error) {
	a, err := f.a.result(item)
	if err != nil {
		return a, err
	}
	b, err := f.b.result(item)
	if err != nil {
		return b, err
	}
	if a.Type != attr.Number || b.Type != attr.Number {
		return a, errOperandType()
	}
	n := a.Num.Add(b.Num)
	if f.minus {
		n = a.Num.Sub(b.Num)
	}
	n, err = attr.CheckNumber(n)
	return attr.Value{Type: attr.Number, Num: n}, err
}

func (f ifNotExists) value(item attr.Item) (attr.Value, bool) { return known(f, item) }

func (f listAppend) value(item attr.Item) (attr.Value, bool) { return known(f, item) }

func (f arithmetic) value(item attr.Item) (attr.Value, bool) { return known(f, item) }

func known(t term, item attr.Item) (attr.Value, bool) {
	v, err := t.result(item)
	return v, err == nil
}

// sum reads the right side of an assignment: one term, or two with + or - between them.
func (p *parser) sum() (term, error) {
	a, err := p.term()
	if err != nil {
		return nil, err
	}
	operator := p.peek().text
	if !p.symbol("+") && !p.symbol("-") {
		return a, nil
	}
	b, err := p.term()
	if err != nil {
		return nil, err
	}
	if err := p.checkOperands(operator, nil); err != nil {
		return nil, err
	}
	for _, t := range []term{a, b} {
		if g, ok := t.(given); ok {
			if l, ok := g.operand.(literal); ok && l.v.Type != attr.Number {
				return nil, p.errType(operator, l.v.Type)
			}
		}
	}
	return arithmetic{operator == "-", a, b}, nil
}

// term reads a path, a value, a function or a sum in parentheses.
func (p *parser) term() (term, error) {
	if p.symbol("(") {
		t, err := p.sum()
		if err != nil {
			return nil, err
		}
		return t, p.expect(")")
	}
	if t := p.peek(); t.kind == tokenWord && p.tokens[p.at+1].text == "(" {
		return p.updateCall()
	}
	if p.peek().kind == tokenValue {
		v, err := p.value()
		return given{literal{v}}, err
	}
	path, err := p.path()
	return given{pathTo{path}}, err
}

func (p *parser) updateCall() (term, error) {
	f, err := p.call()
	if err != nil {
		return nil, err
	}
	if err := p.checkOperands(f.name, nil); err != nil {
		return nil, err
	}
	args := make([]term, len(f.args))
	for i, a := range f.args {
		t, ok := a.(term)
		if !ok {
			return nil, p.syntax()
		}
		args[i] = t
	}
	if f.name == "list_append" {
		for _, t := range args {
			if g, ok := t.(given); ok {
				if l, ok := g.operand.(literal); ok && l.v.Type != attr.List {
					return nil, p.errType(f.name, l.v.Type)
				}
			}
		}
		return listAppend{args[0], args[1]}, nil
	}
	g, ok := args[0].(given)
	if ok {
		if path, ok := g.operand.(pathTo); ok {
			return ifNotExists{path, args[1]}, nil
		}
	}
	return nil, p.kind.errorf("Operator or function requires a document path; operator or function: %s", f.name)
}
