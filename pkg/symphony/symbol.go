package symphony

import (
	"regexp"
	"strings"

	"github.com/the-alchemiser/alchemiser/pkg/fault"
)

// symbolForm is what the market calls a symbol: SPY, BRK.B, BRK/B.
var symbolForm = regexp.MustCompile(`^[A-Z][A-Z0-9]*([./][A-Z0-9]+)?$`)

// ParseSymbol returns text as a symbol in the broker's spelling: BRK/B is BRK.B. It returns a fault.Invalid error for what
// programs could not name.
func ParseSymbol(text string) (string, error) {
	if !symbolForm.MatchString(text) {
		return "", fault.New(fault.Invalid, "symbol %q: want upper case such as SPY or BRK.B", text)
	}
	return strings.ReplaceAll(text, "/", "."), nil
}
