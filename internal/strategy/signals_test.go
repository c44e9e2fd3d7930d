package strategy_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/shopspring/decimal"

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
	if !signals[0].Resting {
		t.Error("it does not rest on a day without a trade")
	}
	if _, signals, err = p.Signals(h, "2024-11-22", "2024-11-25"); err != nil || signals[0].Resting {
		t.Errorf("it rests on the first day of the week, because %v, %v", signals, err)
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
		if got, all := signals[0].HistoryDays, map[string]int{"wilder": 3, "cutler": 0}[want.rsi]; got != all {
			t.Errorf("%q: computed on %d days of history, want %d", options, got, all)
		}
	}
}

// A strategy of 2 MB takes more decisions than an event has room for, and the names of its groups may be anything.
func TestReasonsFitIntoTheEventAndSayWhatIsLeftOut(t *testing.T) {
	t.Parallel()
	for name, group := range map[string]string{"plain": "Calm", "all escapes": strings.Repeat(`\"\\\n`, 300)} {
		for _, strategies := range []int{1, 8} {
			t.Run(fmt.Sprint(name, " in ", strategies), func(t *testing.T) {
				t.Parallel()
				choice := `(if (> (current-price "SPY") 1) [(group "` + group + `" [(if (> (current-price "SPY") 2) [(asset "SPY" nil)] [])])] [(asset "BIL" nil)])`
				text := `(defsymphony "S" {:asset-class "EQUITIES"} (weight-equal [` + strings.Repeat(choice, 1500) + `]))`
				files := fstest.MapFS{}
				list := "id: main\nstrategies:\n"
				for i := range strategies {
					file := fmt.Sprintf("s%d.clj", i)
					files[file] = &fstest.MapFile{Data: []byte(text)}
					list += fmt.Sprintf("  - {file: %s, weight: %s}\n", file, decimal.NewFromInt(1).Div(decimal.NewFromInt(int64(strategies))))
				}
				files["portfolio.yaml"] = &fstest.MapFile{Data: []byte(list)}
				p, err := strategy.LoadPortfolio(files)
				if err != nil {
					t.Fatal(err)
				}
				h := historyOf(t, map[string][]market.Bar{"SPY": weekdays("2024-11-25", 600), "BIL": weekdays("2024-11-25", 91)})
				weights, signals, err := p.Signals(h, "2024-11-25", "2024-11-26")
				if err != nil {
					t.Fatal(err)
				}
				for _, s := range signals {
					if last := s.Reasons[len(s.Reasons)-1].Text; !strings.HasSuffix(last, "further decisions are left out, as an event has no room for them: `alchemiser signals --symphony` shows all") {
						t.Errorf("reasons of %s end with %q", s.Strategy, last)
					}
				}
				wire, err := events.Encode(events.Event{
					ID: "signal-1", SchemaVersion: "1.0", CorrelationID: "run-1", CausationID: "start-1", Timestamp: published, SourceModule: "strategy", SourceComponent: "test",
					Payload: events.SignalGenerated{
						Run:  events.Run{PortfolioID: "main", AccountID: "ACC1", TradingDate: "2024-11-26", SessionClose: at(16, 0).UTC()},
						AsOf: "2024-11-25", Weights: weights, Signals: signals,
					},
				}, "alchemiser")
				if err != nil {
					t.Fatal(err)
				}
				if size := wire.Size(); size > events.DefaultSizeLimit || size < events.DefaultSizeLimit/2 {
					t.Errorf("the event has %d bytes, want at most %d and no more left out than need be", size, events.DefaultSizeLimit)
				}
			})
		}
	}
}
