package symphony

import (
	"errors"
	"strings"

	"github.com/shopspring/decimal"

	"github.com/the-alchemiser/alchemiser/pkg/market"
)

// Result is what a program wants to hold as of a date.
type Result struct {
	AsOf market.Date
	// Weights are decimals with 6 places above 0 that sum to exactly 1.
	Weights map[string]decimal.Decimal
	// Reasons are the decisions that were taken, in the order of evaluation.
	Reasons []Reason
	// HistoryDays is the shortest history, in bars, that a recursive indicator was computed on; 0 if there was none. It
	// counts the days of a filtered portfolio's past that its score needs, of a recursive score the last one.
	HistoryDays int
	// Resting says that the program does not trade: Weights are what its last trade has become. Only Hold knows.
	Resting bool
}

// Reason explains one decision.
type Reason struct {
	// Path is the place in the program, such as "weight-equal/if[1]/then/group(Calm)".
	Path string
	// Text says what was decided, on which values: "RSI(14) of SPY is 61.20, above 55: then".
	Text string
}

// Evaluate returns what the program wants to hold as of asOf: it sees the bars of h up to and including that date. The
// same arguments always give the same result.
//
// The error is an *EvaluationError. Its cause is a *HistoryError if there are too few bars for an indicator that is
// reached, and none of a symbol that would be held; a *StaleError if a symbol that is looked at or would be held has no
// bar of the last day up to asOf that any symbol of h has one of. Where no symbol has a bar, nothing is asked of those
// that would be held.
func (p *Program) Evaluate(h *History, asOf market.Date) (Result, error) {
	e := p.quietly(h, asOf)
	e.quiet, e.values = false, e.bound.memos()
	defer e.bound.pool.Put(e.values)
	held, err := e.held()
	if err != nil {
		return Result{}, h.foretell(err)
	}
	return Result{AsOf: asOf, Weights: held.weights(), Reasons: e.reasons, HistoryDays: e.historyDays}, nil
}

// quietly begins an evaluation without explanations, which keeps no values.
func (p *Program) quietly(h *History, asOf market.Date) *evaluation {
	return &evaluation{program: p, history: h, bound: h.bound(p), asOf: asOf, day: h.calendar.upTo(asOf) - 1, quiet: true}
}

// held evaluates the program and checks that what it would hold is there to be held.
func (e *evaluation) held() (portfolio, error) {
	p := e.program
	held, err := e.visit(&p.root)
	if err != nil {
		return nil, err
	}
	if err := e.holdable(held); err != nil {
		return nil, &EvaluationError{File: p.file, Pos: p.root.pos, Path: p.root.label, Err: err}
	}
	return held, nil
}

func (e *evaluation) holdable(held portfolio) error {
	if len(held) == 0 {
		return errEmpty
	}
	if e.day < 0 {
		return nil
	}
	for _, h := range held {
		bars, err := e.upToToday(h.symbol, e.history.of(h.symbol))
		if err != nil {
			return err
		}
		if bars == 0 {
			return &HistoryError{Symbol: h.symbol, Indicator: "a holding", Needed: 1}
		}
	}
	return nil
}

// node is a compiled form. It belongs to a program and is never changed.
type node interface {
	// evaluate returns the node's value, or an error made by evaluation.fail.
	evaluate(e *evaluation) (portfolio, error)
}

// evaluation is one run of a program.
type evaluation struct {
	program *Program
	history *History
	bound   *bound
	asOf    market.Date
	day     int // the last one up to asOf, by its number in the history's calendar

	values      *memos // nil keeps none
	quiet       bool   // reasons and the places of errors are not wanted
	trail       []*child
	reasons     []Reason
	historyDays int
}

// visit evaluates c one level below the node that calls it.
func (e *evaluation) visit(c *child) (portfolio, error) {
	if e.quiet {
		return c.node.evaluate(e)
	}
	e.trail = append(e.trail, c)
	p, err := c.node.evaluate(e)
	e.trail = e.trail[:len(e.trail)-1]
	return p, err
}

func (e *evaluation) path() string {
	length := len(e.trail)
	for _, c := range e.trail {
		length += len(c.label)
	}
	var path strings.Builder
	path.Grow(length)
	for i, c := range e.trail {
		if i > 0 {
			path.WriteByte('/')
		}
		path.WriteString(c.label)
	}
	return path.String()
}

// explain records a decision of the node that is being evaluated.
func (e *evaluation) explain(text string) {
	if !e.quiet {
		e.reasons = append(e.reasons, Reason{Path: e.path(), Text: text})
	}
}

// fail puts the place of the node that is being evaluated on err.
func (e *evaluation) fail(err error) error {
	if e.quiet {
		return err
	}
	return &EvaluationError{File: e.program.file, Pos: e.trail[len(e.trail)-1].pos, Path: e.path(), Err: err}
}

// metric returns the value of the metric with number id, computed once.
func (e *evaluation) metric(id int) (float64, error) {
	if e.values == nil {
		return e.compute(id)
	}
	m := &e.values.list[id]
	if m.round != e.values.round {
		m.round = e.values.round
		m.value, m.err = e.compute(id)
	}
	return m.value, m.err
}

func (e *evaluation) compute(id int) (v float64, err error) {
	m, s := &e.program.metrics[id], e.bound.series[id]
	bars, err := e.upToToday(m.symbol, s)
	if err != nil {
		return 0, err
	}
	if m.def.Recursive {
		v, err = e.recursive(id).At(bars)
	} else {
		v, err = m.def.Value(s.closes[:bars], m.window)
	}
	if err != nil {
		var short *HistoryError
		if errors.As(err, &short) {
			short.Symbol = m.symbol
		}
		return 0, err
	}
	if m.def.Recursive {
		e.computedOn(bars)
	}
	return v, nil
}

// computedOn notes the length of the history that a recursive indicator was computed on, 0 if there was none.
func (e *evaluation) computedOn(bars int) {
	if bars > 0 && (e.historyDays == 0 || bars < e.historyDays) {
		e.historyDays = bars
	}
}
