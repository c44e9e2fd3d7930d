package symphony

import (
	"maps"
	"sort"
	"sync"

	"github.com/shopspring/decimal"

	"github.com/the-alchemiser/alchemiser/pkg/market"
)

// follower is someone who has always followed a program on a history. What it holds of the past it has computed from the
// bars; each day's depends on that day and those before it alone. It is safe for concurrent use.
type follower struct {
	program *Program
	history *History
	dates   calendar // the history's

	mu      sync.Mutex
	targets map[int]map[string]decimal.Decimal // by day, as of it; nil if the program could not be evaluated
	trades  map[int]int                        // by day, the last one as of which a trade was decided
}

func (h *History) follower(p *Program) *follower {
	if f, ok := h.followers.Load(p); ok {
		return f.(*follower) //nolint:errcheck,forcetypeassert // nothing else is stored
	}
	f, _ := h.followers.LoadOrStore(p, &follower{
		program: p, history: h, dates: h.calendar,
		targets: map[int]map[string]decimal.Decimal{}, trades: map[int]int{},
	})
	return f.(*follower) //nolint:errcheck,forcetypeassert // nothing else is stored
}

// last returns the number of the last day up to and including date, -1 if there is none.
func (f *follower) last(date market.Date) int { return f.dates.upTo(date) - 1 }

// first returns the number of the first day on or after date.
func (f *follower) first(date market.Date) int {
	return sort.Search(len(f.dates), func(i int) bool { return f.dates[i] >= date })
}

// decided returns the last day as of which, up to today, the target had changed or a holding had left its band. It is today if
// the program cannot be evaluated as of today.
func (f *follower) decided(today int) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	first := today
	for ; ; first-- {
		if _, known := f.trades[first]; known {
			break
		}
		if f.changedOn(first) {
			f.trades[first] = first
			break
		}
	}
	for day := first + 1; day <= today; day++ {
		f.trades[day] = f.trades[day-1]
		if f.outside(day, f.trades[day]) {
			f.trades[day] = day
		}
	}
	return f.trades[today]
}

// changed says whether the target as of a day is another than the day before.
func (f *follower) changed(day int) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.changedOn(day)
}

// changedOn is changed for those who hold mu. The first target there is is a change, and so is none.
func (f *follower) changedOn(day int) bool {
	if day == 0 {
		return true
	}
	before := f.target(day - 1)
	return before == nil || !maps.EqualFunc(before, f.target(day), decimal.Decimal.Equal)
}

// target is what the program wants as of a day, or nil. The caller holds mu.
func (f *follower) target(day int) map[string]decimal.Decimal {
	if t, known := f.targets[day]; known {
		return t
	}
	quiet := f.program.quietly(f.history, f.dates[day])
	var t map[string]decimal.Decimal
	if p, err := quiet.held(); err == nil {
		t = p.weights()
	}
	f.targets[day] = t
	return t
}

// outside says whether at the close of a day a holding was further from its target than the threshold, if what was
// decided as of an earlier day was traded on the day after that.
func (f *follower) outside(day, decided int) bool {
	threshold := f.program.threshold.InexactFloat64()
	if threshold == 0 {
		return false
	}
	target := f.target(decided)
	values := make(map[string]float64, len(target))
	total := 0.0
	for symbol, weight := range target {
		before, err := f.history.lastClose(symbol, f.dates[decided+1])
		if err != nil {
			return true // what cannot be valued cannot be kept: the trade says what is missing
		}
		after, err := f.history.lastClose(symbol, f.dates[day])
		if err != nil {
			return true
		}
		values[symbol] = weight.InexactFloat64() * after / before
		total += values[symbol]
	}
	for symbol, weight := range target {
		if away := values[symbol]/total - weight.InexactFloat64(); away > threshold || away < -threshold {
			return true
		}
	}
	return false
}
