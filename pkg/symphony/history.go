package symphony

import (
	"errors"
	"slices"
	"strings"
	"sync"

	"github.com/the-alchemiser/alchemiser/pkg/fault"
	"github.com/the-alchemiser/alchemiser/pkg/indicator"
	"github.com/the-alchemiser/alchemiser/pkg/market"
)

// History is the daily closes that programs are evaluated on. What it returns never changes, and it is safe for
// concurrent use; one serves any number of programs and dates.
type History struct {
	series   map[string]*series
	calendar calendar // all dates of bars
	// What follows is computed from the series when it is first asked for: all values of recursive indicators, what
	// filtered portfolios would have returned, and what followers of programs would have traded.
	values    sync.Map // metricKey: func() *indicator.Series
	streams   sync.Map // *stream: *track
	followers sync.Map // *Program: *follower
	programs  sync.Map // *Program: *bound
}

// Prices beyond these are none. Within, no indicator overflows.
const (
	leastPrice    = 1e-15
	greatestPrice = 1e15
)

// metricKey is a metric under a definition.
type metricKey struct {
	metric
	options indicator.Options
}

// series is the bars of a symbol.
type series struct {
	dates  []market.Date
	closes []float64
	// first is where the dates begin in the history's calendar, if they are a run of it without a gap.
	first int
	run   bool
}

// NewHistory takes bars by symbol, oldest first, completed and adjusted. It returns a fault.Invalid error that names
// symbol and date for bars out of order and for a close that is not above 0, or too great to be a price.
func NewHistory(bars map[string][]market.Bar) (*History, error) {
	h := &History{series: make(map[string]*series, len(bars))}
	for symbol, bars := range bars {
		s := &series{dates: make([]market.Date, len(bars)), closes: make([]float64, len(bars))}
		for i, b := range bars {
			if i > 0 && b.Date <= bars[i-1].Date {
				return nil, fault.New(fault.Invalid, "bars of %s: %s after %s; want the oldest first, one a date", symbol, b.Date, bars[i-1].Date)
			}
			if s.closes[i] = b.Close.InexactFloat64(); s.closes[i] < leastPrice || s.closes[i] > greatestPrice {
				return nil, fault.New(fault.Invalid, "bars of %s: close %g on %s; want a price above 0", symbol, s.closes[i], b.Date)
			}
			s.dates[i] = b.Date
		}
		h.series[symbol] = s
		h.calendar = h.calendar.union(s.dates)
	}
	for _, s := range h.series {
		s.first, s.run = h.calendar.run(s.dates)
	}
	return h, nil
}

// of returns the bars of symbol, if only none.
func (h *History) of(symbol string) *series {
	if s, ok := h.series[symbol]; ok {
		return s
	}
	return &series{}
}

// named completes a *HistoryError about s with its symbol and the first usable day.
func (s *series) named(symbol string, err error) error {
	var short *HistoryError
	if errors.As(err, &short) {
		short.Symbol = symbol
		if short.Needed <= len(s.dates) {
			short.FirstUsable = s.dates[short.Needed-1]
		}
	}
	return err
}

// foretell completes a *HistoryError that has its symbol with the first usable day. That is done for what ends an
// evaluation and not for reasons, which must not depend on what comes after its date.
func (h *History) foretell(err error) error {
	var short *HistoryError
	if !errors.As(err, &short) {
		return err
	}
	return h.of(short.Symbol).named(short.Symbol, err)
}

func (h *History) recursive(m compiledMetric, o indicator.Options) *indicator.Series {
	key := metricKey{m.metric, o}
	compute, ok := h.values.Load(key)
	if !ok {
		compute, _ = h.values.LoadOrStore(key, sync.OnceValue(func() *indicator.Series {
			return m.def.Series(h.of(m.symbol).closes, m.window)
		}))
	}
	return compute.(func() *indicator.Series)() //nolint:errcheck,forcetypeassert // nothing else is stored
}

// FirstDate returns the date of the first bar of symbol; ok is false if there is none.
func (h *History) FirstDate(symbol string) (first market.Date, ok bool) {
	s := h.of(symbol)
	if len(s.dates) == 0 {
		return "", false
	}
	return s.dates[0], true
}

// lastClose returns the last close of symbol up to and including date, or a *HistoryError.
func (h *History) lastClose(symbol string, date market.Date) (float64, error) {
	s := h.of(symbol)
	n := s.upTo(date)
	if n == 0 {
		return 0, &HistoryError{Symbol: symbol, Indicator: "current-price", Needed: 1}
	}
	return s.closes[n-1], nil
}

// dates returns all dates of bars of symbols, in order.
func (h *History) dates(symbols []string) []market.Date {
	var days calendar
	for _, symbol := range symbols {
		days = days.union(h.of(symbol).dates)
	}
	return days
}

func (s *series) upTo(asOf market.Date) int { return calendar(s.dates).upTo(asOf) }

// upToDay is upTo for the day with that number in the history's calendar, which is date.
func (s *series) upToDay(day int, date market.Date) int {
	if s.run {
		return min(max(day+1-s.first, 0), len(s.dates))
	}
	return s.upTo(date)
}

// upToToday is upToDay for the evaluation's date. It returns a *StaleError if the last of the bars is not of that day.
func (e *evaluation) upToToday(symbol string, s *series) (bars int, err error) {
	if bars = s.upToDay(e.day, e.asOf); bars == 0 {
		return 0, nil
	}
	day := e.history.calendar[e.day]
	if s.run && s.first+bars-1 == e.day || s.dates[bars-1] == day {
		return bars, nil
	}
	return 0, &StaleError{Symbol: symbol, Last: s.dates[bars-1], Day: day}
}

// LastDate returns the date of the last bar up to and including until that every one of symbols has. If they end on
// different dates it returns a fault.Transient error that names the ones that lag, as the source may catch up; for a
// symbol without any bar it returns a fault.Invalid error.
func (h *History) LastDate(symbols []string, until market.Date) (market.Date, error) {
	var last market.Date
	var none []string
	dates := make(map[string]market.Date, len(symbols))
	for _, symbol := range symbols {
		s := h.of(symbol)
		n := s.upTo(until)
		if n == 0 {
			none = append(none, symbol)
			continue
		}
		dates[symbol] = s.dates[n-1]
		last = max(last, s.dates[n-1])
	}
	if len(none) > 0 {
		slices.Sort(none)
		return "", fault.New(fault.Invalid, "no bar up to %s of %s", until, strings.Join(none, ", "))
	}
	var lagging []string
	for symbol, date := range dates {
		if date < last {
			lagging = append(lagging, symbol+" ("+string(date)+")")
		}
	}
	if len(lagging) > 0 {
		slices.Sort(lagging)
		return "", fault.New(fault.Transient, "bars are not all up to %s: %s", last, strings.Join(lagging, ", "))
	}
	return last, nil
}
