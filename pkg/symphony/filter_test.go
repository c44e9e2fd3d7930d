package symphony_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/the-alchemiser/alchemiser/pkg/market"
	"github.com/the-alchemiser/alchemiser/pkg/symphony"
)

// four are symbols over five days. Cumulative return over 2 days at the end: A 21 %, B 0 %, C -10 %, D 21 %.
func four() map[string][]market.Bar {
	return map[string][]market.Bar{
		"A": bars(100, 100, 100, 110, 121),
		"B": bars(50, 60, 50, 60, 50),
		"C": bars(100, 100, 100, 100, 90),
		"D": bars(10, 10, 10, 11, 12.1),
		"E": bars(50, 50, 50, 50, 50.0039),
		"F": bars(50, 50, 50, 50, 50.004),
	}
}

func assets(symbols ...string) string {
	var b strings.Builder
	for _, s := range symbols {
		b.WriteString(`(asset "` + s + `" nil)`)
	}
	return b.String()
}

func TestFilterKeepsTheBestOfItsChildren(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ body, want, reason string }{
		"the highest": {
			`(filter (cumulative-return {:window 2}) (select-top 1) [` + assets("C", "B", "A") + `])`, "A=1.000000",
			"keeps the 1 of 3 with the highest cumulative return(2): A (21.00 %); next is B (0.00 %)",
		},
		"the lowest two, equally": {
			`(filter (cumulative-return {:window 2}) (select-bottom 2) [` + assets("A", "B", "C") + `])`, "B=0.500000 C=0.500000",
			"keeps the 2 of 3 with the lowest cumulative return(2): C (-10.00 %), B (0.00 %); next is A (21.00 %)",
		},
		"equal scores by symbol": {
			`(filter (moving-average-return {:window 1}) (select-top 1) [` + assets("D", "A") + `])`, "A=1.000000", "A (10.00 %)",
		},
		"close scores are told apart": {
			`(filter (current-price) (select-top 1) [` + assets("E", "F") + `])`, "F=1.000000", "F (50.0040); next is E (50.0039)",
		},
		"more than there are": {
			`(filter (current-price) (select-top 9) [` + assets("A", "C") + `])`, "A=0.500000 C=0.500000", "keeps the 2 of 2",
		},
		"one child of its parent": {
			`(weight-equal [(filter (current-price) (select-top 2) [` + assets("A", "C") + `]) (asset "B" nil)])`,
			"A=0.250000 B=0.500000 C=0.250000", "",
		},
		"children keep their inner weights": {
			`(filter (max-drawdown {:window 2}) (select-bottom 1) [(weight-specified 0.75 (asset "A" nil) 0.25 (asset "D" nil)) (asset "C" nil)])`,
			"A=0.750000 D=0.250000", "weight-specified[1] (0.00 %)",
		},
		"without enough bars left out": {
			`(filter (cumulative-return {:window 2}) (select-top 2) [` + assets("A", "NEW") + `])`, "A=1.000000",
			"left out: NEW (cumulative-return of NEW with window 2 needs 3 bars of history, there are 0: 3 are missing)",
		},
		"all left out is nothing": {
			`(weight-equal [(filter (rsi {:window 9}) (select-top 1) [` + assets("A", "C") + `]) (asset "B" nil)])`, "B=1.000000",
			"keeps nothing: none of 2 has a RSI(9); left out: A",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := parse(t, program(tt.body)).Evaluate(history(t, four()), day(4))
			if err != nil {
				t.Fatal(err)
			}
			if got := show(r.Weights); got != tt.want {
				t.Errorf("weights %s, want %s", got, tt.want)
			}
			var said []string
			for _, reason := range r.Reasons {
				said = append(said, reason.Text)
			}
			if got := strings.Join(said, "\n"); !strings.Contains(got, tt.reason) {
				t.Errorf("reasons %s\nwant %s", got, tt.reason)
			}
		})
	}
}

// The group holds A as long as A is above 105, else B; each day's return is that of what the day before decided:
//
//	day     1    2    3         4
//	held    B    B    B         A (110 on day 3)
//	return  20%  -1/6 20%       10 %
func TestGroupIsScoredByTheReturnsItWouldHaveHad(t *testing.T) {
	t.Parallel()
	const switching = `(group "Switch" [(if (> (current-price "A") 105) [(asset "A" nil)] [(asset "B" nil)])])`
	for name, tt := range map[string]struct{ metric, want string }{
		"return of the last day":   {`(cumulative-return {:window 1})`, "Switch (10.00 %)"},
		"returns chained":          {`(cumulative-return {:window 2})`, "Switch (32.00 %)"},
		"with a change in between": {`(cumulative-return {:window 4})`, "Switch (32.00 %)"},
		"drawdown of the returns":  {`(max-drawdown {:window 4})`, "Switch (16.67 %)"},
		"mean of the returns":      {`(moving-average-return {:window 2})`, "Switch (15.00 %)"},
		"level of all returns":     {`(current-price)`, "Switch (132.00)"},
		"gains and losses smoothed": {
			`(rsi {:window 4})`, "Switch (75.90)",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := parse(t, program(`(filter `+tt.metric+` (select-top 1) [`+switching+`])`)).Evaluate(history(t, four()), day(4))
			if err != nil {
				t.Fatal(err)
			}
			if got := r.Reasons[0].Text; !strings.Contains(got, tt.want) {
				t.Errorf("reason %q, want %s", got, tt.want)
			}
			if got := show(r.Weights); got != "A=1.000000" {
				t.Errorf("weights %s, want what the group holds today", got)
			}
		})
	}
}

func TestGroupThatCouldNotBeEvaluatedIsLeftOut(t *testing.T) {
	t.Parallel()
	const young = `(group "Young" [(if (> (moving-average-price "A" {:window 3}) 1) [(asset "A" nil)] [(asset "B" nil)])])`
	p := parse(t, program(`(filter (cumulative-return {:window 3}) (select-top 2) [`+young+assets("C")+`])`))
	r, err := p.Evaluate(history(t, four()), day(4))
	if err != nil {
		t.Fatal(err)
	}
	if got := show(r.Weights); got != "C=1.000000" || !strings.Contains(r.Reasons[0].Text, "left out: Young (not evaluable as of 2024-01-02: moving-average-price of A with window 3 needs 3 bars of history, there are 2") {
		t.Errorf("%s because %s", got, r.Reasons[0].Text)
	}
	if got := p.BarsNeeded(); got["A"] != 6 || got["B"] != 4 || got["C"] != 4 {
		t.Errorf("bars needed %v, want those of the group and three more", got)
	}
}

// Names that are the same do not make groups the same.
func TestGroupsOfOneNameAreScoredApart(t *testing.T) {
	t.Parallel()
	body := `(filter (cumulative-return {:window 2}) (select-top 1) [(group "G" [(weight-equal [` + assets("C") + `])]) (group "G" [(weight-equal [` + assets("A") + `])])])`
	r, err := parse(t, program(body)).Evaluate(history(t, four()), day(4))
	if err != nil || show(r.Weights) != "A=1.000000" {
		t.Errorf("%s, %v", show(r.Weights), err)
	}
}

func TestInverseVolatilityWeights(t *testing.T) {
	t.Parallel()
	// Returns of the last two days: A 10 %, 10 %: no deviation; B 20 %, -1/6: 18.33 %; C 0, -10 %: 5 %. A day's deviation
	// times √252 cancels out.
	for name, tt := range map[string]struct{ body, want, reason string }{
		"in proportion to 1/volatility": {
			assets("B", "C"), "B=0.214286 C=0.785714", "weights by 1/volatility(2), with the volatility: B 21.43 % (291.03 %), C 78.57 % (79.37 %)",
		},
		"without volatility is skipped": {assets("A", "C"), "C=1.000000", "C 100.00 % (79.37 %); skipped: A has no volatility"},
		"of a portfolio, the average of its holdings'": {
			`(weight-equal [` + assets("B", "C") + `])` + assets("C"), "B=0.150000 C=0.850000", "weight-equal[1] 30.00 % (185.20 %)",
		},
		"an empty child is skipped": {
			`(filter (rsi {:window 9}) (select-top 1) [` + assets("A") + `])` + assets("C"), "C=1.000000", "skipped: filter[1] holds nothing",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := parse(t, program(`(weight-inverse-volatility 2 [`+tt.body+`])`)).Evaluate(history(t, four()), day(4))
			if err != nil {
				t.Fatal(err)
			}
			last := r.Reasons[len(r.Reasons)-1].Text
			if got := show(r.Weights); got != tt.want || !strings.Contains(last, tt.reason) {
				t.Errorf("%s because %s\nwant %s because %s", got, last, tt.want, tt.reason)
			}
		})
	}
	_, err := parse(t, program(`(weight-inverse-volatility 2 [`+assets("A")+`])`)).Evaluate(history(t, four()), day(4))
	if err == nil || !strings.Contains(err.Error(), "nothing to hold is left") {
		t.Errorf("nothing left: %v", err)
	}
	_, err = parse(t, program(`(weight-inverse-volatility 9 [`+assets("B")+`])`)).Evaluate(history(t, four()), day(4))
	var short *symphony.HistoryError
	if !errors.As(err, &short) || short.Symbol != "B" || short.Needed != 10 {
		t.Errorf("too few bars: %v", err)
	}
}

// A reason stays short however many children there are.
func TestReasonsOfHundredsOfChildrenAreBounded(t *testing.T) {
	t.Parallel()
	prices := map[string][]market.Bar{}
	var symbols, young []string
	for i := range 300 {
		symbol := fmt.Sprintf("S%03d", i)
		symbols = append(symbols, symbol)
		prices[symbol] = bars(100, 100, 101+float64(i), 100)
		young = append(young, fmt.Sprintf("Y%03d", i))
	}
	for name, tt := range map[string]struct{ body, want string }{
		"kept": {
			`(filter (current-price) (select-bottom 11) [` + assets(symbols...) + `])`,
			"keeps the 11 of 300 with the lowest price: S000 (100.00), S001 (100.00), S002 (100.00), S003 (100.00), S004 (100.00), " +
				"S005 (100.00), S006 (100.00), S007 (100.00), S008 (100.00), S009 (100.00) and 1 more; next is S011 (100.00)",
		},
		"left out": {
			`(filter (current-price) (select-top 1) [` + assets(append([]string{"S000"}, young...)...) + `])`,
			"Y009 (current-price of Y009 needs 1 bar of history, there are 0: 1 is missing) and 290 more",
		},
		"weighted": {
			`(weight-inverse-volatility 3 [` + assets(symbols[:12]...) + `])`,
			"S009 3.31 % (123.77 %) and 2 more",
		},
	} {
		r, err := parse(t, program(tt.body)).Evaluate(history(t, prices), day(3))
		if err != nil {
			t.Fatal(err)
		}
		if got := r.Reasons[0].Text; !strings.Contains(got, tt.want) || len(got) > 1500 {
			t.Errorf("%s: %s\nwant %s", name, got, tt.want)
		}
	}
}
