package symphony_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/the-alchemiser/alchemiser/pkg/market"
)

// A has a bar on each of the days 0 to 4, LATE has none on day 4, GAP none on day 3.
func gappy() map[string][]market.Bar {
	gap := bars(100, 101, 102, 103, 104)
	return map[string][]market.Bar{
		"A":    bars(100, 100, 100, 110, 121),
		"LATE": bars(100, 110, 121, 133.1),
		"GAP":  append(gap[:3:3], gap[4]),
		"NEW":  bars(100, 110, 121, 133.1, 146.41)[2:],
	}
}

// A portfolio without a return has no score, whatever the metric: there is no placeholder, not even where a value would
// need no return.
func TestGroupWithoutAReturnIsLeftOut(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ symbol, metric, why string }{
		"no bar today":                    {"LATE", `(cumulative-return {:window 1})`, "LATE has no bars of both 2024-01-04 and 2024-01-05"},
		"no bar today, price":             {"LATE", `(current-price)`, "LATE has no bars of both 2024-01-04 and 2024-01-05"},
		"no bar today, drawdown of a day": {"LATE", `(max-drawdown {:window 1})`, "LATE has no bars of both 2024-01-04 and 2024-01-05"},
		"no bar today, recursive":         {"LATE", `(rsi {:window 1})`, "LATE has no bars of both 2024-01-04 and 2024-01-05"},
		"no bar in the window":            {"GAP", `(cumulative-return {:window 2})`, "GAP has no bars of both 2024-01-03 and 2024-01-04"},
		"no bar in the window, recursive": {"GAP", `(rsi {:window 2})`, "GAP has no bars of both 2024-01-04 and 2024-01-05"},
		"begins within the window":        {"NEW", `(cumulative-return {:window 3})`, "NEW has no bars of both 2024-01-02 and 2024-01-03"},
		"no such history at all":          {"NONE", `(cumulative-return {:window 3})`, "NONE has no bars of both 2024-01-02 and 2024-01-03"},
		"no bar of any symbol today":      {"", `(cumulative-return {:window 1})`, "it has no bar of 2024-01-05, as others have: its last one is of 2024-01-04"},
		"more than the history":           {"A", `(cumulative-return {:window 5})`, "it takes 5 returns, there are 4 up to 2024-01-05"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			group := fmt.Sprintf(`(group "G" [(weight-equal [(asset "%s" nil) (asset "A" nil)])])`, tt.symbol)
			if tt.symbol == "" {
				group = `(group "G" [(weight-equal [(asset "LATE" nil)])])`
			}
			body := fmt.Sprintf(`(weight-equal [(filter %s (select-top 1) [%s]) (asset "A" nil)])`, tt.metric, group)
			r, err := parse(t, program(body)).Evaluate(history(t, gappy()), day(4))
			if err != nil {
				t.Fatal(err)
			}
			if got := r.Reasons[0].Text; !strings.Contains(got, "keeps nothing") || !strings.Contains(got, tt.why) {
				t.Errorf("reason %q, want nothing kept because %s", got, tt.why)
			}
			if got := show(r.Weights); got != "A=1.000000" {
				t.Errorf("weights %s, want the empty filter skipped", got)
			}
		})
	}
}

// After a gap the stream begins anew: what depends on all history sees the days since.
func TestStreamBeginsAfterItsLastGap(t *testing.T) {
	t.Parallel()
	prices := gappy()
	prices["GAP"] = append(bars(100, 101)[:1], bars(0, 0, 50, 55, 66)[2:]...) // none on day 1; then 10 % and 20 %
	r, err := parse(t, program(`(filter (current-price) (select-top 1) [(group "G" [(if (> (current-price "A") 1) [(asset "GAP" nil)] [])])])`)).
		Evaluate(history(t, prices), day(4))
	if err != nil || !strings.Contains(r.Reasons[0].Text, "G (132.00)") {
		t.Errorf("%v, %v; want the returns of two days on 100", r.Reasons, err)
	}
}

// Equal scores are ordered by the first symbol that a group may hold, not by one that it only looks at.
func TestEqualScoresOfGroupsAreOrderedByWhatTheyHold(t *testing.T) {
	t.Parallel()
	const looksAtA = `(group "Looks" [(if (> (current-price "A") 1) [(asset "D" nil)] [(asset "D" nil)])])`
	const holdsC = `(group "Holds" [(weight-equal [(asset "C" nil)])])`
	prices := four()
	prices["C"] = prices["D"]
	r, err := parse(t, program(`(filter (cumulative-return {:window 2}) (select-top 1) [`+looksAtA+holdsC+`])`)).Evaluate(history(t, prices), day(4))
	if err != nil || show(r.Weights) != "C=1.000000" {
		t.Errorf("%s, %v; want C", show(r.Weights), err)
	}
}

func TestBarsNeededCountsTheDaysOfStreams(t *testing.T) {
	t.Parallel()
	const body = `(filter (moving-average-return {:window 10}) (select-top 1) [
		(asset "A" nil)
		(group "G" [(filter (stdev-return {:window 5}) (select-bottom 1) [
			(group "H" [(if (> (rsi "B" {:window 3}) 50) [(asset "C" nil)] [(weight-inverse-volatility 7 [(asset "D" nil) (asset "E" nil)])])])
			(asset "F" nil)])])])`
	want := map[string]int{
		"A": 11,         // ten returns
		"B": 4 + 5 + 10, // rsi(3), on each of 5 days, on each of 10 days
		"C": 1 + 5 + 10,
		"D": 8 + 5 + 10,
		"E": 8 + 5 + 10,
		"F": 6 + 10,
	}
	if diff := cmp.Diff(want, parse(t, program(body)).BarsNeeded()); diff != "" {
		t.Errorf("BarsNeeded (-want +got):\n%s", diff)
	}
	for metric, more := range map[string]int{"(current-price)": 1, "(max-drawdown {:window 6})": 5, "(cumulative-return {:window 6})": 6} {
		p := parse(t, program(`(filter `+metric+` (select-top 1) [(group "G" [(asset "A" nil)])])`))
		if got := p.BarsNeeded()["A"]; got != 1+more {
			t.Errorf("BarsNeeded for %s of a group that holds A = %d, want %d", metric, got, 1+more)
		}
	}
	looks := `(weight-inverse-volatility 7 [(if (> (current-price "A") 1) [(asset "B" nil)] [(asset "C" nil)])])`
	if diff := cmp.Diff(map[string]int{"A": 1, "B": 8, "C": 8}, parse(t, program(looks)).BarsNeeded()); diff != "" {
		t.Errorf("BarsNeeded of volatilities (-want +got):\n%s", diff)
	}
}

// The history that indicators within a filtered group were computed on is told, as of the first day that the score needs.
func TestHistoryDaysLooksIntoStreams(t *testing.T) {
	t.Parallel()
	group := func(condition string) string {
		return `(filter (cumulative-return {:window 2}) (select-top 1) [(group "G" [(if (> ` + condition + ` 1) [(asset "A" nil)] [(asset "A" nil)])])])`
	}
	for condition, want := range map[string]int{
		`(rsi "A" {:window 1})`:                              3, // of five bars, as of two days before the last
		`(moving-average-price "A" {:window 1})`:             0,
		`(exponential-moving-average-price "A" {:window 1})`: 3,
	} {
		r, err := parse(t, program(group(condition))).Evaluate(history(t, gappy()), day(4))
		if err != nil || r.HistoryDays != want {
			t.Errorf("%s: HistoryDays = %d, %v; want %d", condition, r.HistoryDays, err, want)
		}
	}
}

// Without a memory of the past, thirty filters of groups one within the other would take 5^30 evaluations.
func TestNestedFiltersOfGroupsAreEvaluatedOnceADay(t *testing.T) {
	t.Parallel()
	body := `(asset "A" nil)`
	for i := range 30 {
		body = fmt.Sprintf(`(filter (cumulative-return {:window 5}) (select-top 1) [(group "G%d" [(weight-equal [%s])]) (asset "B" nil)])`, i, body)
	}
	var a, b []float64
	for i := range 200 {
		a, b = append(a, 100+float64(i)), append(b, 100+float64(i)/2)
	}
	r, err := parse(t, program(body)).Evaluate(history(t, map[string][]market.Bar{"A": bars(a...), "B": bars(b...)}), day(199))
	if err != nil || show(r.Weights) != "A=1.000000" {
		t.Errorf("%s, %v; want A", show(r.Weights), err)
	}
}

// One program on one history serves many dates at once, and each gets what it would have got alone.
func TestEvaluationsAtOnceAgree(t *testing.T) {
	t.Parallel()
	const days = 60
	g := newGenerator(7, 6, 8, 20)
	var forest strings.Builder
	for range 12 {
		forest.WriteString(g.chain(2, g.node(1500)))
	}
	p := parse(t, program("(weight-equal ["+forest.String()+"])"))
	prices := g.market(days)
	shared := history(t, prices)
	var all sync.WaitGroup
	for worker := range 4 {
		all.Go(func() {
			for i := range days {
				d := (i*7 + worker*13) % days
				if got, want := outcome(p, shared, d), outcome(p, history(t, prices), d); got != want {
					t.Errorf("as of day %d at once with others:\n%s\nalone:\n%s", d, got, want)
				}
			}
		})
	}
	all.Wait()
}
