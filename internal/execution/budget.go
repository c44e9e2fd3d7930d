package execution

import (
	"context"
	"fmt"

	"github.com/shopspring/decimal"

	"github.com/the-alchemiser/alchemiser/pkg/market"
)

// minOrder is the smallest order, in US dollars, that brokers take.
var minOrder = decimal.NewFromInt(1)

// afford waits for the proceeds of the sales and scales what is left of the buys down, toward zero, if it costs more than
// there is to spend. That is the buying power above the reserve, but on margin no more of it than cash and as much credit
// as the plan itself counts on: neither a failed sale nor cash that has left the account since is made up for on credit.
func (r *run) afford(ctx context.Context, buys []*line) error {
	cost, credit := decimal.Zero, r.plan.Cash.Neg()
	for _, l := range buys {
		cost = cost.Add(l.cost(l.rest()))
	}
	for _, l := range r.lines {
		if l.trade.Side == market.Buy {
			credit = credit.Add(l.trade.Notional)
		} else {
			credit = credit.Sub(l.trade.Notional)
		}
	}
	account, err := r.proceeds(ctx, cost)
	if err != nil {
		return err
	}
	reserve := r.plan.CashReserve
	spend := decimal.Min(account.BuyingPower.Sub(reserve), account.Cash.Add(decimal.Max(credit, reserve.Neg())))
	return r.scale(ctx, buys, cost, decimal.Max(spend, decimal.Zero))
}

// cost is what buying quantity takes at most: brokers hold an order against its limit.
func (l *line) cost(quantity decimal.Decimal) decimal.Decimal {
	return quantity.Mul(far(market.Buy, l.quote))
}

// scale cuts what is left of the buys, toward zero, so that it costs no more than there is to spend.
func (r *run) scale(ctx context.Context, buys []*line, cost, spend decimal.Decimal) error {
	if cost.LessThanOrEqual(spend) {
		return nil
	}
	for _, l := range buys {
		places, err := r.places(ctx, l)
		if err != nil {
			return err
		}
		if l.ended {
			continue
		}
		// Multiplied first: the quotient is cut once, so the sum of the costs is at most what there is to spend.
		rest, _ := l.rest().Mul(spend).QuoRem(cost, places)
		l.quantity = l.quantity.Sub(l.rest()).Add(rest)
		if l.cost(rest).LessThan(minOrder) {
			r.end(l, "too little is left to buy any")
		}
	}
	r.notes = append(r.notes, fmt.Sprintf("buys scaled down: they cost %s US dollars, there are %s to spend", cost.StringFixed(2), spend.StringFixed(2)))
	return nil
}

// proceeds returns the account as soon as the broker lets it spend what the sales of the plan have brought and its buys have
// left, in whichever attempt, or after a while as it is; it waits so long only once. Fees may take a little.
func (r *run) proceeds(ctx context.Context, cost decimal.Decimal) (market.Account, error) {
	enough := r.plan.BuyingPower
	for _, l := range r.lines {
		if l.trade.Side == market.Sell {
			enough = enough.Add(l.value())
		} else {
			enough = enough.Sub(l.value())
		}
	}
	enough = decimal.Min(cost.Add(r.plan.CashReserve), enough).Mul(decimal.New(99, -2))
	until := r.now().Add(patience * r.cfg.StepInterval)
	for pause := r.cfg.StepInterval / firstLook; ; pause = min(2*pause, r.cfg.StepInterval) {
		account, err := r.cfg.Broker.Account(ctx)
		if err != nil || account.BuyingPower.GreaterThanOrEqual(enough) || r.waited {
			return account, err
		}
		if err := r.hasTime(ctx); err != nil {
			return market.Account{}, err
		}
		r.waited = !r.now().Before(until)
		if err := r.sleep(ctx, pause); err != nil {
			return market.Account{}, err
		}
	}
}
