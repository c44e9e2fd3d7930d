package expr_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/the-alchemiser/alchemiser/internal/localaws/dynamodb/attr"
	"github.com/the-alchemiser/alchemiser/internal/localaws/dynamodb/expr"
	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

// The model knows three kinds of values: numbers (int), strings and sets of strings ([]string).

func plainValue() *rapid.Generator[any] {
	return rapid.OneOf(
		rapid.Map(rapid.IntRange(0, 3), func(n int) any { return n }),
		rapid.Map(rapid.SampledFrom([]string{"", "a", "ab", "b"}), func(s string) any { return s }),
		rapid.Map(rapid.SampledFrom([][]string{{"a"}, {"a", "b"}, {"ab"}}), func(s []string) any { return s }),
	)
}

func wireForm(t *rapid.T, v any) attr.Value {
	form := map[string]any{"S": v}
	switch v := v.(type) {
	case int:
		form = map[string]any{"N": fmt.Sprint(v)}
	case []string:
		form = map[string]any{"SS": v}
	}
	raw, err := json.Marshal(form)
	if err != nil {
		t.Fatal(err)
	}
	var out attr.Value
	if err := json.Unmarshal(raw, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// order is the model's: nil if two values have none.
func order(a, b any) *int {
	if a, ok := a.(int); ok {
		if b, ok := b.(int); ok {
			d := a - b
			return &d
		}
	}
	if a, ok := a.(string); ok {
		if b, ok := b.(string); ok {
			d := strings.Compare(a, b)
			return &d
		}
	}
	return nil
}

func same(a, b any) bool { return fmt.Sprintf("%T%v", a, a) == fmt.Sprintf("%T%v", b, b) }

// side is an operand: its text and what it is for an item, nil if it is nothing.
type side struct {
	text string
	of   func(item map[string]any) any
}

// statement is a condition: its text, how tightly it binds (3 for one that stands by itself, 2 for NOT, 1 for AND, 0 for
// OR), and whether it is true.
type statement struct {
	text  string
	binds int
	holds func(item map[string]any) bool
}

type language struct{ values map[string]any }

func (l language) attribute(t *rapid.T) side {
	name := rapid.SampledFrom([]string{"p", "q", "r"}).Draw(t, "name")
	return side{name, func(item map[string]any) any { return item[name] }}
}

func (l language) value(v any) side {
	name := fmt.Sprintf(":v%d", len(l.values))
	l.values[name] = v
	return side{name, func(map[string]any) any { return v }}
}

func (l language) ordered(t *rapid.T) side {
	return l.value(rapid.Map(rapid.IntRange(0, 3), func(n int) any { return n }).Draw(t, "number"))
}

func (l language) size(t *rapid.T) side {
	of := l.attribute(t)
	return side{"size(" + of.text + ")", func(item map[string]any) any {
		switch v := of.of(item).(type) {
		case string:
			return len(v)
		case []string:
			return len(v)
		}
		return nil
	}}
}

func compare(operator string, a, b any) bool {
	if operator == "=" {
		return a != nil && b != nil && same(a, b)
	}
	if operator == "<>" {
		return (a == nil) != (b == nil) || a != nil && !same(a, b)
	}
	d := order(a, b)
	return d != nil && map[string]bool{"<": *d < 0, "<=": *d <= 0, ">": *d > 0, ">=": *d >= 0}[operator]
}

func (l language) atom(t *rapid.T) statement {
	a := l.attribute(t)
	switch rapid.IntRange(0, 8).Draw(t, "atom") {
	case 0:
		return statement{"attribute_exists(" + a.text + ")", 3, func(item map[string]any) bool { return a.of(item) != nil }}
	case 1:
		prefix := rapid.SampledFrom([]string{"a", "ab"}).Draw(t, "prefix")
		return statement{"begins_with(" + a.text + ", " + l.value(prefix).text + ")", 3, func(item map[string]any) bool {
			s, ok := a.of(item).(string)
			return ok && strings.HasPrefix(s, prefix)
		}}
	case 2:
		part := rapid.SampledFrom([]string{"a", "b"}).Draw(t, "part")
		return statement{"contains(" + a.text + ", " + l.value(part).text + ")", 3, func(item map[string]any) bool {
			set, isSet := a.of(item).([]string)
			s, isText := a.of(item).(string)
			return isSet && slices.Contains(set, part) || isText && strings.Contains(s, part)
		}}
	case 3:
		low, high := l.ordered(t), l.value(3)
		return statement{a.text + " BETWEEN " + low.text + " AND " + high.text, 3, func(item map[string]any) bool {
			return compare(">=", a.of(item), low.of(item)) && compare("<=", a.of(item), 3)
		}}
	case 4:
		x, y := l.value(plainValue().Draw(t, "x")), l.value(plainValue().Draw(t, "y"))
		return statement{a.text + " IN (" + x.text + ", " + y.text + ")", 3, func(item map[string]any) bool {
			return compare("=", a.of(item), x.of(item)) || compare("=", a.of(item), y.of(item))
		}}
	case 5:
		operator := rapid.SampledFrom([]string{"=", "<>"}).Draw(t, "operator")
		b := l.value(plainValue().Draw(t, "value"))
		return statement{a.text + " " + operator + " " + b.text, 3, func(item map[string]any) bool {
			return compare(operator, a.of(item), b.of(item))
		}}
	}
	operator := rapid.SampledFrom([]string{"=", "<>", "<", "<=", ">", ">="}).Draw(t, "operator")
	b := l.ordered(t)
	if rapid.Bool().Draw(t, "size") {
		a = l.size(t)
	}
	return statement{a.text + operator + b.text, 3, func(item map[string]any) bool { return compare(operator, a.of(item), b.of(item)) }}
}

func (l language) statement(t *rapid.T, depth int) statement {
	if depth == 0 {
		return l.atom(t)
	}
	// A part is put into parentheses where it must be, and sometimes where it need not.
	part := func(binds int) statement {
		s := l.statement(t, depth-1)
		if s.binds < binds || s.binds < 3 && rapid.Bool().Draw(t, "parentheses") {
			s.text = "(" + s.text + ")"
		}
		return s
	}
	switch rapid.IntRange(0, 3).Draw(t, "kind") {
	case 0:
		s := part(2)
		return statement{"NOT " + s.text, 2, func(item map[string]any) bool { return !s.holds(item) }}
	case 1:
		a, b := part(1), part(2)
		return statement{a.text + " AND " + b.text, 1, func(item map[string]any) bool { return a.holds(item) && b.holds(item) }}
	case 2:
		a, b := part(0), part(1)
		return statement{a.text + " or " + b.text, 0, func(item map[string]any) bool { return a.holds(item) || b.holds(item) }}
	}
	return l.atom(t)
}

func TestConditionsMeanWhatTheirGrammarSays(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		l := language{map[string]any{}}
		want := l.statement(t, 4)
		item, doc, values := map[string]any{}, attr.Item{}, map[string]attr.Value{}
		for _, name := range []string{"p", "q", "r"} {
			if rapid.Bool().Draw(t, name+" is there") {
				item[name] = plainValue().Draw(t, name)
				doc[name] = wireForm(t, item[name])
			}
		}
		for name, v := range l.values {
			values[name] = wireForm(t, v)
		}
		env, err := expr.NewEnv(nil, values)
		if len(values) == 0 {
			env, err = expr.NewEnv(nil, nil)
		}
		if err != nil {
			t.Fatal(err)
		}
		c, err := expr.ParseCondition(expr.ConditionExpression, want.text, env)
		if err != nil {
			t.Fatalf("%s: %v", want.text, err)
		}
		if got := c.Holds(doc); got != want.holds(item) {
			t.Fatalf("%s is %v for %v with %v, want %v", want.text, got, item, l.values, !got)
		}
	})
}

// number draws a number of up to 38 digits, most often with nearly all of them.
func number(t *rapid.T, name string, exponent int) string {
	digits := rapid.OneOf(rapid.StringMatching(`-?[1-9][0-9]{36,37}`), rapid.StringMatching(`-?[1-9][0-9]{0,37}`))
	return fmt.Sprintf("%se%d", digits.Draw(t, name), exponent)
}

// A sum is exact, or refused because it takes more than 38 digits or is out of bounds.
func TestSumsAreExact(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		exponent := rapid.IntRange(-130, 90).Draw(t, "exponent")
		a := number(t, "a", exponent)
		b := number(t, "b", exponent+rapid.IntRange(-1, 1).Draw(t, "difference"))
		var values attr.Item
		if err := json.Unmarshal(fmt.Appendf(nil, `{":a":{"N":%q},":b":{"N":%q}}`, a, b), &values); err != nil {
			t.Skip("one of the numbers is out of bounds")
		}
		env, err := expr.NewEnv(nil, values)
		if err != nil {
			t.Fatal(err)
		}
		u, err := expr.ParseUpdate("SET n = :a + :b", env)
		if err != nil {
			t.Fatal(err)
		}
		x, _ := new(big.Rat).SetString(a)
		y, _ := new(big.Rat).SetString(b)
		sum := x.Add(x, y)
		next, err := u.Apply(nil)
		if fits := digits(sum) <= 38; err != nil {
			var refused *wire.Error
			if !errors.As(err, &refused) || fits && !strings.HasPrefix(refused.Message, "Number ") {
				t.Fatalf("%s + %s: %v", a, b, err)
			}
			return
		} else if !fits {
			t.Fatalf("%s + %s = %v, which has too many digits", a, b, next["n"].Num)
		}
		if got := next["n"].Num.Rat(); got.Cmp(sum) != 0 {
			t.Fatalf("%s + %s = %s, want %s", a, b, got, sum)
		}
	})
}

// digits is how many significant digits the decimal number r has.
func digits(r *big.Rat) int {
	scaled := new(big.Rat).Mul(r, new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(400), nil)))
	return len(strings.TrimRight(strings.TrimPrefix(scaled.Num().String(), "-"), "0"))
}
