package expr

import (
	"unicode/utf8"

	"github.com/shopspring/decimal"

	"github.com/the-alchemiser/alchemiser/internal/localaws/dynamodb/attr"
)

// operand is something with a value: ok is false if the item has none for it.
type operand interface {
	value(item attr.Item) (v attr.Value, ok bool)
}

type (
	literal  struct{ v attr.Value }
	pathTo   struct{ path Path }
	sizeOf   struct{ of operand }
	function struct {
		name string
		args []operand
	}
)

func (l literal) value(attr.Item) (attr.Value, bool) { return l.v, true }

func (p pathTo) value(item attr.Item) (attr.Value, bool) { return p.path.Get(item) }

// value is the number of characters, bytes or elements. Numbers, booleans and null have no size.
func (s sizeOf) value(item attr.Item) (attr.Value, bool) {
	v, ok := s.of.value(item)
	if !ok || !hasSize(v.Type) {
		return attr.Value{}, false
	}
	n := v.Len()
	switch v.Type { //nolint:exhaustive // the others have elements
	case attr.String:
		n = utf8.RuneCountInString(v.Str)
	case attr.Binary:
		n = len(v.Bin)
	}
	return attr.Value{Type: attr.Number, Num: decimal.NewFromInt(int64(n))}, true
}

func hasSize(t attr.Type) bool { return t != attr.Number && t != attr.Bool && t != attr.Null }

// operand reads a path, a value or size(…) of a condition.
func (p *parser) operand() (operand, error) {
	t := p.peek()
	if p.symbol("(") {
		nested := p.peek().text == "("
		o, err := p.operand()
		if err != nil {
			return nil, err
		}
		if nested {
			return nil, p.kind.errorf("The expression has redundant parentheses;")
		}
		return o, p.expect(")")
	}
	if t.kind == tokenValue {
		v, err := p.value()
		return literal{v}, err
	}
	if t.kind == tokenWord && p.tokens[p.at+1].text == "(" {
		f, err := p.call()
		if err != nil {
			return nil, err
		}
		if f.name != "size" {
			return nil, p.kind.errorf("The function is not allowed to be used this way in an expression; function: %s", f.name)
		}
		if l, ok := f.args[0].(literal); ok && !hasSize(l.v.Type) {
			return nil, p.errType(f.name, l.v.Type)
		}
		return sizeOf{f.args[0]}, p.checkOperands(f.name, f.args[0])
	}
	path, err := p.path()
	return pathTo{path}, err
}

// arity lists the functions that an expression may call and the number of their operands.
var arity = map[string]int{
	"attribute_exists": 1, "attribute_not_exists": 1, "attribute_type": 2, "begins_with": 2, "contains": 2, "size": 1,
	"if_not_exists": 2, "list_append": 2,
}

// call reads name(operand, …) and checks name and number of operands.
func (p *parser) call() (function, error) {
	f := function{name: p.take().text}
	want, ok := arity[f.name]
	if !ok {
		return f, p.kind.errorf("Invalid function name; function: %s", f.name)
	}
	update := f.name == "if_not_exists" || f.name == "list_append"
	if update && p.kind != UpdateExpression {
		return f, p.kind.errorf("The function is not allowed in a condition expression; function: %s", f.name)
	}
	if !update && p.kind == UpdateExpression {
		return f, p.kind.errorf("The function is not allowed in an update expression; function: %s", f.name)
	}
	if err := p.expect("("); err != nil {
		return f, err
	}
	for {
		arg, err := p.argument()
		if err != nil {
			return f, err
		}
		f.args = append(f.args, arg)
		if !p.symbol(",") {
			break
		}
	}
	if err := p.expect(")"); err != nil {
		return f, err
	}
	if len(f.args) != want {
		return f, p.kind.errorf("Incorrect number of operands for operator or function; operator or function: %s, "+
			"number of operands: %d", f.name, len(f.args))
	}
	return f, nil
}

func (p *parser) argument() (operand, error) {
	if p.kind == UpdateExpression {
		return p.term()
	}
	return p.operand()
}

func (p *parser) errType(operator string, t attr.Type) error {
	return p.kind.errorf("Incorrect operand type for operator or function; operator or function: %s, operand type: %s",
		operator, t)
}
