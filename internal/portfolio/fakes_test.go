package portfolio_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/the-alchemiser/alchemiser/internal/portfolio"
	"github.com/the-alchemiser/alchemiser/pkg/events"
	"github.com/the-alchemiser/alchemiser/pkg/fault"
	"github.com/the-alchemiser/alchemiser/pkg/market"
)

var _ portfolio.Broker = (*fakeBroker)(nil)

var d = decimal.RequireFromString

// plannedAt is what the broker's clock says in all tests.
var plannedAt = time.Date(2024, 12, 2, 20, 45, 30, 0, time.UTC)

// fakeBroker is an account and a market; its equity is cash plus holdings at the middle of the spread.
type fakeBroker struct {
	id          string
	cash        decimal.Decimal
	buyingPower *decimal.Decimal // the cash, if there is none
	equity      *decimal.Decimal // cash and holdings, if there is none
	blocked     bool
	held        map[string]decimal.Decimal
	quotes      map[string]market.Quote
	whole       map[string]bool // traded in whole shares only
	halted      map[string]bool
	reserved    map[string]decimal.Decimal // by open orders
	silent      map[string]bool            // traded, but without a quote
	err         error
}

func quote(symbol, bid, ask string) market.Quote {
	q, err := market.NewQuote(symbol, d(bid), d(ask), plannedAt)
	if err != nil {
		panic(err)
	}
	return q
}

func (b *fakeBroker) value() decimal.Decimal {
	sum := decimal.Zero
	for symbol, q := range b.held {
		sum = sum.Add(q.Mul(b.quotes[symbol].Mid()))
	}
	return sum
}

func (b *fakeBroker) Account(context.Context) (market.Account, error) {
	a := market.Account{ID: b.id, Cash: b.cash, Equity: b.cash.Add(b.value()), BuyingPower: decimal.Max(b.cash, decimal.Zero), Blocked: b.blocked}
	if b.buyingPower != nil {
		a.BuyingPower = *b.buyingPower
	}
	if b.equity != nil {
		a.Equity = *b.equity
	}
	return a, b.err
}

func (b *fakeBroker) Positions(context.Context) ([]market.Position, error) {
	var out []market.Position
	for _, symbol := range slices.Sorted(maps.Keys(b.held)) {
		mid := b.quotes[symbol].Mid()
		out = append(out, market.Position{Symbol: symbol, Quantity: b.held[symbol], Available: b.held[symbol].Sub(b.reserved[symbol]), Price: mid, MarketValue: b.held[symbol].Mul(mid)})
	}
	slices.Reverse(out)
	return out, nil
}

func (b *fakeBroker) Quotes(_ context.Context, symbols []string) (map[string]market.Quote, error) {
	out := map[string]market.Quote{}
	for _, s := range symbols {
		q, ok := b.quotes[s]
		if !ok || b.halted[s] || b.silent[s] {
			return nil, fault.New(fault.Transient, "%w of %s", market.ErrNoQuote, s)
		}
		out[s] = q
	}
	return out, nil
}

func (b *fakeBroker) Asset(_ context.Context, symbol string) (market.Asset, error) {
	if _, ok := b.quotes[symbol]; !ok {
		return market.Asset{}, fault.New(fault.Invalid, "unknown symbol %s", symbol)
	}
	return market.Asset{Symbol: symbol, Tradable: !b.halted[symbol], Fractionable: !b.whole[symbol]}, nil
}

func (b *fakeBroker) Clock(context.Context) (market.Clock, error) {
	return market.Clock{Now: plannedAt, Open: true}, nil
}

// fill trades a plan, sells first, at the far side of the spread, and reports the lowest cash on the way.
func (b *fakeBroker) fill(plan events.RebalancePlanned) (lowest decimal.Decimal) {
	lowest = b.cash
	for _, t := range plan.Trades {
		q := b.quotes[t.Symbol]
		switch {
		case t.Side == market.Sell:
			b.held[t.Symbol] = b.held[t.Symbol].Sub(t.Quantity)
			b.cash = b.cash.Add(t.Quantity.Mul(q.Bid))
			if b.held[t.Symbol].IsZero() {
				delete(b.held, t.Symbol)
			}
		default:
			b.held[t.Symbol] = b.held[t.Symbol].Add(t.Quantity)
			b.cash = b.cash.Sub(t.Quantity.Mul(q.Ask))
		}
		lowest = decimal.Min(lowest, b.cash)
	}
	return lowest
}

func config(b *fakeBroker) portfolio.Config {
	return portfolio.Config{Broker: b, CashReserve: d("0.01"), MinTrade: d("5"), Tolerance: d("0.005"), MaxTurnover: d("1"), MaxOrder: d("1000000"), MaxSpread: d("0.05")}
}

// todaysRun is the run that all signals belong to.
var todaysRun = events.Run{
	PortfolioID: "main", AccountID: "ACC1", TradingDate: "2024-12-02", SessionClose: time.Date(2024, 12, 2, 21, 0, 0, 0, time.UTC),
}

func signal(weights map[string]decimal.Decimal) events.Event {
	return events.Event{
		ID: "signal-1", CorrelationID: "run-1", CausationID: "start-1",
		Payload: events.SignalGenerated{Run: todaysRun, AsOf: "2024-11-29", Weights: weights},
	}
}

// weights makes targets of symbol, weight pairs.
func weights(pairs ...string) map[string]decimal.Decimal {
	out := map[string]decimal.Decimal{}
	for i := 0; i < len(pairs); i += 2 {
		out[pairs[i]] = d(pairs[i+1])
	}
	return out
}

type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
	Context() context.Context
}

func handle(t fataler, cfg portfolio.Config, in events.Event) events.Payload {
	t.Helper()
	s, err := portfolio.New(cfg)
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	out, err := s.Handle(t.Context(), in)
	if err != nil {
		t.Fatalf("Handle: %v", err)
	}
	if len(out) != 1 {
		t.Fatalf("Handle returned %d payloads, want 1", len(out))
	}
	if err := out[0].Validate(); err != nil {
		t.Fatalf("the payload is not valid: %v", err)
	}
	return out[0]
}

func planOf(t fataler, cfg portfolio.Config, in events.Event) events.RebalancePlanned {
	t.Helper()
	p := handle(t, cfg, in)
	plan, ok := p.(events.RebalancePlanned)
	if !ok {
		t.Fatalf("Handle returned %+v, want a plan", p)
	}
	return plan
}

func nothingOf(t fataler, cfg portfolio.Config, in events.Event) string {
	t.Helper()
	p := handle(t, cfg, in)
	done, ok := p.(events.WorkflowCompleted)
	if !ok || done.Outcome != events.OutcomeNothingToDo {
		t.Fatalf("Handle returned %+v, want nothing to do", p)
	}
	return done.Reason
}

// tell writes trades as "sell 5 A; buy 3 B".
func tell(plan events.RebalancePlanned) string {
	var out string
	for i, t := range plan.Trades {
		if i > 0 {
			out += "; "
		}
		all := ""
		if t.Liquidate {
			all = "all "
		}
		out += fmt.Sprintf("%s %s%s %s", t.Side, all, t.Quantity, t.Symbol)
	}
	return out
}

func newBroker(tb testing.TB) *fakeBroker {
	tb.Helper()
	return &fakeBroker{
		id: "ACC1", cash: d("10000"), held: map[string]decimal.Decimal{}, whole: map[string]bool{}, halted: map[string]bool{},
		reserved: map[string]decimal.Decimal{},
		quotes: map[string]market.Quote{
			"A": quote("A", "100", "100"), "B": quote("B", "50", "50"), "C": quote("C", "30", "30"), "W": quote("W", "700", "700"),
			"S": quote("S", "99", "101"),
		},
	}
}
