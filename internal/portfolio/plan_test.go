package portfolio_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"

	"github.com/the-alchemiser/alchemiser/internal/portfolio"
	"github.com/the-alchemiser/alchemiser/pkg/events"
	"github.com/the-alchemiser/alchemiser/pkg/fault"
	"github.com/the-alchemiser/alchemiser/pkg/market"
)

func TestAPlanBringsTheAccountToItsTargets(t *testing.T) {
	t.Parallel()
	b := newBroker(t)
	b.cash = d("1000")
	b.held = map[string]decimal.Decimal{"A": d("60"), "C": d("100.5")}
	b.quotes["C"] = quote("C", "29.99", "30.01")
	in := signal(weights("A", "0.4", "B", "0.6"))
	got := planOf(t, config(b), in)
	want := events.RebalancePlanned{
		Run: todaysRun, PlanID: events.DeriveID("signal-1", "plan"), PlannedAt: plannedAt,
		Equity: d("10015"), Cash: d("1000"), BuyingPower: d("1000"), CashReserve: d("100.15"), Targets: weights("A", "0.4", "B", "0.6"),
		Positions: []events.Holding{
			{Symbol: "A", Quantity: d("60"), Price: d("100"), MarketValue: d("6000")},
			{Symbol: "C", Quantity: d("100.5"), Price: d("30"), MarketValue: d("3015")},
		},
		Trades: []events.Trade{
			{
				Symbol: "C", Side: market.Sell, Quantity: d("100.5"), Liquidate: true, ReferencePrice: d("30"), Notional: d("3015"),
				CurrentWeight: d("0.301048"), Reason: "no longer a target: sell all 100.5 at about $30.00",
			},
			{
				Symbol: "A", Side: market.Sell, Quantity: d("20.340600000"), ReferencePrice: d("100"), Notional: d("2034.06"),
				CurrentWeight: d("0.599101"), TargetWeight: d("0.396"), Reason: "59.91 % of the account, target 39.60 %: sell 20.3406 at about $100.00",
			},
			{
				// $5,949.91 are wanted and $5,946.905 there, as C is reckoned to sell at the bid
				Symbol: "B", Side: market.Buy, Quantity: d("118.9581"), ReferencePrice: d("50"), Notional: d("5947.905"),
				TargetWeight: d("0.594"), Reason: "0.00 % of the account, target 59.40 %: buy 118.9581 at about $50.00",
			},
		},
		Kept: []events.KeptLine{},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("plan (-want +got):\n%s", diff)
	}
}

func TestPlans(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change  func(*fakeBroker, *portfolio.Config)
		weights map[string]decimal.Decimal
		want    string
		kept    string // part of a kept line's reason
	}{
		"all cash": {func(*fakeBroker, *portfolio.Config) {}, weights("A", "0.5", "B", "0.5"), "buy 49.5 A; buy 99 B", ""},
		"quantities are cut at nine decimals": {
			func(*fakeBroker, *portfolio.Config) {}, weights("A", "0.333333", "C", "0.666667"), "buy 220.00011 C; buy 32.999967 A", "",
		},
		"whole shares are cut to whole ones": {
			func(b *fakeBroker, _ *portfolio.Config) { b.whole["W"] = true }, weights("W", "1"), "buy 14 W", "",
		},
		"a whole share that does not fit is kept": {
			func(b *fakeBroker, _ *portfolio.Config) { b.whole["W"] = true }, weights("A", "0.95", "W", "0.05"), "buy 94.05 A",
			"$495.00 from its target; the 0 shares of $700.00 that can be traded of it are less than the smallest trade of $5.00",
		},
		"a fraction of a whole-share symbol is closed": {
			func(b *fakeBroker, _ *portfolio.Config) {
				b.whole["W"], b.held["W"] = true, d("1.3")
			}, weights("A", "1"), "sell all 1.3 W; buy 108.009 A", "",
		},
		"what is left of a target goes along with other trades": {
			func(b *fakeBroker, _ *portfolio.Config) { b.held["C"] = d("0.1") }, weights("A", "1"), "sell all 0.1 C; buy 99.0297 A", "",
		},
		"dust that brokers refuse stays": {
			func(b *fakeBroker, _ *portfolio.Config) { b.held["C"] = d("0.033") }, weights("A", "1"), "buy 98.999901 A",
			"no longer a target, but brokers refuse orders of less than $1.00 and it is worth $0.99",
		},
		"shares that open orders hold are not sold": {
			func(b *fakeBroker, _ *portfolio.Config) {
				b.held["C"], b.reserved["C"] = d("100"), d("40")
			}, weights("A", "1"), "sell 60 C; buy 116.7 A", "",
		},
		"a position that open orders hold whole stays": {
			func(b *fakeBroker, _ *portfolio.Config) {
				b.held["C"], b.reserved["C"] = d("100"), d("100")
			}, weights("A", "1"), "buy 98.7 A", "no longer a target, but open orders hold 100 of its 100 shares",
		},
		"a holding above its target is sold as far as it is free": {
			func(b *fakeBroker, _ *portfolio.Config) {
				b.held["C"], b.reserved["C"] = d("500"), d("480")
			}, weights("C", "0.1", "A", "0.9"), "sell 20 C; buy 103.5 A", "",
		},
		"a quote that is old is not traded at": {
			func(b *fakeBroker, _ *portfolio.Config) {
				q := b.quotes["C"]
				q.At = plannedAt.Add(-15*time.Minute - time.Second)
				b.quotes["C"], b.held["C"] = q, d("100")
			}, weights("A", "0.5", "C", "0.5"), "buy 64.35 A", "its last quote is 15m1s old: too doubtful to trade at; it stays at 23.08 %",
		},
		"a symbol without a quote stays and the others are traded": {
			func(b *fakeBroker, _ *portfolio.Config) { b.held["C"], b.silent = d("100"), map[string]bool{"C": true} }, weights("A", "0.5", "C", "0.5"), "buy 64.35 A",
			"it has no two-sided quote: too doubtful to trade at; it stays at 23.08 %",
		},
		"nor is one whose sides are far apart": {
			func(b *fakeBroker, _ *portfolio.Config) { b.quotes["C"] = quote("C", "29", "31") }, weights("A", "0.5", "C", "0.5"), "buy 49.5 A",
			"bid $29.00 and ask $31.00 are 6.67 % apart: too doubtful to trade at; it stays at 0.00 %",
		},
		"a line near its target is kept when another breaches": {
			func(b *fakeBroker, _ *portfolio.Config) {
				b.cash, b.held["A"], b.held["B"] = d("2000"), d("49.48"), d("61.04")
			}, weights("A", "0.5", "B", "0.5"), "buy 37.96 B", "at 49.48 %, $2.00 from its target of 49.50 %: less than the smallest trade of $5.00",
		},
		"one breach brings all back": {
			func(b *fakeBroker, _ *portfolio.Config) {
				b.cash, b.held["A"], b.held["B"], b.held["C"] = d("100"), d("30.4"), d("62.8"), d("124")
			}, weights("A", "0.3", "B", "0.3", "C", "0.4"), "sell 3.4 B; sell 0.7 A; buy 8 C", "",
		},
		"a halted symbol stays and the others are traded": {
			func(b *fakeBroker, _ *portfolio.Config) { b.held["C"], b.halted["C"] = d("100"), true }, weights("A", "1"), "buy 98.7 A",
			"the broker does not trade it at present; it stays at 23.08 %",
		},
		"buys are cut to the buying power": {
			func(b *fakeBroker, _ *portfolio.Config) { b.buyingPower = ptr(d("990")) }, weights("A", "0.5", "B", "0.5"), "buy 4.95 A; buy 9.9 B", "",
		},
		"what whole shares leave goes to the next": {
			func(b *fakeBroker, _ *portfolio.Config) { b.whole["W"], b.buyingPower = true, ptr(d("1000")) }, weights("A", "0.5", "W", "0.5"),
			"buy 10 A", "7 should be bought, but only $1,000.00 are there for all buys of $9,850.00",
		},
		"buys never use margin": {
			func(b *fakeBroker, _ *portfolio.Config) { b.buyingPower, b.equity = ptr(d("40000")), ptr(d("20000")) }, weights("A", "1"), "buy 98 A", "",
		},
		"borrowed cash is paid back by sales": {
			func(b *fakeBroker, _ *portfolio.Config) { b.cash, b.held["A"] = d("-2000"), d("120") }, weights("A", "1"), "sell 21 A", "",
		},
		"a target of weight 0 is sold": {
			func(b *fakeBroker, _ *portfolio.Config) { b.held["B"] = d("10") }, weights("A", "1", "B", "0"), "sell all 10 B; buy 103.95 A", "",
		},
		"a small new target is bought whatever the band is": {
			func(b *fakeBroker, c *portfolio.Config) {
				b.cash, b.held["A"], c.Tolerance = d("150"), d("98.5"), d("0.1")
			}, weights("A", "0.995", "B", "0.005"), "buy 0.99 B",
			"at 98.50 %, $0.50 from its target of 98.51 %",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBroker(t)
			cfg := config(b)
			tt.change(b, &cfg)
			plan := planOf(t, cfg, signal(tt.weights))
			if got := tell(plan); got != tt.want {
				t.Errorf("plan: %s\nwant: %s", got, tt.want)
			}
			var kept []string
			for _, k := range plan.Kept {
				kept = append(kept, k.Symbol+": "+k.Reason)
			}
			if got := strings.Join(kept, "\n"); !strings.Contains(got, tt.kept) || (tt.kept == "") != (got == "") {
				t.Errorf("kept %q, want %q", got, tt.kept)
			}
		})
	}
}

func ptr(d decimal.Decimal) *decimal.Decimal { return &d }

func TestNothingToDoSaysWhy(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change  func(*fakeBroker)
		weights map[string]decimal.Decimal
		want    string
	}{
		"on target": {
			func(b *fakeBroker) { b.cash, b.held["A"] = d("100"), d("99") }, weights("A", "1"),
			"every holding is on its target or nearer to it than the smallest trade of $5.00",
		},
		"within the band": {
			func(b *fakeBroker) { b.cash, b.held["A"], b.held["B"] = d("100"), d("49.9"), d("98.2") }, weights("A", "0.5", "B", "0.5"),
			"every holding is within 0.50 percentage points of its target",
		},
		"no money": {
			func(b *fakeBroker) { b.buyingPower = ptr(decimal.Zero) }, weights("A", "1"),
			"there is no money for a trade: $0.00 above the reserve of $100.00; A: 99 should be bought, but only $0.00 are there",
		},
		"all halted": {
			func(b *fakeBroker) { b.halted["A"] = true }, weights("A", "1"), "; A: the broker does not trade it at present",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBroker(t)
			tt.change(b)
			if got := nothingOf(t, config(b), signal(tt.weights)); !strings.Contains(got, tt.want) {
				t.Errorf("reason %q, want %q", got, tt.want)
			}
		})
	}
}

func TestFaultsCarryTheirDecision(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change func(*fakeBroker)
		in     events.Payload
		code   fault.Code
		text   string
	}{
		"another event":   {func(*fakeBroker) {}, events.WorkflowStarted{}, fault.Invalid, "portfolio handles SignalGenerated, not WorkflowStarted"},
		"another account": {func(b *fakeBroker) { b.id = "ACC2" }, nil, fault.Invalid, "the signal is for account ACC1, the broker's keys are of account ACC2"},
		"blocked":         {func(b *fakeBroker) { b.blocked = true }, nil, fault.Invalid, "blocked account ACC1"},
		"worth nothing":   {func(b *fakeBroker) { b.cash = decimal.Zero }, nil, fault.Invalid, "an equity of $0.00"},
		"broker down":     {func(b *fakeBroker) { b.err = fault.New(fault.Transient, "down") }, nil, fault.Transient, "read the account: down"},
		"unknown symbol":  {func(b *fakeBroker) { delete(b.quotes, "A") }, nil, fault.Invalid, "unknown symbol A"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBroker(t)
			tt.change(b)
			s, err := portfolio.New(config(b))
			if err != nil {
				t.Fatal(err)
			}
			in := signal(weights("A", "1"))
			if tt.in != nil {
				in.Payload = tt.in
			}
			_, err = s.Handle(t.Context(), in)
			if err == nil || fault.CodeOf(err) != tt.code || !strings.Contains(err.Error(), tt.text) {
				t.Errorf("Handle = %v (%s), want %s (%s)", err, fault.CodeOf(err), tt.text, tt.code)
			}
		})
	}
}

func TestMoreTradesThanAnEventCarriesAreRefused(t *testing.T) {
	t.Parallel()
	b := newBroker(t)
	b.cash = d("100000")
	targets := map[string]decimal.Decimal{}
	for i := range 101 {
		symbol := "X" + string(rune('A'+i/26)) + string(rune('A'+i%26))
		b.quotes[symbol] = quote(symbol, "10", "10")
		targets[symbol] = d("0.0099")
	}
	s, err := portfolio.New(config(b))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Handle(t.Context(), signal(targets)); fault.CodeOf(err) != fault.Invalid || !strings.Contains(err.Error(), "101 trades, one event carries at most 100") {
		t.Errorf("Handle = %v", err)
	}
}

func TestConfigIsCheckedWhole(t *testing.T) {
	t.Parallel()
	_, err := portfolio.New(portfolio.Config{CashReserve: d("1"), MinTrade: d("0"), Tolerance: d("-0.1")})
	for _, want := range []string{"broker is required", "cash reserve is 1", "minimum trade is 0", "tolerance is -0.1", "maximum turnover is 0", "maximum order is 0", "maximum spread is 0"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("New = %v, want %s", err, want)
		}
	}
}

// Money that is too little for a trade of each buy is enough for one of the first.
func TestMoneyThatIsTooLittleForAllBuysGoesToTheFirst(t *testing.T) {
	t.Parallel()
	b := newBroker(t)
	b.cash, b.held["W"], b.halted["W"] = d("20"), d("10"), true
	cfg := config(b)
	cfg.CashReserve, cfg.MinTrade = decimal.Zero, d("15")
	if got := tell(planOf(t, cfg, signal(weights("A", "0.5", "B", "0.5")))); got != "buy 0.2 A" {
		t.Errorf("the plan is %s", got)
	}
}
