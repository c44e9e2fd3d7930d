package indicator_test

import (
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/the-alchemiser/alchemiser/pkg/fault"
	"github.com/the-alchemiser/alchemiser/pkg/indicator"
)

func lookup(tb testing.TB, name string) indicator.Definition {
	tb.Helper()
	d, ok := indicator.Lookup(name)
	if !ok {
		tb.Fatalf("Lookup(%q) found nothing", name)
	}
	return d
}

func rising(n int) []float64 {
	closes := make([]float64, n)
	for i := range closes {
		closes[i] = float64(100 + i)
	}
	return closes
}

func repeat(v float64, n int) []float64 { return slices.Repeat([]float64{v}, n) }

func TestValueMatchesReference(t *testing.T) {
	t.Parallel()
	five := []float64{100, 102, 101, 103, 105}
	for name, tt := range map[string]struct {
		indicator string
		closes    []float64
		window    int
		want      float64
	}{
		"last close":                        {"current-price", five, 0, 105},
		"moving average":                    {"moving-average-price", five, 3, 103},
		"exponential moving average":        {"exponential-moving-average-price", five, 3, 103.5},
		"mean daily return":                 {"moving-average-return", five, 3, 0.98051781},
		"cumulative return":                 {"cumulative-return", []float64{100, 102, 98, 105, 110}, 2, 12.2448979},
		"sample deviation of prices":        {"stdev-price", []float64{100, 102, 98, 105, 103, 110}, 3, 3.60555127},
		"drawdown":                          {"max-drawdown", []float64{100, 105, 98, 102, 95, 110}, 3, 6.86274509},
		"only gains":                        {"rsi", rising(20), 14, 100},
		"no change":                         {"rsi", repeat(7.14, 20), 14, 50},
		"only losses":                       {"rsi", []float64{5, 4, 3}, 2, 0},
		"gains and losses by hand":          {"rsi", []float64{10, 12, 11}, 2, 50},
		"window 1 sees only the last day":   {"rsi", []float64{10, 9, 11}, 1, 100},
		"a price at rest is at its average": {"moving-average-price", repeat(7.14, 33), 33, 7.14},
		"population deviation, annualised":  {"stdev-return", []float64{100, 110, 99}, 2, 10 * math.Sqrt(252)},
		"Wilder's smoothing by hand":        {"rsi", []float64{10, 12, 11, 14}, 2, 87.5},         // G = 7/4, L = 1/4
		"Wilder's smoothing sees old days":  {"rsi", []float64{20, 10, 12, 11, 14}, 2, 200. / 3}, // L has 10/2·(1/2)³ more
		"average of one day":                {"exponential-moving-average-price", five, 1, 105},
		"exponential average by hand":       {"exponential-moving-average-price", []float64{1, 2, 4}, 2, 29. / 9}, // a = 2/3
		"return of one day":                 {"moving-average-return", []float64{100, 110, 99}, 1, -10},
		"mean of a gain and a loss":         {"moving-average-return", []float64{100, 110, 99}, 2, 0},
		"no deviation on one day":           {"stdev-return", []float64{100, 110, 99}, 1, 0},
		"deviation of two prices":           {"stdev-price", []float64{1, 3}, 2, math.Sqrt2},
		"no fall on one day":                {"max-drawdown", []float64{100, 50}, 1, 0},
		"the fall before the window":        {"max-drawdown", []float64{100, 50, 60, 54}, 3, 10},
		"the second fall is greater":        {"max-drawdown", []float64{100, 90, 120, 90}, 4, 25},
		"a loss of all but a little":        {"cumulative-return", []float64{100, 1}, 1, -99},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := lookup(t, tt.indicator).Value(tt.closes, tt.window)
			if err != nil {
				t.Fatalf("Value: %v", err)
			}
			if math.Abs(got-tt.want) > 1e-7 {
				t.Errorf("%s over %d of %v = %.10f, want %.10f", tt.indicator, tt.window, tt.closes, got, tt.want)
			}
		})
	}
}

func TestOptionsChooseTheDefinition(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		options   indicator.Options
		indicator string
		closes    []float64
		want      float64
		unit      indicator.Unit
		recursive bool
	}{
		"rsi by default":            {indicator.Options{}, "rsi", []float64{20, 10, 12, 11, 14}, 200. / 3, indicator.Index, true},
		"rsi of Wilder":             {indicator.Options{RSI: indicator.Wilder}, "rsi", []float64{20, 10, 12, 11, 14}, 200. / 3, indicator.Index, true},
		"rsi of Cutler":             {indicator.Options{RSI: indicator.Cutler}, "rsi", []float64{20, 10, 12, 11, 14}, 75, indicator.Index, false},
		"rsi of Cutler, no loss":    {indicator.Options{RSI: indicator.Cutler}, "rsi", []float64{20, 10, 12, 14}, 100, indicator.Index, false},
		"rsi of Cutler, no change":  {indicator.Options{RSI: indicator.Cutler}, "rsi", []float64{20, 10, 10, 10}, 50, indicator.Index, false},
		"deviation by default":      {indicator.Options{}, "stdev-return", []float64{7, 100, 110, 99}, 10 * math.Sqrt(252), indicator.PercentPerYear, false},
		"deviation a year":          {indicator.Options{StdevReturn: indicator.Annualised}, "stdev-return", []float64{7, 100, 110, 99}, 10 * math.Sqrt(252), indicator.PercentPerYear, false},
		"deviation a day":           {indicator.Options{StdevReturn: indicator.Daily}, "stdev-return", []float64{7, 100, 110, 99}, 10, indicator.PercentPerDay, false},
		"the other option is apart": {indicator.Options{RSI: indicator.Cutler}, "stdev-return", []float64{7, 100, 110, 99}, 10 * math.Sqrt(252), indicator.PercentPerYear, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, ok := tt.options.Lookup(tt.indicator)
			if !ok || d.Unit != tt.unit || d.Recursive != tt.recursive {
				t.Fatalf("Lookup = %+v, %v; want %s, recursive %v", d, ok, tt.unit, tt.recursive)
			}
			if got, err := d.Value(tt.closes, 2); err != nil || math.Abs(got-tt.want) > 1e-9 {
				t.Errorf("Value = %.12f, %v; want %.12f", got, err, tt.want)
			}
		})
	}
}

func TestOptionsAreCheckedAndTold(t *testing.T) {
	t.Parallel()
	for want, o := range map[string]indicator.Options{
		`rsi: "Wilder", want wilder or cutler`:                 {RSI: "Wilder"},
		`stdev-return: "annualized", want annualised or daily`: {StdevReturn: "annualized"},
	} {
		if err := o.Check(); err == nil || err.Error() != want || fault.CodeOf(err) != fault.Invalid {
			t.Errorf("Check = %v, want %s", err, want)
		}
	}
	for _, o := range []indicator.Options{{}, {RSI: indicator.Wilder, StdevReturn: indicator.Annualised}} {
		if m := o.Map(); o.Check() != nil || m["rsi"] != "wilder" || m["stdev-return"] != "annualised" || len(m) != 2 {
			t.Errorf("%+v: Map = %v, Check = %v; want the defaults", o, m, o.Check())
		}
	}
	if m := other.Map(); other.Check() != nil || m["rsi"] != "cutler" || m["stdev-return"] != "daily" {
		t.Errorf("%+v: Map = %v, Check = %v", other, m, other.Check())
	}
}

func TestTooLittleHistoryNamesWhatIsMissing(t *testing.T) {
	t.Parallel()
	for name, needed := range map[string]int{
		"current-price": 1, "moving-average-price": 5, "exponential-moving-average-price": 5, "cumulative-return": 6,
		"moving-average-return": 6, "stdev-return": 6, "stdev-price": 5, "max-drawdown": 5, "rsi": 6,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := lookup(t, name)
			window := 5
			if !d.Windowed {
				window = 0
			}
			if got := d.BarsNeeded(window); got != needed {
				t.Errorf("BarsNeeded(%d) = %d, want %d", window, got, needed)
			}
			if _, err := d.Value(rising(needed), window); err != nil {
				t.Errorf("Value of %d bars: %v", needed, err)
			}
			_, err := d.Value(rising(needed-1), window)
			var short *indicator.HistoryError
			if !errors.As(err, &short) || short.Needed != needed || short.Present != needed-1 || short.Indicator != name {
				t.Fatalf("Value of %d bars = %v, want a HistoryError", needed-1, err)
			}
			if fault.CodeOf(err) != fault.Invalid {
				t.Errorf("code is %s, want invalid", fault.CodeOf(err))
			}
		})
	}
}

func TestHistoryErrorSaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	for want, e := range map[string]indicator.HistoryError{
		"rsi with window 14 needs 15 bars of history, there are 6: 9 are missing":    {Indicator: "rsi", Window: 14, Needed: 15, Present: 6},
		"rsi of SPY with window 1 needs 2 bars of history, there is 1: 1 is missing": {Symbol: "SPY", Indicator: "rsi", Window: 1, Needed: 2, Present: 1},
		"rsi of SPY with window 4 needs 5 bars of history, there are 2; the first usable day is 2024-11-29": {
			Symbol: "SPY", Indicator: "rsi", Window: 4, Needed: 5, Present: 2, FirstUsable: "2024-11-29",
		},
		"a holding of SPYY needs 1 bar of history, there are 0: 1 is missing": {Symbol: "SPYY", Indicator: "a holding", Needed: 1},
	} {
		if e.Error() != want {
			t.Errorf("Error = %s\nwant    %s", e.Error(), want)
		}
	}
}

func TestImpossibleWindowIsRefused(t *testing.T) {
	t.Parallel()
	for name, window := range map[string]int{
		"rsi": 0, "moving-average-price": -1, "current-price": 3, "stdev-price": 1, "max-drawdown": indicator.MaxWindow + 1,
	} {
		if _, err := lookup(t, name).Value(rising(20), window); fault.CodeOf(err) != fault.Invalid {
			t.Errorf("%s with window %d: %v, want an invalid fault", name, window, err)
		}
	}
}

func TestValueThatIsNoNumberIsRefused(t *testing.T) {
	t.Parallel()
	if v, err := lookup(t, "cumulative-return").Value([]float64{1e-300, 1e300}, 1); err == nil {
		t.Errorf("Value = %v, want an error", v)
	}
}

func TestAllIsSortedForLookup(t *testing.T) {
	t.Parallel()
	for _, d := range indicator.All() {
		if got := lookup(t, d.Name); got.Name != d.Name {
			t.Errorf("Lookup(%q) = %q", d.Name, got.Name)
		}
	}
	if _, ok := indicator.Lookup("relative-strength"); ok {
		t.Error("Lookup found an indicator that does not exist")
	}
}
