package indicator

import (
	"github.com/the-alchemiser/alchemiser/pkg/fault"
)

// Options choose a definition where sources differ. The zero value is the default of each; "" and the default are the
// same.
type Options struct {
	RSI         RSI
	StdevReturn StdevReturn
}

// Check returns a fault.Invalid error that names the option and what it can be.
func (o Options) Check() error {
	switch o.RSI {
	case "", Wilder, Cutler:
	default:
		return fault.New(fault.Invalid, "rsi: %q, want wilder or cutler", string(o.RSI))
	}
	switch o.StdevReturn {
	case "", Annualised, Daily:
	default:
		return fault.New(fault.Invalid, "stdev-return: %q, want annualised or daily", string(o.StdevReturn))
	}
	return nil
}

// Map returns every option by its name with the value in force.
func (o Options) Map() map[string]string {
	m := map[string]string{"rsi": string(Wilder), "stdev-return": string(Annualised)}
	if o.RSI != "" {
		m["rsi"] = string(o.RSI)
	}
	if o.StdevReturn != "" {
		m["stdev-return"] = string(o.StdevReturn)
	}
	return m
}
