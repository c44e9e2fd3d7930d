package symphony

import (
	"fmt"
	"maps"
	"slices"
	"sort"
	"sync"

	"github.com/the-alchemiser/alchemiser/pkg/fault"
	"github.com/the-alchemiser/alchemiser/pkg/indicator"
)

// stream is what a portfolio child of a filter would have returned: on each trading day the child is evaluated as of the
// day before, and those weights are held over the day. A trading day is one on which any symbol of the child has a bar.
// It belongs to a program and is never changed.
type stream struct {
	child   child
	symbols []string
}

func newStream(c child, needs map[string]int) *stream {
	return &stream{child: c, symbols: slices.Sorted(maps.Keys(needs))}
}

// firstLevel is where the chained returns of a stream begin.
const firstLevel = 100

// returnsNeeded is how many returns of a stream it takes for an indicator: at least one, as without a return there is
// nothing to score.
func returnsNeeded(def *indicator.Definition, window int) int {
	return max(1, def.BarsNeeded(window)-1)
}

// track is a stream over one history. It holds what has been computed so far, which depends for each day on that day
// and those before it alone.
type track struct {
	days []int // by their numbers in the history's calendar

	mu      sync.Mutex
	returns []dayReturn // by day, as far as they are known
	runs    runs
}

// dayReturn is the return of a stream over one day, as a factor, or why there is none.
type dayReturn struct {
	known  bool
	factor float64
	err    error
	// historyDays is that of the evaluation that it comes of.
	historyDays int
}

// runs are the chained returns of the first days. Each run of days with returns begins anew, at firstLevel on the day
// before.
type runs struct {
	levels []float64
	begins []int                     // by day, where its run begins: the day itself if it has no return
	values map[int]*indicator.Series // of a recursive indicator, by where the run begins
}

func (h *History) track(s *stream) *track {
	if t, ok := h.streams.Load(s); ok {
		return t.(*track) //nolint:errcheck,forcetypeassert // nothing else is stored
	}
	dates := h.dates(s.symbols)
	days := make([]int, len(dates))
	for i, date := range dates {
		days[i] = h.calendar.upTo(date) - 1
	}
	t, _ := h.streams.LoadOrStore(s, &track{days: days, returns: make([]dayReturn, len(days)), runs: runs{values: map[int]*indicator.Series{}}})
	return t.(*track) //nolint:errcheck,forcetypeassert // nothing else is stored
}

// streamValue applies an indicator to the return stream of s as of the evaluation's date. The error says why there is no
// value.
func (e *evaluation) streamValue(s *stream, def *indicator.Definition, window int) (float64, error) {
	t := e.history.track(s)
	t.mu.Lock()
	defer t.mu.Unlock()
	today := sort.SearchInts(t.days, e.day+1) - 1
	need := returnsNeeded(def, window)
	if today < need {
		return 0, fault.New(fault.Invalid, "it takes %s, there are %d up to %s", count(need, "return"), max(today, 0), e.asOf)
	}
	if t.days[today] != e.day {
		return 0, fault.New(fault.Invalid, "it has no bar of %s, as others have: its last one is of %s", e.history.calendar[e.day], e.history.calendar[t.days[today]])
	}
	if !def.Recursive && def.Unit != indicator.Price {
		levels, err := t.window(e, s, today, need)
		if err != nil {
			return 0, err
		}
		return def.Value(levels, window)
	}
	begin, err := t.run(e, s, today, need) // the level on the first day matters
	if err != nil {
		return 0, err
	}
	levels := t.runs.levels[begin : today+1]
	if !def.Recursive {
		return def.Value(levels, window)
	}
	e.computedOn(len(levels))
	return t.recursive(def, window, begin, levels)
}

// window returns the chained returns of the last need days up to today.
func (t *track) window(e *evaluation, s *stream, today, need int) ([]float64, error) {
	levels := make([]float64, need+1)
	levels[0] = firstLevel
	for i := range need {
		r := t.returnOn(e, s, today-need+1+i)
		if r.err != nil {
			return nil, r.err
		}
		e.computedOn(r.historyDays)
		levels[i+1] = levels[i] * r.factor
	}
	return levels, nil
}

// run chains the returns up to today and returns the day before the first of those without a gap that end with today;
// there must be at least need.
func (t *track) run(e *evaluation, s *stream, today, need int) (begin int, err error) {
	for day := len(t.runs.levels); day <= today; day++ {
		level, begin := float64(firstLevel), day
		if day > 0 {
			if r := t.returnOn(e, s, day); r.err == nil {
				level, begin = t.runs.levels[day-1]*r.factor, t.runs.begins[day-1]
			}
		}
		t.runs.levels, t.runs.begins = append(t.runs.levels, level), append(t.runs.begins, begin)
	}
	begin = t.runs.begins[today]
	if today-begin < need {
		return 0, t.returnOn(e, s, begin).err // not of day 0: there are enough days
	}
	e.computedOn(t.returnOn(e, s, today).historyDays)
	return begin, nil
}

// recursive returns the value of the stream's indicator at the last of levels, the beginning of a run. A stream belongs
// to one filter and has one indicator.
func (t *track) recursive(def *indicator.Definition, window, begin int, levels []float64) (float64, error) {
	values, ok := t.runs.values[begin]
	if !ok {
		values = def.Series(nil, window)
		t.runs.values[begin] = values
	}
	if values.Len() < len(levels) {
		values.Extend(levels[values.Len():])
	}
	return values.At(len(levels))
}

// returnOn returns the return over a day that is not the first.
func (t *track) returnOn(e *evaluation, s *stream, day int) dayReturn {
	r := &t.returns[day]
	if !r.known {
		*r = e.returnOver(s, t.days[day-1], t.days[day])
	}
	return *r
}

// returnOver evaluates the stream's child as of from and holds that until to.
func (e *evaluation) returnOver(s *stream, from, to int) dayReturn {
	past := &evaluation{program: e.program, history: e.history, bound: e.bound, asOf: e.history.calendar[from], day: from, quiet: true}
	held, err := past.visit(&s.child)
	if err == nil && len(held) == 0 {
		err = errEmpty
	}
	if err != nil {
		return dayReturn{known: true, err: fmt.Errorf("not evaluable as of %s: %w", past.asOf, err)}
	}
	factor := 1.0
	for _, h := range held {
		before, after, err := e.history.closesOn(h.symbol, from, to)
		if err != nil {
			return dayReturn{known: true, err: err}
		}
		factor += h.weight.float() * (after/before - 1)
	}
	return dayReturn{known: true, factor: factor, historyDays: past.historyDays}
}

// closesOn returns the closes of symbol on two days that follow one another.
func (h *History) closesOn(symbol string, from, to int) (before, after float64, err error) {
	s := h.of(symbol)
	n := s.upToDay(to, h.calendar[to])
	if n < 2 || s.dates[n-1] != h.calendar[to] || s.dates[n-2] != h.calendar[from] {
		return 0, 0, fault.New(fault.Invalid, "%s has no bars of both %s and %s", symbol, h.calendar[from], h.calendar[to])
	}
	return s.closes[n-2], s.closes[n-1], nil
}
