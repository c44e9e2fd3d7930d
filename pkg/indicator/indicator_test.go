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

func TestPriceAtRestEqualsItsAverageExactly(t *testing.T) {
	t.Parallel()
	got, err := lookup(t, "moving-average-price").Value(repeat(7.14, 33), 33)
	if err != nil || got != 7.14 {
		t.Errorf("Value = %v, %v; want exactly 7.14", got, err)
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
