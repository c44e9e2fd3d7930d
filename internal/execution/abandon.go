package execution

import (
	"fmt"
	"strings"

	"github.com/the-alchemiser/alchemiser/pkg/fault"
)

// OpenOrdersError is the failure of an attempt that may have left orders open at the broker. The next attempt asks for
// them before it does anything else; if there is none, they end with the session at the latest. Its code is that of its
// cause, but never fault.Invalid: an event whose orders are at the broker is not dead before they are known.
type OpenOrdersError struct {
	Orders []Order
	// Traded says what was traded so far, such as "sell 10 OLD"; it may be empty.
	Traded string
	Err    error
}

// Error names the orders.
func (e *OpenOrdersError) Error() string {
	list := make([]string, len(e.Orders))
	for i, o := range e.Orders {
		list[i] = fmt.Sprintf("%s %s %s (client order id %s)", o.Side, o.Quantity, o.Symbol, o.ClientID)
	}
	// What is open comes first: long reasons are cut when they are announced.
	return withTraded(fmt.Errorf("%w; may still be open at the broker: %s", e.Err, strings.Join(list, ", ")), e.Traded).Error()
}

// Unwrap returns the cause.
func (e *OpenOrdersError) Unwrap() error { return e.Err }

// Code returns what the error asks for.
func (e *OpenOrdersError) Code() fault.Code { return unsettled(e.Err) }

// unsettled is the code of a failure after orders were sent.
func unsettled(err error) fault.Code {
	if code := fault.CodeOf(err); code != fault.Invalid {
		return code
	}
	return fault.Internal
}

// abandon makes the error of an attempt that has failed with err say what it leaves open. Nothing is cancelled: the next
// attempt goes on with it, and if there is none, orders are for the day.
func (r *run) abandon(err error) error {
	if len(r.orders) == 0 && !r.begun() {
		return err
	}
	if open := r.unfinished(); len(open) > 0 {
		return &OpenOrdersError{Orders: open, Traded: r.tradedSoFar(), Err: err}
	}
	return fault.As(unsettled(err), withTraded(err, r.tradedSoFar()))
}

func withTraded(err error, traded string) error {
	if traded == "" {
		return err
	}
	return fmt.Errorf("%w; traded so far: %s", err, traded)
}

// tradedSoFar is what the orders of this attempt and, as the ledger has them, of earlier ones have traded.
func (r *run) tradedSoFar() string {
	var list []string
	for _, l := range r.lines {
		sum := l.quantity.Sub(l.rest())
		for _, o := range l.recalled[min(len(l.orders), len(l.recalled)):] {
			sum = sum.Add(o.Filled)
		}
		if sum.IsPositive() {
			list = append(list, fmt.Sprintf("%s %s %s", l.trade.Side, sum, l.trade.Symbol))
		}
	}
	return strings.Join(list, ", ")
}

// unfinished are the orders that have not come to their end as far as this attempt knows: its own and those of earlier
// ones that it has not come to.
func (r *run) unfinished() []Order {
	var open []Order
	add := func(o Order) {
		if !o.State.Final() && o.State != StateNew {
			open = append(open, o)
		}
	}
	for _, o := range r.orders {
		add(*o)
	}
	for _, l := range r.lines {
		for step := len(l.orders); step < len(l.recalled); step++ {
			add(l.recalled[step])
		}
	}
	return open
}
