package backtest_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/the-alchemiser/alchemiser/cmd/alchemiser/backtest"
	"github.com/the-alchemiser/alchemiser/pkg/fault"
	"github.com/the-alchemiser/alchemiser/pkg/market"
)

// lateBars are bars of AAA from Monday 1 January 2024 on and of BBB from a week later on, to Friday 19 January.
func lateBars() fakeBars {
	fifteen := slices.Repeat([]string{"100"}, 15)
	return fakeBars{"AAA": weekdays("2024-01-01", fifteen...), "BBB": weekdays("2024-01-08", fifteen[:10]...), "OLD": weekdays("2023-01-02", fifteen...)}
}

// slow needs three bars of BBB: it can be evaluated as of Wednesday 10 January.
const slow = `(if (> (moving-average-price "BBB" {:window 3}) 1) [(asset "AAA" nil)] [(asset "BBB" nil)])`

func TestRefusalsSayWhatIsWrongAndWhatThereIs(t *testing.T) {
	t.Parallel()
	const there = "the first usable day to trade on is 2024-01-11, as only needs 3 bars of BBB, which has 10 from 2024-01-08 on"
	for name, tt := range map[string]struct {
		change func(*backtest.Config, fakeBars)
		want   string
	}{
		"from after to": {
			func(c *backtest.Config, _ fakeBars) { c.From, c.To = "2024-01-17", "2024-01-16" },
			"from 2024-01-17 to 2024-01-16: want the earlier day first",
		},
		"from before any bar": {
			func(c *backtest.Config, _ fakeBars) { c.From = "2007-01-01" },
			"from 2007-01-01: " + there,
		},
		"from before the history is long enough": {
			func(c *backtest.Config, _ fakeBars) { c.From = "2024-01-10" },
			"signals for 2024-01-10: evaluate strategy only as of 2024-01-09: only.clj:1:47: if: moving-average-price of BBB with window 3 needs 3 bars",
		},
		"and says from when on it is": {
			func(c *backtest.Config, _ fakeBars) { c.From = "2024-01-10" }, there,
		},
		"same close may begin a day earlier, not two": {
			func(c *backtest.Config, _ fakeBars) { c.Fill, c.From = backtest.FillSameClose, "2024-01-09" },
			"the first usable day to trade on is 2024-01-10",
		},
		"to after the bars": {
			func(c *backtest.Config, _ fakeBars) { c.To = "2024-01-22" },
			"from 2024-01-11 to 2024-01-22: the bars of AAA end on 2024-01-19; " + there,
		},
		"from after the bars": {
			func(c *backtest.Config, _ fakeBars) { c.From = "2025-01-22" },
			"from 2025-01-22 to 2024-01-19: the bars of AAA end on 2024-01-19; " + there,
		},
		"to before the history is long enough": {
			func(c *backtest.Config, _ fakeBars) { c.To = "2024-01-05" },
			"to 2024-01-05: " + there,
		},
		"no trading day": {
			func(c *backtest.Config, _ fakeBars) { c.From, c.To = "2024-01-13", "2024-01-14" },
			"from 2024-01-13 to 2024-01-14: want at least two trading days",
		},
		"one trading day": {
			func(c *backtest.Config, _ fakeBars) { c.From, c.To = "2024-01-13", "2024-01-15" },
			"want at least two trading days; " + there,
		},
		"unknown symbol": {func(_ *backtest.Config, b fakeBars) { delete(b, "BBB") }, "no bars of BBB"},
		"unknown benchmark": {
			func(c *backtest.Config, _ fakeBars) { c.Benchmark = "SPY" }, `benchmark "SPY" has no bars; there are AAA, BBB, OLD`,
		},
		"benchmark of another time": {
			func(c *backtest.Config, _ fakeBars) { c.Benchmark = "OLD" },
			"no bar of the benchmark OLD on 2024-01-11; its bars are from 2023-01-02 to 2023-01-20",
		},
		"never history enough": {
			func(_ *backtest.Config, b fakeBars) { b["BBB"] = b["BBB"][:2] },
			"there is no usable day: only needs 3 bars of BBB, which has 2 from 2024-01-08 on, and the bars of BBB end on 2024-01-09",
		},
		"history enough after the others ended": {
			func(_ *backtest.Config, b fakeBars) { b["AAA"] = b["AAA"][:8] },
			"there is no usable day: only needs 3 bars of BBB, which has 10 from 2024-01-08 on, and the bars of AAA end on 2024-01-10",
		},
		"a gap in the range": {
			func(_ *backtest.Config, b fakeBars) { b["BBB"] = slices.Delete(b["BBB"], 5, 7) },
			"no bar of BBB on 2024-01-15, a day that other symbols have bars of\nno bar of BBB on 2024-01-16",
		},
		"a gap on the first day that is seen": {
			func(_ *backtest.Config, b fakeBars) { b["AAA"] = slices.Delete(b["AAA"], 7, 8) }, "no bar of AAA on 2024-01-10",
		},
		"no cash":         {func(c *backtest.Config, _ fakeBars) { c.Cash = d("0") }, "cash of 0: want US dollars above 0"},
		"another fill":    {func(c *backtest.Config, _ fakeBars) { c.Fill = "open" }, `fill "open": want next-close or same-close`},
		"negative costs":  {func(c *backtest.Config, _ fakeBars) { c.CostBps = d("-1") }, "costs of -1: want basis points"},
		"all is slippage": {func(c *backtest.Config, _ fakeBars) { c.SlippageBps = d("10000") }, "slippage of 10000: want basis points"},
		"all in reserve":  {func(c *backtest.Config, _ fakeBars) { c.Reserve = d("1") }, "reserve of 1: want a fraction"},
		"no smallest":     {func(c *backtest.Config, _ fakeBars) { c.MinTrade = d("0") }, "minimum trade of 0: want US dollars above 0"},
		"any tolerance":   {func(c *backtest.Config, _ fakeBars) { c.Tolerance = d("1.5") }, "tolerance of 1.5: want a fraction"},
		"no portfolio":    {func(c *backtest.Config, _ fakeBars) { c.Portfolio = nil }, "a portfolio is required"},
		"no prices":       {func(c *backtest.Config, _ fakeBars) { c.Bars = nil }, "bars are required"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bars := lateBars()
			cfg := config(portfolioOf(t, slow), bars)
			tt.change(&cfg, bars)
			r, err := backtest.Run(t.Context(), cfg)
			if r != nil || err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Run = %v, %v\nwant %s", r, err, tt.want)
			}
		})
	}
}

func TestRefusalsAreNotRetried(t *testing.T) {
	t.Parallel()
	cfg := config(portfolioOf(t, slow), lateBars())
	cfg.From = "2007-01-01"
	if _, err := backtest.Run(t.Context(), cfg); fault.CodeOf(err) != fault.Invalid {
		t.Errorf("code is %s, want invalid", fault.CodeOf(err))
	}
}

func TestDaysWithoutTradingAreNotCounted(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		from, to    market.Date
		first, last market.Date
	}{
		"all there is":            {"", "", "2024-01-11", "2024-01-19"},
		"weekends around":         {"2024-01-13", "2024-01-21", "2024-01-15", "2024-01-19"},
		"weekend within":          {"2024-01-11", "2024-01-16", "2024-01-11", "2024-01-16"},
		"weekend before the end":  {"2024-01-11", "2024-01-14", "2024-01-11", "2024-01-12"},
		"to the end of the month": {"2024-01-12", "2024-01-20", "2024-01-12", "2024-01-19"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := config(portfolioOf(t, slow), lateBars())
			cfg.From, cfg.To = tt.from, tt.to
			r := runOf(t, cfg)
			if p := r.Parameters; p.From != tt.first || p.To != tt.last || p.TradingDays != len(r.Days) || r.Days[0].Date != tt.first {
				t.Errorf("ran from %s to %s, %d days; want %s to %s", p.From, p.To, p.TradingDays, tt.first, tt.last)
			}
		})
	}
}

func TestAStrategyThatFailsNamesItsDay(t *testing.T) {
	t.Parallel()
	// Prices that never move have no volatility to weight by; the check of the history cannot know.
	p := load(t, fstest.MapFS{
		"portfolio.yaml": {Data: []byte("id: main\nstrategies:\n  - {file: calm.clj, weight: 1}\n")},
		"calm.clj":       {Data: []byte(program(`(weight-inverse-volatility 2 [(asset "AAA" nil) (asset "BBB" nil)])`))},
	})
	_, err := backtest.Run(t.Context(), config(p, lateBars()))
	if err == nil || !strings.Contains(err.Error(), "signals for 2024-01-11: evaluate strategy calm as of 2024-01-10: calm.clj:1:") {
		t.Errorf("Run: %v", err)
	}
}

func TestARunEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := backtest.Run(ctx, config(portfolioOf(t, dearer), crossing())); !errors.Is(err, context.Canceled) {
		t.Errorf("Run: %v, want it cancelled", err)
	}
}

func TestProgressReachesItsEnd(t *testing.T) {
	t.Parallel()
	cfg := config(portfolioOf(t, dearer), crossing())
	calls := 0
	cfg.Progress = func(done, total int) {
		if calls++; done != calls || total != 15 { // five days: signals, the portfolio, its one strategy
			t.Errorf("call %d says %d of %d", calls, done, total)
		}
	}
	runOf(t, cfg)
	if calls != 15 {
		t.Errorf("%d calls, want 15", calls)
	}
}
