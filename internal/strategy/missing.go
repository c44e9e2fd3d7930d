package strategy

import (
	"fmt"
	"strings"

	"github.com/the-alchemiser/alchemiser/pkg/fault"
	"github.com/the-alchemiser/alchemiser/pkg/market"
	"github.com/the-alchemiser/alchemiser/pkg/symphony"
)

// MissingBarsError lists every symbol that the strategies hold or look at and that has no bar up to a date. Its code is
// fault.Invalid.
type MissingBarsError struct {
	AsOf market.Date
	// Symbols are in alphabetical order. FirstDates has the first bar of those that have later ones.
	Symbols    []string
	FirstDates map[string]market.Date
}

// Error implements error.
func (e *MissingBarsError) Error() string {
	list := make([]string, len(e.Symbols))
	for i, symbol := range e.Symbols {
		list[i] = symbol
		if first, later := e.FirstDates[symbol]; later {
			list[i] += fmt.Sprintf(" (its first is of %s)", first)
		}
	}
	return fmt.Sprintf("no bars up to %s of %s, which the strategies hold or look at", e.AsOf, strings.Join(list, ", "))
}

// Code implements the interface that fault.CodeOf reads.
func (e *MissingBarsError) Code() fault.Code { return fault.Invalid }

// CheckBars returns a *MissingBarsError unless every one of Symbols has a bar up to asOf.
func (p *Portfolio) CheckBars(h *symphony.History, asOf market.Date) error {
	missing := &MissingBarsError{AsOf: asOf, FirstDates: map[string]market.Date{}}
	for _, symbol := range p.Symbols() {
		first, ok := h.FirstDate(symbol)
		if ok && first <= asOf {
			continue
		}
		missing.Symbols = append(missing.Symbols, symbol)
		if ok {
			missing.FirstDates[symbol] = first
		}
	}
	if len(missing.Symbols) > 0 {
		return missing
	}
	return nil
}
