package symphony

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/the-alchemiser/alchemiser/pkg/indicator"
)

// filter keeps the children with the highest or lowest scores and weights them equally. It is one child of its parent.
type filter struct {
	def     *indicator.Definition
	window  int
	highest bool
	count   int
	choices []choice
}

// choice is a child of a filter and where its score comes from: the metric of its one symbol, or the stream of what the
// portfolio would have returned.
type choice struct {
	child
	place  int    // among the children
	symbol string // the first one alphabetically that it may hold
	metric int
	stream *stream // nil for an asset
}

const filterUsage = "(filter (indicator {:window W}) (select-top N) [node…])"

// compileFilter reads (filter metric select [node…]).
func compileFilter(c *compiler, f *form) node {
	if !c.args(f, 3, filterUsage) {
		return nil
	}
	n := &filter{}
	scored := c.score(f.items[1], n)
	selected := c.selection(f.items[2], n)
	if !scored || !selected {
		return nil
	}
	n.choices = c.choices(f.items[3], n)
	return n
}

// score reads (indicator {:window W}): the symbol is filled in by the filter.
func (c *compiler) score(f *form, n *filter) bool {
	def, ok := c.indicators[f.head()]
	if !ok {
		c.fail(f.pos, f.String(), "a metric without a symbol such as (rsi {:window 10})")
		return false
	}
	n.def = def
	usage, arguments := "("+def.Name+")", 0
	if def.Windowed {
		usage, arguments = "("+def.Name+" {:window W})", 1
	}
	if !c.args(f, arguments, usage) {
		return false
	}
	if def.Windowed {
		n.window, ok = c.window(f.items[1], def, usage)
	}
	return ok
}

// selection reads (select-top N) or (select-bottom N).
func (c *compiler) selection(f *form, n *filter) bool {
	const usage = "(select-top N) or (select-bottom N) with a whole number above 0"
	n.highest = f.head() == "select-top"
	if !n.highest && f.head() != "select-bottom" {
		c.fail(f.pos, f.String(), usage)
		return false
	}
	if !c.args(f, 1, usage) {
		return false
	}
	var ok bool
	if n.count, ok = f.items[1].whole(); !ok || n.count < 1 {
		c.fail(f.items[1].pos, f.items[1].String(), usage)
		return false
	}
	return true
}

// choices compiles what a filter chooses from.
func (c *compiler) choices(f *form, n *filter) []choice {
	if f.kind != kindVector || len(f.items) == 0 {
		c.fail(f.pos, f.String(), "a vector [node…] with something to choose from")
		return nil
	}
	out := make([]choice, len(f.items))
	for i, item := range f.items {
		ch := &out[i]
		ch.place = i
		more := 0
		if item.head() != "asset" {
			more = returnsNeeded(n.def, n.window)
		}
		part := c.part(more, func() { ch.child = c.child(item) })
		if len(f.items) > 1 {
			ch.label = numbered(ch.label, i+1)
		}
		if a, ok := ch.node.(asset); ok {
			ch.symbol = a.symbol
			ch.metric = c.metricOf(n.def, a.symbol, n.window)
			continue
		}
		ch.stream = newStream(ch.child, part.bars)
		if holds := slices.Sorted(maps.Keys(part.holds)); len(holds) > 0 { // else the child is wrong, and that is reported
			ch.symbol = holds[0]
		}
	}
	return out
}

// scored is a choice that has a score.
type scored struct {
	*choice
	score float64
}

func (n *filter) evaluate(e *evaluation) (portfolio, error) {
	limit := min(n.count, len(n.choices)) + 1 // those that are kept, and the next for the reasons
	best := make([]scored, 0, limit)
	var out []string
	for i := range n.choices {
		c := &n.choices[i]
		score, err := n.scoreOf(e, c)
		if err != nil {
			if !e.quiet {
				out = append(out, fmt.Sprintf("%s (%s)", c.called(), err))
			}
			continue
		}
		s := scored{c, score}
		if at, _ := slices.BinarySearchFunc(best, s, n.order); at < limit {
			best = slices.Insert(best[:min(len(best), limit-1)], at, s)
		}
	}
	kept := best[:min(n.count, len(best))]
	if !e.quiet {
		e.explain(n.words(best, len(kept), out))
	}
	parts := make([]part, len(kept))
	for i, c := range kept {
		p, err := e.visit(&c.child)
		if err != nil {
			return nil, err
		}
		parts[i] = part{portfolio: p, weight: ratio(1, 1)}
	}
	return mix(parts), nil
}

// order puts what the filter prefers first.
func (n *filter) order(a, b scored) int {
	switch byScore := cmp.Compare(a.score, b.score); {
	case byScore == 0:
		return cmp.Or(cmp.Compare(a.symbol, b.symbol), cmp.Compare(a.place, b.place))
	case n.highest:
		return -byScore
	default:
		return byScore
	}
}

func (n *filter) scoreOf(e *evaluation, c *choice) (float64, error) {
	if c.stream == nil {
		return e.metric(c.metric)
	}
	return e.streamValue(c.stream, n.def, n.window)
}

// maxListed is how many children of a node a reason lists.
const maxListed = 10

// listed tells the first of n items and how many more there are.
func listed(n int, item func(i int) string) string {
	told := make([]string, min(n, maxListed))
	for i := range told {
		told[i] = item(i)
	}
	text := strings.Join(told, ", ")
	if more := n - maxListed; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// words tells what the filter keeps: "keeps the 1 of 3 with the highest RSI(10): TQQQ (71.20); next UPRO (70.02)".
func (n *filter) words(best []scored, kept int, out []string) string {
	m := compiledMetric{metric: metric{window: n.window}, def: n.def}
	places := 2
	if 0 < kept && kept < len(best) {
		if n := digits(best[kept-1].score, best[kept].score); n < maxDigits { // else they are equal but for rounding
			places = n
		}
	}
	tell := func(list []scored) string {
		return listed(len(list), func(i int) string {
			return fmt.Sprintf("%s (%s)", list[i].called(), m.format(list[i].score, places))
		})
	}
	side := "lowest"
	if n.highest {
		side = "highest"
	}
	var text strings.Builder
	if kept == 0 {
		fmt.Fprintf(&text, "keeps nothing: none of %d has a %s", len(n.choices), m.label())
	} else {
		fmt.Fprintf(&text, "keeps the %d of %d with the %s %s: %s", kept, len(n.choices), side, m.label(), tell(best[:kept]))
	}
	if kept < len(best) {
		fmt.Fprintf(&text, "; next is %s", tell(best[kept:kept+1]))
	}
	if len(out) > 0 {
		fmt.Fprintf(&text, "; left out: %s", listed(len(out), func(i int) string { return out[i] }))
	}
	return text.String()
}
