package strategy_test

import (
	"errors"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/the-alchemiser/alchemiser/internal/strategy"
	"github.com/the-alchemiser/alchemiser/pkg/events"
	"github.com/the-alchemiser/alchemiser/pkg/fault"
	"github.com/the-alchemiser/alchemiser/pkg/market"
	"github.com/the-alchemiser/alchemiser/pkg/symphony"
)

// alone is a portfolio of one strategy.
func alone(tb testing.TB, options, program string) *strategy.Portfolio {
	tb.Helper()
	p, err := strategy.LoadPortfolio(fstest.MapFS{
		"portfolio.yaml": {Data: []byte("id: main\n" + options + "strategies: [{file: s.clj, weight: 1}]\n")},
		"s.clj":          {Data: []byte(program)},
	})
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

func historyOf(tb testing.TB, bars map[string][]market.Bar) *symphony.History {
	tb.Helper()
	h, err := symphony.NewHistory(bars)
	if err != nil {
		tb.Fatal(err)
	}
	return h
}

func TestEverySymbolWithoutBarsIsListed(t *testing.T) {
	t.Parallel()
	p := alone(t, "", `(defsymphony "S" {:asset-class "EQUITIES"} (if (> (current-price "LATE") 1) [(asset "NEW" nil)] [(asset "SPY" nil) (asset "BIL" nil)]))`)
	h := historyOf(t, map[string][]market.Bar{"SPY": weekdays("2024-11-25", 600, 601), "LATE": weekdays("2024-11-29", 5)})
	_, _, err := p.Signals(h, "2024-11-26", "2024-11-27")
	var missing *strategy.MissingBarsError
	if !errors.As(err, &missing) || fault.CodeOf(err) != fault.Invalid || err.Error() != "no bars of BIL, NEW, which the strategies hold or look at" {
		t.Errorf("Signals = %v", err)
	}
}

func TestASymbolThatBeginsLaterIsSaidByWhoeverLooksAtIt(t *testing.T) {
	t.Parallel()
	p := alone(t, "", `(defsymphony "S" {:asset-class "EQUITIES"} (if (> (current-price "LATE") 1) [(asset "SPY" nil)] [(asset "SPY" nil)]))`)
	h := historyOf(t, map[string][]market.Bar{"SPY": weekdays("2024-11-25", 600, 601), "LATE": weekdays("2024-11-29", 5)})
	_, _, err := p.Signals(h, "2024-11-26", "2024-11-27")
	var short *symphony.HistoryError
	if !errors.As(err, &short) || short.Symbol != "LATE" || short.FirstUsable != "2024-11-29" || !strings.Contains(err.Error(), "strategy s as of 2024-11-26") {
		t.Errorf("Signals = %v", err)
	}
}

func TestAWeeklyStrategyKeepsWhatItHasUntilItsDay(t *testing.T) {
	t.Parallel()
	p := alone(t, "", `(defsymphony "S" {:asset-class "EQUITIES" :rebalance-frequency :weekly} (weight-equal [(asset "SPY" nil) (asset "BIL" nil)]))`)
	h := historyOf(t, map[string][]market.Bar{"SPY": weekdays("2024-11-22", 100, 100, 300), "BIL": weekdays("2024-11-22", 100, 100, 100)})
	weights, signals, err := p.Signals(h, "2024-11-26", "2024-11-27")
	if err != nil {
		t.Fatal(err)
	}
	if weights["SPY"].String() != "0.75" || !strings.HasPrefix(signals[0].Reasons[0].Text, "no trade today: it rebalanced on 2024-11-25") {
		t.Errorf("weights %v because %v", weights, signals[0].Reasons)
	}
}

func TestOptionsChooseTheDefinitionsAndAreRecorded(t *testing.T) {
	t.Parallel()
	const program = `(defsymphony "S" {:asset-class "EQUITIES"} (if (> (rsi "SPY" {:window 2}) 60) [(asset "SPY" nil)] [(asset "BIL" nil)]))`
	bars := map[string][]market.Bar{"SPY": weekdays("2024-11-25", 100, 110, 104, 105), "BIL": weekdays("2024-11-25", 91, 91, 91, 91)}
	for options, want := range map[string]struct{ rsi, symbol string }{
		"": {"wilder", "BIL"}, "options: {rsi: wilder}\n": {"wilder", "BIL"}, "options: {rsi: cutler, stdev-return: daily}\n": {"cutler", "SPY"},
	} {
		weights, signals, err := alone(t, options, program).Signals(historyOf(t, bars), "2024-11-28", "2024-11-29")
		if err != nil {
			t.Fatal(err)
		}
		if got := signals[0].Options["rsi"]; got != want.rsi || weights[want.symbol].IsZero() {
			t.Errorf("%q: rsi is %s and holds %v: %v", options, got, weights, signals[0].Reasons)
		}
	}
}

// A strategy of 2 MB takes more decisions than an event has room for.
func TestReasonsFitIntoTheEventAndSayWhatIsLeftOut(t *testing.T) {
	t.Parallel()
	one := `(if (> (current-price "SPY") 1) [(asset "SPY" nil)] [(asset "BIL" nil)])`
	p := alone(t, "", `(defsymphony "S" {:asset-class "EQUITIES"} (weight-equal [`+strings.Repeat(one, 5000)+`]))`)
	h := historyOf(t, map[string][]market.Bar{"SPY": weekdays("2024-11-25", 600), "BIL": weekdays("2024-11-25", 91)})
	_, signals, err := p.Signals(h, "2024-11-25", "2024-11-26")
	if err != nil {
		t.Fatal(err)
	}
	reasons := signals[0].Reasons
	size := 0
	for _, r := range reasons {
		size += len(r.Path) + len(r.Text)
	}
	last := reasons[len(reasons)-1].Text
	if size > events.DefaultSizeLimit*3/4 || !strings.HasSuffix(last, "further decisions are left out, as an event has no room for them: `alchemiser signals` shows all") {
		t.Errorf("%d reasons of %d bytes end with %q", len(reasons), size, last)
	}
}
