package execution

import (
	"context"
	"fmt"
	"maps"
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

// split returns the lines of one side: those that an earlier attempt has begun, and the fresh ones.
func (r *run) split(side market.Side) (begun, fresh []*line) {
	for _, l := range r.lines {
		switch {
		case l.trade.Side != side:
		case len(l.recalled) > 0:
			begun = append(begun, l)
		default:
			fresh = append(fresh, l)
		}
	}
	return begun, fresh
}

// sell trades every sell and returns when all have ended. No more is sold than is held.
func (r *run) sell(ctx context.Context) error {
	begun, fresh := r.split(market.Sell)
	if len(fresh) > 0 && r.halted == "" {
		held, err := r.cfg.Broker.Positions(ctx)
		if err != nil {
			return err
		}
		quantities := map[string]decimal.Decimal{}
		for _, p := range held {
			quantities[p.Symbol] = p.Quantity
		}
		for _, l := range fresh {
			have := quantities[l.trade.Symbol].Truncate(quantityDecimals)
			if l.trade.Liquidate || l.quantity.GreaterThan(have) {
				l.quantity = have
			}
			if l.quantity.IsZero() {
				l.ended = true
				r.note(l, "nothing is held")
			}
		}
	}
	return r.phase(ctx, append(begun, fresh...))
}

// buy trades every buy with what the account can pay for then.
func (r *run) buy(ctx context.Context) error {
	begun, fresh := r.split(market.Buy)
	if err := r.phase(ctx, begun); err != nil {
		return err
	}
	if len(fresh) == 0 || r.halted != "" {
		return nil
	}
	if err := r.quotes(ctx, fresh); err != nil {
		return err
	}
	if err := r.afford(ctx, fresh); err != nil {
		return err
	}
	return r.phase(ctx, fresh)
}

// phase takes lines through their steps side by side. It returns when every order has ended.
func (r *run) phase(ctx context.Context, lines []*line) error {
	for step := 0; ; step++ {
		var active, unquoted []*line
		for _, l := range lines {
			isNew := step < len(r.steps(l)) && l.rest().IsPositive()
			if l.ended || (step >= len(l.recalled) && !isNew) {
				continue
			}
			active = append(active, l)
			if step >= len(l.recalled) && l.quote.Symbol == "" && r.halted == "" {
				unquoted = append(unquoted, l)
			}
		}
		if len(active) == 0 {
			return nil
		}
		if err := r.quotes(ctx, unquoted); err != nil {
			return err
		}
		if err := r.step(ctx, active, step); err != nil {
			return err
		}
	}
}

// step submits one order for each of lines and waits until all have ended.
func (r *run) step(ctx context.Context, lines []*line, step int) error {
	var open []*Order
	wait := r.cfg.StepInterval
	for _, l := range lines {
		o, err := r.place(ctx, l, step)
		if err != nil {
			return err
		}
		if o == nil {
			l.ended = true
			continue
		}
		l.orders = append(l.orders, o)
		r.orders = append(r.orders, o)
		if o.Type == OrderMarket {
			wait = patience * r.cfg.StepInterval
		}
		if !o.State.Final() {
			open = append(open, o)
		}
	}
	open, err := r.watch(ctx, open, wait)
	if err != nil {
		return err
	}
	for _, o := range open {
		if err := r.cfg.Broker.Cancel(ctx, o.BrokerID); err != nil {
			return fmt.Errorf("cancel order %s: %w", o.ClientID, err)
		}
	}
	if open, err = r.watch(ctx, open, patience*r.cfg.StepInterval); err != nil {
		return err
	}
	if len(open) > 0 {
		return fault.New(fault.Transient, "order %s is %s long after it was cancelled", open[0].ClientID, open[0].State)
	}
	for _, l := range lines {
		l.ended = l.ended || l.orders[len(l.orders)-1].State == StateRejected
	}
	return nil
}

// watch looks at the orders until all have ended, and returns those that have not when the wait, the session or the
// time of the attempt is over.
func (r *run) watch(ctx context.Context, orders []*Order, wait time.Duration) ([]*Order, error) {
	until := r.now().Add(wait)
	for pause := r.cfg.StepInterval / firstLook; len(orders) > 0; pause = min(2*pause, r.cfg.StepInterval) {
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

// quotes sets the quotes of the lines.
func (r *run) quotes(ctx context.Context, lines []*line) error {
	symbols := map[string]bool{}
	for _, l := range lines {
		symbols[l.trade.Symbol] = true
	}
	if len(symbols) == 0 {
		return nil
	}
	quotes, err := r.cfg.Broker.Quotes(ctx, slices.Sorted(maps.Keys(symbols)))
	if err != nil {
		return err
	}
	for _, l := range lines {
		q, ok := quotes[l.trade.Symbol]
		if !ok {
			return fault.New(fault.Transient, "no quote of %s", l.trade.Symbol)
		}
		l.quote = q
	}
	return nil
}
