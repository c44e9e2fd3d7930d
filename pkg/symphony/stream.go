package symphony

import (
	"fmt"
	"maps"
	"slices"
	"sort"
	"sync"

	"github.com/the-alchemiser/alchemiser/pkg/fault"
	"github.com/the-alchemiser/alchemiser/pkg/indicator"
	"github.com/the-alchemiser/alchemiser/pkg/market"
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
	days []market.Date

	mu      sync.Mutex
	returns []dayReturn // by day, as far as they are known
}

// dayReturn is the return of a stream over one day, as a factor, or why there is none.
type dayReturn struct {
	known  bool
	factor float64
	err    error
}

func (h *History) track(s *stream) *track {
	if t, ok := h.streams.Load(s); ok {
		return t.(*track) //nolint:forcetypeassert // nothing else is stored
	}
	days := h.dates(s.symbols)
	t, _ := h.streams.LoadOrStore(s, &track{days: days, returns: make([]dayReturn, len(days))})
	return t.(*track) //nolint:forcetypeassert // nothing else is stored
}

// streamValue applies an indicator to the return stream of s as of the evaluation's date. The error says why there is no
// value.
func (e *evaluation) streamValue(s *stream, def *indicator.Definition, window int) (float64, error) {
	t := e.history.track(s)
	t.mu.Lock()
	defer t.mu.Unlock()
	today := sort.Search(len(t.days), func(i int) bool { return t.days[i] > e.asOf }) - 1
	need := returnsNeeded(def, window)
	if today < need {
		return 0, fault.New(fault.Invalid, "it takes %s, there are %d up to %s", count(need, "return"), max(today, 0), e.asOf)
	}
	if def.Recursive || def.Unit == indicator.Price { // the level on the first day matters
		levels, err := t.levelsUpTo(e, s, today, need)
		if err != nil {
			return 0, err
		}
		if def.Recursive {
			e.computedOn(len(levels))
		}
		return def.Value(levels, window)
	}
	levels := make([]float64, 0, need+1)
	level := float64(firstLevel)
	levels = append(levels, level)
	for day := today - need + 1; day <= today; day++ {
		factor, err := t.factor(e, s, day)
		if err != nil {
			return 0, err
		}
		level *= factor
		levels = append(levels, level)
	}
	return def.Value(levels, window)
}

// levelsUpTo returns the chained returns of the days without a gap that end with today; there must be at least need
// returns.
func (t *track) levelsUpTo(e *evaluation, s *stream, today, need int) ([]float64, error) {
	first := today + 1 // the first day of the run that has a return
	var gap error
	for ; first > 0; first-- {
		if _, gap = t.factor(e, s, first-1); gap != nil {
			break
		}
	}
	if today-first+1 < need {
		return nil, gap
	}
	levels := []float64{firstLevel}
	for day := first; day <= today; day++ {
		factor, err := t.factor(e, s, day)
		if err != nil {
			return nil, err
		}
		levels = append(levels, levels[len(levels)-1]*factor)
	}
	return levels, nil
}

// factor returns 1 plus the return over a day.
func (t *track) factor(e *evaluation, s *stream, day int) (float64, error) {
	if day < 1 {
		return 0, fault.New(fault.Invalid, "its history begins too late")
	}
	r := &t.returns[day]
	if !r.known {
		*r = e.returnOver(s, t.days[day-1], t.days[day])
	}
	return r.factor, r.err
}

// returnOver evaluates the stream's child as of from and holds that until to.
func (e *evaluation) returnOver(s *stream, from, to market.Date) dayReturn {
	past := &evaluation{program: e.program, history: e.history, asOf: from, quiet: true, trail: slices.Clone(e.trail)}
	held, err := past.visit(s.child)
	if err == nil && len(held) == 0 {
		err = errEmpty
	}
	if err != nil {
		return dayReturn{known: true, err: fmt.Errorf("not evaluable as of %s: %w", from, cause(err))}
	}
	factor := 1.0
	for _, h := range held {
		before, after, err := e.history.closesOn(h.symbol, from, to)
		if err != nil {
			return dayReturn{known: true, err: err}
		}
		weight, _ := h.weight.Float64()
		factor += weight * (after/before - 1)
	}
	return dayReturn{known: true, factor: factor}
}

// closesOn returns the closes of symbol on two days that follow one another.
func (h *History) closesOn(symbol string, from, to market.Date) (before, after float64, err error) {
	s := h.series[symbol]
	n := s.upTo(to)
	if n < 2 || s.dates[n-1] != to || s.dates[n-2] != from {
		return 0, 0, fault.New(fault.Invalid, "%s has no bars of both %s and %s", symbol, from, to)
	}
	return s.closes[n-2], s.closes[n-1], nil
}
