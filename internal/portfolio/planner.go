package portfolio

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/shopspring/decimal"

	"github.com/the-alchemiser/alchemiser/pkg/events"
	"github.com/the-alchemiser/alchemiser/pkg/market"
)

// planner makes one plan. Quantities are computed at the middle of the spread; what may be spent is reckoned with sales
// at the bid and buys at the ask, so that filling the plan at the far side of the spread needs no more money than there is.
type planner struct {
	cfg      Config
	account  market.Account
	reserve  decimal.Decimal // US dollars
	invested decimal.Decimal // what all targets come to, US dollars
	lines    []line

	sells, buys []candidate
	// breach says that something is too far from its target: then everything goes back to it.
	breach bool
	// resting says that something is not looked at, as no strategy that wants it rebalances today.
	resting bool
	// obstacles are the reasons of the lines that are off their targets but cannot be traded.
	obstacles []string

	trades []events.Trade
	kept   []events.KeptLine
}

// candidate is a trade that is large enough and possible.
type candidate struct {
	line      line
	side      market.Side
	quantity  decimal.Decimal
	liquidate bool
	// cut is the quantity that was wanted before there turned out to be too little money, or 0.
	cut decimal.Decimal
}

func newPlanner(cfg Config, account market.Account, lines []line) *planner {
	reserve := account.Equity.Mul(cfg.CashReserve)
	return &planner{cfg: cfg, account: account, reserve: reserve, invested: account.Equity.Sub(reserve), lines: lines, kept: []events.KeptLine{}}
}

// plan fills trades and kept, or says why there is nothing to do.
func (p *planner) plan() (nothing string) {
	for _, l := range p.lines {
		p.consider(l)
	}
	switch {
	case len(p.sells)+len(p.buys) == 0 && p.resting:
		return p.because("nothing is to be traded for the strategies that rebalance today")
	case len(p.sells)+len(p.buys) == 0:
		return p.because("every holding is on its target or nearer to it than the smallest trade of " + market.USD(p.cfg.MinTrade))
	case !p.breach:
		return p.because("every holding is within " + points(p.cfg.Tolerance) + " of its target")
	}
	p.afford()
	if len(p.sells)+len(p.buys) == 0 {
		return p.because("there is no money for a trade: " + market.USD(p.spendable()) + " above the reserve of " + market.USD(p.reserve))
	}
	for _, c := range slices.Concat(bySize(p.sells), bySize(p.buys)) {
		p.trades = append(p.trades, p.trade(c))
	}
	slices.SortFunc(p.kept, func(a, b events.KeptLine) int { return strings.Compare(a.Symbol, b.Symbol) })
	return ""
}

func (p *planner) because(why string) string {
	return strings.Join(append([]string{why}, p.obstacles...), "; ")
}

// consider makes a candidate of l or keeps it with the reason.
func (p *planner) consider(l line) {
	want := p.target(l)
	away := want.Sub(l.value)
	switch {
	case !l.asset.Tradable:
		p.obstruct(l, "the broker does not trade it at present; it stays at "+share(l.value, p.account.Equity))
	case l.doubt != "":
		p.obstruct(l, fmt.Sprintf("%s: too doubtful to trade at; it stays at %s", l.doubt, share(l.value, p.account.Equity)))
	case l.weight.IsZero():
		p.leave(l)
	case l.resting && asHeld(l.value, want):
		p.resting = true
		p.keep(l, fmt.Sprintf("at %s; no strategy that wants it rebalances today", share(l.value, p.account.Equity)))
	case away.Abs().LessThan(p.cfg.MinTrade):
		p.keep(l, fmt.Sprintf("at %s, %s from its target of %s: less than the smallest trade of %s", share(l.value, p.account.Equity),
			market.USD(away.Abs()), share(want, p.account.Equity), market.USD(p.cfg.MinTrade)))
	default:
		p.toward(l, away)
	}
}

// resting says whether symbol is wanted, but by no strategy that rebalances today.
func resting(signals []events.StrategySignal, symbol string) bool {
	wanted := false
	for _, s := range signals {
		if s.Weights[symbol].IsPositive() {
			if !s.Resting {
				return false
			}
			wanted = true
		}
	}
	return wanted
}

// asHeld says whether value is within a fifth of want. What the prices have done since the as-of date stays within that;
// beyond it a trade was missed or not filled, money came or went, or the strategies' shares are far off: that is made up for.
func asHeld(value, want decimal.Decimal) bool {
	return value.Sub(want).Abs().Mul(decimal.NewFromInt(5)).LessThanOrEqual(want)
}

// leave makes a candidate that closes l. What is too little for a trade of its own goes along with others, down to what
// brokers refuse, so that nothing is left for ever.
func (p *planner) leave(l line) {
	sold := l.held
	if l.free.LessThan(l.held) {
		sold = l.shares(l.free.Mul(l.price), l.price)
	}
	value := sold.Mul(l.price)
	switch {
	case l.value.LessThan(leastOrder()):
		p.keep(l, fmt.Sprintf("no longer a target, but brokers refuse orders of less than %s and it is worth %s", market.USD(leastOrder()), market.USD(l.value)))
	case value.LessThan(decimal.Min(p.cfg.MinTrade, l.value)):
		p.obstruct(l, fmt.Sprintf("no longer a target, but open orders hold %s of its %s shares", l.held.Sub(l.free), l.held))
	default:
		p.breach = p.breach || value.GreaterThanOrEqual(p.cfg.MinTrade)
		p.sells = append(p.sells, candidate{line: l, side: market.Sell, quantity: sold, liquidate: sold.Equal(l.held)})
	}
}

// leastOrder is what an order must be worth at Alpaca, in US dollars.
// https://docs.alpaca.markets/docs/fractional-trading
func leastOrder() decimal.Decimal { return decimal.NewFromInt(1) }

// toward makes a candidate that moves l by away dollars, if the broker can trade so little.
func (p *planner) toward(l line, away decimal.Decimal) {
	quantity := l.shares(away.Abs(), l.price)
	if away.IsNegative() && quantity.GreaterThan(l.free) {
		quantity = l.shares(l.free.Mul(l.price), l.price)
	}
	if quantity.IsZero() || quantity.Mul(l.price).LessThan(p.cfg.MinTrade) {
		p.obstruct(l, fmt.Sprintf("%s from its target; the %s shares of %s that can be traded of it are less than the smallest trade of %s",
			market.USD(away.Abs()), quantity, market.USD(l.price), market.USD(p.cfg.MinTrade)))
		return
	}
	if l.held.IsZero() || away.Abs().GreaterThan(p.cfg.Tolerance.Mul(p.account.Equity)) {
		p.breach = true
	}
	if away.IsPositive() {
		p.buys = append(p.buys, candidate{line: l, side: market.Buy, quantity: quantity})
		return
	}
	p.sells = append(p.sells, candidate{line: l, side: market.Sell, quantity: quantity})
}

// target is what l should be worth.
func (p *planner) target(l line) decimal.Decimal { return l.weight.Mul(p.invested) }

func (p *planner) keep(l line, reason string) {
	p.kept = append(p.kept, events.KeptLine{Symbol: l.symbol, Reason: reason})
}

// obstruct keeps l although it is off its target, which also explains a plan without trades.
func (p *planner) obstruct(l line, reason string) {
	p.keep(l, reason)
	p.obstacles = append(p.obstacles, l.symbol+": "+reason)
}

// trade writes c as a line of the plan.
func (p *planner) trade(c candidate) events.Trade {
	return events.Trade{
		Symbol: c.line.symbol, Side: c.side, Quantity: c.quantity, Liquidate: c.liquidate,
		ReferencePrice: c.line.price, Notional: c.quantity.Mul(c.line.price),
		CurrentWeight: c.line.value.DivRound(p.account.Equity, weightPlaces), TargetWeight: p.target(c.line).DivRound(p.account.Equity, weightPlaces),
		Reason: p.reason(c),
	}
}

// worthSaying is the part of a trade that is cut without a word: half the spread, which the middle leaves out.
func worthSaying() decimal.Decimal { return decimal.New(5, -3) }

func (p *planner) reason(c candidate) string {
	if c.line.weight.IsZero() {
		text := fmt.Sprintf("no longer a target: sell all %s at about %s", c.quantity, market.USD(c.line.price))
		if !c.liquidate {
			text = fmt.Sprintf("no longer a target: sell %s of %s at about %s; open orders hold the rest", c.quantity, c.line.held, market.USD(c.line.price))
		}
		return text
	}
	text := fmt.Sprintf("%s of the account, target %s: %s %s at about %s", share(c.line.value, p.account.Equity),
		share(p.target(c.line), p.account.Equity), c.side, c.quantity, market.USD(c.line.price))
	if c.cut.Sub(c.quantity).GreaterThan(c.cut.Mul(worthSaying())) {
		text += fmt.Sprintf(", not %s, for want of money", c.cut)
	}
	return text
}

// bySize puts the largest trades first, so that what is cut short by the close is the least; symbols decide ties.
func bySize(cs []candidate) []candidate {
	slices.SortFunc(cs, func(a, b candidate) int {
		return cmp.Or(b.quantity.Mul(b.line.price).Cmp(a.quantity.Mul(a.line.price)), strings.Compare(a.line.symbol, b.line.symbol))
	})
	return cs
}
