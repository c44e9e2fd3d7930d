package strategy

import (
	"fmt"
	"strings"

	"github.com/the-alchemiser/alchemiser/pkg/fault"
	"github.com/the-alchemiser/alchemiser/pkg/symphony"
)

// MissingBarsError lists, in alphabetical order, every symbol that the strategies hold or look at and that there is no bar
// of. Its code is fault.Invalid.
type MissingBarsError struct{ Symbols []string }

// Error implements error.
func (e *MissingBarsError) Error() string {
	return fmt.Sprintf("no bars of %s, which the strategies hold or look at", strings.Join(e.Symbols, ", "))
}

// Code implements the interface that fault.CodeOf reads.
func (e *MissingBarsError) Code() fault.Code { return fault.Invalid }

// CheckBars returns a *MissingBarsError unless the history has bars of every one of Symbols. Whether they begin early
// enough is said by whoever looks at them.
func (p *Portfolio) CheckBars(h *symphony.History) error {
	var missing []string
	for _, symbol := range p.Symbols() {
		if _, ok := h.FirstDate(symbol); !ok {
			missing = append(missing, symbol)
		}
	}
	if len(missing) > 0 {
		return &MissingBarsError{Symbols: missing}
	}
	return nil
}
