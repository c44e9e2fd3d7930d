package events

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/the-alchemiser/alchemiser/pkg/market"
)

// invalid returns a *InvalidError with one field.
func invalid(t Type, path, format string, args ...any) error {
	return &InvalidError{Type: t, Fields: []FieldError{{Path: path, Problem: fmt.Sprintf(format, args...)}}}
}

// faults collects what is wrong with an event, so that one error can name all of it.
type faults struct{ fields []FieldError }

// err returns what was collected as a *InvalidError, or nil.
func (fs *faults) err(t Type) error {
	if len(fs.fields) == 0 {
		return nil
	}
	return &InvalidError{Type: t, Fields: fs.fields}
}

// root is the place "$".
func (fs *faults) root() place { return place{faults: fs, path: "$"} }

// place is one object of the event; its checks add to the faults. Paths are built for faults alone: a valid event pays
// for none.
type place struct {
	faults *faults
	path   string
}

// item is the place of the i-th element of the list name.
func (p place) item(name string, i int) place {
	return place{faults: p.faults, path: p.path + "." + name + "[" + strconv.Itoa(i) + "]"}
}

func (p place) add(name, format string, args ...any) {
	p.faults.fields = append(p.faults.fields, FieldError{Path: p.path + member(name), Problem: fmt.Sprintf(format, args...)})
}

// member returns the step of a path to name: ".name", or `["name"]` if it would be ambiguous.
func member(name string) string {
	plain := strings.IndexFunc(name, func(r rune) bool {
		return r != '_' && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9')
	}) < 0
	if plain && name != "" {
		return "." + name
	}
	return fmt.Sprintf("[%q]", name)
}

func (p place) text(name, s string) {
	if strings.TrimSpace(s) == "" {
		p.add(name, "is empty")
	}
}

func (p place) moment(name string, t time.Time) {
	if t.IsZero() {
		p.add(name, "is the zero time")
	}
}

func (p place) date(name string, d market.Date) {
	if _, err := market.ParseDate(string(d)); err != nil {
		p.add(name, "is %q, want a date such as \"2026-03-02\"", string(d))
	}
}

// optionalDate is date for fields that may be absent.
func (p place) optionalDate(name string, d market.Date) {
	if d != "" {
		p.date(name, d)
	}
}

func (p place) positive(name string, d decimal.Decimal) {
	if !d.IsPositive() {
		p.add(name, "is %s, want more than 0", d)
	}
}

func (p place) notNegative(name string, d decimal.Decimal) {
	if d.IsNegative() {
		p.add(name, "is %s, want 0 or more", d)
	}
}

// share wants 0 <= d <= 1.
func (p place) share(name string, d decimal.Decimal) {
	if d.IsNegative() || d.GreaterThan(one()) {
		p.add(name, "is %s, want 0 to 1", d)
	}
}

// count wants a list of least to most elements.
func (p place) count(name string, n, least, most int) {
	if n < least || n > most {
		p.add(name, "has %d elements, want %d to %d", n, least, most)
	}
}

// atLeast wants n >= least.
func (p place) atLeast(name string, n, least int) {
	if n < least {
		p.add(name, "is %d, want %d or more", n, least)
	}
}

// weights wants at least one symbol, each with a share of 0 to 1, and returns their sum.
func (p place) weights(name string, weights map[string]decimal.Decimal) decimal.Decimal {
	if len(weights) == 0 {
		p.add(name, "is empty")
	}
	in := place{faults: p.faults, path: p.path + "." + name}
	sum := decimal.Zero
	for _, symbol := range slices.Sorted(maps.Keys(weights)) {
		w := weights[symbol]
		if strings.TrimSpace(symbol) == "" {
			in.add(symbol, "is a weight without a symbol")
		}
		in.share(symbol, w)
		sum = sum.Add(w)
	}
	return sum
}

// unique wants no symbol twice; name is the list that the symbols come from.
func (p place) unique(name string, seen map[string]int, symbol string, i int) {
	if first, ok := seen[symbol]; ok {
		p.add("symbol", "is %q, as in %s[%d]: want each symbol once", symbol, name, first)
		return
	}
	seen[symbol] = i
}

func oneOf[T ~string](p place, name string, got T, want ...T) {
	if !slices.Contains(want, got) {
		p.add(name, "is %q, want one of %q", got, want)
	}
}

func one() decimal.Decimal { return decimal.NewFromInt(1) }
