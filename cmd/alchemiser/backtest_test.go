package main

import (
	"encoding/json"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// backtestArgs runs the portfolio of fiveDays over its two symbols that have bars of all days.
func backtestArgs(more ...string) []string {
	return append([]string{"backtest", "--portfolio", "portfolio.yaml", "--bars", "bars"}, more...)
}

func TestBacktestPrintsATable(t *testing.T) {
	fiveDays(t, nil)
	out, err := run(t, backtestArgs("--cost-bps", "10")...)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		// trend looks at three closes, so it can be traded from the fourth day on
		"Backtest of main, 2024-12-05 to 2024-12-06: 2 trading days, $100,000.00 to start with, next-close fills, costs 10 and slippage 0 basis points",
		"│ Total ", "│ trend ", "│ weekly ", "│ SPY, held ", " 60 % ", "CAGR", "Volatility", "Sharpe", "Sortino", "Max drawdown", "Turnover a year", "Trades", "Exposure",
		"risk-free rate of 0",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is missing in:\n%s", want, out)
		}
	}
	if strings.Contains(out, "Report:") {
		t.Errorf("a report that nobody asked for:\n%s", out)
	}
}

func TestBacktestPrintsNothingButJSON(t *testing.T) {
	fiveDays(t, nil)
	out, err := run(t, backtestArgs("--json", "--fill", "same-close", "--slippage-bps", "0.5", "--benchmark", "bil", "--cash", "5000.50")...)
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(strings.NewReader(out))
	var got struct {
		Parameters map[string]any
		Total      map[string]any
		Strategies []map[string]any
		Benchmark  map[string]any
	}
	d.DisallowUnknownFields()
	if err := d.Decode(&got); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if _, err := d.Token(); err != io.EOF {
		t.Errorf("more than one document: %s", out)
	}
	want := map[string]any{
		"portfolio": "main", "from": "2024-12-04", "to": "2024-12-06", "complete_from": "2024-12-04", "trading_days": 3.0, "fill": "same-close",
		"cost_bps": "0", "slippage_bps": "0.5", "cash_usd": "5000.5", "benchmark": "BIL", "reserve_fraction": "0.01", "min_trade_usd": "5",
		"tolerance_fraction": "0.005",
	}
	if diff := cmp.Diff(want, got.Parameters); diff != "" {
		t.Errorf("parameters (-want +got):\n%s", diff)
	}
	if len(got.Strategies) != 2 || got.Strategies[1]["strategy"] != "weekly" || got.Strategies[1]["allocation_fraction"] != "0.4" {
		t.Errorf("strategies: %v", got.Strategies)
	}
	for _, figures := range append(got.Strategies, got.Total, got.Benchmark) {
		for _, name := range []string{
			"final_equity_usd", "total_return_percent", "cagr_percent", "volatility_percent", "sharpe", "sortino", "max_drawdown_percent",
			"turnover_percent_a_year", "trades", "exposure_percent", "costs_usd", "slippage_usd",
		} {
			if _, ok := figures[name]; !ok {
				t.Errorf("%s is missing in %v", name, figures)
			}
		}
	}
}

func TestBacktestWritesItsFolder(t *testing.T) {
	dir := fiveDays(t, map[string]string{"out/equity.csv": "old", "out/mine.txt": "mine"})
	out, err := run(t, backtestArgs("--out", "out/")...)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(out, "\nReport: out/report.html\n") {
		t.Errorf("the report is not named:\n%s", out)
	}
	want := []string{".", "equity.csv", "mine.txt", "report.html", "result.json", "trades.csv", "weights.csv"}
	if diff := cmp.Diff(want, list(t, filepath.Join(dir, "out"))); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	printed, err := run(t, backtestArgs("--json")...)
	if err != nil {
		t.Fatal(err)
	}
	written, err := os.ReadFile("out/result.json")
	if err != nil || string(written) != printed {
		t.Errorf("result.json is not what --json prints: %v\n%s", err, written)
	}
	if left := list(t, dir); slices.ContainsFunc(left, func(name string) bool { return strings.HasPrefix(name, ".backtest") }) {
		t.Errorf("left behind: %v", left)
	}
}

// Bad input is an error that says what to do, and nothing is printed or written.
func TestBacktestRefusesBadInput(t *testing.T) {
	for name, tt := range map[string]struct {
		change map[string]string
		args   []string
		want   string
	}{
		"no bars":         {nil, []string{"--bars", "none"}, "folder of bars: stat none"},
		"no portfolio":    {nil, []string{"--portfolio", "none/portfolio.yaml"}, "read the portfolio"},
		"not a portfolio": {nil, []string{"--portfolio", "trend.clj"}, "--portfolio trend.clj: want a file portfolio.yaml"},
		"bad YAML":        {map[string]string{"portfolio.yaml": "id: main\nstrategies: ]"}, nil, "portfolio.yaml:2:"},
		"weights":         {map[string]string{"portfolio.yaml": "id: main\nstrategies:\n  - {file: trend.clj, weight: 0.6}\n"}, nil, "weights sum to 0.6, want exactly 1"},
		"bad symphony":    {map[string]string{"trend.clj": "(defsymphony"}, nil, "trend.clj:1:"},
		"unknown symbol": {
			map[string]string{"trend.clj": `(defsymphony "T" {:asset-class "EQUITIES"} (asset "NONE" nil))`},
			nil,
			"no bars of NONE: bars holds no such SYMBOL.csv",
		},
		"unknown benchmark": {nil, []string{"--benchmark", "QQQ"}, `benchmark "QQQ" has no bars; there are BIL, ENDED, LATE, SPY`},
		"too little history": {
			nil,
			[]string{"--from", "2024-12-04"},
			"moving-average-price of SPY with window 3 needs 3 bars of history, there are 2",
		},
		"too early":       {nil, []string{"--from", "2024-12-02"}, "from 2024-12-02: the first usable day to trade on is 2024-12-05, as trend needs 3 bars of SPY"},
		"too late":        {nil, []string{"--to", "2025-01-02"}, "the bars of BIL end on 2024-12-06"},
		"from after to":   {nil, []string{"--from", "2024-12-06", "--to", "2024-12-05"}, "want the earlier day first"},
		"no date":         {nil, []string{"--from", "yesterday"}, `--from: date "yesterday": want YYYY-MM-DD`},
		"no such day":     {nil, []string{"--to", "2024-02-30"}, `--to: date "2024-02-30": want YYYY-MM-DD`},
		"another fill":    {nil, []string{"--fill", "open"}, `fill "open": want next-close or same-close`},
		"no number":       {nil, []string{"--cost-bps", "few"}, `--cost-bps "few": want a number`},
		"negative cash":   {nil, []string{"--cash", "-5"}, "cash of -5: want US dollars above 0"},
		"ends before":     {map[string]string{"bars/BIL.csv": "date,close\n2024-12-02,7\n2024-12-03,7\n"}, nil, "the bars of BIL end on 2024-12-03"},
		"NaN":             {map[string]string{"bars/BIL.csv": "date,close\n2024-12-02,NaN\n"}, nil, `bars/BIL.csv:2: close "NaN"`},
		"negative price":  {map[string]string{"bars/BIL.csv": "date,close\n2024-12-02,-1\n"}, nil, `bars/BIL.csv:2: close "-1"`},
		"unsorted":        {map[string]string{"bars/BIL.csv": "date,close\n2024-12-03,1\n2024-12-02,1\n"}, nil, "bars/BIL.csv:3: 2024-12-02 after 2024-12-03"},
		"duplicate date":  {map[string]string{"bars/BIL.csv": "date,close\n2024-12-03,1\n2024-12-03,1\n"}, nil, "bars/BIL.csv:3: second line of 2024-12-03"},
		"wrong columns":   {map[string]string{"bars/BIL.csv": "day,price\n2024-12-03,1\n"}, nil, "bars/BIL.csv:1: header"},
		"a gap":           {map[string]string{"bars/BIL.csv": "date,close\n2024-12-02,1\n2024-12-04,1\n"}, nil, "bars/BIL.csv:3: "},
		"out is a file":   {nil, []string{"--out", "trend.clj"}, "trend.clj"},
		"out is a report": {map[string]string{"out/report.html/x": ""}, []string{"--out", "out"}, "report.html"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := fiveDays(t, tt.change)
			before := list(t, dir)
			args := backtestArgs("--out", "new/deep")
			out, err := run(t, append(args, tt.args...)...)
			if err == nil || !strings.Contains(err.Error(), tt.want) || exitCode(err) != 1 {
				t.Errorf("got %v\nwant %s", err, tt.want)
			}
			if out != "" {
				t.Errorf("printed: %s", out)
			}
			if diff := cmp.Diff(before, list(t, dir)); diff != "" {
				t.Errorf("files (-before +after):\n%s", diff)
			}
		})
	}
}

// list returns every file below a folder, in order.
func list(t *testing.T, dir string) []string {
	t.Helper()
	names := []string{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(path string, _ fs.DirEntry, err error) error {
		names = append(names, path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}
