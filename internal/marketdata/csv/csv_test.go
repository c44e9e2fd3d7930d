package csv_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"

	"github.com/the-alchemiser/alchemiser/internal/marketdata/csv"
	"github.com/the-alchemiser/alchemiser/internal/strategy"
	"github.com/the-alchemiser/alchemiser/pkg/fault"
	"github.com/the-alchemiser/alchemiser/pkg/market"
	"github.com/the-alchemiser/alchemiser/pkg/symphony"
)

const full = "date,open,high,low,close,volume\n"

func TestDecodeReadsBothHeaders(t *testing.T) {
	t.Parallel()
	d := decimal.RequireFromString
	for name, tt := range map[string]struct {
		text string
		want []market.Bar
	}{
		"closes": {"date,close\n2024-11-27,100.25\r\n2024-11-29,101\n", []market.Bar{
			{Date: "2024-11-27", Open: d("100.25"), High: d("100.25"), Low: d("100.25"), Close: d("100.25")},
			{Date: "2024-11-29", Open: d("101"), High: d("101"), Low: d("101"), Close: d("101")},
		}},
		"mark and line ends of a spreadsheet": {"\ufeffdate,close\r\n2024-11-27,100\r\n2024-11-29,101\r\n", []market.Bar{
			{Date: "2024-11-27", Open: d("100"), High: d("100"), Low: d("100"), Close: d("100")},
			{Date: "2024-11-29", Open: d("101"), High: d("101"), Low: d("101"), Close: d("101")},
		}},
		"a weekend, a holiday and a closure are no gaps": {"date,close\n2018-12-04,1\n2018-12-06,1\n2018-12-07,1\n2018-12-10,1\n", []market.Bar{
			{Date: "2018-12-04", Open: d("1"), High: d("1"), Low: d("1"), Close: d("1")},
			{Date: "2018-12-06", Open: d("1"), High: d("1"), Low: d("1"), Close: d("1")},
			{Date: "2018-12-07", Open: d("1"), High: d("1"), Low: d("1"), Close: d("1")},
			{Date: "2018-12-10", Open: d("1"), High: d("1"), Low: d("1"), Close: d("1")},
		}},
		"days before the calendar is certain": {"date,close\n1994-04-26,1\n1994-04-28,1\n", []market.Bar{
			{Date: "1994-04-26", Open: d("1"), High: d("1"), Low: d("1"), Close: d("1")},
			{Date: "1994-04-28", Open: d("1"), High: d("1"), Low: d("1"), Close: d("1")},
		}},
		"whole bars": {full + "2024-11-29,10,12.5,9,11,1000", []market.Bar{
			{Date: "2024-11-29", Open: d("10"), High: d("12.5"), Low: d("9"), Close: d("11"), Volume: d("1000")},
		}},
	} {
		got, err := csv.Decode("SPY.csv", strings.NewReader(tt.text))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestDecodeRefusesWithFileAndLine(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ text, want string }{
		"empty":              {"", "SPY.csv: empty file"},
		"only a header":      {"date,close\n", "SPY.csv: no line after the header"},
		"other header":       {"Date,Close\n", `SPY.csv:1: header "Date,Close"; want date,close or date,open,high,low,close,volume`},
		"no header":          {"2024-11-29,5\n", "SPY.csv:1: header"},
		"too many columns":   {"date,close\n2024-11-29,5,6\n", "SPY.csv:2: 3 columns; want 2"},
		"too few columns":    {full + "2024-11-29,5\n", "SPY.csv:2: 2 columns; want 6"},
		"bad date":           {"date,close\n29.11.2024,5\n", `SPY.csv:2: date "29.11.2024": want YYYY-MM-DD`},
		"date twice":         {"date,close\n2024-11-29,5\n2024-11-29,5\n", "SPY.csv:3: second line of 2024-11-29; want one a date"},
		"newest first":       {"date,close\n2024-11-29,5\n\n2024-11-27,5\n", "SPY.csv:4: 2024-11-27 after 2024-11-29; want the oldest first"},
		"gap":                {"date,close\n2024-11-26,5\n2024-11-29,5\n", "SPY.csv:3: 2024-11-29 after 2024-11-26; want a line for each session, as that of 2024-11-27"},
		"gap of a year":      {"date,close\n2023-11-24,5\n2024-11-29,5\n", "as that of 2023-11-27"},
		"NaN":                {"date,close\n2024-11-29,NaN\n", `SPY.csv:2: close "NaN"; want a plain number above 0`},
		"infinite":           {"date,close\n2024-11-29,Inf\n", `close "Inf"`},
		"no price":           {"date,close\n2024-11-29,\n", `close ""`},
		"price 0":            {"date,close\n2024-11-29,0.00\n", `close "0.00"`},
		"price below 0":      {"date,close\n2024-11-29,-5\n", `close "-5"`},
		"exponent":           {"date,close\n2024-11-29,1e9\n", `close "1e9"`},
		"space":              {"date,close\n2024-11-29, 5\n", `close " 5"`},
		"endless price":      {"date,close\n2024-11-29," + strings.Repeat("9", 33) + "\n", "want a plain number"},
		"two points":         {"date,close\n2024-11-29,1.2.3\n", `close "1.2.3"`},
		"volume below 0":     {full + "2024-11-29,10,12,9,11,-1\n", `SPY.csv:2: volume "-1"; want a plain number, 0 or more`},
		"high below close":   {full + "2024-11-29,10,10,9,11,1\n", "SPY.csv:2: open 10, high 10, low 9, close 11; want the high on top"},
		"low above open":     {full + "2024-11-29,10,12,11,11,1\n", "want the high on top and the low below"},
		"quote without end":  {"date,close\n\"2024-11-29,5\n", "SPY.csv:2:"},
		"second bad of many": {"date,close\n2024-11-27,5\n2024-11-29,x\n", "SPY.csv:3:"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := csv.Decode("SPY.csv", strings.NewReader(tt.text))
			if err == nil || !strings.Contains(err.Error(), tt.want) || fault.CodeOf(err) != fault.Invalid {
				t.Errorf("Decode = %v (%s)\nwant %s", err, fault.CodeOf(err), tt.want)
			}
		})
	}
}

func folder() fstest.MapFS {
	return fstest.MapFS{
		"SPY.csv":   {Data: []byte("date,close\n2024-11-27,600\n2024-11-29,604\n")},
		"BRK.B.csv": {Data: []byte("date,close\n2024-11-26,480\n2024-11-27,481\n")},
		"README.md": {Data: []byte("not bars")},
	}
}

func TestLoadServesAFolder(t *testing.T) {
	t.Parallel()
	s, err := csv.Load(folder(), "bars")
	if err != nil {
		t.Fatalf("Load: %v", err)
	}
	if diff := cmp.Diff([]string{"BRK.B", "SPY"}, s.Symbols()); diff != "" {
		t.Errorf("Symbols (-want +got):\n%s", diff)
	}
	if s.LastDate() != "2024-11-29" {
		t.Errorf("LastDate = %s, want the latest of all symbols", s.LastDate())
	}
	got, err := s.DailyBars(t.Context(), []string{"SPY", "BRK.B"}, "2024-11-28")
	if err != nil {
		t.Fatalf("DailyBars: %v", err)
	}
	if len(got["SPY"]) != 1 || len(got["BRK.B"]) != 2 || got["SPY"][0].Date != "2024-11-27" {
		t.Errorf("DailyBars up to 2024-11-28 = %v", got)
	}
	got, err = s.DailyBars(t.Context(), []string{"SPY"}, "2024-01-01")
	if bars, ok := got["SPY"]; err != nil || !ok || len(bars) != 0 {
		t.Errorf("DailyBars before the first = %v, %v; want SPY with no bars", got, err)
	}
	_, err = s.DailyBars(t.Context(), []string{"X", "SPY", "Y"}, "2024-11-28")
	if fault.CodeOf(err) != fault.Invalid || !strings.Contains(err.Error(), "X.csv") || !strings.Contains(err.Error(), "Y.csv") {
		t.Errorf("DailyBars of unknown symbols = %v, want both named", err)
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.DailyBars(cancelled, []string{"SPY"}, "2024-11-28"); !errors.Is(err, context.Canceled) {
		t.Errorf("DailyBars after cancellation = %v", err)
	}
}

// Only what is asked for is read, and all that is missing is said at once.
func TestLoadReadsTheNamedSymbols(t *testing.T) {
	t.Parallel()
	files := folder()
	files["BAD.csv"] = &fstest.MapFile{Data: []byte("date,close\n2024-11-29,abc\n")}
	s, err := csv.Load(files, "bars", "SPY", "SPY")
	if err != nil || !slices.Equal(s.Symbols(), []string{"SPY"}) {
		t.Fatalf("Load of SPY: %v", err)
	}
	_, err = csv.Load(files, "bars", "SPY", "X", "BAD", "Y")
	if fault.CodeOf(err) != fault.Invalid || !strings.Contains(err.Error(), "no bars of X, Y: bars holds no such SYMBOL.csv") {
		t.Errorf("Load of unknown symbols = %v, want both named", err)
	}
}

func TestAppendingToServedBarsLeavesTheSourceAlone(t *testing.T) {
	t.Parallel()
	s, err := csv.Load(folder(), "bars")
	if err != nil {
		t.Fatal(err)
	}
	got, _ := s.DailyBars(t.Context(), []string{"SPY"}, "2024-11-27")
	_ = append(got["SPY"], market.Bar{Date: "2099-01-01"})
	if all, _ := s.Bars("SPY"); all[1].Date != "2024-11-29" {
		t.Errorf("the source now holds %v", all)
	}
}

func TestLoadNamesEveryFaultyFile(t *testing.T) {
	t.Parallel()
	files := folder()
	files["spy.csv"] = &fstest.MapFile{}
	files["GE.csv"] = &fstest.MapFile{Data: []byte("date,close\n2024-11-29,abc\n")}
	files["T.csv"] = &fstest.MapFile{}
	_, err := csv.Load(files, "bars")
	for _, want := range []string{"bars/spy.csv: the name is not a symbol", "bars/GE.csv:2: close", "bars/T.csv: empty file"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Load = %v\nwant %s", err, want)
		}
	}
	for i := range 30 {
		files[fmt.Sprintf("bad%d.csv", i)] = &fstest.MapFile{}
	}
	if _, err = csv.Load(files, "bars"); len(strings.Split(err.Error(), "\n")) != 11 {
		t.Errorf("33 faulty files make %v, want ten and how many more", err)
	}
}

func TestOpenSaysWhatIsWrongWithAFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		filepath.Join(dir, "nowhere"): "no such file", file: "is not a folder", dir: "holds no SYMBOL.csv",
	} {
		if _, err := csv.Open(path); fault.CodeOf(err) != fault.Invalid || !strings.Contains(err.Error(), want) {
			t.Errorf("Open(%s) = %v, want %s", path, err, want)
		}
	}
}

// shared returns the folder of test data that lies beside the checkout.
func shared(t testing.TB, name string) string {
	t.Helper()
	dir := os.Getenv("SHARED_DIR")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "..", "shared")
	}
	path := filepath.Join(dir, name)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("SKIPPED for want of test data: %v (set SHARED_DIR)", err)
	}
	return path
}

func TestShippedStrategiesRunOnRealPrices(t *testing.T) {
	t.Parallel()
	prices, err := csv.Open(shared(t, "data/bars"))
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	p, err := strategy.LoadPortfolio(os.DirFS("../../../strategies"))
	if err != nil {
		t.Fatalf("LoadPortfolio: %v", err)
	}
	bars, err := prices.DailyBars(t.Context(), p.Symbols(), prices.LastDate())
	if err != nil {
		t.Fatalf("DailyBars: %v", err)
	}
	h, err := symphony.NewHistory(bars)
	if err != nil {
		t.Fatalf("NewHistory: %v", err)
	}
	spy := bars["SPY"]
	held := map[string]bool{}
	days := spy[len(spy)-1000:]
	for i, bar := range days[:len(days)-1] {
		weights, signals, err := p.Signals(h, bar.Date, days[i+1].Date)
		if err != nil {
			t.Fatalf("Signals as of %s: %v", bar.Date, err)
		}
		sum := decimal.Zero
		for symbol, w := range weights {
			sum = sum.Add(w)
			held[symbol] = true
		}
		if !sum.Equal(decimal.NewFromInt(1)) {
			t.Fatalf("weights as of %s sum to %s", bar.Date, sum)
		}
		for _, s := range signals {
			if len(s.Reasons) == 0 {
				t.Fatalf("%s gave no reason as of %s", s.Strategy, bar.Date)
			}
		}
	}
	if len(held) < 12 {
		t.Errorf("in four years only %d symbols were held: %v; want every branch to matter", len(held), held)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte("date,close\n2024-11-27,100.25\n2024-11-29,101\n"))
	f.Add([]byte(full + "2024-11-29,10,12.5,9,11,1000\n"))
	f.Add([]byte("date,close\n\"2024-11-29\",.5\n"))
	f.Add([]byte("\ufeffdate,close\r\n2024-11-29,5\r\n"))
	f.Add([]byte("date,close\n0001-01-01,5\n9999-12-31,5\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		bars, err := csv.Decode("F.csv", bytes.NewReader(raw))
		if err != nil {
			if fault.CodeOf(err) != fault.Invalid || !strings.HasPrefix(err.Error(), "F.csv") {
				t.Fatalf("Decode(%q) = %v, want an invalid fault that names the file", raw, err)
			}
			return
		}
		text := full
		for _, b := range bars {
			text += fmt.Sprintf("%s,%s,%s,%s,%s,%s\n", b.Date, b.Open, b.High, b.Low, b.Close, b.Volume)
		}
		again, err := csv.Decode("F.csv", strings.NewReader(text))
		if err != nil {
			t.Fatalf("accepted %q, refused the same bars %q: %v", raw, text, err)
		}
		if diff := cmp.Diff(bars, again); diff != "" {
			t.Fatalf("bars changed on the way:\n%s", diff)
		}
	})
}
