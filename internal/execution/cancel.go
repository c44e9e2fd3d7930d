package execution

import (
	"context"
	"fmt"
)

// Cause is why we have asked the broker to cancel an order. It decides whether another order of the trade follows.
type Cause string

// The causes. An order that was cancelled without one was cancelled by somebody else.
const (
	// CauseStep makes room for the next step of the walk.
	CauseStep Cause = "step"
	// CauseUnfilled is that nobody has taken a market order in its time.
	CauseUnfilled Cause = "unfilled"
	// CauseClose is that the session is about to close.
	CauseClose Cause = "close"
	// CauseInterrupted is that the time of the attempt was up: the next one goes on.
	CauseInterrupted Cause = "interrupted"
	// CauseUnsent is that the order never reached the broker, and that nothing may be submitted now.
	CauseUnsent Cause = "unsent"
)

// followed says whether another order may trade what the order, which has come to its end, has left. What somebody has
// cancelled or replaced at the broker is left alone, and so is what the broker has refused, but for limit orders of
// fractions: not every symbol takes them, and the market does.
func (o *Order) followed() bool {
	switch o.State {
	case StateCancelled:
		return o.Cause == CauseStep || o.Cause == CauseInterrupted || o.Cause == CauseUnsent
	case StateRejected:
		return o.Type == OrderLimit && !o.Quantity.IsInteger()
	case StateNew, StatePendingSubmit, StateWorking, StatePartiallyFilled, StateFilled, StateExpired, StateReplaced:
	}
	return false
}

// cause is why an open order is cancelled now.
func (r *run) cause(ctx context.Context, o *Order) Cause {
	switch {
	case r.timeIsUp(ctx):
		return CauseInterrupted
	case !r.now().Before(r.lastMoment()):
		return CauseClose
	case o.Type == OrderLimit:
		return CauseStep
	}
	return CauseUnfilled
}

// cancel asks the broker to cancel the order. The ledger knows why before, so that every attempt knows how to go on.
func (r *run) cancel(ctx context.Context, o *Order, cause Cause) error {
	because := *o
	because.Cause = cause
	if err := r.record(ctx, because); err != nil {
		return err
	}
	*o = because
	if err := r.cfg.Broker.Cancel(ctx, o.BrokerID); err != nil {
		return fmt.Errorf("cancel order %s: %w", o.ClientID, err)
	}
	return nil
}
