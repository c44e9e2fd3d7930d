package execution

import (
	"context"
	"fmt"
	"slices"

	"github.com/shopspring/decimal"

	"github.com/the-alchemiser/alchemiser/pkg/market"
)

// minBuy is the smallest order, in US dollars, that brokers take.
var minBuy = decimal.NewFromInt(1)

// afford waits for the proceeds of the sales and scales the buys down, toward zero, if they cost more than there is to
// spend. That is the buying power above the reserve, but on margin no more of it than cash, or than the plan wanted to
// spend less what its sales have failed to bring: a failed sale is not made up for on credit.
func (r *run) afford(ctx context.Context, buys []*line) error {
	cost, planned, sold := decimal.Zero, decimal.Zero, decimal.Zero
	for _, l := range buys {
		cost = cost.Add(l.quantity.Mul(l.quote.Ask))
	}
	for _, l := range r.lines {
		switch {
		case l.trade.Side == market.Sell:
			planned, sold = planned.Sub(l.trade.Notional), sold.Add(l.value())
		case len(l.recalled) == 0:
			planned = planned.Add(l.trade.Notional)
		}
	}
	account, err := r.proceeds(ctx, cost)
	if err != nil {
		return err
	}
	reserve := r.plan.CashReserve
	intended := decimal.Max(account.Cash.Sub(reserve), planned.Add(sold))
	r.budget = decimal.Max(decimal.Min(account.BuyingPower.Sub(reserve), intended), decimal.Zero)
	return r.scale(ctx, buys, cost, r.budget)
}

// affordRest scales what is left of the buys down if it costs more now than there is left to spend: of this attempt's
// budget or, for buys of an earlier attempt, of the cash.
func (r *run) affordRest(ctx context.Context, buys []*line) error {
	cost, left := decimal.Zero, r.budget
	for _, l := range buys {
		cost = cost.Add(l.rest().Mul(l.quote.Ask))
	}
	resumed := false
	for _, l := range r.lines {
		switch {
		case l.trade.Side == market.Sell:
		case len(l.recalled) > 0:
			resumed = resumed || slices.Contains(buys, l)
		default:
			left = left.Sub(l.value())
		}
	}
	account, err := r.cfg.Broker.Account(ctx)
	if err != nil {
		return err
	}
	if resumed {
		left = account.Cash.Sub(r.plan.CashReserve)
	}
	left = decimal.Max(decimal.Min(left, account.BuyingPower), decimal.Zero)
	return r.scale(ctx, buys, cost, left)
}

// scale cuts what is left of the buys, toward zero, so that it costs no more than there is to spend.
func (r *run) scale(ctx context.Context, buys []*line, cost, spend decimal.Decimal) error {
	if cost.LessThanOrEqual(spend) {
		return nil
	}
	for _, l := range buys {
		asset, err := r.cfg.Broker.Asset(ctx, l.trade.Symbol)
		if err != nil {
			return err
		}
		var places int32
		if asset.Fractionable {
			places = quantityDecimals
		}
		// Multiplied first: the quotient is cut once, so the sum of the costs is at most what there is to spend.
		rest, _ := l.rest().Mul(spend).QuoRem(cost, places)
		l.quantity = l.quantity.Sub(l.rest()).Add(rest)
		if rest.Mul(l.quote.Ask).LessThan(minBuy) {
			l.ended = true
			r.note(l, "too little is left to buy any")
		}
	}
	r.notes = append(r.notes, fmt.Sprintf("buys scaled down: they cost %s US dollars, there are %s to spend", cost.StringFixed(2), spend.StringFixed(2)))
	return nil
}

// proceeds returns the account as soon as the broker lets it spend what this attempt's sales have brought, or after a
// while as it is. Fees may take a little.
func (r *run) proceeds(ctx context.Context, cost decimal.Decimal) (market.Account, error) {
	sold := decimal.Zero
	for _, l := range r.lines {
		if l.trade.Side == market.Sell && len(l.recalled) == 0 {
			sold = sold.Add(l.value())
		}
	}
	enough := decimal.Min(cost, r.buyingPower.Add(sold)).Mul(decimal.New(99, -2))
	until := r.now().Add(patience * r.cfg.StepInterval)
	for pause := r.cfg.StepInterval / firstLook; ; pause = min(2*pause, r.cfg.StepInterval) {
		account, err := r.cfg.Broker.Account(ctx)
		if err != nil || account.BuyingPower.GreaterThanOrEqual(enough) || !r.now().Before(until) || r.timeIsUp(ctx) {
			return account, err
		}
		if err := r.sleep(ctx, pause); err != nil {
			return market.Account{}, err
		}
	}
}
