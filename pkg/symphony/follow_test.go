package symphony_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"github.com/the-alchemiser/alchemiser/pkg/market"
	"github.com/the-alchemiser/alchemiser/pkg/symphony"
)

// diary follows a program day by day, as a person with a notebook would: it is what Hold has to find out from the bars.
type diary struct {
	program *symphony.Program
	history *symphony.History
	bars    map[string][]market.Bar
	dates   []market.Date

	before  map[string]decimal.Decimal // the target of the day before
	decided int                        // the day as of which it last traded, -1 before
	target  map[string]decimal.Decimal // what it traded towards
	due     bool                       // no trade in this period yet
}

// periodOf names the period of a date, without counting back to where it begins.
func periodOf(f symphony.Frequency, date market.Date) string {
	day, err := time.Parse(time.DateOnly, string(date))
	if err != nil {
		panic(err)
	}
	switch f {
	case symphony.FrequencyWeekly:
		year, week := day.ISOWeek()
		return fmt.Sprint(year, week)
	case symphony.FrequencyMonthly:
		return day.Format("2006-01")
	case symphony.FrequencyQuarterly:
		return fmt.Sprint(day.Year(), (day.Month()+2)/3)
	default:
		return day.Format("2006")
	}
}

// worth is what the holdings of the diary are at the close of a day, as fractions of all.
func (d *diary) worth(day int) map[string]float64 {
	out, total := map[string]float64{}, 0.0
	for symbol, weight := range d.target {
		out[symbol] = weight.InexactFloat64() * d.close(symbol, day) / d.close(symbol, d.decided+1)
		total += out[symbol]
	}
	for symbol := range out {
		out[symbol] /= total
	}
	return out
}

// close is the last one of symbol up to a day.
func (d *diary) close(symbol string, day int) float64 {
	last := 0.0
	for _, bar := range d.bars[symbol] {
		if bar.Date <= d.dates[day] {
			last = bar.Close.InexactFloat64()
		}
	}
	return last
}

// trades says whether the diary trades on the day after this one.
func (d *diary) trades(day int, target map[string]decimal.Decimal) bool {
	if f := d.program.Frequency(); f != symphony.FrequencyNone {
		d.due = d.due || day > 0 && periodOf(f, d.dates[day]) != periodOf(f, d.dates[day+1])
		return d.due && target != nil
	}
	if target == nil {
		return false
	}
	if d.decided < 0 || show(target) != show(d.before) {
		return true
	}
	if d.program.Threshold().IsPositive() {
		for symbol, share := range d.worth(day) {
			away := share - d.target[symbol].InexactFloat64()
			if away > d.program.Threshold().InexactFloat64() || -away > d.program.Threshold().InexactFloat64() {
				return true
			}
		}
	}
	return false
}

// next writes the page of a day and compares it with Hold.
func (d *diary) next(t *rapid.T, day int) {
	evaluated, evaluateErr := d.program.Evaluate(d.history, d.dates[day])
	var target map[string]decimal.Decimal
	if evaluateErr == nil {
		target = evaluated.Weights
	}
	trades := d.trades(day, target)
	if trades {
		d.decided, d.target, d.due = day, target, false
	}
	d.before = target
	got, err := d.program.Hold(d.history, d.dates[day], d.dates[day+1])
	switch {
	case d.due || target == nil && d.program.Frequency() == symphony.FrequencyNone:
		if err == nil || evaluateErr == nil || err.Error() != evaluateErr.Error() {
			t.Fatalf("%s: Hold = %v, %v; want %v", d.dates[day], got.Weights, err, evaluateErr)
		}
	case err != nil:
		t.Fatalf("%s: %v", d.dates[day], err)
	case trades:
		if got.Resting || !strings.HasPrefix(got.Reasons[0].Text, "rebalances today") {
			t.Fatalf("%s: rests because %v, want a trade", d.dates[day], got.Reasons[0])
		}
		got.Reasons = append([]symphony.Reason{}, got.Reasons[1:]...)
		evaluated.Reasons = append([]symphony.Reason{}, evaluated.Reasons...)
		if diff := cmp.Diff(evaluated, got); diff != "" {
			t.Fatalf("%s: trades (-Evaluate +Hold):\n%s", d.dates[day], diff)
		}
	default:
		since := string(d.dates[d.decided+1])
		if !got.Resting || got.AsOf != d.dates[day] || !strings.Contains(got.Reasons[0].Text, since) || !sum(got.Weights).Equal(one) {
			t.Fatalf("%s: %v because %v, want rest since %s", d.dates[day], got, got.Reasons[0], since)
		}
		for symbol, share := range d.worth(day) {
			if away := got.Weights[symbol].InexactFloat64() - share; away > 2e-6 || away < -2e-6 {
				t.Fatalf("%s: %s is %s of the portfolio, want %g", d.dates[day], symbol, got.Weights[symbol], share)
			}
		}
	}
}

func TestHoldIsWhatAFollowerWroteDown(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		const days = 60
		g := newGenerator(rapid.Uint64().Draw(t, "seed"), 4, 5, 1)
		options := rapid.SampledFrom([]string{
			":rebalance-frequency :weekly", ":rebalance-frequency :monthly", ":rebalance-frequency :quarterly", ":rebalance-frequency :yearly",
			":rebalance-frequency :none", ":rebalance-threshold 0.01", ":rebalance-frequency :none :rebalance-threshold 0.03",
		}).Draw(t, "options")
		body := `(weight-equal [` + g.node(rapid.SampledFrom([]int{200, 600}).Draw(t, "size")) + g.asset() + g.asset() + `])`
		p, err := symphony.Parse("test.clj", every(options, body))
		if err != nil {
			t.Fatal(err)
		}
		// Sessions with holidays anywhere, over the end of a year.
		date := time.Date(2024, 10, 20+g.IntN(20), 0, 0, 0, 0, time.UTC)
		d := &diary{program: p, bars: g.market(days), decided: -1, due: true}
		for range days {
			for date = date.AddDate(0, 0, 1); date.Weekday()%6 == 0 || g.IntN(8) == 0; {
				date = date.AddDate(0, 0, 1)
			}
			d.dates = append(d.dates, market.DateOf(date))
		}
		for _, bars := range d.bars {
			for i := range bars {
				bars[i].Date = d.dates[i]
			}
		}
		// Of one symbol some bars are missing: who looks at it on such a day cannot be evaluated.
		gappy := g.symbol()
		d.bars[gappy] = slices.DeleteFunc(d.bars[gappy], func(market.Bar) bool { return g.IntN(8) == 0 })
		if d.history, err = symphony.NewHistory(d.bars); err != nil {
			t.Fatal(err)
		}
		for day := range days - 1 {
			d.next(t, day)
		}
	})
}
