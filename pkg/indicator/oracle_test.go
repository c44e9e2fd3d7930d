package indicator_test

import (
	"encoding/csv"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	cinar "github.com/cinar/indicator"
	"gonum.org/v1/gonum/stat"
	"pgregory.net/rapid"

	"github.com/the-alchemiser/alchemiser/pkg/indicator"
)

// oracle computes an indicator at every close by other code than ours: cinar/indicator for moving averages and RSI, gonum
// for means and deviations, and the bare definition where no library has the indicator. NaN is no opinion.
type oracle struct {
	indicator string
	options   indicator.Options
	windows   []int
	values    func(closes []float64, window int) []float64
}

func oracles() []oracle {
	daily := indicator.Options{StdevReturn: indicator.Daily}
	cutler := indicator.Options{RSI: indicator.Cutler}
	windows := []int{2, 3, 14, 60, 200}
	return []oracle{
		{indicator: "moving-average-price", windows: windows, values: func(closes []float64, w int) []float64 { return cinar.Sma(w, closes) }},
		// Both begin with the first close. (Others, cinar/indicator/v2 among them, begin with the mean of the first w.)
		{indicator: "exponential-moving-average-price", windows: windows, values: func(closes []float64, w int) []float64 { return cinar.Ema(w, closes) }},
		{indicator: "rsi", windows: windows, values: wilderFromRest},
		{indicator: "rsi", options: cutler, windows: windows, values: overReturns(cutlerByMeans)},
		{indicator: "stdev-price", windows: windows, values: over(0, func(tail []float64) float64 { return stat.StdDev(tail, nil) })},
		{indicator: "stdev-return", windows: windows, values: overReturns(func(_, returns []float64) float64 {
			return stat.PopStdDev(returns, nil) * math.Sqrt(252)
		})},
		{indicator: "stdev-return", options: daily, windows: windows, values: overReturns(func(_, returns []float64) float64 {
			return stat.PopStdDev(returns, nil)
		})},
		{indicator: "moving-average-return", windows: windows, values: overReturns(func(_, returns []float64) float64 {
			return stat.Mean(returns, nil)
		})},
		{indicator: "cumulative-return", windows: windows, values: overReturns(func(_, returns []float64) float64 {
			growth := 1.0
			for _, r := range returns {
				growth *= 1 + r/100
			}
			return (growth - 1) * 100
		})},
		{indicator: "max-drawdown", windows: windows, values: over(0, worstPair)},
		{indicator: "current-price", windows: []int{0}, values: func(closes []float64, _ int) []float64 { return closes }},
	}
}

// wilderFromRest is the RSI of cinar/indicator on closes that were at rest before their first. Its averages begin with
// simple ones over the first w days, ours with 0; at rest both are 0.
func wilderFromRest(closes []float64, w int) []float64 {
	_, rsi := cinar.RsiPeriod(w, append(slices.Repeat(closes[:1], w), closes...))
	return rsi[w:]
}

// cutlerByMeans is 100·G/(G+L) with simple averages.
func cutlerByMeans(tail, _ []float64) float64 {
	gains, losses := make([]float64, len(tail)-1), make([]float64, len(tail)-1)
	for i := range gains {
		gains[i], losses[i] = max(tail[i+1]-tail[i], 0), max(tail[i]-tail[i+1], 0)
	}
	gain, loss := stat.Mean(gains, nil), stat.Mean(losses, nil)
	return 100 * gain / (gain + loss) // NaN without any change, which we define as 50
}

// worstPair looks at every pair of closes.
func worstPair(tail []float64) float64 {
	worst := 0.0
	for i, peak := range tail {
		for _, p := range tail[i:] {
			worst = max(worst, (1-p/peak)*100)
		}
	}
	return worst
}

// over applies f to the last w+more closes at each close.
func over(more int, f func(tail []float64) float64) func([]float64, int) []float64 {
	return func(closes []float64, w int) []float64 {
		values := slices.Repeat([]float64{math.NaN()}, len(closes))
		for n := w + more; n <= len(closes); n++ {
			if n%stride == 0 {
				values[n-1] = f(closes[n-w-more : n])
			}
		}
		return values
	}
}

// overReturns is over for what needs the last w daily returns in percent.
func overReturns(f func(tail, returns []float64) float64) func([]float64, int) []float64 {
	return over(1, func(tail []float64) float64 {
		returns := make([]float64, len(tail)-1)
		for i := range returns {
			returns[i] = (tail[i+1] - tail[i]) / tail[i] * 100
		}
		return f(tail, returns)
	})
}

// stride is how many closes lie between two that are compared: all would be slow on years of prices.
const stride = 17

// agree compares at every stride-th close and counts what it has compared.
func agree(t interface {
	Helper()
	Fatalf(string, ...any)
}, o oracle, closes []float64, window int,
) (compared int) {
	t.Helper()
	d, ok := o.options.Lookup(o.indicator)
	if !ok {
		t.Fatalf("no %s", o.indicator)
	}
	want := o.values(closes, window)
	for n := stride; n <= len(closes); n += stride {
		got, err := d.Value(closes[:n], window)
		if n < d.BarsNeeded(window) {
			if err == nil {
				t.Fatalf("%s over %d of %d closes = %v, want too little history", o.indicator, window, n, got)
			}
			continue
		}
		if err != nil {
			t.Fatalf("%s over %d of %d closes: %v", o.indicator, window, n, err)
		}
		if w := want[n-1]; !math.IsNaN(w) {
			compared++
			if math.Abs(got-w) > 1e-8*(1+math.Abs(w)) {
				t.Fatalf("%s %v over %d of %d closes = %.12g, the oracle says %.12g", o.indicator, o.options.Map(), window, n, got, w)
			}
		}
	}
	return compared
}

// prices returns the closes of the real symbols, by symbol.
func prices(t *testing.T) map[string][]float64 {
	t.Helper()
	dir := os.Getenv("SHARED_DIR")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared")
	}
	files, err := filepath.Glob(filepath.Join(dir, "data", "bars", "*.csv"))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Skipf("SKIPPED for want of test data: no bars in %s (set SHARED_DIR)", dir)
	}
	out := map[string][]float64{}
	for _, name := range files {
		file, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		rows, err := csv.NewReader(file).ReadAll()
		_ = file.Close()
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range rows[1:] {
			p, err := strconv.ParseFloat(row[1], 64)
			if err != nil {
				t.Fatal(err)
			}
			out[filepath.Base(name)] = append(out[filepath.Base(name)], p)
		}
	}
	return out
}

func TestAgreesWithOraclesOnRealPrices(t *testing.T) {
	t.Parallel()
	all := prices(t)
	for _, o := range oracles() {
		compared := 0
		for _, closes := range all {
			for _, window := range o.windows {
				compared += agree(t, o, closes, window)
			}
		}
		if compared < len(all)*100 {
			t.Errorf("%s: only %d values were compared", o.indicator, compared)
		}
	}
}

func TestAgreesWithOraclesOnAnyPrices(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		closes := rapid.SliceOfN(rapid.Float64Range(0.01, 10_000), 3*stride, 5*stride).Draw(t, "closes")
		o := rapid.SampledFrom(oracles()).Draw(t, "oracle")
		window := rapid.SampledFrom(o.windows).Draw(t, "window")
		agree(t, o, closes, window)
	})
}

// Where an RSI begins does not matter in the end: the one that begins with simple averages over the first w days comes as
// near as you like. This is why the length of the history is recorded with a signal.
func TestBeginningOfRSIFades(t *testing.T) {
	t.Parallel()
	for symbol, closes := range prices(t) {
		for _, window := range []int{2, 14, 60} {
			_, other := cinar.RsiPeriod(window, closes)
			got, err := lookup(t, "rsi").Value(closes, window)
			if err != nil {
				t.Fatal(err)
			}
			if want := other[len(other)-1]; math.Abs(got-want) > 1e-6 {
				t.Errorf("%s: rsi over %d of %d closes = %.10f, begun otherwise it is %.10f", symbol, window, len(closes), got, want)
			}
		}
	}
}
