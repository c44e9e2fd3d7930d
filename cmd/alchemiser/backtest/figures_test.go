package backtest_test

import (
	"encoding/json"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/shopspring/decimal"

	"github.com/the-alchemiser/alchemiser/cmd/alchemiser/backtest"
)

// The equities are those of TestMoneyIsExact: 1000, 1000, 800, 320, 384 over six calendar days. The figures were computed
// apart from the code.
func TestFiguresAreWhatTheySay(t *testing.T) {
	t.Parallel()
	r := runOf(t, config(portfolioOf(t, dearer), crossing()))
	want := backtest.Figures{
		FinalEquityUSD: d("384"), TotalReturnPercent: -61.6,
		CAGRPercent:       -100,                                    // 0.384^(365.25/6) - 1
		VolatilityPercent: 542.217668,                              // returns of 0, -20 %, -60 %, +20 %
		Sharpe:            new(-6.971370), Sortino: new(-7.529940), // a mean of -15 %
		MaxDrawdownPercent: 68, // from 1000 to 320
		// sales of 1184 are less than the purchases of 2184; the mean equity is 700.8
		TurnoverPercentAYear: 10284.817352, Trades: 5, ExposurePercent: 100,
		CostsUSD: decimal.Zero, SlippageUSD: decimal.Zero,
	}
	near := cmpopts.EquateApprox(0, 1e-5)
	if diff := cmp.Diff(want, r.Total, near); diff != "" {
		t.Errorf("total (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want, r.Strategies[0].Figures, near); diff != "" {
		t.Errorf("the only strategy, alone (-want +got):\n%s", diff)
	}
	held := backtest.Figures{
		FinalEquityUSD: d("800"), TotalReturnPercent: -20, CAGRPercent: -99.999874, VolatilityPercent: 158.745079,
		Sharpe: new(-7.937254), Sortino: new(-7.937254), MaxDrawdownPercent: 20, Trades: 1, ExposurePercent: 100,
		CostsUSD: decimal.Zero, SlippageUSD: decimal.Zero,
	}
	if diff := cmp.Diff(held, r.Benchmark, near); diff != "" {
		t.Errorf("AAA, held (-want +got):\n%s", diff)
	}
}

// What cannot be computed is null, never a number that looks like one.
func TestFlatPricesHaveNoRatios(t *testing.T) {
	t.Parallel()
	bars := fakeBars{"AAA": weekdays("2024-01-01", "100", "100", "100", "100")}
	r := runOf(t, config(portfolioOf(t, `(asset "AAA" nil)`), bars))
	text, err := json.Marshal(r.Total)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"final_equity_usd":"1000","total_return_percent":0,"cagr_percent":0,"volatility_percent":0,"sharpe":null,"sortino":null,` +
		`"max_drawdown_percent":0,"turnover_percent_a_year":0,"trades":1,"exposure_percent":100,"costs_usd":"0","slippage_usd":"0"}`
	if string(text) != want {
		t.Errorf("got  %s\nwant %s", text, want)
	}
}

// A strategy alone has all the money; the portfolio divides it.
func TestStrategiesAreRunAloneToo(t *testing.T) {
	t.Parallel()
	p := load(t, fstest.MapFS{
		"portfolio.yaml": {Data: []byte("id: main\nstrategies:\n  - {file: a.clj, weight: 0.75}\n  - {file: b.clj, weight: 0.25}\n")},
		"a.clj":          {Data: []byte(program(`(asset "AAA" nil)`))},
		"b.clj":          {Data: []byte(program(`(asset "BBB" nil)`))},
	})
	cfg := config(p, fakeBars{"AAA": weekdays("2024-01-01", "100", "100", "120"), "BBB": weekdays("2024-01-01", "50", "50", "40")})
	cfg.Tolerance = d("0.9") // nothing is traded after the first day
	r := runOf(t, cfg)
	got := map[string]string{"total": r.Total.FinalEquityUSD.String()}
	for _, s := range r.Strategies {
		got[s.Strategy+" "+s.Allocation.String()] = s.FinalEquityUSD.String()
	}
	want := map[string]string{"total": "1100", "a 0.75": "1200", "b 0.25": "800"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("final equities (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff("0.818182", r.Days[1].Weights["AAA"].String()); diff != "" {
		t.Errorf("weight of AAA at the end (-want +got):\n%s", diff)
	}
}
