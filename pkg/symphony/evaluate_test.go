package symphony_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"github.com/the-alchemiser/alchemiser/pkg/fault"
	"github.com/the-alchemiser/alchemiser/pkg/market"
	"github.com/the-alchemiser/alchemiser/pkg/symphony"
)

type symphonyBar = market.Bar

var one = decimal.NewFromInt(1)

func sample(tb testing.TB) *symphony.History {
	tb.Helper()
	return history(tb, map[string][]market.Bar{
		"UP":   bars(10, 11, 12, 13, 14),
		"DOWN": bars(14, 13, 12, 11, 10),
		"FLAT": bars(7.14, 7.14, 7.14, 7.14, 7.14),
		"MIX":  bars(10, 12, 11, 11, 11),
		"A":    bars(1, 1, 1, 1, 1),
		"B":    bars(1, 1, 1, 1, 1),
		"C":    bars(1, 1, 1, 1, 1),
	})
}

const (
	a    = `(asset "A" nil)`
	b    = `(asset "B" nil)`
	c    = `(asset "C" nil)`
	none = `(if (> 1 2) [(asset "A" nil)] [])` // an empty portfolio
)

func TestEvaluate(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ body, want string }{
		"asset":                         {a, "A=1.000000"},
		"equal weights":                 {`(weight-equal [` + a + b + `])`, "A=0.500000 B=0.500000"},
		"thirds sum to 1":               {`(weight-equal [` + c + b + a + `])`, "A=0.333334 B=0.333333 C=0.333333"},
		"children keep their weights":   {`(weight-equal [` + a + `(weight-equal [` + b + c + `])])`, "A=0.500000 B=0.250000 C=0.250000"},
		"a group keeps its weights":     {`(weight-equal [` + a + `(group "g" [(weight-equal [` + b + c + `])])])`, "A=0.500000 B=0.250000 C=0.250000"},
		"the same symbol adds up":       {`(weight-equal [` + a + b + a + `])`, "A=0.666667 B=0.333333"},
		"empty children do not count":   {`(weight-equal [` + none + b + c + `])`, "B=0.500000 C=0.500000"},
		"specified weights":             {`(weight-specified 0.6 ` + a + ` 0.4 (weight-equal [` + b + c + `]))`, "A=0.600000 B=0.200000 C=0.200000"},
		"specified weights are scaled":  {`(weight-specified 60 ` + a + ` 20 ` + b + `)`, "A=0.750000 B=0.250000"},
		"a weight of 0 is not held":     {`(weight-specified 0 ` + a + ` 1 ` + b + `)`, "B=1.000000"},
		"a weight that rounds to 0":     {`(weight-specified 0.0000001 ` + a + ` 0.9999999 ` + b + `)`, "B=1.000000"},
		"if takes then":                 {`(if (> (current-price "UP") 13.99) [` + a + `] [` + b + `])`, "A=1.000000"},
		"if takes else":                 {`(if (> (current-price "UP") 14) [` + a + `] [` + b + `])`, "B=1.000000"},
		"nodes of a branch are equal":   {`(if (>= (current-price "UP") 14) [` + a + b + `] [])`, "A=0.500000 B=0.500000"},
		"below":                         {`(if (< (current-price "DOWN") 10.5) [` + a + `] [` + b + `])`, "A=1.000000"},
		"at most":                       {`(if (<= (current-price "DOWN") 10) [` + a + `] [` + b + `])`, "A=1.000000"},
		"equal":                         {`(if (= (current-price "DOWN") 10) [` + a + `] [` + b + `])`, "A=1.000000"},
		"number on the left":            {`(if (> 50 (rsi "DOWN" {:window 2})) [` + a + `] [` + b + `])`, "A=1.000000"},
		"rsi of two symbols":            {`(if (> (rsi "UP" {:window 2}) (rsi "DOWN" {:window 2})) [` + a + `] [` + b + `])`, "A=1.000000"},
		"price above its average":       {`(if (> (current-price "UP") (moving-average-price "UP" {:window 5})) [` + a + `] [` + b + `])`, "A=1.000000"},
		"price at rest is not above it": {`(if (> (current-price "FLAT") (moving-average-price "FLAT" {:window 5})) [` + a + `] [` + b + `])`, "B=1.000000"},
		"percent on the right":          {`(if (> (cumulative-return "UP" {:window 1}) 7.6) [` + a + `] [` + b + `])`, "A=1.000000"},
		"the other branch is not looked at": {
			`(if (> 2 1) [` + a + `] [(if (> (rsi "NONE" {:window 200}) 1) [` + b + `] [` + c + `])])`,
			"A=1.000000",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := parse(t, program(tt.body)).Evaluate(sample(t), day(4))
			if err != nil {
				t.Fatalf("Evaluate: %v", err)
			}
			if show(got.Weights) != tt.want {
				t.Errorf("weights %s, want %s", show(got.Weights), tt.want)
			}
			if !sum(got.Weights).Equal(one) {
				t.Errorf("weights sum to %s, want exactly 1", sum(got.Weights))
			}
		})
	}
}

func TestEvaluationExplainsItself(t *testing.T) {
	t.Parallel()
	src := program(`(weight-equal [
		(if (> (rsi "MIX" {:window 2}) 45.5) [(group "Hot" [(if (< (current-price "UP") (moving-average-price "UP" {:window 3})) [` + a + `] [` + b + `])])] [` + c + `])
		(if (>= 1 (rsi "DOWN" {:window 3})) [` + a + `] [` + b + `])
		(if (= (moving-average-price "UP" {:window 3}) (moving-average-price "MIX" {:window 3})) [` + a + `] [` + b + `])
		(if (> (cumulative-return "UP" {:window 4}) 30) [` + a + `] [` + b + `])])`)
	got, err := parse(t, src).Evaluate(sample(t), day(4))
	if err != nil {
		t.Fatalf("Evaluate: %v", err)
	}
	want := []symphony.Reason{
		{Path: "weight-equal/if[1]", Text: "RSI(2) of MIX is 50.00, above 45.5: then"},
		{Path: "weight-equal/if[1]/then/group(Hot)/if", Text: "price of UP is 14.00, not below its moving average(3) at 13.00: else"},
		{Path: "weight-equal/if[2]", Text: "1 is at least RSI(3) of DOWN at 0.00: then"},
		{Path: "weight-equal/if[3]", Text: "moving average(3) of UP is 13.00, not equal to moving average(3) of MIX at 11.00: else"},
		{Path: "weight-equal/if[4]", Text: "cumulative return(4) of UP is 40.00 %, above 30: then"},
	}
	if diff := cmp.Diff(want, got.Reasons); diff != "" {
		t.Errorf("Reasons (-want +got):\n%s", diff)
	}
	if got.HistoryDays != 5 || got.AsOf != day(4) {
		t.Errorf("HistoryDays = %d, AsOf = %s; want 5, %s", got.HistoryDays, got.AsOf, day(4))
	}
}

func TestReasonTellsCloseNumbersApart(t *testing.T) {
	t.Parallel()
	h := history(t, map[string][]market.Bar{"A": bars(55.0004)})
	got, err := parse(t, program(`(if (> (current-price "A") 55) [`+a+`] [`+a+`])`)).Evaluate(h, day(0))
	if err != nil || got.Reasons[0].Text != "price of A is 55.0004, above 55: then" {
		t.Errorf("Reasons = %v, %v", got.Reasons, err)
	}
}

func TestEvaluationSeesNothingAfterItsDate(t *testing.T) {
	t.Parallel()
	p := parse(t, program(`(if (> (current-price "MIX") 11.5) [`+a+`] [`+b+`])`))
	for i, want := range []string{"B", "A", "B"} {
		got, err := p.Evaluate(sample(t), day(i))
		if err != nil || show(got.Weights) != want+"=1.000000" {
			t.Errorf("as of %s: %s, %v; want %s", day(i), show(got.Weights), err, want)
		}
	}
}

// Of UP there are bars from day 2 on, of GONE up to day 2, of GAP none on day 4.
func uneven(tb testing.TB) *symphony.History {
	tb.Helper()
	gap := bars(1, 2, 3, 4, 5, 6)
	return history(tb, map[string][]market.Bar{
		"A": bars(1, 1, 1, 1, 1, 1), "UP": bars(1, 2, 3, 4, 5, 6)[2:], "GONE": bars(1, 2, 3), "GAP": append(gap[:4:4], gap[5]),
	})
}

func TestMissingBarsAreTypedErrorsWithTheirPath(t *testing.T) {
	t.Parallel()
	test := func(condition string) string {
		return `(weight-equal [` + a + ` (group "Calm" [(if (> ` + condition + ` 1) [` + a + `] [` + a + `])])])`
	}
	const path = "test.clj:2:47: weight-equal/group(Calm)[2]/if: "
	for name, tt := range map[string]struct {
		body    string
		asOf    int
		short   symphony.HistoryError
		stale   symphony.StaleError
		message string
	}{
		"too few, enough later": {
			test(`(rsi "UP" {:window 2})`), 3,
			symphony.HistoryError{Symbol: "UP", Indicator: "rsi", Window: 2, Needed: 3, Present: 2, FirstUsable: day(4)},
			symphony.StaleError{},
			path + "rsi of UP with window 2 needs 3 bars of history, there are 2; the first usable day is 2024-01-05",
		},
		"too few, one is missing": {
			test(`(rsi "UP" {:window 4})`), 5,
			symphony.HistoryError{Symbol: "UP", Indicator: "rsi", Window: 4, Needed: 5, Present: 4},
			symphony.StaleError{},
			path + "rsi of UP with window 4 needs 5 bars of history, there are 4: 1 is missing",
		},
		"too few, many are missing": {
			test(`(max-drawdown "UP" {:window 200})`), 2,
			symphony.HistoryError{Symbol: "UP", Indicator: "max-drawdown", Window: 200, Needed: 200, Present: 1},
			symphony.StaleError{},
			path + "max-drawdown of UP with window 200 needs 200 bars of history, there is 1: 199 are missing",
		},
		"not listed yet": {
			test(`(current-price "UP")`), 1,
			symphony.HistoryError{Symbol: "UP", Indicator: "current-price", Needed: 1, FirstUsable: day(2)},
			symphony.StaleError{},
			path + "current-price of UP needs 1 bar of history, there are 0; the first usable day is 2024-01-03",
		},
		"unknown symbol": {
			test(`(moving-average-price "NONE" {:window 3})`), 5,
			symphony.HistoryError{Symbol: "NONE", Indicator: "moving-average-price", Window: 3, Needed: 3},
			symphony.StaleError{},
			path + "moving-average-price of NONE with window 3 needs 3 bars of history, there are 0: 3 are missing",
		},
		"unknown symbol to hold": {
			`(asset "NONE" nil)`, 5,
			symphony.HistoryError{Symbol: "NONE", Indicator: "a holding", Needed: 1},
			symphony.StaleError{},
			"test.clj:2:1: asset: a holding of NONE needs 1 bar of history, there are 0: 1 is missing",
		},
		"not listed yet to hold": {
			`(asset "UP" nil)`, 1,
			symphony.HistoryError{Symbol: "UP", Indicator: "a holding", Needed: 1, FirstUsable: day(2)},
			symphony.StaleError{},
			"test.clj:2:1: asset: a holding of UP needs 1 bar of history, there are 0; the first usable day is 2024-01-03",
		},
		"delisted": {
			test(`(current-price "GONE")`), 3,
			symphony.HistoryError{},
			symphony.StaleError{Symbol: "GONE", Last: day(2), Day: day(3)},
			path + "GONE has no bar of 2024-01-04, as others have: its last one is of 2024-01-03",
		},
		"delisted long ago, as of a day without trading": {
			test(`(rsi "GONE" {:window 2})`), 20,
			symphony.HistoryError{},
			symphony.StaleError{Symbol: "GONE", Last: day(2), Day: day(5)},
			path + "GONE has no bar of 2024-01-06, as others have: its last one is of 2024-01-03",
		},
		"delisted to hold": {
			`(asset "GONE" nil)`, 5,
			symphony.HistoryError{},
			symphony.StaleError{Symbol: "GONE", Last: day(2), Day: day(5)},
			"test.clj:2:1: asset: GONE has no bar of 2024-01-06, as others have: its last one is of 2024-01-03",
		},
		"halted for the day": {
			test(`(moving-average-price "GAP" {:window 2})`), 4,
			symphony.HistoryError{},
			symphony.StaleError{Symbol: "GAP", Last: day(3), Day: day(4)},
			path + "GAP has no bar of 2024-01-05, as others have: its last one is of 2024-01-04",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := parse(t, program(tt.body)).Evaluate(uneven(t), day(tt.asOf))
			var short *symphony.HistoryError
			if errors.As(err, &short); short == nil {
				short = &symphony.HistoryError{}
			}
			var stale *symphony.StaleError
			if errors.As(err, &stale); stale == nil {
				stale = &symphony.StaleError{}
			}
			if *short != tt.short || *stale != tt.stale || fault.CodeOf(err) != fault.Invalid {
				t.Errorf("causes %+v, %+v (%s); want %+v, %+v (invalid)", *short, *stale, fault.CodeOf(err), tt.short, tt.stale)
			}
			if err == nil || err.Error() != tt.message {
				t.Errorf("Evaluate = %v\nwant       %s", err, tt.message)
			}
		})
	}
}

// A symbol that trades again after a day without a bar can be looked at again, and one that is not reached may be missing.
func TestOnlyTheDayItselfMustHaveABar(t *testing.T) {
	t.Parallel()
	src := program(`(if (> (moving-average-price "GAP" {:window 2}) 1) [` + a + `] [(asset "NONE" nil)])`)
	for _, d := range []int{3, 5, 6} {
		if got, err := parse(t, src).Evaluate(uneven(t), day(d)); err != nil || show(got.Weights) != "A=1.000000" {
			t.Errorf("as of %s: %s, %v; want A", day(d), show(got.Weights), err)
		}
	}
}

// What a reason says does not depend on what comes after the day.
func TestReasonsForetellNothing(t *testing.T) {
	t.Parallel()
	src := program(`(filter (rsi {:window 2}) (select-top 1) [` + a + ` (asset "UP" nil) (asset "GAP" nil)])`)
	got, err := parse(t, src).Evaluate(uneven(t), day(4))
	want := "keeps the 1 of 3 with the highest RSI(2): UP (100.00); next is A (50.00); left out: " +
		"GAP (GAP has no bar of 2024-01-05, as others have: its last one is of 2024-01-04)"
	if err != nil || got.Reasons[0].Text != want {
		t.Errorf("Reasons = %v, %v\nwant      %s", got.Reasons, err, want)
	}
	got, err = parse(t, src).Evaluate(uneven(t), day(3))
	want = "left out: UP (rsi of UP with window 2 needs 3 bars of history, there are 2: 1 is missing)"
	if err != nil || !strings.HasSuffix(got.Reasons[0].Text, want) {
		t.Errorf("Reasons = %v, %v\nwant      %s", got.Reasons, err, want)
	}
}

func TestNothingToHoldIsAnError(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"at the root":              none,
		"in weight-equal":          `(weight-equal [` + none + `])`,
		"in an empty weight-equal": `(weight-equal [` + a + `(weight-equal [])])`,
		"in weight-specified":      `(weight-specified 0.5 ` + a + ` 0.5 ` + none + `)`,
		"in a group":               `(group "g" [` + none + `])`,
	} {
		_, err := parse(t, program(body)).Evaluate(sample(t), day(4))
		if err == nil || !strings.Contains(err.Error(), "nothing to hold is left") || fault.CodeOf(err) != fault.Invalid {
			t.Errorf("%s: Evaluate = %v, want nothing left, invalid", name, err)
		}
	}
}

func TestHistoryRefusesWhatCannotBe(t *testing.T) {
	t.Parallel()
	twice := bars(1, 2)
	twice[1].Date = twice[0].Date
	huge := bars(1)
	huge[0].Close = decimal.New(1, 400) // more than a float64 can be
	for name, b := range map[string][]market.Bar{
		"date twice": twice, "price 0": bars(1, 0), "price below 0": bars(-1), "price near 0": bars(1e-200), "endless price": huge,
	} {
		if _, err := symphony.NewHistory(map[string][]market.Bar{"A": b}); fault.CodeOf(err) != fault.Invalid || !strings.Contains(err.Error(), "bars of A") {
			t.Errorf("%s: NewHistory = %v, want an invalid fault that names A", name, err)
		}
	}
}

func TestLastDateIsCommonOrAnError(t *testing.T) {
	t.Parallel()
	h := history(t, map[string][]market.Bar{"A": bars(1, 2, 3), "B": bars(1, 2, 3, 4), "C": bars(1)})
	if got, err := h.LastDate([]string{"A", "B"}, day(2)); got != day(2) || err != nil {
		t.Errorf("LastDate = %s, %v; want %s", got, err, day(2))
	}
	_, err := h.LastDate([]string{"A", "B", "C"}, day(9))
	if fault.CodeOf(err) != fault.Transient || !strings.Contains(err.Error(), fmt.Sprintf("up to %s: A (%s), C (%s)", day(3), day(2), day(0))) {
		t.Errorf("LastDate of lagging symbols = %v", err)
	}
	if _, err := h.LastDate([]string{"A", "X"}, day(9)); fault.CodeOf(err) != fault.Invalid || !strings.Contains(err.Error(), "of X") {
		t.Errorf("LastDate of an unknown symbol = %v", err)
	}
}

func TestMergeSumsToOne(t *testing.T) {
	t.Parallel()
	w := func(s string) decimal.Decimal { return decimal.RequireFromString(s) }
	got := symphony.Merge([]symphony.Share{
		{Allocation: w("0.7"), Weights: map[string]decimal.Decimal{"A": w("0.333334"), "B": w("0.666666")}},
		{Allocation: w("0.3"), Weights: map[string]decimal.Decimal{"B": w("1")}},
	})
	if show(got) != "A=0.233334 B=0.766666" {
		t.Errorf("Merge = %s", show(got))
	}
	if got := symphony.Merge(nil); len(got) != 0 {
		t.Errorf("Merge of nothing = %s", show(got))
	}
}

// tree draws a program of weights over the symbols A to E.
func tree(t *rapid.T, depth int) string {
	if depth == 0 || rapid.IntRange(0, 3).Draw(t, "leaf") == 0 {
		return fmt.Sprintf(`(asset "%s" nil)`, rapid.StringMatching("[A-E]").Draw(t, "symbol"))
	}
	n := rapid.IntRange(1, 7).Draw(t, "children")
	children := make([]string, n)
	for i := range children {
		children[i] = tree(t, depth-1)
	}
	if rapid.Bool().Draw(t, "specified") {
		for i := range children {
			children[i] = fmt.Sprintf("0.%03d %s", rapid.IntRange(1, 999).Draw(t, "weight"), children[i])
		}
		return "(weight-specified " + strings.Join(children, " ") + ")"
	}
	return "(weight-equal [" + strings.Join(children, " ") + "])"
}

func TestWeightsAlwaysSumToOne(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p, err := symphony.Parse("test.clj", program(tree(t, 4)))
		if err != nil {
			t.Fatal(err)
		}
		h, _ := symphony.NewHistory(nil)
		got, err := p.Evaluate(h, day(0))
		if err != nil {
			t.Fatal(err)
		}
		if !sum(got.Weights).Equal(one) {
			t.Fatalf("%s sums to %s", show(got.Weights), sum(got.Weights))
		}
		for symbol, w := range got.Weights {
			if !w.IsPositive() || w.Exponent() < -6 {
				t.Fatalf("weight of %s is %s, want more than 0 with 6 places", symbol, w)
			}
		}
	})
}

func TestOrderOfEqualChildrenDoesNotMatter(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		children := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) string { return tree(t, 2) }), 1, 6).Draw(t, "children")
		shuffled := rapid.Permutation(children).Draw(t, "shuffled")
		h, _ := symphony.NewHistory(nil)
		weights := func(children []string) string {
			p, err := symphony.Parse("test.clj", program("(weight-equal ["+strings.Join(children, " ")+"])"))
			if err != nil {
				t.Fatal(err)
			}
			got, err := p.Evaluate(h, day(0))
			if err != nil {
				t.Fatal(err)
			}
			return show(got.Weights)
		}
		if got, want := weights(shuffled), weights(children); got != want {
			t.Fatalf("shuffled %s, want %s", got, want)
		}
	})
}

func TestAGroupAroundAChildChangesNothing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		body := tree(t, 3)
		h, _ := symphony.NewHistory(nil)
		for _, wrapped := range []string{`(group "g" [` + body + `])`, `(weight-equal [` + body + `])`, `(weight-specified 0.3 ` + body + `)`, `(if (> 2 1) [` + body + `] [])`} {
			plain, err := symphony.Parse("test.clj", program(body))
			if err != nil {
				t.Fatal(err)
			}
			around, err := symphony.Parse("test.clj", program(wrapped))
			if err != nil {
				t.Fatal(err)
			}
			want, _ := plain.Evaluate(h, day(0))
			got, _ := around.Evaluate(h, day(0))
			if show(got.Weights) != show(want.Weights) {
				t.Fatalf("%s: %s, want %s", wrapped, show(got.Weights), show(want.Weights))
			}
		}
	})
}
