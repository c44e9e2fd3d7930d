package symphony_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/the-alchemiser/alchemiser/pkg/market"
)

// An export as people share it: every operator, both ways of writing a name, commas, comments, layout by columns.
const export = `(defsymphony
 "Long Term, hedged (v2)"
 {:asset-class "EQUITIES", :rebalance-threshold 0.03}
 (weight-equal
  [(group
    "Main"
    [(weight-equal
      [(if
        (> (current-price "SPY") (moving-average-price "SPY" {:window 3}))
        [(if
          (> (rsi "TQQQ" {:window 2}) 79)
          [(asset "UVXY" "ProShares Ultra VIX Short-Term Futures ETF")]
          [(asset "TQQQ" "ProShares UltraPro QQQ")])]
        [(filter
          (rsi {:window 2})
          (select-top 1)
          [(asset "SQQQ" "ProShares UltraPro Short QQQ")
           (asset "BSV" nil)])])])])
   (weight-specified
    0.4
    (asset "BIL" "SPDR Bloomberg 1-3 Month T-Bill ETF")
    0.6
    (weight-inverse-volatility 2 [(asset "TLT" nil) (asset "GLD" nil)]))
   (filter
    (cumulative-return {:window 1})
    (select-bottom 1)
    [(group "Risk on" [(weight-equal [(asset "TQQQ" nil) (asset "BRK/B" nil)])]) ; held in equal parts
     (asset "BSV" nil)])]))
`

// By hand, thirds of the whole. In the second 0.6 are split by volatility: the last two returns of TLT are 1 % and
// -0.01 %, of GLD 2 % and -0.04 %, in whatever order; their deviations are to each other as 1.01 to 2.04, TLT gets
// 2.04/3.05 and GLD 1.01/3.05.
//
//	day 2: SPY 110 is above 105; TQQQ only rose, RSI 100: UVXY. Risk on has (10 % + 0)/2 = 5 %, BSV 1 %: BSV.
//	day 3: SPY 112 is above 109; TQQQ's RSI is 100 - 100/(1 + 4/5.5) = 42.11: TQQQ. Risk on fell, BSV did not: Risk on.
//	day 4: SPY 90 is below 104; SQQQ fell, BSV rose: BSV. Risk on has 0, BSV 1 %: Risk on.
func TestExportRunsUnchanged(t *testing.T) {
	t.Parallel()
	p := parse(t, export)
	if got := strings.Join(p.Symbols(), " "); got != "BIL BRK.B BSV GLD SPY SQQQ TLT TQQQ UVXY" {
		t.Errorf("symbols %s", got)
	}
	wantBars := map[string]int{"BIL": 1, "BRK.B": 2, "BSV": 3, "GLD": 3, "SPY": 3, "SQQQ": 3, "TLT": 3, "TQQQ": 3, "UVXY": 1}
	if diff := cmp.Diff(wantBars, p.BarsNeeded()); diff != "" {
		t.Errorf("BarsNeeded (-want +got):\n%s", diff)
	}
	flat := []float64{50, 50, 50, 50, 50}
	h := history(t, map[string][]market.Bar{
		"SPY": bars(100, 105, 110, 112, 90), "TQQQ": bars(100, 110, 121, 110, 110), "BRK.B": bars(flat...), "UVXY": bars(flat...),
		"SQQQ": bars(100, 99, 98, 97, 96), "BSV": bars(100, 101, 102.01, 102.01, 103.0301), "BIL": bars(flat...),
		"TLT": bars(100, 101, 100.9899, 101.999799, 101.98959902), "GLD": bars(100, 102, 101.9592, 103.998384, 103.9567846464),
	})
	for d, want := range map[int]string{
		2: "BIL=0.133333 BSV=0.333333 GLD=0.066230 TLT=0.133771 UVXY=0.333333",
		3: "BIL=0.133333 BRK.B=0.166667 GLD=0.066230 TLT=0.133770 TQQQ=0.500000",
		4: "BIL=0.133333 BRK.B=0.166667 BSV=0.333333 GLD=0.066230 TLT=0.133770 TQQQ=0.166667",
	} {
		r, err := p.Evaluate(h, day(d))
		if err != nil {
			t.Fatal(err)
		}
		if got := show(r.Weights); got != want {
			t.Errorf("as of day %d: %s\nwant %s\n%v", d, got, want, r.Reasons)
		}
	}
}
