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

// sell trades every sell and returns when all have ended. No more is sold than is held and free.
func (r *run) sell(ctx context.Context) error {
	begun, fresh := r.split(market.Sell)
	if len(fresh) > 0 && r.halted == "" {
		held, err := r.cfg.Broker.Positions(ctx)
		if err != nil {
			return err
		}
		quantities := map[string]decimal.Decimal{}
		for _, p := range held {
			quantities[p.Symbol] = decimal.Min(p.Quantity, p.Available)
		}
		for _, l := range fresh {
			have := quantities[l.trade.Symbol].Truncate(quantityDecimals)
			if l.trade.Liquidate || l.quantity.GreaterThan(have) {
				l.quantity = have
			}
			if l.quantity.IsZero() {
				l.ended = true
				r.note(l, "nothing is held that no open order holds")
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
	fresh = slices.DeleteFunc(fresh, func(l *line) bool { return l.ended })
	if err := r.afford(ctx, fresh); err != nil {
		return err
	}
	return r.phase(ctx, fresh)
}

// phase takes lines through their steps side by side. It returns when every order has ended.
func (r *run) phase(ctx context.Context, lines []*line) error {
	for step := 0; ; step++ {
		var active, unsent []*line
		for _, l := range lines {
			switch {
			case step < len(l.recalled):
				active = append(active, l)
			case r.goesOn(l, step):
				active, unsent = append(active, l), append(unsent, l)
			}
		}
		if len(active) == 0 {
			return nil
		}
		if err := r.prepare(ctx, unsent, step); err != nil {
			return err
		}
		active = slices.DeleteFunc(active, func(l *line) bool { return l.ended })
		if err := r.step(ctx, active, step); err != nil {
			return err
		}
	}
}

// prepare gets quotes for orders that are not submitted yet. Buys that follow on others are checked against the money
// again, as prices may have risen since the first.
func (r *run) prepare(ctx context.Context, lines []*line, step int) error {
	if r.halted != "" || len(lines) == 0 {
		return nil
	}
	var unquoted []*line
	for _, l := range lines {
		if step > 0 || l.quote.Symbol == "" {
			unquoted = append(unquoted, l)
		}
	}
	if err := r.quotes(ctx, unquoted); err != nil {
		return err
	}
	lines = slices.DeleteFunc(lines, func(l *line) bool { return l.ended })
	if step == 0 || len(lines) == 0 || lines[0].trade.Side == market.Sell {
		return nil
	}
	return r.affordRest(ctx, lines)
}

// step submits one order for each of lines and waits until all have ended.
func (r *run) step(ctx context.Context, lines []*line, step int) error {
	var open []*Order
	wait := r.cfg.StepInterval
	for _, l := range lines {
		o, err := r.place(ctx, l, step)
		if o != nil {
			l.orders = append(l.orders, o)
			r.orders = append(r.orders, o)
		}
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

// watch looks at the orders until all have ended, and returns those that have not when the wait or the time of the attempt
// is over.
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

// maxQuoteAge is how old a quote may be to price an order: beyond it the symbol is halted or hardly traded.
const maxQuoteAge = 15 * time.Minute

// quotes sets the quotes of the lines. A line without one that can be traded at ends with a note, as a halted symbol must
// not hold up the others; if there is none of any, that is the broker's fault and an error.
func (r *run) quotes(ctx context.Context, lines []*line) error {
	if len(lines) == 0 {
		return nil
	}
	symbols := make([]string, len(lines))
	for i, l := range lines {
		symbols[i] = l.trade.Symbol
	}
	slices.Sort(symbols)
	quotes, err := r.cfg.Broker.Quotes(ctx, slices.Compact(symbols))
	if err != nil && (fault.CodeOf(err) != fault.Transient || len(lines) == 1) {
		return err
	}
	if err != nil {
		if quotes, err = r.quotesOneByOne(ctx, symbols, err); err != nil {
			return err
		}
	}
	for _, l := range lines {
		q, ok := quotes[l.trade.Symbol]
		switch age := r.now().Sub(q.At); {
		case !ok:
			l.ended = true
			r.note(l, "there is no quote to trade at")
		case age > maxQuoteAge:
			l.ended = true
			r.note(l, "the last quote is %s old: it is not traded at", age.Round(time.Second))
		default:
			l.quote = q
		}
	}
	return nil
}

// quotesOneByOne returns the quotes that there are after a request for all has failed with err, or err if there is none.
func (r *run) quotesOneByOne(ctx context.Context, symbols []string, err error) (map[string]market.Quote, error) {
	all := map[string]market.Quote{}
	for _, symbol := range symbols {
		one, failed := r.cfg.Broker.Quotes(ctx, []string{symbol})
		if failed != nil && fault.CodeOf(failed) != fault.Transient {
			return nil, failed
		}
		maps.Copy(all, one)
	}
	if len(all) == 0 {
		return nil, err
	}
	return all, nil
}
