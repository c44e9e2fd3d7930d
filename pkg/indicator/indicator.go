// Package indicator computes technical indicators on daily closes.
//
// Every function takes closes adjusted for splits and dividends, oldest first, and computes in float64: indicators
// decide, they are never money. An indicator has one definition, written at its function, no default window, and no
// placeholder: too little history is an error. docs/strategies.md gives the definitions with their sources.
package indicator

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/the-alchemiser/alchemiser/pkg/fault"
	"github.com/the-alchemiser/alchemiser/pkg/market"
)

// MaxWindow is the greatest window, forty years of trading days; it bounds the memory that a program can ask for.
const MaxWindow = 10_000

// Unit is what a value is measured in.
type Unit string

// The units.
const (
	Price          Unit = "price"            // US dollars
	Percent        Unit = "percent"          // 5 means 5 %
	PercentPerDay  Unit = "percent per day"  // of daily returns
	PercentPerYear Unit = "percent per year" // annualised with 252 trading days
	Index          Unit = "index"            // 0 to 100
)

// Definition is one indicator. Get it from Lookup or All; it is a value and safe for concurrent use.
type Definition struct {
	// Name is the indicator's name in symphonies, such as "moving-average-price".
	Name string
	// Label is its name for people, such as "moving average".
	Label string
	Unit  Unit
	// Windowed says that the indicator has a window; without one the window is 0.
	Windowed bool
	// MinWindow is the least window, if there is one; MaxWindow is the greatest of all.
	MinWindow int
	// Recursive says that the value depends on all history that there is, not only on the last BarsNeeded closes.
	Recursive bool

	beyond int // bars needed beyond the window
	// compute returns the value at the last of closes. A recursive indicator has steps instead: each close after the
	// other, oldest first, yields the value at it.
	compute func(closes []float64, window int) float64
	steps   func(window int) (step func(price float64) float64)
}

// All returns every indicator as it is by default, sorted by name.
func All() []Definition { return Options{}.All() }

// Lookup returns the indicator called name as it is by default.
func Lookup(name string) (Definition, bool) { return Options{}.Lookup(name) }

// All returns every indicator under o, sorted by name.
func (o Options) All() []Definition {
	return []Definition{
		cumulativeReturnDefinition(),
		currentPriceDefinition(),
		exponentialMovingAverageDefinition(),
		maxDrawdownDefinition(),
		movingAveragePriceDefinition(),
		movingAverageReturnDefinition(),
		o.RSI.definition(),
		stdevPriceDefinition(),
		o.StdevReturn.definition(),
	}
}

// Lookup returns the indicator called name under o.
func (o Options) Lookup(name string) (Definition, bool) {
	all := o.All()
	i, ok := slices.BinarySearchFunc(all, name, func(d Definition, name string) int { return strings.Compare(d.Name, name) })
	if !ok {
		return Definition{}, false
	}
	return all[i], true
}

// CheckWindow returns a fault.Invalid error if the indicator cannot have the window.
func (d Definition) CheckWindow(window int) error {
	switch {
	case !d.Windowed && window != 0:
		return fault.New(fault.Invalid, "%s: window %d, want none", d.Name, window)
	case d.Windowed && (window < d.MinWindow || window > MaxWindow):
		return fault.New(fault.Invalid, "%s: window %d, want %d to %d", d.Name, window, d.MinWindow, MaxWindow)
	}
	return nil
}

// BarsNeeded returns the number of closes without which there is no value.
func (d Definition) BarsNeeded(window int) int { return window + d.beyond }

// Value returns the indicator at the last of closes, oldest first, each above 0. It returns a fault.Invalid error for a
// window that the indicator cannot have, a *HistoryError for too few closes, and a fault.Invalid error for closes that
// make no finite value.
func (d Definition) Value(closes []float64, window int) (float64, error) {
	if err := d.CheckWindow(window); err != nil {
		return 0, err
	}
	if need := d.BarsNeeded(window); len(closes) < need {
		return 0, &HistoryError{Indicator: d.Name, Window: window, Needed: need, Present: len(closes)}
	}
	if d.Recursive {
		step, v := d.steps(window), 0.0
		for _, price := range closes {
			v = step(price)
		}
		return d.finite(v, window)
	}
	return d.finite(d.compute(closes, window), window)
}

// Series is the values of a recursive indicator at every close of one history. As long as it is not extended it is safe
// for concurrent use.
type Series struct {
	def    Definition
	window int
	needed int
	step   func(price float64) float64
	values []float64
}

// Series computes the values at all closes, oldest first, in one pass. The value at one of them depends on it and
// those before it alone, and is to the last bit what Value returns for them. Call it for a recursive indicator and a
// window that CheckWindow accepts.
func (d Definition) Series(closes []float64, window int) *Series {
	s := &Series{def: d, window: window, needed: d.BarsNeeded(window), step: d.steps(window)}
	s.values = make([]float64, 0, len(closes))
	s.Extend(closes)
	return s
}

// Len returns the number of closes that there are values at.
func (s *Series) Len() int { return len(s.values) }

// Extend computes the values at closes that follow those before.
func (s *Series) Extend(closes []float64) {
	for _, price := range closes {
		s.values = append(s.values, s.step(price))
	}
}

// At returns what Value returns for the first n closes.
func (s *Series) At(n int) (float64, error) {
	if n < s.needed {
		return 0, &HistoryError{Indicator: s.def.Name, Window: s.window, Needed: s.needed, Present: n}
	}
	return s.def.finite(s.values[n-1], s.window)
}

func (d *Definition) finite(v float64, window int) (float64, error) {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return 0, fault.New(fault.Invalid, "%s over %d bars: the closes make no finite value", d.Name, window)
	}
	return v, nil
}

// HistoryError says that there are too few bars for an indicator. Its code is fault.Invalid.
type HistoryError struct {
	// Symbol is empty if whoever computed the value did not know it.
	Symbol string
	// Indicator is what needs the bars: the name of an indicator, or "a holding".
	Indicator string
	Window    int
	Needed    int
	Present   int
	// FirstUsable is the date as of which there are bars enough, if the history reaches that far and whoever computed the
	// value knows it.
	FirstUsable market.Date
}

// Error implements error.
func (e *HistoryError) Error() string {
	of, window := "", ""
	if e.Symbol != "" {
		of = " of " + e.Symbol
	}
	if e.Window > 0 {
		window = fmt.Sprintf(" with window %d", e.Window)
	}
	missing := fmt.Sprintf(": %d are missing", e.Needed-e.Present)
	switch {
	case e.FirstUsable != "":
		missing = fmt.Sprintf("; the first usable day is %s", e.FirstUsable)
	case e.Needed-e.Present == 1:
		missing = ": 1 is missing"
	}
	there := fmt.Sprintf("there are %d", e.Present)
	if e.Present == 1 {
		there = "there is 1"
	}
	return fmt.Sprintf("%s%s%s needs %s of history, %s%s", e.Indicator, of, window, bars(e.Needed), there, missing)
}

func bars(n int) string {
	if n == 1 {
		return "1 bar"
	}
	return fmt.Sprintf("%d bars", n)
}

// Code implements the interface that fault.CodeOf reads.
func (e *HistoryError) Code() fault.Code { return fault.Invalid }
