package backtest

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/the-alchemiser/alchemiser/internal/nyse"
	"github.com/the-alchemiser/alchemiser/pkg/fault"
	"github.com/the-alchemiser/alchemiser/pkg/market"
)

// maxGaps is how many missing bars one error names.
const maxGaps = 10

// tape is the market of a backtest: the days that are traded on, each with its prices.
type tape struct {
	bars map[string][]market.Bar // of the portfolio's symbols
	days []day
	// benchmark are the closes of the benchmark's symbol by day.
	benchmark []decimal.Decimal
	// complete is the first day with all the history that the strategies can use, or empty; usable says so with the reason.
	complete market.Date
	usable   string
}

// day is one trading day.
type day struct {
	date market.Date
	// asOf is the last day that the signals see, trading the one that they are told to be for.
	asOf, trading market.Date
	closed        time.Time
	prices        map[string]price
}

// price is what one symbol is worth and traded at on one day.
type price struct {
	close decimal.Decimal
	quote market.Quote // bid and ask are the close less and plus slippage
}

// newTape reads the bars and finds the days from cfg.From to cfg.To. It returns a fault.Invalid error that names what is
// missing.
func newTape(cfg Config) (*tape, error) {
	t := &tape{bars: map[string][]market.Bar{}}
	var faults []error
	for _, symbol := range cfg.Portfolio.Symbols() {
		bars, err := cfg.Bars.Bars(symbol)
		if err != nil {
			faults = append(faults, err)
		}
		t.bars[symbol] = bars
	}
	benchmark, err := cfg.Bars.Bars(cfg.Benchmark)
	if err != nil {
		faults = append(faults, fault.New(fault.Invalid, "benchmark %q has no bars; there are %s", cfg.Benchmark, strings.Join(cfg.Bars.Symbols(), ", ")))
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	sessions, err := nyse.New()
	if err != nil {
		return nil, err
	}
	calendar := calendarOf(t.bars)
	s, err := newSpan(cfg, t.bars, calendar, sessions)
	if err != nil {
		return nil, err
	}
	t.usable = s.usable(calendar)
	if s.complete < len(calendar) {
		t.complete = calendar[s.complete]
	}
	if err := t.fill(cfg, calendar, sessions, s.first, s.last); err != nil {
		return nil, err
	}
	return t, t.hold(cfg.Benchmark, benchmark)
}

// calendarOf returns every date that any symbol has a bar of, in order.
func calendarOf(bars map[string][]market.Bar) []market.Date {
	seen := map[market.Date]bool{}
	for _, bars := range bars {
		for _, b := range bars {
			seen[b.Date] = true
		}
	}
	return slices.Sorted(maps.Keys(seen))
}

// span is a part of a calendar, by numbers of days.
type span struct {
	first, last int
	// complete is the first day that can be traded on with all the history that any branch of any strategy can use; why says
	// what decides it. It lies behind the calendar if there is no such day.
	complete int
	why      string
}

// newSpan returns the trading days within cfg.From and cfg.To. As in a live run every symbol must have a bar by then; what
// more the strategies need, which may be less than they can use, is left to them.
func newSpan(cfg Config, bars map[string][]market.Bar, calendar []market.Date, sessions *nyse.Calendar) (span, error) {
	var s span
	begun, end, ender := 0, len(calendar)-1, ""
	for _, symbol := range slices.Sorted(maps.Keys(bars)) {
		n, _ := slices.BinarySearch(calendar, bars[symbol][0].Date)
		begun = max(begun, n)
		if n, _ := slices.BinarySearch(calendar, bars[symbol][len(bars[symbol])-1].Date); n < end || ender == "" {
			end, ender = n, symbol
		}
	}
	s.complete, s.why = complete(cfg, bars, calendar)
	if cfg.Fill == FillNextClose { // the signals see the day before
		begun++
		s.complete++
	}
	ends := fmt.Sprintf("the bars of %s end on %s", ender, calendar[end])
	if begun > end || cfg.From == "" && s.complete > end {
		return s, fault.New(fault.Invalid, "there is no usable day: %s, and %s", s.why, ends)
	}
	s.first, s.last = s.complete, end
	from, to := cmp.Or(cfg.From, calendar[min(s.complete, end)]), cmp.Or(cfg.To, calendar[end])
	if cfg.From != "" {
		s.first, _ = slices.BinarySearch(calendar, from)
	}
	if n, found := slices.BinarySearch(calendar, to); !found {
		s.last = n - 1
	} else {
		s.last = n
	}
	switch {
	case s.first < begun:
		return s, fault.New(fault.Invalid, "from %s: %s", from, s.usable(calendar))
	case s.last < begun:
		return s, fault.New(fault.Invalid, "to %s: %s", to, s.usable(calendar))
	case s.last > end || max(from, to) >= sessions.Next(calendar[end]):
		return s, fault.New(fault.Invalid, "from %s to %s: %s; %s", from, to, ends, s.usable(calendar))
	case s.first >= s.last:
		return s, fault.New(fault.Invalid, "from %s to %s: want at least two trading days; %s; %s", from, to, s.usable(calendar), ends)
	}
	return s, nil
}

// usable says from which day on the strategies can be traded.
func (s span) usable(calendar []market.Date) string {
	if s.complete >= len(calendar) {
		return "there is no usable day: " + s.why
	}
	return fmt.Sprintf("the first usable day to trade on is %s, as %s", calendar[s.complete], s.why)
}

// complete returns the number of the first day as of which every strategy has the history that any of its branches can
// use, and which symbol decides it.
func complete(cfg Config, bars map[string][]market.Bar, calendar []market.Date) (first int, why string) {
	for _, s := range cfg.Portfolio.Strategies {
		needs := s.Program.BarsNeeded()
		for _, symbol := range slices.Sorted(maps.Keys(needs)) {
			need, there, n := needs[symbol], bars[symbol], len(calendar)
			if need <= len(there) {
				n, _ = slices.BinarySearch(calendar, there[need-1].Date)
			}
			if n > first || why == "" {
				first, why = n, fmt.Sprintf("%s needs %d bars of %s, which has %d from %s on", s.Name, need, symbol, len(there), there[0].Date)
			}
		}
	}
	return first, why
}

// fill makes the days from first to last. Every symbol must have a bar of each day that is traded or seen.
func (t *tape) fill(cfg Config, calendar []market.Date, sessions *nyse.Calendar, first, last int) error {
	slippage := cfg.SlippageBps.Shift(-4)
	seen := first // the first day that a signal sees
	if cfg.Fill == FillNextClose {
		seen--
	}
	t.days = make([]day, last-first+1)
	for i := range t.days {
		d := &t.days[i]
		n := first + i
		d.date, d.asOf, d.trading = calendar[n], calendar[n], sessions.Next(calendar[n])
		if n+1 < len(calendar) {
			d.trading = calendar[n+1]
		}
		if cfg.Fill == FillNextClose {
			d.asOf, d.trading = calendar[n-1], calendar[n]
		}
		var err error
		if d.closed, err = closeOf(d.date); err != nil {
			return err
		}
		d.prices = make(map[string]price, len(t.bars))
	}
	var gaps []error
	for _, symbol := range slices.Sorted(maps.Keys(t.bars)) {
		bars := t.bars[symbol]
		at, _ := slices.BinarySearchFunc(bars, calendar[seen], func(b market.Bar, d market.Date) int { return strings.Compare(string(b.Date), string(d)) })
		for n := seen; n <= last; n++ {
			if at == len(bars) || bars[at].Date != calendar[n] {
				gaps = append(gaps, fault.New(fault.Invalid, "no bar of %s on %s, a day that other symbols have bars of", symbol, calendar[n]))
				continue
			}
			if n >= first {
				d := &t.days[n-first]
				p, err := newPrice(symbol, bars[at].Close, slippage, d.closed)
				if err != nil {
					return err
				}
				d.prices[symbol] = p
			}
			at++
		}
	}
	if more := len(gaps) - maxGaps; more > 0 {
		gaps = append(gaps[:maxGaps], fault.New(fault.Invalid, "and %d more", more))
	}
	return errors.Join(gaps...)
}

func newPrice(symbol string, at, slippage decimal.Decimal, when time.Time) (price, error) {
	away := at.Mul(slippage)
	quote, err := market.NewQuote(symbol, at.Sub(away), at.Add(away), when)
	return price{close: at, quote: quote}, err
}

// hold takes over the closes of the benchmark.
func (t *tape) hold(symbol string, bars []market.Bar) error {
	byDate := make(map[market.Date]decimal.Decimal, len(bars))
	for _, b := range bars {
		byDate[b.Date] = b.Close
	}
	t.benchmark = make([]decimal.Decimal, len(t.days))
	for i, d := range t.days {
		at, ok := byDate[d.date]
		if !ok {
			return fault.New(fault.Invalid, "no bar of the benchmark %s on %s; its bars are from %s to %s", symbol, d.date, bars[0].Date, bars[len(bars)-1].Date)
		}
		t.benchmark[i] = at
	}
	return nil
}

// closeOf returns a moment near the close of date; only its date and its order matter.
func closeOf(date market.Date) (time.Time, error) {
	day, err := time.Parse(time.DateOnly, string(date))
	if err != nil {
		return time.Time{}, fault.New(fault.Invalid, "date %q: want YYYY-MM-DD", date)
	}
	return day.Add(21 * time.Hour), nil
}
