package strategy_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/shopspring/decimal"

	"github.com/the-alchemiser/alchemiser/internal/strategy"
	"github.com/the-alchemiser/alchemiser/pkg/fault"
	"github.com/the-alchemiser/alchemiser/pkg/indicator"
	"github.com/the-alchemiser/alchemiser/pkg/market"
	"github.com/the-alchemiser/alchemiser/pkg/symphony"
)

func TestPortfolioFileIsCheckedWithPlaces(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ yaml, want string }{
		"empty":             {"", `portfolio.yaml: id ""`},
		"id in upper case":  {"id: Main\nstrategies: [{file: cash.clj, weight: 1}]\n", `portfolio.yaml:1:5: id "Main", want`},
		"no strategies":     {"id: main\n", "portfolio.yaml: no strategies"},
		"unknown field":     {"id: main\nallocation: 1\n", `portfolio.yaml:2:1: unknown field "allocation"`},
		"not YAML":          {"id: [\n", "portfolio.yaml:1:"},
		"weights below 1":   {"id: main\nstrategies:\n  - {file: cash.clj, weight: 0.4}\n  - {file: trend.clj, weight: 0.5}\n", "portfolio.yaml:3:30: weights sum to 0.9, want exactly 1"},
		"weights above 1":   {"id: main\nstrategies:\n  - {file: cash.clj, weight: 0.6}\n  - {file: trend.clj, weight: 0.5}\n", "weights sum to 1.1, want exactly 1"},
		"weight in percent": {"id: main\nstrategies:\n  - file: cash.clj\n    weight: 60\n", `portfolio.yaml:4:13: weight "60", want a decimal`},
		"weight negative":   {"id: main\nstrategies:\n  - file: cash.clj\n    weight: -0.5\n", `portfolio.yaml:4:13: weight "-0.5"`},
		"weight 0":          {"id: main\nstrategies:\n  - file: cash.clj\n    weight: 0.0\n", `portfolio.yaml:4:13: weight "0.0"`},
		"weight missing":    {"id: main\nstrategies:\n  - file: cash.clj\n", `weight ""`},
		"weight a list":     {"id: main\nstrategies:\n  - file: cash.clj\n    weight: [1]\n", "4:13"},
		"file missing":      {"id: main\nstrategies:\n  - file: nope.clj\n    weight: 1\n", "portfolio.yaml:3:11: read the strategy: open nope.clj"},
		"file twice":        {"id: main\nstrategies:\n  - {file: cash.clj, weight: 0.5}\n  - {file: cash.clj, weight: 0.5}\n", `portfolio.yaml:4:12: strategy "cash" a second time, want each once`},
		"name twice":        {"id: main\nstrategies:\n  - {file: cash.clj, weight: 0.5}\n  - {file: old/cash.edn, weight: 0.5}\n", `portfolio.yaml:4:12: strategy "cash" a second time`},
		"file not named":    {"id: main\nstrategies:\n  - weight: 1\n", "portfolio.yaml:3:13: strategy 1 of the list has no file"},
		"nothing in a row":  {"id: main\nstrategies:\n  - {file: cash.clj, weight: 1}\n  -\n", "portfolio.yaml: strategy 2 of the list has no file"},
		"key twice":         {"id: main\nid: other\n", `portfolio.yaml:2:1: mapping key "id" already defined`},
		"key misspelt":      {"id: main\nstrategies:\n  - {file: cash.clj, wieght: 1}\n", `portfolio.yaml:3:22: unknown field "wieght"`},
		"tab":               {"id: main\nstrategies:\n\t- file: cash.clj\n", "portfolio.yaml:3:1: found character '\t'"},
		"two documents":     {"id: main\nstrategies: [{file: cash.clj, weight: 1}]\n---\nid: other\n", "portfolio.yaml: a second document, want one portfolio a file"},
		"weight in tiny":    {"id: main\nstrategies:\n  - {file: cash.clj, weight: 0.0000001}\n", `portfolio.yaml:3:30: weight "0.0000001", want a decimal`},
		"weights by a hair": {"id: main\nstrategies:\n  - {file: cash.clj, weight: 0.333333}\n  - {file: trend.clj, weight: 0.666666}\n", "weights sum to 0.999999, want exactly 1"},
		"option unknown":    {"id: main\noptions: {macd: fast}\nstrategies:\n  - {file: cash.clj, weight: 1}\n", `portfolio.yaml:2:11: unknown field "macd"`},
		"option of nothing": {"id: main\noptions: {rsi: simple}\nstrategies:\n  - {file: cash.clj, weight: 1}\n", `portfolio.yaml:2:16: options: rsi: "simple", want wilder or cutler`},
		"option of a year":  {"id: main\noptions:\n  stdev-return: weekly\nstrategies:\n  - {file: cash.clj, weight: 1}\n", `portfolio.yaml:3:17: options: stdev-return: "weekly", want annualised or daily`},
		"fault in a file":   {"id: main\nstrategies:\n  - {file: broken.clj, weight: 1}\n", "broken.clj:1:1: found (nope …), want (defsymphony"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			files := newWorld().files
			files["portfolio.yaml"].Data = []byte(tt.yaml)
			broken := *files["cash.clj"]
			broken.Data = []byte("(nope)")
			files["broken.clj"] = &broken
			files["old/cash.edn"] = files["cash.clj"]
			_, err := strategy.LoadPortfolio(files)
			if err == nil || !strings.Contains(err.Error(), tt.want) || fault.CodeOf(err) != fault.Invalid {
				t.Errorf("LoadPortfolio = %v (%s)\nwant %s", err, fault.CodeOf(err), tt.want)
			}
		})
	}
}

func TestEveryFaultOfAPortfolioIsListed(t *testing.T) {
	t.Parallel()
	files := newWorld().files
	files["portfolio.yaml"].Data = []byte("id: Main\noptions: {rsi: simple}\nstrategies:\n  - {file: cash.clj, weight: 2}\n  - {file: nope.clj, weight: 0.5}\n")
	_, err := strategy.LoadPortfolio(files)
	for _, want := range []string{":1:5: id", ":2:16: options", `:4:30: weight "2"`, ":5:12: read the strategy"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("LoadPortfolio = %v\nwant %s", err, want)
		}
	}
}

func TestOneStrategyMayHaveAllTheMoney(t *testing.T) {
	t.Parallel()
	for _, weight := range []string{"1", "1.0", "1.000000"} {
		files := newWorld().files
		files["portfolio.yaml"].Data = []byte("---\nid: main\nstrategies: [{file: cash.clj, weight: " + weight + "}]\n")
		if _, err := strategy.LoadPortfolio(files); err != nil {
			t.Errorf("weight %s: %v", weight, err)
		}
	}
}

func TestPortfolioFileMissing(t *testing.T) {
	t.Parallel()
	files := newWorld().files
	delete(files, "portfolio.yaml")
	if _, err := strategy.LoadPortfolio(files); fault.CodeOf(err) != fault.Invalid || !strings.Contains(err.Error(), "portfolio.yaml") {
		t.Errorf("LoadPortfolio = %v", err)
	}
}

func TestSignalsAreOfBarsBeforeTheTradingDate(t *testing.T) {
	t.Parallel()
	p, err := strategy.LoadPortfolio(newWorld().files)
	if err != nil {
		t.Fatal(err)
	}
	h, err := symphony.NewHistory(newWorld().prices.bars)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := p.Signals(h, "2024-11-29", "2024-12-02"); err != nil {
		t.Errorf("Signals = %v", err)
	}
	for _, trading := range []market.Date{"2024-11-29", "2024-11-27", ""} {
		if _, _, err := p.Signals(h, "2024-11-29", trading); fault.CodeOf(err) != fault.Invalid {
			t.Errorf("Signals on %q = %v, want an invalid fault", trading, err)
		}
	}
}

func TestShippedPortfolioLoads(t *testing.T) {
	t.Parallel()
	p, err := strategy.LoadPortfolio(os.DirFS("../../strategies"))
	if err != nil {
		t.Fatalf("LoadPortfolio: %v", err)
	}
	sum := decimal.Zero
	for _, s := range p.Strategies {
		sum = sum.Add(s.Allocation)
		if w := s.Program.Warnings(); len(w) > 0 {
			t.Errorf("%s: %v", s.Name, w)
		}
		for symbol, bars := range s.Program.BarsNeeded() {
			if bars > 250 {
				t.Errorf("%s needs %d bars of %s, want at most a year: simulated markets have no more than three", s.Name, bars, symbol)
			}
		}
	}
	if len(p.Strategies) != 8 || !sum.Equal(decimal.NewFromInt(1)) {
		t.Errorf("%d strategies whose weights sum to %s, want 8 and 1", len(p.Strategies), sum)
	}
	if len(p.Symbols()) != 20 {
		t.Errorf("symbols %v, want the 20 that there are prices of", p.Symbols())
	}
	if !p.Runs("main") || !p.Runs("main-load-1") || p.Runs("mainly") {
		t.Errorf("portfolio %q answers to the wrong ids", p.ID)
	}
}

// The shipped symphonies are examples of everything that there is.
func TestShippedSymphoniesUseTheWholeLanguage(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../strategies/*.clj")
	if err != nil || len(files) != 8 {
		t.Fatalf("%v, %v", files, err)
	}
	var all strings.Builder
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(string(text), "; ") {
			t.Errorf("%s does not say what it does", file)
		}
		all.Write(text)
	}
	words := []string{
		"(asset ", "(filter ", "(group ", "(if ", "(weight-equal\n", "(weight-inverse-volatility ", "(weight-specified\n", "(select-top ", "(select-bottom ",
		"(> ", "(< ", "(>= ", "(<= ", "(= ", ":daily", ":weekly", ":monthly", ":quarterly", ":none", ":rebalance-threshold ",
	}
	for _, d := range indicator.All() {
		words = append(words, "("+d.Name+" ")
	}
	for _, word := range words {
		if !strings.Contains(all.String(), word) {
			t.Errorf("no shipped symphony has %q", word)
		}
	}
}
