package indicator_test

import (
	"encoding/binary"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/the-alchemiser/alchemiser/pkg/fault"
	"github.com/the-alchemiser/alchemiser/pkg/indicator"
)

// other has none of the defaults.
var other = indicator.Options{RSI: indicator.Cutler, StdevReturn: indicator.Daily}

// definitions are all indicators with all their definitions.
func definitions() []indicator.Definition {
	all := indicator.All()
	for _, name := range []string{"rsi", "stdev-return"} {
		d, _ := other.Lookup(name)
		all = append(all, d)
	}
	return all
}

func closesOf(t *rapid.T) []float64 {
	return rapid.SliceOfN(rapid.Float64Range(0.01, 10_000), 30, 120).Draw(t, "closes")
}

func value(t *rapid.T, d indicator.Definition, closes []float64, window int) float64 {
	v, err := d.Value(closes, window)
	if err != nil {
		t.Fatalf("%s over %d: %v", d.Name, window, err)
	}
	return v
}

func windowOf(t *rapid.T, d indicator.Definition) int {
	if !d.Windowed {
		return 0
	}
	return rapid.IntRange(2, 29).Draw(t, "window")
}

func TestValuesStayInBounds(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		closes := closesOf(t)
		window := rapid.IntRange(2, 29).Draw(t, "window")
		options := rapid.SampledFrom([]indicator.Options{{}, other}).Draw(t, "options")
		under := func(name string) indicator.Definition {
			d, ok := options.Lookup(name)
			if !ok {
				t.Fatalf("no %s", name)
			}
			return d
		}
		within := func(name string, low, high float64) {
			d := under(name)
			slack := 1e-9 * high
			if v := value(t, d, closes, window); v < low-slack || v > high+slack {
				t.Fatalf("%s = %v, want %v to %v", name, v, low, high)
			}
		}
		tail := closes[len(closes)-window:]
		within("rsi", 0, 100)
		within("max-drawdown", 0, 100)
		within("moving-average-price", slices.Min(tail), slices.Max(tail))
		within("exponential-moving-average-price", slices.Min(closes), slices.Max(closes))
		within("stdev-price", 0, slices.Max(tail))
		within("cumulative-return", -100, math.MaxFloat64/2)
		within("stdev-return", 0, math.MaxFloat64/2)
	})
}

func TestPricesScaleAndRatiosDoNot(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		d := rapid.SampledFrom(definitions()).Draw(t, "indicator")
		closes, window := closesOf(t), windowOf(t, d)
		factor := rapid.Float64Range(0.01, 100).Draw(t, "factor")
		scaled := make([]float64, len(closes))
		for i, c := range closes {
			scaled[i] = c * factor
		}
		want := value(t, d, closes, window)
		if d.Unit == indicator.Price {
			want *= factor
		}
		if got := value(t, d, scaled, window); math.Abs(got-want) > 1e-6*(1+math.Abs(want)) {
			t.Fatalf("%s over %d = %v after scaling by %v, want %v", d.Name, window, got, factor, want)
		}
	})
}

func TestOnlyRecursiveIndicatorsSeeOldBars(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		d := rapid.SampledFrom(definitions()).Draw(t, "indicator")
		closes, window := closesOf(t), windowOf(t, d)
		if d.Recursive {
			return
		}
		tail := closes[len(closes)-d.BarsNeeded(window):]
		if got, want := value(t, d, tail, window), value(t, d, closes, window); got != want {
			t.Fatalf("%s over %d = %v on the bars it needs, %v on all", d.Name, window, got, want)
		}
	})
}

// Whoever computes all values at once gets what whoever computes each alone gets, to the last bit: a value depends on
// nothing that comes later.
func TestSeriesIsValueAtEachClose(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		d := rapid.SampledFrom([]string{"rsi", "exponential-moving-average-price"}).Draw(t, "indicator")
		def, _ := indicator.Lookup(d)
		closes, window := closesOf(t), rapid.IntRange(1, 40).Draw(t, "window")
		all := def.Series(closes[:rapid.IntRange(0, len(closes)).Draw(t, "at first")], window)
		all.Extend(closes[all.Len():])
		for n := range len(closes) + 1 {
			want, wantErr := def.Value(slices.Clone(closes[:n]), window)
			got, err := all.At(n)
			if math.Float64bits(got) != math.Float64bits(want) || (err == nil) != (wantErr == nil) {
				t.Fatalf("%s over %d at %d: %v, %v of the series; %v, %v alone", d, window, n, got, err, want, wantErr)
			}
		}
	})
}

// The closes are the caller's: they are read and not changed, and asking twice gives the same.
func TestValueChangesNothing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		d := rapid.SampledFrom(definitions()).Draw(t, "indicator")
		closes, window := closesOf(t), windowOf(t, d)
		before := slices.Clone(closes)
		first := value(t, d, closes, window)
		if second := value(t, d, closes, window); math.Float64bits(first) != math.Float64bits(second) || !slices.Equal(closes, before) {
			t.Fatalf("%s over %d: %v, then %v", d.Name, window, first, second)
		}
	})
}

// A price that does not move is its own average, has no return, no deviation and no drawdown: exactly, so that it is
// never above or below itself.
func TestPriceAtRest(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		price := rapid.Float64Range(0.0001, 1e6).Draw(t, "price")
		d := rapid.SampledFrom(definitions()).Draw(t, "indicator")
		window := windowOf(t, d)
		want := 0.0
		switch d.Name {
		case "current-price", "moving-average-price", "exponential-moving-average-price":
			want = price
		case "rsi":
			want = 50
		}
		if got := value(t, d, repeat(price, 60), window); got != want {
			t.Fatalf("%s over %d of %v at rest = %v, want exactly %v", d.Name, window, price, got, want)
		}
	})
}

// Gains are losses in the mirror.
func TestRSIOfTheMirrorImage(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		closes := closesOf(t)
		mirror := make([]float64, len(closes))
		for i, c := range closes {
			mirror[i] = 20_000 - c
		}
		options := rapid.SampledFrom([]indicator.Options{{}, other}).Draw(t, "options")
		d, _ := options.Lookup("rsi")
		window := windowOf(t, d)
		if sum := value(t, d, closes, window) + value(t, d, mirror, window); math.Abs(sum-100) > 1e-6 {
			t.Fatalf("%v: rsi over %d and that of the mirror image sum to %v", options.Map(), window, sum)
		}
	})
}

// A longer look back sees no smaller fall.
func TestMaxDrawdownGrowsWithItsWindow(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		d, _ := indicator.Lookup("max-drawdown")
		closes, window := closesOf(t), rapid.IntRange(1, 29).Draw(t, "window")
		if short, long := value(t, d, closes, window), value(t, d, closes, window+1); long < short {
			t.Fatalf("max-drawdown over %d = %v, over %d only %v", window, short, window+1, long)
		}
	})
}

// The return over a window is made of the returns over its parts.
func TestCumulativeReturnsChain(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		d, _ := indicator.Lookup("cumulative-return")
		closes := closesOf(t)
		first, second := rapid.IntRange(1, 14).Draw(t, "first"), rapid.IntRange(1, 14).Draw(t, "second")
		factor := func(closes []float64, window int) float64 { return 1 + value(t, d, closes, window)/100 }
		got, want := factor(closes[:len(closes)-second], first)*factor(closes, second), factor(closes, first+second)
		if math.Abs(got-want) > 1e-9*want {
			t.Fatalf("%d and %d days chain to %v, all of them are %v", first, second, got, want)
		}
	})
}

// Whatever the closes and the window, there is a finite number or an error that says what is wrong.
func FuzzValue(f *testing.F) {
	encode := func(closes ...float64) []byte {
		var b []byte
		for _, c := range closes {
			b = binary.LittleEndian.AppendUint64(b, math.Float64bits(c))
		}
		return b
	}
	f.Add(encode(44.34, 44.09, 44.15, 43.61, 44.33, 44.83), 3)
	f.Add(encode(repeat(7.14, 40)...), 14)
	f.Add(encode(1e-300, 1e300, 5e-324, math.MaxFloat64), 1)
	f.Add(encode(100), 0)
	f.Add(encode(1, 2, 3), -1)
	f.Fuzz(func(t *testing.T, raw []byte, window int) {
		var closes []float64
		for ; len(raw) >= 8; raw = raw[8:] {
			c := math.Float64frombits(binary.LittleEndian.Uint64(raw))
			if !(c > 0) || math.IsInf(c, 1) {
				continue // no price: refused before, by whoever reads it
			}
			closes = append(closes, c)
		}
		for _, d := range definitions() {
			w := window
			if !d.Windowed {
				w = 0
			}
			v, err := d.Value(closes, w)
			if err != nil {
				if fault.CodeOf(err) != fault.Invalid || v != 0 {
					t.Fatalf("%s over %d of %v = %v, %v; want 0 and an invalid fault", d.Name, w, closes, v, err)
				}
				continue
			}
			if math.IsNaN(v) || math.IsInf(v, 0) {
				t.Fatalf("%s over %d of %v = %v without an error", d.Name, w, closes, v)
			}
			if d.Unit == indicator.Index && (v < 0 || v > 100) || d.Name == "max-drawdown" && (v < 0 || v > 100) {
				t.Fatalf("%s over %d of %v = %v, want 0 to 100", d.Name, w, closes, v)
			}
		}
	})
}
