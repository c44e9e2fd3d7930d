package main

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// run runs the tool in this process.
func run(t *testing.T, args ...string) (stdout string, err error) {
	t.Helper()
	var out bytes.Buffer
	cmd := newRootCommand()
	cmd.SetArgs(args)
	cmd.SetOut(&out)
	cmd.SetErr(&bytes.Buffer{})
	err = cmd.ExecuteContext(t.Context())
	return out.String(), err
}

// fiveDays are bars and symphonies to ask about: the week of 2 December 2024.
func fiveDays(t *testing.T, change map[string]string) string {
	t.Helper()
	files := map[string]string{
		"bars/SPY.csv":   "date,close\n2024-12-02,100\n2024-12-03,102\n2024-12-04,101\n2024-12-05,103\n2024-12-06,105\n",
		"bars/BIL.csv":   "date,close\n2024-12-02,91\n2024-12-03,91\n2024-12-04,91\n2024-12-05,91\n2024-12-06,91\n",
		"bars/LATE.csv":  "date,close\n2024-12-06,7\n",
		"bars/ENDED.csv": "date,close\n2024-12-02,7\n2024-12-03,7\n",
		"trend.clj": `(defsymphony "Trend" {:asset-class "EQUITIES"}
			(if (> (current-price "SPY") (moving-average-price "SPY" {:window 3})) [(asset "SPY" nil) (asset "BIL" nil)] [(asset "BIL" nil)]))`,
		"weekly.clj":     `(defsymphony "Weekly" {:asset-class "EQUITIES" :rebalance-frequency :weekly} (weight-equal [(asset "SPY" nil) (asset "BIL" nil)]))`,
		"portfolio.yaml": "id: main\nstrategies:\n  - {file: trend.clj, weight: 0.6}\n  - {file: weekly.clj, weight: 0.4}\n",
	}
	maps.Copy(files, change)
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
	return dir
}

func TestSignalsOfASymphony(t *testing.T) {
	fiveDays(t, nil)
	out, err := run(t, "signals", "--symphony", "trend.clj", "--bars", "bars", "--date", "2024-12-05", "--json")
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatalf("%s: %v", out, err)
	}
	want := map[string]any{
		"date": "2024-12-05", "as_of": "2024-12-05", "weights": map[string]any{"BIL": "0.500000", "SPY": "0.500000"},
		"reasons":      []any{map[string]any{"path": "if", "text": "price of SPY is 103.00, above its moving average(3) at 102.00: then"}},
		"history_days": 0.0, "options": map[string]any{"rsi": "wilder", "stdev-return": "annualised"},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("signals (-want +got):\n%s", d)
	}
}

func TestSignalsForPeople(t *testing.T) {
	fiveDays(t, nil)
	for name, tt := range map[string]struct {
		args []string
		want []string
	}{
		"a symphony":    {[]string{"--symphony", "trend.clj", "--date", "2024-12-04"}, []string{"Trend, as of 2024-12-04\n", "│ BIL    │ 100.0000 % │", "not above its moving average(3)"}},
		"on a Sunday":   {[]string{"--symphony", "trend.clj", "--date", "2024-12-08"}, []string{"as of 2024-12-06, the last session up to 2024-12-08"}},
		"ten days on":   {[]string{"--symphony", "trend.clj", "--date", "2024-12-16"}, []string{"as of 2024-12-06, the last session up to 2024-12-16"}},
		"not daily":     {[]string{"--symphony", "weekly.clj", "--date", "2024-12-04"}, []string{"it takes no decisions", "Note: it rebalances weekly"}},
		"a portfolio":   {[]string{"--portfolio", "portfolio.yaml", "--date", "2024-12-04"}, []string{"portfolio main, to trade on 2024-12-05", "  weekly\n  - no trade today: it rebalanced on 2024-12-03"}},
		"another rsi":   {[]string{"--symphony", "trend.clj", "--date", "2024-12-06", "--rsi", "cutler"}, []string{"Trend"}},
		"largest first": {[]string{"--portfolio", "portfolio.yaml", "--date", "2024-12-04"}, []string{"│ BIL    │ 80"}},
	} {
		t.Run(name, func(t *testing.T) {
			out, err := run(t, append([]string{"signals", "--bars", "bars"}, tt.args...)...)
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range tt.want {
				if !strings.Contains(out, want) {
					t.Errorf("printed %s\nwant %s", out, want)
				}
			}
		})
	}
}

// Whatever is wrong is said in one error, and nothing else is printed.
func TestSignalsRefuseBadInput(t *testing.T) {
	spy := func(lines string) map[string]string { return map[string]string{"bars/SPY.csv": lines} }
	file := func(text string) map[string]string { return map[string]string{"trend.clj": text} }
	day := "2024-12-06"
	for name, tt := range map[string]struct {
		change map[string]string
		date   string
		want   string
	}{
		"symphony without end":     {file(`(defsymphony "T" {`), day, "trend.clj:1:19: found end of file, want } to close the map"},
		"unknown operator":         {file(`(defsymphony "T" {:asset-class "EQUITIES"} (hold "SPY"))`), day, "trend.clj:1:44: found (hold …), want one of (asset …)"},
		"missing window":           {file(`(defsymphony "T" {:asset-class "EQUITIES"} (if (> (rsi "SPY" {}) 5) [] []))`), day, "trend.clj:1:62: found no :window"},
		"unknown symbol":           {file(`(defsymphony "T" {:asset-class "EQUITIES"} (weight-equal [(asset "XX" nil) (asset "YY" nil)]))`), day, "no bars of XX, YY: bars holds no such SYMBOL.csv"},
		"too little history":       {file(`(defsymphony "T" {:asset-class "EQUITIES"} (if (> (rsi "SPY" {:window 5}) 5) [] []))`), day, "trend.clj:1:44: if: rsi of SPY with window 5 needs 6 bars of history, there are 5"},
		"first usable day later":   {nil, "2024-12-03", "needs 3 bars of history, there are 2; the first usable day is 2024-12-04"},
		"holding begins later":     {file(`(defsymphony "T" {:asset-class "EQUITIES"} (weight-equal [(asset "LATE" nil) (asset "SPY" nil)]))`), "2024-12-04", "a holding of LATE needs 1 bar of history, there are 0; the first usable day is 2024-12-06"},
		"one symbol ends before":   {file(`(defsymphony "T" {:asset-class "EQUITIES"} (weight-equal [(asset "ENDED" nil) (asset "SPY" nil)]))`), day, "not all up to 2024-12-06: those of ENDED (2024-12-03) end before"},
		"nothing to hold":          {file(`(defsymphony "T" {:asset-class "EQUITIES"} (if (> 2 1) [] []))`), day, "trend.clj: it names no symbol, so there is nothing to hold"},
		"CSV with a gap":           {spy("date,close\n2024-12-02,100\n2024-12-04,101\n"), day, "bars/SPY.csv:3: 2024-12-04 after 2024-12-02; want a line for each session, as that of 2024-12-03"},
		"CSV with a date twice":    {spy("date,close\n2024-12-02,100\n2024-12-02,101\n"), day, "bars/SPY.csv:3: second line of 2024-12-02"},
		"CSV unsorted":             {spy("date,close\n2024-12-03,100\n2024-12-02,101\n"), day, "bars/SPY.csv:3: 2024-12-02 after 2024-12-03; want the oldest first"},
		"CSV with NaN":             {spy("date,close\n2024-12-02,NaN\n"), day, `bars/SPY.csv:2: close "NaN"; want a plain number above 0`},
		"CSV with a negative":      {spy("date,close\n2024-12-02,-3\n"), day, `bars/SPY.csv:2: close "-3"; want a plain number above 0`},
		"CSV with other columns":   {spy("day,price\n2024-12-02,100\n"), day, `bars/SPY.csv:1: header "day,price"; want date,close`},
		"CSV empty":                {spy(""), day, "bars/SPY.csv: empty file"},
		"date that is none":        {nil, "yesterday", `--date: date "yesterday": want YYYY-MM-DD`},
		"date before all bars":     {nil, "2024-11-29", "--date 2024-11-29: no symbol of bars has a bar up to then"},
		"date long after all bars": {nil, "2024-12-17", "--date 2024-12-17: the newest bar in bars is of 2024-12-06, 11 days before"},
	} {
		t.Run(name, func(t *testing.T) {
			fiveDays(t, tt.change)
			out, err := run(t, "signals", "--symphony", "trend.clj", "--bars", "bars", "--date", tt.date, "--json")
			if err == nil || !strings.Contains(err.Error(), tt.want) || exitCode(err) != 1 {
				t.Errorf("error %v\nwant %s", err, tt.want)
			}
			if out != "" {
				t.Errorf("printed %q beside the error", out)
			}
		})
	}
}

func TestSignalsRefuseABadPortfolio(t *testing.T) {
	for name, tt := range map[string]struct{ yaml, want string }{
		"not YAML":          {"id: [", "portfolio.yaml:1:"},
		"unknown field":     {"id: main\nallocation: 1\n", `portfolio.yaml:2:1: unknown field "allocation"`},
		"weights not 1":     {"id: main\nstrategies:\n  - {file: trend.clj, weight: 0.6}\n", "portfolio.yaml:3:31: weights sum to 0.6, want exactly 1"},
		"no such symphony":  {"id: main\nstrategies:\n  - {file: nope.clj, weight: 1}\n", "portfolio.yaml:3:12: read the strategy: open nope.clj"},
		"option of nothing": {"id: main\noptions: {rsi: simple}\nstrategies:\n  - {file: trend.clj, weight: 1}\n", `portfolio.yaml:2:16: options: rsi: "simple"`},
	} {
		t.Run(name, func(t *testing.T) {
			fiveDays(t, map[string]string{"portfolio.yaml": tt.yaml})
			out, err := run(t, "signals", "--portfolio", "portfolio.yaml", "--bars", "bars", "--date", "2024-12-06")
			if err == nil || !strings.Contains(err.Error(), tt.want) || out != "" {
				t.Errorf("printed %q with error %v\nwant %s", out, err, tt.want)
			}
		})
	}
	fiveDays(t, nil)
	for _, args := range [][]string{
		{"--bars", "bars", "--date", "2024-12-06"},
		{"--bars", "bars", "--date", "2024-12-06", "--portfolio", "portfolio.yaml", "--symphony", "trend.clj"},
		{"--bars", "bars", "--date", "2024-12-06", "--portfolio", "portfolio.yaml", "--rsi", "cutler"},
		{"--bars", "bars", "--date", "2024-12-06", "--portfolio", "other.yaml"},
		{"--bars", "bars", "--date", "2024-12-06", "--symphony", "trend.clj", "--rsi", "simple"},
		{"--bars", "bars", "--symphony", "trend.clj"},
		{"--bars", "nowhere", "--date", "2024-12-06", "--symphony", "trend.clj"},
	} {
		if out, err := run(t, append([]string{"signals"}, args...)...); err == nil || out != "" {
			t.Errorf("%v: printed %q, %v", args, out, err)
		}
	}
}

func TestIndicator(t *testing.T) {
	fiveDays(t, map[string]string{"bars/BRK.B.csv": "date,close\n2024-12-06,480\n"})
	for name, tt := range map[string]struct {
		args []string
		want string
	}{
		"plain":      {[]string{"--name", "moving-average-price", "--window", "3", "--symbol", "SPY", "--date", "2024-12-06"}, "103\n"},
		"a price":    {[]string{"--name", "current-price", "--symbol", "SPY", "--date", "2024-12-08"}, "105\n"},
		"a class":    {[]string{"--name", "current-price", "--symbol", "BRK/B", "--date", "2024-12-06"}, "480\n"},
		"JSON":       {[]string{"--name", "rsi", "--window", "2", "--symbol", "BIL", "--date", "2024-12-06", "--json"}, "{\n  \"value\": 50\n}\n"},
		"definition": {[]string{"--name", "rsi", "--window", "2", "--symbol", "SPY", "--date", "2024-12-04", "--rsi", "cutler"}, "66.66666666666666\n"},
	} {
		t.Run(name, func(t *testing.T) {
			out, err := run(t, append([]string{"indicator", "--bars", "bars"}, tt.args...)...)
			if err != nil || out != tt.want {
				t.Errorf("printed %q, %v; want %q", out, err, tt.want)
			}
		})
	}
	for name, tt := range map[string]struct {
		args []string
		want string
	}{
		"unknown name":       {[]string{"--name", "macd", "--symbol", "SPY", "--date", "2024-12-06"}, `--name "macd": want one of cumulative-return, current-price`},
		"no window":          {[]string{"--name", "rsi", "--symbol", "SPY", "--date", "2024-12-06"}, "--window: rsi: window 0, want 1 to 10000"},
		"window of a price":  {[]string{"--name", "current-price", "--window", "3", "--symbol", "SPY", "--date", "2024-12-06"}, "--window: current-price: window 3, want none"},
		"lower case":         {[]string{"--name", "current-price", "--symbol", "spy", "--date", "2024-12-06"}, `--symbol "spy": want upper case such as SPY or BRK.B`},
		"another folder":     {[]string{"--name", "current-price", "--symbol", "../SPY", "--date", "2024-12-06"}, `--symbol "../SPY": want upper case`},
		"without a symbol":   {[]string{"--name", "current-price", "--symbol", "", "--date", "2024-12-06"}, `--symbol "": want upper case`},
		"unknown symbol":     {[]string{"--name", "rsi", "--window", "2", "--symbol", "XX", "--date", "2024-12-06"}, "no bars of XX"},
		"too little history": {[]string{"--name", "rsi", "--window", "4", "--symbol", "SPY", "--date", "2024-12-05"}, "as of 2024-12-05: rsi of SPY with window 4 needs 5 bars of history, there are 4; the first usable day is 2024-12-06"},
		"unknown definition": {[]string{"--name", "rsi", "--window", "2", "--symbol", "SPY", "--date", "2024-12-06", "--rsi", "x"}, `--rsi: "x", want wilder or cutler`},
	} {
		t.Run(name, func(t *testing.T) {
			out, err := run(t, append([]string{"indicator", "--bars", "bars"}, tt.args...)...)
			if err == nil || !strings.Contains(err.Error(), tt.want) || out != "" {
				t.Errorf("printed %q, %v\nwant %s", out, err, tt.want)
			}
		})
	}
}
