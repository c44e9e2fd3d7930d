package backtest_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/the-alchemiser/alchemiser/cmd/alchemiser/backtest"
	"github.com/the-alchemiser/alchemiser/pkg/market"
)

// dearer holds whichever of two symbols has the higher price.
const dearer = `(if (> (current-price "AAA") (current-price "BBB")) [(asset "AAA" nil)] [(asset "BBB" nil)])`

// crossing are six weekdays from Monday on. BBB closes above AAA on Wednesday, AAA above BBB on Friday.
func crossing() fakeBars {
	return fakeBars{
		"AAA": weekdays("2024-01-01", "100", "100", "100", "80", "80", "80"),
		"BBB": weekdays("2024-01-01", "50", "50", "125", "125", "50", "60"),
	}
}

const (
	mon     = market.Date("2024-01-01")
	tue     = market.Date("2024-01-02")
	wed     = market.Date("2024-01-03")
	thu     = market.Date("2024-01-04")
	fri     = market.Date("2024-01-05")
	nextMon = market.Date("2024-01-08")
)

type filled struct {
	Date                            market.Date
	Side                            market.Side
	Symbol                          string
	Quantity, Price, Cost, Slippage string
}

type stood struct {
	Date         market.Date
	Equity, Cash string
}

// Every figure below was computed by hand.
func TestMoneyIsExact(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change func(*backtest.Config)
		trades []filled
		days   []stood
	}{
		"next close: Wednesday's signal is traded on Thursday": {
			func(*backtest.Config) {},
			[]filled{
				{tue, "buy", "AAA", "10", "100", "0", "0"},
				{thu, "sell", "AAA", "10", "80", "0", "0"},
				{thu, "buy", "BBB", "6.4", "125", "0", "0"},
				{nextMon, "sell", "BBB", "6.4", "60", "0", "0"},
				{nextMon, "buy", "AAA", "4.8", "80", "0", "0"},
			},
			[]stood{{tue, "1000", "0"}, {wed, "1000", "0"}, {thu, "800", "0"}, {fri, "320", "0"}, {nextMon, "384", "0"}},
		},
		"same close: Wednesday's signal is traded on Wednesday": {
			func(c *backtest.Config) { c.Fill = backtest.FillSameClose },
			[]filled{
				{mon, "buy", "AAA", "10", "100", "0", "0"},
				{wed, "sell", "AAA", "10", "100", "0", "0"},
				{wed, "buy", "BBB", "8", "125", "0", "0"},
				{fri, "sell", "BBB", "8", "50", "0", "0"},
				{fri, "buy", "AAA", "5", "80", "0", "0"},
			},
			[]stood{{mon, "1000", "0"}, {tue, "1000", "0"}, {wed, "1000", "0"}, {thu, "1000", "0"}, {fri, "400", "0"}, {nextMon, "400", "0"}},
		},
		// The planner knows no costs, so without a reserve they are what the cash is short of.
		"costs of 10 basis points": {
			func(c *backtest.Config) { c.CostBps = d("10") },
			[]filled{
				{tue, "buy", "AAA", "10", "100", "1", "0"},
				{thu, "sell", "AAA", "10", "80", "0.8", "0"},
				{thu, "buy", "BBB", "6.392", "125", "0.799", "0"}, // for 800 - 1
				{nextMon, "sell", "BBB", "6.392", "60", "0.38352", "0"},
				{nextMon, "buy", "AAA", "4.7740125", "80", "0.381921", "0"}, // for 383.52 - 1.599
			},
			[]stood{{tue, "999", "-1"}, {wed, "999", "-1"}, {thu, "797.401", "-1.599"}, {fri, "318.001", "-1.599"}, {nextMon, "381.155559", "-0.765441"}},
		},
		// The planner sees the spread and buys no more than the cash pays for.
		"slippage of a quarter": {
			func(c *backtest.Config) { c.SlippageBps = d("2500") },
			[]filled{
				{tue, "buy", "AAA", "8", "125", "0", "200"},
				{thu, "sell", "AAA", "8", "60", "0", "160"},
				{thu, "buy", "BBB", "3.072", "156.25", "0", "96"},
				{nextMon, "sell", "BBB", "3.072", "45", "0", "46.08"},
				{nextMon, "buy", "AAA", "1.3824", "100", "0", "27.648"},
			},
			[]stood{{tue, "800", "0"}, {wed, "800", "0"}, {thu, "384", "0"}, {fri, "153.6", "0"}, {nextMon, "110.592", "0"}},
		},
		"a tenth in reserve": {
			func(c *backtest.Config) { c.Reserve = d("0.1"); c.To = wed },
			[]filled{{tue, "buy", "AAA", "9", "100", "0", "0"}},
			[]stood{{tue, "1000", "100"}, {wed, "1000", "100"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := config(portfolioOf(t, dearer), crossing())
			tt.change(&cfg)
			r := runOf(t, cfg)
			trades := make([]filled, len(r.Trades))
			for i, f := range r.Trades {
				trades[i] = filled{f.Date, f.Side, f.Symbol, f.Quantity.String(), f.Price.String(), f.Cost.String(), f.Slippage.String()}
			}
			if diff := cmp.Diff(tt.trades, trades); diff != "" {
				t.Errorf("trades (-want +got):\n%s", diff)
			}
			days := make([]stood, len(r.Days))
			for i, day := range r.Days {
				days[i] = stood{day.Date, day.Equity.String(), day.Cash.String()}
			}
			if diff := cmp.Diff(tt.days, days); diff != "" {
				t.Errorf("days (-want +got):\n%s", diff)
			}
		})
	}
}
