package portfolio_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"github.com/the-alchemiser/alchemiser/internal/portfolio"
	"github.com/the-alchemiser/alchemiser/pkg/events"
	"github.com/the-alchemiser/alchemiser/pkg/market"
)

// drawn is an account, its market, a signal and a configuration.
type drawn struct {
	broker  *fakeBroker
	cfg     portfolio.Config
	targets map[string]decimal.Decimal
	in      events.Event
}

func cents(t *rapid.T, name string, low, high int64) decimal.Decimal {
	return decimal.New(rapid.Int64Range(low, high).Draw(t, name), -2)
}

// draw makes a cash account of up to six symbols. Without a spread bid and ask are the same.
func draw(t *rapid.T, spread bool) drawn {
	b := &fakeBroker{
		id: "ACC1", cash: cents(t, "cash", 0, 5_000_000), held: map[string]decimal.Decimal{},
		quotes: map[string]market.Quote{}, whole: map[string]bool{}, halted: map[string]bool{}, silent: map[string]bool{},
		reserved: map[string]decimal.Decimal{},
	}
	units := map[string]int64{}
	var total int64
	for i := range rapid.IntRange(1, 6).Draw(t, "symbols") {
		symbol := fmt.Sprintf("S%d", i)
		bid := cents(t, "bid", 100, 100_000)
		ask := bid
		if spread {
			ask = bid.Add(cents(t, "spread", 0, 200))
		}
		b.quotes[symbol] = market.Quote{Symbol: symbol, Bid: bid, Ask: ask, At: plannedAt}
		b.whole[symbol] = rapid.Bool().Draw(t, "whole")
		if rapid.Bool().Draw(t, "held") {
			b.held[symbol] = decimal.New(rapid.Int64Range(1, 500_000_000_000).Draw(t, "quantity"), -9)
		}
		switch rapid.IntRange(0, 9).Draw(t, "obstacle") {
		case 0:
			b.halted[symbol] = i > 0
		case 1:
			b.silent[symbol] = i > 0 // else there may be no quote at all
		case 2:
			b.reserved[symbol] = b.held[symbol].Mul(decimal.New(rapid.Int64Range(0, 10).Draw(t, "reserved"), -1))
		}
		least := int64(0)
		if i == 0 { // always wanted and quoted: without any quote there is no plan
			least = 1
		}
		units[symbol] = rapid.Int64Range(least, 100).Draw(t, "weight")
		total += units[symbol]
	}
	targets := map[string]decimal.Decimal{}
	rest := decimal.NewFromInt(1)
	for symbol, u := range units {
		if total > 0 && u > 0 {
			targets[symbol] = decimal.New(u, 0).DivRound(decimal.New(total, 0), 8).Truncate(6)
			rest = rest.Sub(targets[symbol])
		}
	}
	targets["S0"] = targets["S0"].Add(rest)
	if b.cash.Add(b.value()).IsZero() {
		b.cash = d("100")
	}
	return drawn{
		broker: b, targets: targets, in: signal(targets),
		cfg: portfolio.Config{
			Broker: b, CashReserve: decimal.New(rapid.Int64Range(0, 200).Draw(t, "reserve"), -3),
			MinTrade: cents(t, "minimum", 100, 5_000), Tolerance: decimal.New(rapid.Int64Range(0, 50).Draw(t, "tolerance"), -3),
			MaxTurnover: d("10"), MaxOrder: d("1000000000"), MaxSpread: d("2"),
		},
	}
}

func TestAPlanNeverSpendsMoreThanThereIs(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := draw(t, true)
		plan, ok := handle(t, w.cfg, w.in).(events.RebalancePlanned)
		if !ok {
			return
		}
		spendable := plan.Cash.Sub(plan.CashReserve)
		cost := decimal.Zero
		for _, tr := range plan.Trades {
			q := w.broker.quotes[tr.Symbol]
			if tr.Side == market.Sell {
				spendable = spendable.Add(tr.Quantity.Mul(q.Bid))
				if tr.Quantity.GreaterThan(w.broker.held[tr.Symbol]) {
					t.Fatalf("%s: sells %s of %s", tr.Symbol, tr.Quantity, w.broker.held[tr.Symbol])
				}
				continue
			}
			cost = cost.Add(tr.Quantity.Mul(q.Ask))
		}
		if cost.IsPositive() && cost.GreaterThan(spendable) {
			t.Fatalf("buys cost %s, there are %s: %s", cost, spendable, tell(plan))
		}
		if lowest := w.broker.fill(plan); lowest.IsNegative() {
			t.Fatalf("cash fell to %s: %s", lowest, tell(plan))
		}
	})
}

func TestTradesAreWhatTheBrokerTakes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := draw(t, true)
		plan, ok := handle(t, w.cfg, w.in).(events.RebalancePlanned)
		if !ok {
			return
		}
		for _, tr := range plan.Trades {
			switch {
			case !tr.Liquidate && w.broker.whole[tr.Symbol] && !tr.Quantity.IsInteger():
				t.Fatalf("%s is traded in whole shares: %s", tr.Symbol, tr.Quantity)
			case !tr.Quantity.Equal(tr.Quantity.Truncate(9)):
				t.Fatalf("%s: %s has more than nine decimals", tr.Symbol, tr.Quantity)
			case !tr.Liquidate && tr.Notional.LessThan(w.cfg.MinTrade), tr.Notional.LessThan(d("1")):
				t.Fatalf("%s: %s is less than the smallest trade of %s", tr.Symbol, tr.Notional, w.cfg.MinTrade)
			case tr.Liquidate && !tr.Quantity.Equal(w.broker.held[tr.Symbol]):
				t.Fatalf("%s: liquidates %s of %s", tr.Symbol, tr.Quantity, w.broker.held[tr.Symbol])
			}
		}
		if len(plan.Trades)+len(plan.Kept) != len(union(w)) {
			t.Fatalf("%d trades and %d kept lines for %d symbols", len(plan.Trades), len(plan.Kept), len(union(w)))
		}
	})
}

// union are the symbols that are held or wanted.
func union(w drawn) map[string]bool {
	out := map[string]bool{}
	for symbol, weight := range w.targets {
		if weight.IsPositive() {
			out[symbol] = true
		}
	}
	for symbol := range w.broker.held {
		out[symbol] = true
	}
	return out
}

func TestMoneyIsConservedWithoutASpread(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := draw(t, false)
		before := w.broker.cash.Add(w.broker.value())
		if plan, ok := handle(t, w.cfg, w.in).(events.RebalancePlanned); ok {
			w.broker.fill(plan)
		}
		if after := w.broker.cash.Add(w.broker.value()); !after.Equal(before) {
			t.Fatalf("%s became %s", before, after)
		}
	})
}

func TestAFilledPlanLeavesNothingToDo(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := draw(t, false)
		plan, ok := handle(t, w.cfg, w.in).(events.RebalancePlanned)
		if !ok {
			return
		}
		w.broker.fill(plan)
		if again, ok := handle(t, w.cfg, w.in).(events.RebalancePlanned); ok {
			t.Fatalf("after %s the next plan is %s\n%v", tell(plan), tell(again), again.Kept)
		}
	})
}

func TestPlanningTwiceGivesTheSamePlan(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := draw(t, true)
		if diff := cmp.Diff(handle(t, w.cfg, w.in), handle(t, w.cfg, w.in)); diff != "" {
			t.Fatalf("the second plan differs:\n%s", diff)
		}
	})
}

func TestMoreMoneyNeverBuysLess(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := draw(t, false)
		w.cfg.Tolerance = decimal.Zero
		w.broker.held = map[string]decimal.Decimal{}
		bought := func() decimal.Decimal {
			sum := decimal.Zero
			if plan, ok := handle(t, w.cfg, w.in).(events.RebalancePlanned); ok {
				for _, tr := range plan.Trades {
					sum = sum.Add(tr.Notional)
				}
			}
			return sum
		}
		if w.broker.cash.IsZero() {
			return
		}
		before := bought()
		w.broker.cash = w.broker.cash.Mul(decimal.NewFromInt(2))
		if after := bought(); after.LessThan(before) {
			t.Fatalf("bought for %s, with twice the money for %s", before, after)
		}
	})
}
