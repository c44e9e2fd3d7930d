package portfolio_test

import (
	"strings"
	"testing"

	"github.com/shopspring/decimal"

	"github.com/the-alchemiser/alchemiser/pkg/events"
)

// What a strategy wants that does not rebalance today is as of yesterday's closes: today's prices alone trade nothing.
func TestWhatNoStrategyRebalancesIsLeftAlone(t *testing.T) {
	t.Parallel()
	// A stands at $100, B at $50; a hundred of each are 2/3 and 1/3 of an account without cash.
	hundreds := map[string]decimal.Decimal{"A": d("100"), "B": d("100")}
	slow := func(pairs ...string) events.StrategySignal {
		return events.StrategySignal{Strategy: "slow", Weights: weights(pairs...), Resting: true}
	}
	fast := func(pairs ...string) events.StrategySignal {
		return events.StrategySignal{Strategy: "fast", Weights: weights(pairs...)}
	}
	const nothing = "nothing is to be traded for the strategies that rebalance today"
	for name, tt := range map[string]struct {
		held    map[string]decimal.Decimal
		cash    string
		weights map[string]decimal.Decimal
		signals []events.StrategySignal
		want    string
	}{
		"five points off, and it stays": {
			hundreds, "0", weights("A", "0.62", "B", "0.38"), []events.StrategySignal{slow("A", "0.62", "B", "0.38")}, nothing,
		},
		"five points off, and it is rebalanced": {
			hundreds, "0", weights("A", "0.62", "B", "0.38"), []events.StrategySignal{fast("A", "0.62", "B", "0.38")}, "sell 7 A; buy 14 B",
		},
		"one of two that want it rebalances": {
			hundreds, "0", weights("A", "0.62", "B", "0.38"),
			[]events.StrategySignal{slow("A", "0.62", "B", "0.38"), fast("A", "1")},
			"sell 7 A", // B is the slow one's alone
		},
		"what nobody wants is sold, the rest stays": {
			map[string]decimal.Decimal{"A": d("100"), "C": d("1")}, "0", weights("A", "1"), []events.StrategySignal{slow("A", "1")}, "sell all 1 C",
		},
		"what is not held is bought": {
			map[string]decimal.Decimal{"A": d("100")},
			"5000", weights("A", "0.67", "B", "0.33"),
			[]events.StrategySignal{slow("A", "0.67", "B", "0.33")},
			"buy 99 B",
		},
		"what was bought in part is made up for": {
			map[string]decimal.Decimal{"A": d("100"), "B": d("70")},
			"1500", weights("A", "0.67", "B", "0.33"),
			[]events.StrategySignal{slow("A", "0.67", "B", "0.33")},
			"buy 29 B",
		},
		"more than a fifth too much is sold": {
			map[string]decimal.Decimal{"A": d("100"), "B": d("130")},
			"0", weights("A", "0.68", "B", "0.32"),
			[]events.StrategySignal{slow("A", "0.68", "B", "0.32")},
			"sell",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBroker(t)
			b.cash, b.held = d(tt.cash), tt.held
			in := signal(tt.weights)
			s, ok := in.Payload.(events.SignalGenerated)
			if !ok {
				t.Fatal("not a signal")
			}
			s.Signals = tt.signals
			in.Payload = s
			cfg := config(b)
			cfg.CashReserve = decimal.Zero
			switch p := handle(t, cfg, in).(type) {
			case events.WorkflowCompleted:
				if p.Reason != tt.want {
					t.Errorf("nothing to do: %s\nwant %s", p.Reason, tt.want)
				}
			case events.RebalancePlanned:
				if got := tell(p); !strings.HasPrefix(got, tt.want) {
					t.Errorf("plan is %s\nwant %s\nkept %v", got, tt.want, p.Kept)
				}
			}
		})
	}
}
