package execution

import (
	"context"
	"fmt"

	"github.com/the-alchemiser/alchemiser/pkg/fault"
)

// submissions bounds how often one request is sent in one attempt. The broker knows it by its id.
const submissions = 3

// place returns the line's next order as far as the broker has answered: a recalled one as it stands now, else a new one.
// It returns nil if nothing may be submitted.
func (r *run) place(ctx context.Context, l *line) (*Order, error) {
	if step := len(l.orders); step < len(l.recalled) {
		o := r.add(l, l.recalled[step])
		return o, r.settle(ctx, o)
	}
	ok, err := r.permitted(ctx)
	if err != nil || !ok {
		return nil, err
	}
	o := r.newOrder(l)
	// From here on the broker may know the order: the ledger must know it before.
	if err := r.apply(ctx, &o, Change{Kind: KindSend, At: r.now()}); err != nil {
		return nil, err
	}
	sent := r.add(l, o)
	return sent, r.submit(ctx, sent)
}

// add makes o the latest order of the line.
func (r *run) add(l *line, o Order) *Order {
	l.orders, r.orders = append(l.orders, &o), append(r.orders, &o)
	return &o
}

// settle finds out what became of an order of an earlier attempt. The broker is asked before anything is sent.
func (r *run) settle(ctx context.Context, o *Order) error {
	if o.State.Final() {
		return nil
	}
	found, err := r.ask(ctx, o)
	if err != nil || found {
		return err
	}
	if o.BrokerID != "" {
		return fault.New(fault.Ambiguous, "order %s was accepted as %s, but the broker does not find it", o.ClientID, o.BrokerID)
	}
	ok, err := r.permitted(ctx)
	if err != nil {
		return err
	}
	if !ok {
		o.Cause = CauseUnsent
		return r.apply(ctx, o, Change{Kind: KindCancel, Reason: "never reached the broker; " + r.halted, At: r.now()})
	}
	return r.submit(ctx, o)
}

// submit sends the order. If the broker does not answer, it is asked, and only if it does not know the order the same
// request is sent again; if that is not settled soon, submit returns fault.Ambiguous and leaves the order to the next
// attempt.
func (r *run) submit(ctx context.Context, o *Order) error {
	pause := r.cfg.StepInterval / firstLook
	for sent := 1; ; sent++ {
		answer, err := r.cfg.Broker.Submit(ctx, o.OrderRequest)
		switch {
		case err == nil:
			_, err := r.observe(ctx, o, answer)
			return err
		case fault.CodeOf(err) == fault.Invalid:
			return r.apply(ctx, o, Change{Kind: KindReject, Reason: err.Error(), At: r.now()})
		case fault.CodeOf(err) != fault.Ambiguous:
			return fmt.Errorf("submit order %s: %w", o.ClientID, err)
		}
		found, asked := r.ask(ctx, o)
		if asked != nil {
			return fault.New(fault.Ambiguous, "submit order %s: %w; ask for it: %w", o.ClientID, err, asked)
		}
		if found {
			return nil
		}
		ok, refused := r.permitted(ctx)
		if refused != nil || !ok || sent == submissions {
			return fault.New(fault.Ambiguous, "submit order %s: %w; the broker does not know it yet", o.ClientID, err)
		}
		if err := r.sleep(ctx, pause); err != nil {
			return fault.As(fault.Ambiguous, err)
		}
		pause *= 2
	}
}

// look asks the broker how an open order stands.
func (r *run) look(ctx context.Context, o *Order) error {
	found, err := r.ask(ctx, o)
	if err == nil && !found {
		err = fault.New(fault.Ambiguous, "order %s was accepted as %s, but the broker does not find it", o.ClientID, o.BrokerID)
	}
	return err
}

// ask asks the broker for the order by its id and records the answer.
func (r *run) ask(ctx context.Context, o *Order) (found bool, err error) {
	answer, found, err := r.cfg.Broker.OrderByClientID(ctx, o.ClientID)
	if err != nil || !found {
		return false, err
	}
	return r.observe(ctx, o, answer)
}

// observe records the broker's view of the order. An answer that is older than what is known changes nothing, and one
// that is not complete yet says only that the broker has the order, and under which id it is cancelled.
func (r *run) observe(ctx context.Context, o *Order, answer Order) (found bool, err error) {
	if answer.ClientID != o.ClientID || answer.Symbol != o.Symbol || answer.Side != o.Side {
		return false, fault.New(fault.Internal, "asked for order %s (%s %s), the broker answers %s (%s %s)",
			o.ClientID, o.Side, o.Symbol, answer.ClientID, answer.Side, answer.Symbol)
	}
	change, complete := seen(answer, r.now())
	switch {
	case !complete && o.BrokerID == "":
		change = Change{Kind: KindAccept, BrokerID: answer.BrokerID, SubmittedAt: answer.SubmittedAt, At: r.now()}
	case !complete || answer.Filled.LessThan(o.Filled):
		return true, nil
	}
	return true, r.apply(ctx, o, change)
}

// apply changes the order and writes what is new to the ledger, even if ctx has just ended: what has happened cannot be
// taken back.
func (r *run) apply(ctx context.Context, o *Order, c Change) error {
	after, err := o.Apply(c)
	if err != nil {
		return err
	}
	if after.same(*o) {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushMargin)
	defer cancel()
	var fresh []Fill
	if after.Fills > o.Fills {
		fill := lastFill(*o, after)
		fill.At = c.At
		fresh = append(fresh, fill)
	}
	if err := r.record(ctx, after, fresh...); err != nil {
		return err
	}
	*o = after
	return nil
}

// record writes the order with its new fills to the ledger.
func (r *run) record(ctx context.Context, o Order, fresh ...Fill) error {
	if err := r.cfg.Ledger.PutOrder(ctx, o, fresh...); err != nil {
		return fmt.Errorf("record order %s: %w", o.ClientID, err)
	}
	return nil
}
