package portfolio

import (
	"fmt"

	"github.com/shopspring/decimal"

	"github.com/the-alchemiser/alchemiser/pkg/market"
)

// spendable is what the buys may cost: the cash above the reserve, but no more than the broker lets the account spend,
// and what the sales bring at the bid. Borrowed money is never counted, even if the broker would lend it.
func (p *planner) spendable() decimal.Decimal {
	sum := decimal.Min(p.account.Cash.Sub(p.reserve), p.account.BuyingPower)
	for _, c := range p.sells {
		sum = sum.Add(c.quantity.Mul(c.line.bid))
	}
	return decimal.Max(sum, decimal.Zero)
}

// afford cuts the buys down, in proportion, if they cost more at the ask than there is to spend. What cutting to whole
// shares leaves, and what is too little for a trade, goes to the buys in their order, so that planning again after the
// fills finds nothing left to do.
func (p *planner) afford() {
	spend, cost := p.spendable(), decimal.Zero
	for _, c := range p.buys {
		cost = cost.Add(c.quantity.Mul(c.line.ask))
	}
	if cost.LessThanOrEqual(spend) {
		return
	}
	wanted := bySize(p.buys)
	left := spend
	quantities := make([]decimal.Decimal, len(wanted))
	for i, c := range wanted {
		// Multiplied first: the quotient is cut once, toward zero, so the sum stays within spend.
		quantities[i], _ = c.quantity.Mul(spend).QuoRem(cost, c.line.places())
		if quantities[i].Mul(c.line.price).LessThan(p.cfg.MinTrade) {
			quantities[i] = decimal.Zero
		}
		left = left.Sub(quantities[i].Mul(c.line.ask))
	}
	p.buys = nil
	for i, c := range wanted {
		more := decimal.Min(c.line.shares(left, c.line.ask), c.quantity.Sub(quantities[i]))
		quantity := quantities[i].Add(more)
		if quantity.Mul(c.line.price).LessThan(p.cfg.MinTrade) {
			p.obstruct(c.line, fmt.Sprintf("%s should be bought, but only %s are there for all buys of %s", c.quantity, market.USD(spend), market.USD(cost)))
			continue
		}
		left = left.Sub(more.Mul(c.line.ask))
		if quantity.LessThan(c.quantity) {
			c.cut, c.quantity = c.quantity, quantity
		}
		p.buys = append(p.buys, c)
	}
}
