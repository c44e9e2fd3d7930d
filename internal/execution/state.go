package execution

import (
	"fmt"
	"time"

	"github.com/shopspring/decimal"

	"github.com/the-alchemiser/alchemiser/pkg/fault"
)

// State is where an order stands.
type State string

// The states of an order.
const (
	// StateNew is an order that nobody else knows.
	StateNew State = "new"
	// StatePendingSubmit is an order that may have been sent: from here on only the broker knows.
	StatePendingSubmit   State = "pending_submit"
	StateWorking         State = "working"
	StatePartiallyFilled State = "partially_filled"
	StateFilled          State = "filled"
	StateCancelled       State = "cancelled"
	StateRejected        State = "rejected"
	StateExpired         State = "expired"
	// StateReplaced is an order that somebody has replaced at the broker: what is left of it is another order, not ours.
	StateReplaced State = "replaced"
)

// Final says that the order is not traded any further, as far as anybody can know: a fill may still overtake a cancel.
func (s State) Final() bool {
	switch s {
	case StateFilled, StateCancelled, StateRejected, StateExpired, StateReplaced:
		return true
	case StateNew, StatePendingSubmit, StateWorking, StatePartiallyFilled:
	}
	return false
}

// Kind is what can happen to an order.
type Kind string

// The kinds of changes.
const (
	KindSend     Kind = "send"
	KindAccept   Kind = "accept"
	KindPartFill Kind = "part_fill"
	KindFill     Kind = "fill"
	KindCancel   Kind = "cancel"
	KindReject   Kind = "reject"
	KindExpire   Kind = "expire"
	KindReplace  Kind = "replace"
)

// next is the life of an order. What is not in it does not happen.
var next = map[State]map[Kind]State{
	StateNew: {KindSend: StatePendingSubmit},
	StatePendingSubmit: {
		KindAccept: StateWorking, KindPartFill: StatePartiallyFilled, KindFill: StateFilled,
		KindCancel: StateCancelled, KindReject: StateRejected, KindExpire: StateExpired, KindReplace: StateReplaced,
	},
	StateWorking: {
		KindAccept: StateWorking, KindPartFill: StatePartiallyFilled, KindFill: StateFilled,
		KindCancel: StateCancelled, KindReject: StateRejected, KindExpire: StateExpired, KindReplace: StateReplaced,
	},
	StatePartiallyFilled: {
		KindPartFill: StatePartiallyFilled, KindFill: StateFilled, KindCancel: StateCancelled, KindExpire: StateExpired,
		KindReplace: StateReplaced,
	},
	// Exchanges let a fill overtake a cancel, and report one late.
	StateCancelled: {KindCancel: StateCancelled, KindPartFill: StateCancelled, KindFill: StateFilled},
	StateExpired:   {KindExpire: StateExpired, KindPartFill: StateExpired, KindFill: StateFilled},
	StateReplaced:  {KindReplace: StateReplaced, KindPartFill: StateReplaced, KindFill: StateFilled},
	StateFilled:    {KindFill: StateFilled},
	StateRejected:  {KindReject: StateRejected},
}

// Change is something that happened to an order.
type Change struct {
	Kind Kind
	// BrokerID is empty if the broker did not name one.
	BrokerID string
	// Filled is the whole quantity that was traded so far, AveragePrice its average price.
	Filled       decimal.Decimal
	AveragePrice decimal.Decimal
	Reason       string
	// SubmittedAt is the broker's; it may be zero. At is when the change was noticed or happened.
	SubmittedAt time.Time
	At          time.Time
}

// TransitionError is a change that cannot have happened to the order as it stands.
type TransitionError struct {
	ClientID string
	From     State
	Kind     Kind
	Problem  string
}

// Error names the order and the change.
func (e *TransitionError) Error() string {
	return fmt.Sprintf("order %s is %s: %s is refused: %s", e.ClientID, e.From, e.Kind, e.Problem)
}

// Code returns fault.Internal.
func (e *TransitionError) Code() fault.Code { return fault.Internal }

// Apply returns o as it stands after c. A refused change returns o unchanged and a *TransitionError: one that is not in
// the life of an order, a filled quantity that shrinks or is more than was ordered, a fill that is not whole, a quantity
// without a price.
func (o Order) Apply(c Change) (Order, error) {
	refuse := func(format string, args ...any) (Order, error) {
		return o, &TransitionError{ClientID: o.ClientID, From: o.State, Kind: c.Kind, Problem: fmt.Sprintf(format, args...)}
	}
	to, ok := next[o.State][c.Kind]
	switch {
	case !ok:
		return refuse("it does not follow")
	case c.Filled.LessThan(o.Filled):
		return refuse("%s are filled already, not %s", o.Filled, c.Filled)
	case c.Filled.GreaterThan(o.Quantity):
		return refuse("%s filled of %s", c.Filled, o.Quantity)
	case (c.Kind == KindFill) != (to == StateFilled && c.Filled.Equal(o.Quantity)):
		return refuse("%s filled of %s", c.Filled, o.Quantity)
	case (c.Kind == KindSend || c.Kind == KindAccept || c.Kind == KindReject) && !c.Filled.IsZero(),
		c.Kind == KindPartFill && (c.Filled.IsZero() || c.Filled.Equal(o.Quantity)):
		return refuse("%s filled of %s", c.Filled, o.Quantity)
	case c.Filled.IsPositive() && !c.AveragePrice.IsPositive():
		return refuse("%s filled at %s", c.Filled, c.AveragePrice)
	case o.BrokerID != "" && c.BrokerID != "" && o.BrokerID != c.BrokerID:
		return refuse("the broker knows it as %s, not %s", o.BrokerID, c.BrokerID)
	}
	after := o
	if c.Filled.GreaterThan(o.Filled) {
		after.Filled, after.AveragePrice, after.Fills = c.Filled, c.AveragePrice, o.Fills+1
	}
	if c.BrokerID != "" {
		after.BrokerID = c.BrokerID
	}
	if !c.SubmittedAt.IsZero() {
		after.SubmittedAt = c.SubmittedAt
	}
	if to.Final() && to != o.State {
		after.FinishedAt, after.Reason = c.At, c.Reason
	}
	after.State = to
	return after, nil
}

// same says that nothing has happened between o and other, two views of one order.
func (o Order) same(other Order) bool {
	return o.State == other.State && o.Fills == other.Fills && o.BrokerID == other.BrokerID && o.SubmittedAt.Equal(other.SubmittedAt)
}

// seen is the change that the broker's view b of an order amounts to; ok is false if b is not complete yet: brokers
// report a fill before its price, and the last one before they call the order filled.
func seen(b Order, at time.Time) (c Change, ok bool) {
	c = Change{
		BrokerID: b.BrokerID, Filled: b.Filled, AveragePrice: b.AveragePrice, Reason: b.Reason, SubmittedAt: b.SubmittedAt, At: b.FinishedAt,
	}
	if c.At.IsZero() {
		c.At = at
	}
	switch b.State {
	case StateNew, StatePendingSubmit, StateWorking:
		c.Kind = KindAccept
	case StatePartiallyFilled:
		c.Kind = KindPartFill
	case StateFilled:
		c.Kind = KindFill
	case StateCancelled:
		c.Kind = KindCancel
	case StateRejected:
		c.Kind = KindReject
	case StateExpired:
		c.Kind = KindExpire
	case StateReplaced:
		c.Kind = KindReplace
	}
	priced := b.Filled.IsZero() || b.AveragePrice.IsPositive()
	return c, priced && (c.Kind != KindPartFill || !b.Filled.Equal(b.Quantity))
}

// lastFill is the fill that led from before to after, which has one fill more.
func lastFill(before, after Order) Fill {
	quantity := after.Filled.Sub(before.Filled)
	value := after.Filled.Mul(after.AveragePrice).Sub(before.Filled.Mul(before.AveragePrice))
	return Fill{ClientID: after.ClientID, Number: after.Fills, Quantity: quantity, Price: value.DivRound(quantity, priceDecimals)}
}

// priceDecimals is how exact computed prices are.
const priceDecimals = 9
