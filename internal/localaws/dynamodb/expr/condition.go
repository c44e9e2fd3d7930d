package expr

import (
	"bytes"
	"slices"
	"strings"

	"github.com/the-alchemiser/alchemiser/internal/localaws/dynamodb/attr"
)

// Condition is a parsed condition, filter or key condition. It is safe for concurrent use.
type Condition interface {
	// Holds reports whether the condition is true for an item; the item that does not exist is empty.
	Holds(item attr.Item) bool
}

type (
	and        struct{ a, b Condition }
	or         struct{ a, b Condition }
	not        struct{ of Condition }
	group      struct{ of Condition }
	comparison struct {
		operator string
		a, b     operand
	}
	between struct{ of, lower, upper operand }
	in      struct {
		of  operand
		any []operand
	}
)

// Holds implements Condition.
func (c and) Holds(item attr.Item) bool { return c.a.Holds(item) && c.b.Holds(item) }

// Holds implements Condition.
func (c or) Holds(item attr.Item) bool { return c.a.Holds(item) || c.b.Holds(item) }

// Holds implements Condition.
func (c not) Holds(item attr.Item) bool { return !c.of.Holds(item) }

// Holds implements Condition.
func (c group) Holds(item attr.Item) bool { return c.of.Holds(item) }

// Holds implements Condition. What is absent differs from everything and is neither less nor greater than anything.
func (c comparison) Holds(item attr.Item) bool {
	a, okA := c.a.value(item)
	b, okB := c.b.value(item)
	switch c.operator {
	case "=":
		return okA && okB && a.Equal(b)
	case "<>":
		return okA != okB || okA && !a.Equal(b)
	}
	if !okA || !okB {
		return false
	}
	order, ok := a.Compare(b)
	if !ok {
		return false
	}
	switch c.operator {
	case "<":
		return order < 0
	case "<=":
		return order <= 0
	case ">":
		return order > 0
	}
	return order >= 0
}

// Holds implements Condition.
func (c between) Holds(item attr.Item) bool {
	return comparison{">=", c.of, c.lower}.Holds(item) && comparison{"<=", c.of, c.upper}.Holds(item)
}

// Holds implements Condition.
func (c in) Holds(item attr.Item) bool {
	return slices.ContainsFunc(c.any, func(o operand) bool { return comparison{"=", c.of, o}.Holds(item) })
}

// Holds implements Condition.
func (f function) Holds(item attr.Item) bool {
	a, ok := f.args[0].value(item)
	switch f.name {
	case "attribute_exists":
		return ok
	case "attribute_not_exists":
		return !ok
	}
	b, okB := f.args[1].value(item)
	if !ok || !okB {
		return false
	}
	switch f.name {
	case "attribute_type":
		return string(a.Type) == b.Str
	case "begins_with":
		return a.Type == b.Type && (a.Type == attr.String && strings.HasPrefix(a.Str, b.Str) ||
			a.Type == attr.Binary && bytes.HasPrefix(a.Bin, b.Bin))
	}
	return contains(a, b)
}

func contains(a, b attr.Value) bool {
	switch a.Type { //nolint:exhaustive // nothing is in the others
	case attr.String:
		return b.Type == attr.String && strings.Contains(a.Str, b.Str)
	case attr.Binary:
		return b.Type == attr.Binary && bytes.Contains(a.Bin, b.Bin)
	case attr.List, attr.StringSet, attr.NumberSet, attr.BinarySet:
		return a.HasElement(b)
	}
	return false
}

// ParseCondition reads a condition or filter.
func ParseCondition(kind Kind, text string, env *Env) (Condition, error) {
	p, err := newParser(kind, text, env)
	if err != nil {
		return nil, err
	}
	c, err := p.disjunction()
	if err != nil {
		return nil, err
	}
	return c, p.end()
}

func (p *parser) disjunction() (Condition, error) {
	c, err := p.conjunction()
	for err == nil && p.keyword("OR") {
		var b Condition
		b, err = p.conjunction()
		c = or{c, b}
	}
	return c, err
}

func (p *parser) conjunction() (Condition, error) {
	c, err := p.negation()
	for err == nil && p.keyword("AND") {
		var b Condition
		b, err = p.negation()
		c = and{c, b}
	}
	return c, err
}

func (p *parser) negation() (Condition, error) {
	if p.keyword("NOT") {
		c, err := p.negation()
		return not{c}, err
	}
	return p.primary()
}

func (p *parser) primary() (Condition, error) {
	if p.peek().text == "(" && !p.operandInParentheses() {
		p.take()
		c, err := p.disjunction()
		if err != nil {
			return nil, err
		}
		if err := p.expect(")"); err != nil {
			return nil, err
		}
		if _, ok := c.(group); ok {
			return nil, p.kind.errorf("The expression has redundant parentheses;")
		}
		return group{c}, nil
	}
	if t := p.peek(); t.kind == tokenWord && t.text != "size" && p.tokens[p.at+1].text == "(" {
		f, err := p.call()
		if err != nil {
			return nil, err
		}
		return f, p.checkCall(f)
	}
	a, err := p.operand()
	if err != nil {
		return nil, err
	}
	switch {
	case p.keyword("BETWEEN"):
		return p.between(a)
	case p.keyword("IN"):
		return p.in(a)
	}
	return p.comparison(a)
}

// operandInParentheses reports whether the parenthesis that comes next holds an operand, not a condition: then an operator
// follows it.
func (p *parser) operandInParentheses() bool {
	depth := 0
	for i, t := range p.tokens[p.at:] {
		switch t.text {
		case "(":
			depth++
		case ")":
			depth--
		}
		if depth == 0 {
			after := p.tokens[min(p.at+i+1, len(p.tokens)-1)]
			return slices.Contains(comparators, after.text) || after.kind == tokenWord &&
				(strings.EqualFold(after.text, "BETWEEN") || strings.EqualFold(after.text, "IN"))
		}
	}
	return false
}

var comparators = []string{"=", "<>", "<", "<=", ">", ">="}

func (p *parser) comparison(a operand) (Condition, error) {
	t := p.peek()
	if t.kind != tokenSymbol || !slices.Contains(comparators, t.text) {
		return nil, p.syntax()
	}
	p.take()
	b, err := p.operand()
	if err != nil {
		return nil, err
	}
	if err := p.checkOperands(t.text, a, b); err != nil {
		return nil, err
	}
	if t.text != "=" && t.text != "<>" {
		if err := p.checkOrdered(t.text, a, b); err != nil {
			return nil, err
		}
	}
	return comparison{t.text, a, b}, nil
}

// checkOperands counts an operator and refuses one whose first operand comes again.
func (p *parser) checkOperands(operator string, first operand, rest ...operand) error {
	if p.operators++; p.operators > maxOperators {
		return p.kind.errorf("The expression contains too many operators or functions; number of operators or functions: %d", p.operators)
	}
	x, ok := first.(pathTo)
	for _, o := range rest {
		if y, isPath := o.(pathTo); ok && isPath && x.path.compare(y.path) == 0 {
			return p.kind.errorf("The first operand must be distinct from the remaining operands for this operator or "+
				"function; operator: %s, first operand: %s", operator, x.path)
		}
	}
	return nil
}

// checkOrdered refuses values that have no order.
func (p *parser) checkOrdered(operator string, operands ...operand) error {
	for _, o := range operands {
		if l, ok := o.(literal); ok {
			if _, ordered := l.v.Compare(l.v); !ordered {
				return p.errType(operator, l.v.Type)
			}
		}
	}
	return nil
}

func (p *parser) between(of operand) (Condition, error) {
	lower, err := p.operand()
	if err != nil {
		return nil, err
	}
	if !p.keyword("AND") {
		return nil, p.syntax()
	}
	upper, err := p.operand()
	if err != nil {
		return nil, err
	}
	if err := p.checkOperands("BETWEEN", of, lower, upper); err != nil {
		return nil, err
	}
	if err := p.checkOrdered("BETWEEN", lower, upper); err != nil {
		return nil, err
	}
	a, okA := lower.(literal)
	b, okB := upper.(literal)
	if okA && okB {
		order, ok := a.v.Compare(b.v)
		if !ok {
			return nil, p.kind.errorf("The BETWEEN operator requires same data type for lower and upper bounds; "+
				"lower bound operand: AttributeValue: %s, upper bound operand: AttributeValue: %s", show(a.v), show(b.v))
		}
		if order > 0 {
			return nil, p.kind.errorf("The BETWEEN operator requires upper bound to be greater than or equal to lower bound; "+
				"lower bound operand: AttributeValue: %s, upper bound operand: AttributeValue: %s", show(a.v), show(b.v))
		}
	}
	return between{of, lower, upper}, nil
}

// show spells an ordered value as DynamoDB's messages do: {S:text}.
func show(v attr.Value) string {
	content := v.Str
	switch v.Type { //nolint:exhaustive // strings are handled above, the others have no order
	case attr.Number:
		content = attr.FormatNumber(v.Num)
	case attr.Binary:
		content = string(v.Bin)
	}
	return "{" + string(v.Type) + ":" + content + "}"
}

func (p *parser) in(of operand) (Condition, error) {
	if err := p.expect("("); err != nil {
		return nil, err
	}
	c := in{of: of}
	for {
		o, err := p.operand()
		if err != nil {
			return nil, err
		}
		c.any = append(c.any, o)
		if !p.symbol(",") {
			break
		}
	}
	if err := p.expect(")"); err != nil {
		return nil, err
	}
	const most = 100
	if len(c.any) > most {
		return nil, p.kind.errorf("The IN operator is provided with too many operands; number of operands: %d", len(c.any))
	}
	return c, p.checkOperands("IN", of, c.any...)
}

// checkCall checks the operands of a function that is a condition.
func (p *parser) checkCall(f function) error {
	if err := p.checkOperands(f.name, f.args[0], f.args[1:]...); err != nil {
		return err
	}
	switch f.name {
	case "attribute_exists", "attribute_not_exists":
		if _, ok := f.args[0].(pathTo); !ok {
			return p.kind.errorf("Operator or function requires a document path; operator or function: %s", f.name)
		}
	case "attribute_type":
		l, ok := f.args[1].(literal)
		if !ok || l.v.Type != attr.String {
			t := attr.Type("path")
			if ok {
				t = l.v.Type
			}
			return p.errType(f.name, t)
		}
		types := []attr.Type{
			attr.Binary, attr.Null, attr.StringSet, attr.Bool, attr.List, attr.BinarySet, attr.Number, attr.NumberSet,
			attr.String, attr.Map,
		}
		if !slices.Contains(types, attr.Type(l.v.Str)) {
			return p.kind.errorf("Invalid attribute type name found; type: %s, valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}", l.v.Str)
		}
	case "begins_with":
		for _, o := range f.args {
			if l, ok := o.(literal); ok && l.v.Type != attr.String && l.v.Type != attr.Binary {
				return p.errType(f.name, l.v.Type)
			}
		}
	case "contains":
		if l, ok := f.args[0].(literal); ok && slices.Contains([]attr.Type{attr.Number, attr.Bool, attr.Null, attr.Map}, l.v.Type) {
			return p.errType(f.name, l.v.Type)
		}
	default:
		return p.kind.errorf("The function is not allowed to be used this way in an expression; function: %s", f.name)
	}
	return nil
}
