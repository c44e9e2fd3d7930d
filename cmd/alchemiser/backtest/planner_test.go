package backtest_test

import (
	"context"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"

	"github.com/the-alchemiser/alchemiser/cmd/alchemiser/backtest"
	"github.com/the-alchemiser/alchemiser/internal/portfolio"
	"github.com/the-alchemiser/alchemiser/pkg/events"
	"github.com/the-alchemiser/alchemiser/pkg/market"
	"github.com/the-alchemiser/alchemiser/pkg/symphony"
)

// ledger is an account as the trades so far have left it, kept apart from the one under test.
type ledger struct {
	cash   decimal.Decimal
	held   map[string]decimal.Decimal
	quotes map[string]market.Quote
}

var _ portfolio.Broker = (*ledger)(nil)

func (l *ledger) Account(context.Context) (market.Account, error) {
	equity := l.cash
	for symbol, q := range l.held {
		equity = equity.Add(q.Mul(l.quotes[symbol].Mid()))
	}
	return market.Account{ID: "ledger", Equity: equity, Cash: l.cash, BuyingPower: decimal.Max(l.cash, decimal.Zero)}, nil
}

func (l *ledger) Positions(context.Context) ([]market.Position, error) {
	var out []market.Position
	for symbol, q := range l.held {
		if q.IsPositive() {
			at := l.quotes[symbol].Mid()
			out = append(out, market.Position{Symbol: symbol, Quantity: q, Available: q, Price: at, MarketValue: q.Mul(at)})
		}
	}
	return out, nil
}

func (l *ledger) Quotes(context.Context, []string) (map[string]market.Quote, error) {
	return l.quotes, nil
}

func (l *ledger) Asset(_ context.Context, symbol string) (market.Asset, error) {
	return market.Asset{Symbol: symbol, Tradable: true, Fractionable: true}, nil
}

func (l *ledger) Clock(context.Context) (market.Clock, error) {
	return market.Clock{Now: time.Unix(0, 0)}, nil
}

// On every day the trades are those that the planner makes of the strategies' signals for such an account.
func TestThePlanIsThePlanners(t *testing.T) {
	t.Parallel()
	bars := walk(7)
	cfg := config(portfolioOf(t, busy), bars)
	cfg.Reserve, cfg.Tolerance, cfg.SlippageBps, cfg.CostBps = d("0.02"), d("0.01"), d("20"), d("5")
	r := runOf(t, cfg)
	history, err := symphony.NewHistory(bars)
	if err != nil {
		t.Fatal(err)
	}
	l := &ledger{cash: cfg.Cash, held: map[string]decimal.Decimal{}}
	planner, err := portfolio.New(portfolio.Config{
		Broker: l, CashReserve: cfg.Reserve, MinTrade: cfg.MinTrade, Tolerance: cfg.Tolerance,
		MaxTurnover: decimal.New(1, 15), MaxOrder: decimal.New(1, 15), MaxSpread: decimal.New(1, 15),
	})
	if err != nil {
		t.Fatal(err)
	}
	trades, planned := r.Trades, 0
	for _, day := range r.Days {
		l.quotes = map[string]market.Quote{}
		asOf := market.Date("")
		for symbol, bars := range bars {
			at := closeOn(bars, day.Date)
			away := at.Mul(cfg.SlippageBps).Shift(-4)
			if l.quotes[symbol], err = market.NewQuote(symbol, at.Sub(away), at.Add(away), time.Unix(0, 0)); err != nil {
				t.Fatal(err)
			}
			for _, b := range bars {
				if b.Date < day.Date {
					asOf = max(asOf, b.Date)
				}
			}
		}
		weights, _, err := cfg.Portfolio.Signals(history, asOf, day.Date)
		if err != nil {
			t.Fatal(err)
		}
		signal := events.SignalGenerated{Run: events.Run{AccountID: "ledger"}, AsOf: asOf, Weights: weights}
		payloads, err := planner.Handle(t.Context(), events.Event{ID: "signal", Payload: signal})
		if err != nil {
			t.Fatal(err)
		}
		var want []events.Trade
		if plan, ok := payloads[0].(events.RebalancePlanned); ok {
			want = plan.Trades
			planned++
		}
		for _, w := range want {
			if len(trades) == 0 || trades[0].Date != day.Date {
				t.Fatalf("%s: %+v was not traded", day.Date, w)
			}
			got := trades[0]
			trades = trades[1:]
			if diff := cmp.Diff([]any{w.Symbol, w.Side, w.Quantity, w.Reason}, []any{got.Symbol, got.Side, got.Quantity, got.Reason}); diff != "" {
				t.Fatalf("%s (-planner +backtest):\n%s", day.Date, diff)
			}
			l.book(got)
		}
	}
	if len(trades) != 0 {
		t.Errorf("%d trades are in no plan", len(trades))
	}
	if planned < 10 {
		t.Errorf("only %d of %d days have a plan: this shows little", planned, len(r.Days))
	}
}

func (l *ledger) book(t backtest.Trade) {
	signed := t.Quantity
	if t.Side == market.Sell {
		signed = signed.Neg()
	}
	l.cash = l.cash.Sub(signed.Mul(t.Price)).Sub(t.Cost)
	l.held[t.Symbol] = l.held[t.Symbol].Add(signed)
}

// A strategy that trades in periods trades on their first days and on no other, however the prices move in between.
func TestPeriodsTradeOnTheirFirstDaysOnly(t *testing.T) {
	t.Parallel()
	p := load(t, fstest.MapFS{
		"portfolio.yaml": {Data: []byte("id: main\nstrategies:\n  - {file: weekly.clj, weight: 1}\n")},
		"weekly.clj": {Data: []byte(`(defsymphony "W" {:asset-class "EQUITIES" :rebalance-frequency :weekly}
			(weight-equal [(asset "AAA" nil) (asset "BBB" nil) (asset "CCC" nil)]))`)},
	})
	cfg := config(p, walk(11))
	cfg.Reserve, cfg.CostBps = d("0.01"), d("5")
	r := runOf(t, cfg)
	days := map[market.Date]bool{}
	for _, trade := range r.Trades {
		days[trade.Date] = true
	}
	for i, day := range r.Days {
		date, err := time.Parse(time.DateOnly, string(day.Date))
		if err != nil {
			t.Fatal(err)
		}
		if first := i == 0 || date.Weekday() == time.Monday; days[day.Date] != first {
			t.Errorf("%s, %s: traded %t", date.Weekday(), day.Date, days[day.Date])
		}
	}
}
