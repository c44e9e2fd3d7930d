package symphony_test

import (
	"strings"
	"testing"

	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"github.com/the-alchemiser/alchemiser/pkg/fault"
	"github.com/the-alchemiser/alchemiser/pkg/market"
	"github.com/the-alchemiser/alchemiser/pkg/symphony"
)

// onDates returns bars with the closes on the dates.
func onDates(dates string, closes ...float64) []market.Bar {
	var out []market.Bar
	for i, date := range strings.Fields(dates) {
		out = append(out, market.Bar{Date: market.Date(date), Close: decimal.NewFromFloat(closes[i])})
	}
	return out
}

// winner holds what has risen more over two days, X or Y.
const winner = `(filter (cumulative-return {:window 2}) (select-top 1) [(asset "X" nil) (asset "Y" nil)])`

func every(options, body string) string {
	return `(defsymphony "Test" {:asset-class "EQUITIES" ` + options + `} ` + body + `)`
}

func TestPeriodsTradeOnTheirFirstTradingDay(t *testing.T) {
	t.Parallel()
	// 2024-05-27 is Memorial Day: the week begins on Tuesday. 2024-12-25 and 2025-01-01 have no session either.
	const may = "2024-05-22 2024-05-23 2024-05-24 2024-05-28 2024-05-29 2024-05-30 2024-05-31 2024-06-03 2024-06-04"
	const winter = "2024-12-26 2024-12-27 2024-12-30 2024-12-31 2025-01-02 2025-01-03"
	half := `(weight-equal [(asset "X" nil) (asset "Y" nil)])`
	for name, tt := range map[string]struct {
		options, body, dates string
		x, y                 []float64
		asOf, trading        market.Date
		want, reason         string
	}{
		"daily is what it wants now": {
			"", winner, may, []float64{1, 1, 1, 1, 1, 1, 1, 1, 1}, []float64{1, 1, 2, 2, 2, 2, 2, 2, 2}, "2024-05-28", "2024-05-29", "Y=1.000000", "keeps the 1 of 2",
		},
		"a week begins on Tuesday after a holiday": {
			":rebalance-frequency :weekly", half, may,
			[]float64{1, 1, 1, 2, 2, 2, 2, 2, 2},
			[]float64{1, 1, 1, 1, 1, 1, 1, 1, 1},
			"2024-05-24", "2024-05-28", "X=0.500000 Y=0.500000", "rebalances today: 2024-05-28 is the first trading day of its week",
		},
		"and the rest of it holds what that became": {
			":rebalance-frequency :weekly", half, may,
			[]float64{1, 1, 1, 2, 6, 2, 2, 2, 2},
			[]float64{1, 1, 1, 1, 1, 1, 1, 1, 1},
			"2024-05-29", "2024-05-30", "X=0.750000 Y=0.250000",
			"no trade today: it rebalanced on 2024-05-28, the first trading day of its week; the decisions are as of 2024-05-24",
		},
		"a decision of the month outlives what has changed since": {
			":rebalance-frequency :monthly", winner, may,
			[]float64{1, 1, 1, 1, 1, 2, 2, 2, 2},
			[]float64{1, 1, 1, 1, 1, 1, 1, 9, 9},
			"2024-06-03", "2024-06-04", "X=1.000000", "it rebalanced on 2024-06-03, the first trading day of its month; the decisions are as of 2024-05-31",
		},
		"the first trading day of a month in the middle of a week": {
			":rebalance-frequency :monthly", half, winter,
			[]float64{1, 1, 1, 1, 1, 1},
			[]float64{1, 1, 1, 1, 1, 1},
			"2024-12-31", "2025-01-02", "X=0.500000 Y=0.500000", "2025-01-02 is the first trading day of its month",
		},
		"a quarter": {
			":rebalance-frequency :quarterly", half, winter,
			[]float64{1, 1, 1, 1, 1, 3},
			[]float64{1, 1, 1, 1, 1, 1},
			"2025-01-03", "2025-01-06", "X=0.750000 Y=0.250000", "it rebalanced on 2025-01-02, the first trading day of its quarter",
		},
		"a year": {
			":rebalance-frequency :yearly", half, winter,
			[]float64{1, 1, 1, 1, 1, 1},
			[]float64{1, 1, 1, 1, 1, 1},
			"2024-12-31", "2025-01-02", "X=0.500000 Y=0.500000", "first trading day of its year",
		},
		"not evaluable on the first day, then on the next": {
			":rebalance-frequency :yearly", `(if (> (moving-average-price "X" {:window 3}) 0) [(asset "X" nil)] [(asset "Y" nil)])`, winter,
			[]float64{1, 1, 1, 1, 1, 1},
			[]float64{1, 1, 1, 1, 1, 1},
			"2024-12-30", "2024-12-31", "X=1.000000", "the first day of its year for which it can be evaluated",
		},
		"none trades when the target changes": {
			":rebalance-frequency :none", winner, may,
			[]float64{1, 1, 1, 1, 1, 1, 1, 1, 1},
			[]float64{1, 1, 1, 1, 2, 2, 2, 2, 2},
			"2024-05-29", "2024-05-30", "Y=1.000000", "rebalances today: its target has changed",
		},
		"and holds when it does not": {
			":rebalance-frequency :none", winner, may,
			[]float64{1, 1, 1, 1, 1, 1, 1, 1, 1},
			[]float64{1, 1, 1, 1, 2, 2, 2, 2, 2},
			"2024-05-30", "2024-05-31", "Y=1.000000", "no trade today: its target has not changed since 2024-05-30; the decisions are as of 2024-05-29",
		},
		"within the threshold nothing is traded": {
			":rebalance-threshold 0.1", half, may,
			[]float64{1, 1, 1, 1, 1, 1.4, 1.4, 1.4, 1.4},
			[]float64{1, 1, 1, 1, 1, 1, 1, 1, 1},
			"2024-05-30", "2024-05-31", "X=0.583333 Y=0.416667", "every holding is within 10 percentage points of its target",
		},
		"beyond the threshold everything goes back": {
			":rebalance-threshold 0.1", half, may,
			[]float64{1, 1, 1, 1, 1, 1.6, 1.6, 1.6, 1.6},
			[]float64{1, 1, 1, 1, 1, 1, 1, 1, 1},
			"2024-05-30", "2024-05-31", "X=0.500000 Y=0.500000", "rebalances today: a holding is more than 10 percentage points from its target",
		},
		"and drifts anew from there": {
			":rebalance-threshold 0.1", half, may,
			[]float64{1, 1, 1, 1, 1, 1.6, 1.6, 1.92, 1.92},
			[]float64{1, 1, 1, 1, 1, 1, 1, 1, 1},
			"2024-06-03", "2024-06-04", "X=0.545455 Y=0.454545", "no trade today",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := history(t, map[string][]market.Bar{"X": onDates(tt.dates, tt.x...), "Y": onDates(tt.dates, tt.y...)})
			r, err := parse(t, every(tt.options, tt.body)).Hold(h, tt.asOf, tt.trading)
			if err != nil {
				t.Fatal(err)
			}
			if got := show(r.Weights); got != tt.want || r.AsOf != tt.asOf {
				t.Errorf("holds %s as of %s, want %s as of %s", got, r.AsOf, tt.want, tt.asOf)
			}
			if rests := len(r.Reasons) > 0 && strings.HasPrefix(r.Reasons[0].Text, "no trade today"); r.Resting != rests {
				t.Errorf("resting is %t, because %v", r.Resting, r.Reasons)
			}
			if len(r.Reasons) == 0 || !strings.Contains(r.Reasons[0].Text, tt.reason) {
				t.Errorf("because %v\nwant %s", r.Reasons, tt.reason)
			}
		})
	}
}

func TestHoldRefusesWhatItCannotSay(t *testing.T) {
	t.Parallel()
	h := history(t, four())
	p := parse(t, every(":rebalance-frequency :monthly", `(asset "A" nil)`))
	for name, tt := range map[string]struct {
		program       *symphony.Program
		asOf, trading market.Date
		want          string
	}{
		"a trading date that is not after": {p, day(3), day(3), "want the as-of date before the trading date"},
		"no bars yet, daily":               {parse(t, program(`(if (> (rsi "NEW" {:window 2}) 1) [`+assets("A")+`] [])`)), day(3), day(4), "rsi of NEW"},
		"no bars yet, by target":           {parse(t, every(":rebalance-frequency :none", `(if (> (rsi "NEW" {:window 2}) 1) [`+assets("A")+`] [])`)), day(3), day(4), "rsi of NEW"},
		"a date that is none":              {p, day(3), "soon", `trading date "soon"`},
	} {
		_, err := tt.program.Hold(h, tt.asOf, tt.trading)
		if err == nil || !strings.Contains(err.Error(), tt.want) || fault.CodeOf(err) != fault.Invalid {
			t.Errorf("%s: %v, want %s", name, err, tt.want)
		}
	}
}

// A follower's day depends on nothing but the bars up to it, whatever was asked before.
func TestHoldSeesNoFutureAndRemembersNothing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		const days = 40
		g := newGenerator(rapid.Uint64().Draw(t, "seed"), 4, 5, 1)
		options := rapid.SampledFrom([]string{
			":rebalance-frequency :weekly", ":rebalance-frequency :monthly", ":rebalance-frequency :none", ":rebalance-threshold 0.03",
		}).Draw(t, "options")
		p, err := symphony.Parse("test.clj", every(options, `(weight-equal [`+g.node(600)+g.asset()+`])`))
		if err != nil {
			t.Fatal(err)
		}
		whole := g.market(days)
		at := rapid.IntRange(20, days-2).Draw(t, "as of")
		cut := map[string][]market.Bar{}
		for symbol, bars := range whole {
			cut[symbol] = bars[:at+1]
		}
		hold := func(h *symphony.History, d int) string {
			r, err := p.Hold(h, day(d), day(d+1))
			if err != nil {
				return err.Error()
			}
			if !sum(r.Weights).Equal(one) {
				t.Fatalf("%s sums to %s", show(r.Weights), sum(r.Weights))
			}
			return show(r.Weights) + r.Reasons[0].Text
		}
		alone, err := symphony.NewHistory(cut)
		if err != nil {
			t.Fatal(err)
		}
		asked, err := symphony.NewHistory(whole)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range rapid.Permutation([]int{12, 20, at, days - 2, 25}).Draw(t, "order") {
			hold(asked, d)
		}
		if got, want := hold(asked, at), hold(alone, at); got != want {
			t.Fatalf("%s\nwith the bars up to it alone %s", got, want)
		}
	})
}
