package symphony

import (
	"fmt"
	"strconv"

	"github.com/the-alchemiser/alchemiser/pkg/indicator"
)

// comparator compares two numbers; word is how people say it.
type comparator struct {
	word string
	test func(a, b float64) bool
}

func comparators(name string) (comparator, bool) {
	switch name {
	case ">":
		return comparator{"above", func(a, b float64) bool { return a > b }}, true
	case "<":
		return comparator{"below", func(a, b float64) bool { return a < b }}, true
	case ">=":
		return comparator{"at least", func(a, b float64) bool { return a >= b }}, true
	case "<=":
		return comparator{"at most", func(a, b float64) bool { return a <= b }}, true
	case "=":
		return comparator{"equal to", func(a, b float64) bool { return a == b }}, true
	default:
		return comparator{}, false
	}
}

// condition compares two values.
type condition struct {
	comparator  comparator
	left, right operand
}

// condition reads (cmp value value).
func (c *compiler) condition(f *form) condition {
	cmp, ok := comparators(f.head())
	if !ok {
		c.fail(f.pos, f.String(), "a comparison (> value value) with >, <, >=, <= or =")
		return condition{}
	}
	if !c.args(f, 2, "("+f.head()+" value value)") {
		return condition{}
	}
	return condition{comparator: cmp, left: c.operand(f.items[1]), right: c.operand(f.items[2])}
}

// operand is one side of a comparison: a number as it is written, or the metric with that number in the program.
type operand struct {
	isMetric bool
	metric   int
	number   float64
	text     string
}

func (c *compiler) operand(f *form) operand {
	if f.kind == kindNumber {
		return operand{number: f.number.InexactFloat64(), text: f.number.String()}
	}
	id, ok := c.metric(f)
	return operand{isMetric: ok, metric: id}
}

func (e *evaluation) operand(o operand) (float64, error) {
	if o.isMetric {
		return e.metric(o.metric)
	}
	return o.number, nil
}

// test says whether the condition holds and tells it in words: "RSI(14) of SPY is 61.20, above 55". There are no words
// if nobody wants to know.
func (c *condition) test(e *evaluation) (holds bool, text string, err error) {
	left, err := e.operand(c.left)
	if err != nil {
		return false, "", err
	}
	right, err := e.operand(c.right)
	if err != nil {
		return false, "", err
	}
	holds = c.comparator.test(left, right)
	if e.quiet {
		return holds, "", nil
	}
	word := c.comparator.word
	if !holds {
		word = "not " + word
	}
	digits := digits(left, right)
	if !c.left.isMetric {
		return holds, fmt.Sprintf("%s is %s %s", c.left.text, word, e.object(c.right, right, "", digits)), nil
	}
	m := e.program.metrics[c.left.metric]
	return holds, fmt.Sprintf("%s of %s is %s, %s %s", m.label(), m.symbol, m.format(left, digits), word,
		e.object(c.right, right, m.symbol, digits)), nil
}

// object tells the right side of a comparison whose left side is about symbol.
func (e *evaluation) object(o operand, v float64, symbol string, digits int) string {
	if !o.isMetric {
		return o.text
	}
	m := e.program.metrics[o.metric]
	if m.symbol == symbol {
		return fmt.Sprintf("its %s at %s", m.label(), m.format(v, digits))
	}
	return fmt.Sprintf("%s of %s at %s", m.label(), m.symbol, m.format(v, digits))
}

// maxDigits is the number of decimals where telling numbers apart ends.
const maxDigits = 10

// digits is how many decimals it takes to tell a from b, at least two.
func digits(a, b float64) int {
	for n := 2; n < maxDigits; n++ {
		if a == b || strconv.FormatFloat(a, 'f', n, 64) != strconv.FormatFloat(b, 'f', n, 64) {
			return n
		}
	}
	return maxDigits
}

func (m compiledMetric) label() string {
	if m.def.Windowed {
		return fmt.Sprintf("%s(%d)", m.def.Label, m.window)
	}
	return m.def.Label
}

func (m compiledMetric) format(v float64, digits int) string {
	s := strconv.FormatFloat(v, 'f', digits, 64)
	switch m.def.Unit {
	case indicator.Percent, indicator.PercentPerDay, indicator.PercentPerYear:
		return s + " %"
	case indicator.Price, indicator.Index:
		return s
	default:
		return s
	}
}
