package backtest_test

import (
	"bytes"
	"encoding/csv"
	"encoding/xml"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/shopspring/decimal"

	"github.com/the-alchemiser/alchemiser/cmd/alchemiser/backtest"
	"github.com/the-alchemiser/alchemiser/pkg/market"
)

func report(tb testing.TB, r *backtest.Result) string {
	tb.Helper()
	var b bytes.Buffer
	if err := r.WriteReport(&b); err != nil {
		tb.Fatal(err)
	}
	return b.String()
}

func TestTheReportStandsAlone(t *testing.T) {
	t.Parallel()
	page := report(t, runOf(t, config(portfolioOf(t, busy), walk(3))))
	for _, outside := range []string{"http:", "https:", "//", "src=", "href=", "url(", "@import", "<script"} {
		if strings.Contains(page, outside) {
			t.Errorf("the page holds %q: it must need nothing else", outside)
		}
	}
	for _, want := range []string{
		`<html lang="en">`, "<title>Backtest of main, ", "prefers-color-scheme: dark", ">Equity</h2>", ">Drawdown</h2>", ">Weights</h2>",
		"Figures</h2>", "Calendar years</h2>", "Largest trades</h2>", "Parameters</h2>", "next-close", "rsi wilder, stdev-return annualised, SHA-256 ", `scope="row">Total`, `scope="row">only`, "AAA, held",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("%q is missing", want)
		}
	}
	if n := strings.Count(page, `<svg viewBox="0 0 1080 `); n != 3 || strings.Count(page, `role="img" aria-label="`) != n {
		t.Errorf("%d charts, want three with a label each", n)
	}
}

// What is drawn is well-formed, inside its frame, and has a number everywhere.
func TestChartsAreDrawnInsideTheirFrames(t *testing.T) {
	t.Parallel()
	for name, r := range map[string]*backtest.Result{
		"a walk":             runOf(t, config(portfolioOf(t, busy), walk(3))),
		"two days":           runOf(t, func() backtest.Config { c := config(portfolioOf(t, dearer), crossing()); c.To = wed; return c }()),
		"nothing ever moves": runOf(t, config(portfolioOf(t, `(asset "AAA" nil)`), fakeBars{"AAA": weekdays("2024-01-01", "1", "1", "1")})),
		"costs eat it up":    runOf(t, func() backtest.Config { c := config(portfolioOf(t, busy), walk(3)); c.CostBps = d("900"); return c }()),
	} {
		page := report(t, r)
		svgs := regexp.MustCompile(`(?s)<svg .*?</svg>`).FindAllString(page, -1)
		if len(svgs) != 3 {
			t.Fatalf("%s: %d charts", name, len(svgs))
		}
		for _, svg := range svgs {
			for decoder := xml.NewDecoder(strings.NewReader(svg)); ; {
				if _, err := decoder.Token(); err == io.EOF { //nolint:errorlint // the decoder returns it as it is
					break
				} else if err != nil {
					t.Fatalf("%s: %v in %s", name, err, svg)
				}
			}
			for _, word := range []string{"NaN", "Inf", "e+"} {
				if strings.Contains(svg, word) {
					t.Errorf("%s: %s in %s", name, word, svg)
				}
			}
			height := d(regexp.MustCompile(`viewBox="0 0 1080 (\d+)"`).FindStringSubmatch(svg)[1])
			for _, at := range regexp.MustCompile(`[ML](-?[\d.]+) (-?[\d.]+)`).FindAllStringSubmatch(svg, -1) {
				x, y := d(at[1]), d(at[2])
				if x.LessThan(d("76")) || x.GreaterThan(d("1068")) || y.LessThan(d("10")) || y.GreaterThan(height.Sub(d("26"))) {
					t.Fatalf("%s: a point at %s, %s is outside of the frame of height %s", name, x, y, height)
				}
			}
		}
	}
}

func TestNamesAreNoMarkup(t *testing.T) {
	t.Parallel()
	p := load(t, fstest.MapFS{
		"portfolio.yaml":     {Data: []byte("id: main\nstrategies:\n  - {file: \"<b>bold.clj\", weight: 1}\n")},
		"<b>bold.clj":        {Data: []byte(program(dearer))},
		"never mentioned.go": {},
	})
	page := report(t, runOf(t, config(p, crossing())))
	if strings.Contains(page, "<b>") || !strings.Contains(page, "&lt;b&gt;bold") {
		t.Error("the strategy's name is not escaped")
	}
}

func TestTheFilesSayWhatHappened(t *testing.T) {
	t.Parallel()
	cfg := config(portfolioOf(t, dearer), crossing())
	cfg.CostBps = d("10")
	dir := filepath.Join(t.TempDir(), "deep", "out")
	if err := runOf(t, cfg).WriteFolder(dir); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"equity.csv": `date,equity_usd,cash_usd,benchmark_usd,drawdown_percent
2024-01-02,999.00,-1.00,1000.00,0.1000
2024-01-03,999.00,-1.00,1000.00,0.1000
2024-01-04,797.40,-1.60,800.00,20.2599
2024-01-05,318.00,-1.60,800.00,68.1999
2024-01-08,381.16,-0.77,800.00,61.8844
`,
		"weights.csv": `date,cash,AAA,BBB
2024-01-02,-0.001001,1.001001,0.000000
2024-01-03,-0.001001,1.001001,0.000000
2024-01-04,-0.002005,0.000000,1.002005
2024-01-05,-0.005028,0.000000,1.005028
2024-01-08,-0.002008,1.002008,0.000000
`,
	} {
		if got, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(got) != want {
			t.Errorf("%s: %v\n%s\nwant\n%s", name, err, got, want)
		}
	}
	f, err := os.Open(filepath.Join(dir, "trades.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil || len(rows) != 6 {
		t.Fatalf("trades.csv: %v, %v", rows, err)
	}
	head := []string{"date", "symbol", "side", "quantity", "price_usd", "notional_usd", "cost_usd", "slippage_usd", "reason"}
	last := []string{"2024-01-08", "AAA", "buy", "4.7740125", "80", "381.92", "0.3819", "0.0000"}
	if !slices.Equal(rows[0], head) || !slices.Equal(rows[5][:8], last) || rows[5][8] == "" {
		t.Errorf("trades.csv begins with %v and ends with %v, want %v", rows[0], rows[5], last)
	}
}

// The same properties on what is shipped and on real prices.
func TestTheShippedPortfolioDoesNotSeeTheFuture(t *testing.T) {
	t.Parallel()
	for _, fill := range []backtest.Fill{backtest.FillNextClose, backtest.FillSameClose} {
		cfg := shipped(t)
		cfg.Fill, cfg.From, cfg.To = fill, "2019-12-02", "2020-06-30"
		want := runOf(t, cfg)
		const known = market.Date("2020-03-16")
		changed := fakeBars{}
		for _, symbol := range cfg.Bars.Symbols() {
			bars, err := cfg.Bars.Bars(symbol)
			if err != nil {
				t.Fatal(err)
			}
			bars = slices.Clone(bars)
			for i := range bars {
				if bars[i].Date > known { // the future runs backwards
					bars[i].Close = bars[len(bars)-i%500-1].Close.Mul(decimal.New(7, -1))
				}
			}
			changed[symbol] = bars
		}
		cfg.Bars = changed
		got := runOf(t, cfg)
		before, after := until(want, known), until(got, known)
		if len(before.Trades) < 100 || len(before.Trades) != len(after.Trades) || len(before.Days) != len(after.Days) {
			t.Fatalf("%s: %d trades up to %s, then %d", fill, len(before.Trades), known, len(after.Trades))
		}
		for i := range before.Days {
			if !before.Days[i].Equity.Equal(after.Days[i].Equity) || !before.Days[i].Cash.Equal(after.Days[i].Cash) {
				t.Fatalf("%s: another future changes %+v to %+v", fill, before.Days[i], after.Days[i])
			}
		}
		if got.Total.FinalEquityUSD.Equal(want.Total.FinalEquityUSD) {
			t.Errorf("%s: the future was not changed", fill)
		}
	}
}
