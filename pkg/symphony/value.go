package symphony

import (
	"github.com/the-alchemiser/alchemiser/pkg/indicator"
	"github.com/the-alchemiser/alchemiser/pkg/market"
)

// Value returns an indicator of symbol as of asOf: it sees the bars up to and including that date. The error is a
// *HistoryError if there are too few, else that of Definition.Value.
func (h *History) Value(def indicator.Definition, symbol string, window int, asOf market.Date) (float64, error) {
	s := h.of(symbol)
	v, err := def.Value(s.closes[:s.upTo(asOf)], window)
	return v, s.named(symbol, err)
}
