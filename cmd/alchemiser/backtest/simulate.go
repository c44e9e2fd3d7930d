package backtest

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/shopspring/decimal"

	"github.com/the-alchemiser/alchemiser/internal/portfolio"
	"github.com/the-alchemiser/alchemiser/pkg/events"
	"github.com/the-alchemiser/alchemiser/pkg/fault"
	"github.com/the-alchemiser/alchemiser/pkg/market"
)

// accountID is what the simulated account is called.
const accountID = "backtest"

// Day is the account at one close, after the day's trades. Amounts are in US dollars.
type Day struct {
	Date market.Date
	// Equity is Cash plus all holdings at the close.
	Equity, Cash decimal.Decimal
	// Benchmark is what the same money would be worth in the benchmark.
	Benchmark decimal.Decimal
	// Drawdown is the fall from the highest equity so far as a fraction of it, in [0, 1].
	Drawdown float64
	// Weights are the holdings as fractions of equity, rounded to 6 places.
	Weights map[string]decimal.Decimal
}

// Trade is one trade that was filled. Amounts are in US dollars.
type Trade struct {
	Date     market.Date
	Symbol   string
	Side     market.Side
	Quantity decimal.Decimal
	// Price is what it was filled at, Notional is quantity times price.
	Price, Notional decimal.Decimal
	// Cost is what was paid for the trade; Slippage, which is contained in the price, how much worse than at the close it
	// was filled.
	Cost, Slippage decimal.Decimal
	// Reason is the planner's.
	Reason string
}

// run is one simulation.
type run struct {
	days   []Day
	trades []Trade
	// equities are those of the days.
	equities []float64
}

// add appends a day; peak is the highest equity so far.
func (r *run) add(d Day, peak *float64) {
	equity := d.Equity.InexactFloat64()
	*peak = max(*peak, equity)
	d.Drawdown = 1 - equity / *peak
	r.days, r.equities = append(r.days, d), append(r.equities, equity)
}

// simulate trades what is wanted on each day, with the planner.
func simulate(ctx context.Context, cfg Config, t *tape, days []wanted, w *work) (run, error) {
	a := &account{cash: cfg.Cash, held: map[string]decimal.Decimal{}, cost: cfg.CostBps.Shift(-4)}
	planner, err := portfolio.New(portfolio.Config{
		Broker: a, CashReserve: cfg.Reserve, MinTrade: cfg.MinTrade, Tolerance: cfg.Tolerance,
		MaxTurnover: noLimit(), MaxOrder: noLimit(), MaxSpread: noLimit(),
	})
	if err != nil {
		return run{}, err
	}
	var r run
	peak := cfg.Cash.InexactFloat64()
	for i := range t.days {
		if err := ctx.Err(); err != nil {
			return run{}, err
		}
		a.day = &t.days[i]
		trades, err := a.plan(ctx, planner, cfg.Portfolio.ID, days[i])
		if err != nil {
			return run{}, fmt.Errorf("plan for %s: %w", a.day.date, err)
		}
		for _, trade := range trades {
			r.trades = append(r.trades, a.fill(trade))
		}
		r.add(a.close(), &peak)
		w.done()
	}
	return r, nil
}

// noLimit is beyond any plan: safety stops are for money that can be lost.
func noLimit() decimal.Decimal { return decimal.New(1, 15) }

// account is the simulated account. It is the planner's broker on the day at which it stands.
type account struct {
	cash decimal.Decimal
	held map[string]decimal.Decimal // shares, above 0
	cost decimal.Decimal            // fraction of a trade's value
	day  *day
}

var _ portfolio.Broker = (*account)(nil)

// plan asks the planner what to trade.
func (a *account) plan(ctx context.Context, planner *portfolio.Service, id string, w wanted) ([]events.Trade, error) {
	payloads, err := planner.Handle(ctx, events.Event{ID: "backtest-" + string(a.day.date), Payload: events.SignalGenerated{
		Run:  events.Run{PortfolioID: id, AccountID: accountID, TradingDate: a.day.trading, SessionClose: a.day.closed},
		AsOf: a.day.asOf, Weights: w.weights, Signals: w.signals,
	}})
	if err != nil {
		return nil, err
	}
	for _, p := range payloads {
		if plan, ok := p.(events.RebalancePlanned); ok {
			return plan.Trades, nil
		}
	}
	return nil, nil
}

// fill carries out one trade of a plan.
func (a *account) fill(t events.Trade) Trade {
	p := a.day.prices[t.Symbol]
	out := Trade{Date: a.day.date, Symbol: t.Symbol, Side: t.Side, Quantity: t.Quantity, Price: p.quote.Ask, Reason: t.Reason}
	if t.Side == market.Sell {
		out.Price = p.quote.Bid
	}
	out.Notional = out.Quantity.Mul(out.Price)
	out.Cost = out.Notional.Mul(a.cost)
	out.Slippage = out.Quantity.Mul(p.close.Sub(out.Price).Abs())
	if t.Side == market.Sell {
		a.cash = a.cash.Add(out.Notional)
		a.held[t.Symbol] = a.held[t.Symbol].Sub(t.Quantity)
	} else {
		a.cash = a.cash.Sub(out.Notional)
		a.held[t.Symbol] = a.held[t.Symbol].Add(t.Quantity)
	}
	a.cash = a.cash.Sub(out.Cost)
	if a.held[t.Symbol].IsZero() {
		delete(a.held, t.Symbol)
	}
	return out
}

// value is what a holding is worth at the close.
func (a *account) value(symbol string) decimal.Decimal {
	return a.held[symbol].Mul(a.day.prices[symbol].close)
}

func (a *account) equity() decimal.Decimal {
	sum := a.cash
	for symbol := range a.held {
		sum = sum.Add(a.value(symbol))
	}
	return sum
}

// close is the day as it stands.
func (a *account) close() Day {
	d := Day{Date: a.day.date, Equity: a.cash, Cash: a.cash, Weights: make(map[string]decimal.Decimal, len(a.held))}
	for symbol := range a.held {
		d.Weights[symbol] = a.value(symbol)
		d.Equity = d.Equity.Add(d.Weights[symbol])
	}
	for symbol, value := range d.Weights {
		d.Weights[symbol] = value.DivRound(d.Equity, 6)
	}
	return d
}

// Account implements portfolio.Broker.
func (a *account) Account(context.Context) (market.Account, error) {
	return market.Account{ID: accountID, Equity: a.equity(), Cash: a.cash, BuyingPower: decimal.Max(a.cash, decimal.Zero)}, nil
}

// Positions implements portfolio.Broker.
func (a *account) Positions(context.Context) ([]market.Position, error) {
	out := make([]market.Position, 0, len(a.held))
	for _, symbol := range slices.Sorted(maps.Keys(a.held)) {
		out = append(out, market.Position{
			Symbol: symbol, Quantity: a.held[symbol], Available: a.held[symbol],
			Price: a.day.prices[symbol].close, MarketValue: a.value(symbol),
		})
	}
	return out, nil
}

// Quotes implements portfolio.Broker.
func (a *account) Quotes(_ context.Context, symbols []string) (map[string]market.Quote, error) {
	out := make(map[string]market.Quote, len(symbols))
	for _, symbol := range symbols {
		p, ok := a.day.prices[symbol]
		if !ok {
			return nil, fault.New(fault.Invalid, "no price of %s on %s", symbol, a.day.date)
		}
		out[symbol] = p.quote
	}
	return out, nil
}

// Asset implements portfolio.Broker: everything can be traded, in fractions of a share.
func (a *account) Asset(_ context.Context, symbol string) (market.Asset, error) {
	return market.Asset{Symbol: symbol, Tradable: true, Fractionable: true}, nil
}

// Clock implements portfolio.Broker.
func (a *account) Clock(context.Context) (market.Clock, error) {
	return market.Clock{Now: a.day.closed, Open: true}, nil
}
