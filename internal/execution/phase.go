package execution

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"github.com/the-alchemiser/alchemiser/pkg/fault"
	"github.com/the-alchemiser/alchemiser/pkg/market"
)

const (
	// firstLook is the part of a step interval after which an order is looked at again; later looks are further apart.
	firstLook = 16
	// patience is how many step intervals a market order, a cancel or the proceeds of sales may take.
	patience = 6
	// quantityDecimals is what brokers take.
	quantityDecimals = 9
)

// sell trades every sell and returns when all have ended.
func (r *run) sell(ctx context.Context) error {
	var sells, fresh []*line
	for _, l := range r.lines {
		if l.trade.Side != market.Sell {
			continue
		}
		sells = append(sells, l)
		if len(l.recalled) == 0 {
			fresh = append(fresh, l)
		}
	}
	if len(fresh) > 0 && r.halted == "" {
		if err := r.hold(ctx, fresh); err != nil {
			return err
		}
	}
	return r.phase(ctx, sells)
}

// hold cuts sells down to what is held and free.
func (r *run) hold(ctx context.Context, sells []*line) error {
	positions, err := r.cfg.Broker.Positions(ctx)
	if err != nil {
		return err
	}
	held, free := map[string]decimal.Decimal{}, map[string]decimal.Decimal{}
	for _, p := range positions {
		held[p.Symbol], free[p.Symbol] = p.Quantity, decimal.Min(p.Quantity, p.Available).Truncate(quantityDecimals)
	}
	for _, l := range sells {
		wanted := decimal.Min(l.quantity, held[l.trade.Symbol])
		if l.trade.Liquidate {
			wanted = held[l.trade.Symbol]
		}
		l.quantity = decimal.Min(wanted, free[l.trade.Symbol])
		switch {
		case !held[l.trade.Symbol].IsPositive():
			r.end(l, "nothing is held")
			continue
		case !l.quantity.IsPositive():
			r.end(l, "all %s shares are held by open orders that are not ours", held[l.trade.Symbol])
			continue
		case wanted.Sub(l.quantity).IsPositive() && free[l.trade.Symbol].LessThan(held[l.trade.Symbol].Truncate(quantityDecimals)):
			r.note(l, "%s of %s shares are held by open orders that are not ours", held[l.trade.Symbol].Sub(free[l.trade.Symbol]), held[l.trade.Symbol])
		}
		if err := r.whole(ctx, l); err != nil {
			return err
		}
	}
	return nil
}

// whole leaves the fraction of a symbol that the broker takes no fractions of, as it may remain of a split.
func (r *run) whole(ctx context.Context, l *line) error {
	if l.quantity.IsInteger() {
		return nil
	}
	places, err := r.places(ctx, l)
	if err != nil || l.ended || places > 0 {
		return err
	}
	shares := l.quantity.Truncate(0)
	r.note(l, "the broker takes no fractions of it: %s shares cannot be sold", l.quantity.Sub(shares))
	l.quantity, l.ended = shares, shares.IsZero()
	return nil
}

// places is how many decimals the broker takes for a quantity of the line, which ends if the broker does not know the
// symbol.
func (r *run) places(ctx context.Context, l *line) (int32, error) {
	asset, err := r.cfg.Broker.Asset(ctx, l.trade.Symbol)
	switch {
	case fault.CodeOf(err) == fault.Invalid:
		r.end(l, "%s", err)
		return 0, nil
	case err != nil || !asset.Fractionable:
		return 0, err
	}
	return quantityDecimals, nil
}

// buy trades every buy with what the account can pay for then.
func (r *run) buy(ctx context.Context) error {
	var buys []*line
	for _, l := range r.lines {
		if l.trade.Side == market.Buy {
			buys = append(buys, l)
		}
	}
	return r.phase(ctx, buys)
}

// phase takes lines through their steps side by side, after what earlier attempts have left of them is settled. It
// returns when every order has ended.
func (r *run) phase(ctx context.Context, lines []*line) error {
	for {
		var recalled, unsent []*line
		for _, l := range lines {
			switch {
			case len(l.orders) < len(l.recalled):
				recalled = append(recalled, l)
			case r.goesOn(l):
				unsent = append(unsent, l)
			}
		}
		active := recalled
		if len(recalled) == 0 {
			var err error
			if active, err = r.prepare(ctx, unsent); err != nil {
				return err
			}
		}
		if len(active) == 0 {
			return nil
		}
		if err := r.step(ctx, active); err != nil {
			return err
		}
	}
}

// prepare gets quotes for orders that are not submitted yet and checks buys against the money, each time anew, as prices
// move. It returns the lines that can be traded.
func (r *run) prepare(ctx context.Context, lines []*line) ([]*line, error) {
	if r.halted != "" || len(lines) == 0 {
		return nil, nil
	}
	ended := func(l *line) bool { return l.ended }
	if err := r.quotes(ctx, lines); err != nil {
		return nil, err
	}
	for _, l := range lines {
		if !l.ended && len(l.orders) > 0 && l.rest().Mul(l.quote.Mid()).LessThan(minOrder) {
			r.end(l, "the rest of %s is too small for an order", l.rest())
		}
	}
	lines = slices.DeleteFunc(lines, ended)
	if len(lines) > 0 && lines[0].trade.Side == market.Buy {
		if err := r.afford(ctx, lines); err != nil {
			return nil, err
		}
	}
	return slices.DeleteFunc(lines, ended), nil
}

// step submits one order for each of lines and waits until all have ended.
func (r *run) step(ctx context.Context, lines []*line) error {
	var open []*Order
	wait := r.cfg.StepInterval
	for _, l := range lines {
		o, err := r.place(ctx, l)
		if err != nil {
			return err
		}
		if o == nil {
			l.ended = true
			continue
		}
		if o.Type == OrderMarket {
			wait = patience * r.cfg.StepInterval
		}
		if !o.State.Final() {
			open = append(open, o)
		}
	}
	open, err := r.watch(ctx, open, min(wait, r.lastMoment().Sub(r.now())))
	if err != nil {
		return err
	}
	var faults []error // one that cannot be cancelled leaves no other one working
	for _, o := range open {
		faults = append(faults, r.cancel(ctx, o, r.cause(ctx, o)))
	}
	if err := errors.Join(faults...); err != nil {
		return err
	}
	if open, err = r.watch(ctx, open, patience*r.cfg.StepInterval); err != nil {
		return err
	}
	if len(open) > 0 {
		return fault.New(fault.Transient, "order %s is %s after it was cancelled", open[0].ClientID, open[0].State)
	}
	return nil
}

// watch looks at the orders until all have ended, and returns those that have not when the wait or the time of the attempt
// is over.
func (r *run) watch(ctx context.Context, orders []*Order, wait time.Duration) ([]*Order, error) {
	until := r.now().Add(wait)
	// Many orders are looked at less often: brokers count requests.
	pause := min(r.cfg.StepInterval*time.Duration(max(1, len(orders)/4))/firstLook, r.cfg.StepInterval)
	for ; len(orders) > 0; pause = min(2*pause, r.cfg.StepInterval) {
		var open []*Order
		for _, o := range orders {
			if err := r.look(ctx, o); err != nil {
				return nil, err
			}
			if !o.State.Final() {
				open = append(open, o)
			}
		}
		orders = open
		if len(open) == 0 || !r.now().Before(until) || r.timeIsUp(ctx) {
			break
		}
		if err := r.sleep(ctx, pause); err != nil {
			return nil, err
		}
	}
	return orders, nil
}

// sleep waits for d, or for the end of ctx.
func (r *run) sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
