package symphony

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"github.com/the-alchemiser/alchemiser/pkg/fault"
	"github.com/the-alchemiser/alchemiser/pkg/market"
)

// Hold returns what someone who has always followed p wants to hold when trading on trading, the session after asOf. A
// daily program wants what Evaluate returns. One that trades less often wants that on the days on which it trades; on the
// others it wants what its last trade has become at the closes since. The first of Reasons says which, and why.
//
// There is no stored state: when p last traded follows from the bars up to asOf. Every date of which h has a bar was a
// trading date, on which p was evaluated as of the one before and traded at the close. It sees nothing after asOf, and the same
// arguments always give the same result. Besides Evaluate's errors it returns a fault.Invalid error if trading is not
// after asOf.
func (p *Program) Hold(h *History, asOf, trading market.Date) (Result, error) {
	if trading <= asOf {
		return Result{}, fault.New(fault.Invalid, "trading on %s as of %s: want the as-of date before the trading date", trading, asOf)
	}
	if p.frequency == FrequencyDaily {
		return p.Evaluate(h, asOf)
	}
	f := h.follower(p)
	today := f.last(asOf)
	if today < 0 { // nothing is known of any symbol: Evaluate says what is missing
		return p.Evaluate(h, asOf)
	}
	if p.frequency == FrequencyNone {
		return f.holdByTarget(today, asOf)
	}
	return f.holdByPeriod(today, asOf, trading)
}

// holdByPeriod trades on the first trading day of each period or, if the program could not be evaluated for that, on the
// first day of the period for which it could.
func (f *follower) holdByPeriod(today int, asOf, trading market.Date) (Result, error) {
	begin, noun, err := period(f.program.frequency, trading)
	if err != nil {
		return Result{}, err
	}
	day := "the first trading day of its " + noun
	for traded := max(f.first(begin), 1); traded <= today; traded++ {
		result, err := f.program.Evaluate(f.history, f.dates[traded-1])
		if err != nil {
			day = "the first day of its " + noun + " for which it can be evaluated"
			continue
		}
		return f.kept(result, traded, today, asOf, fmt.Sprintf("no trade today: it rebalanced on %s, %s", f.dates[traded], day))
	}
	result, err := f.program.Evaluate(f.history, asOf)
	if err != nil {
		return Result{}, err
	}
	return because(result, fmt.Sprintf("rebalances today: %s is %s", trading, day)), nil
}

// holdByTarget trades when the target changes and when a holding is further from it than the threshold, if there is one.
func (f *follower) holdByTarget(today int, asOf market.Date) (Result, error) {
	decided := f.decided(today)
	if decided == today {
		result, err := f.program.Evaluate(f.history, asOf)
		if err != nil {
			return Result{}, err
		}
		if f.changed(today) {
			return because(result, "rebalances today: its target has changed"), nil
		}
		return because(result, "rebalances today: a holding is more than "+points(f.program.threshold)+" from its target"), nil
	}
	result, err := f.program.Evaluate(f.history, f.dates[decided])
	if err != nil {
		return Result{}, err
	}
	why := "no trade today: its target has not changed since " + string(f.dates[decided+1])
	if f.program.threshold.IsPositive() {
		why += ", and every holding is within " + points(f.program.threshold) + " of its target"
	}
	return f.kept(result, decided+1, today, asOf, why)
}

// points tells a fraction of the portfolio.
func points(fraction decimal.Decimal) string {
	return fraction.Shift(2).String() + " percentage points"
}

// kept returns what the weights of result, traded on one day, have become today.
func (f *follower) kept(result Result, traded, today int, asOf market.Date, why string) (Result, error) {
	worth, total := make(map[string]float64, len(result.Weights)), 0.0
	for _, symbol := range slices.Sorted(maps.Keys(result.Weights)) { // sums of floats depend on their order
		growth, err := f.growth(symbol, traded, today)
		if err != nil {
			return Result{}, err
		}
		worth[symbol] = result.Weights[symbol].InexactFloat64() * growth
		total += worth[symbol]
	}
	parts := make([]part, 0, len(worth))
	for symbol, w := range worth {
		parts = append(parts, part{portfolio: single(symbol), weight: lowest(int64(math.Round(w/total*grain)), grain)})
	}
	result.Weights = mix(parts).weights()
	result = because(result, fmt.Sprintf("%s; the decisions are as of %s", why, result.AsOf))
	result.AsOf, result.Resting = asOf, true
	return result, nil
}

// because puts why before the other reasons of a result.
func because(r Result, why string) Result {
	r.Reasons = append([]Reason{{Path: "rebalance", Text: why}}, r.Reasons...)
	return r
}

// growth is the close on one day over that on an earlier one.
func (f *follower) growth(symbol string, from, to int) (float64, error) {
	before, err := f.history.lastClose(symbol, f.dates[from])
	if err != nil {
		return 0, err
	}
	after, err := f.history.lastClose(symbol, f.dates[to])
	if err != nil {
		return 0, err
	}
	return after / before, nil
}

// period returns the first date of the period that date lies in, and what people call such a period.
func period(f Frequency, date market.Date) (first market.Date, noun string, err error) {
	day, err := time.Parse(time.DateOnly, string(date))
	if err != nil {
		return "", "", fault.New(fault.Invalid, "trading date %q: want YYYY-MM-DD", string(date))
	}
	year, month := day.Year(), day.Month()
	switch f {
	case FrequencyWeekly:
		day, noun = day.AddDate(0, 0, -(int(day.Weekday())+6)%7), "week" // weeks begin on Monday
	case FrequencyMonthly:
		day, noun = time.Date(year, month, 1, 0, 0, 0, 0, time.UTC), "month"
	case FrequencyQuarterly:
		day, noun = time.Date(year, month-(month-1)%3, 1, 0, 0, 0, 0, time.UTC), "quarter"
	case FrequencyYearly:
		day, noun = time.Date(year, time.January, 1, 0, 0, 0, 0, time.UTC), "year"
	case FrequencyDaily, FrequencyNone:
		return "", "", fault.New(fault.Internal, "%s is no period", f)
	}
	return market.DateOf(day), noun, nil
}
