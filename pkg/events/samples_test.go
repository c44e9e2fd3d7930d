package events_test

import (
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/the-alchemiser/alchemiser/pkg/events"
	"github.com/the-alchemiser/alchemiser/pkg/fault"
	"github.com/the-alchemiser/alchemiser/pkg/market"
)

func dec(s string) decimal.Decimal { return decimal.RequireFromString(s) }

func at(clock string) time.Time {
	t, err := time.Parse("15:04:05.999999", clock)
	if err != nil {
		panic(err)
	}
	return t.AddDate(2026, 2, 1)
}

func run() events.Run {
	return events.Run{PortfolioID: "core", AccountID: "PA3TX", TradingDate: "2026-03-02", SessionClose: at("21:00:00")}
}

// started is the event that begins a workflow, as Scheduler publishes it.
func started() events.Event {
	return events.Event{
		ID: "start-core-2026-03-02T20:45:00Z", CorrelationID: "run-core-2026-03-02T20:45:00Z",
		CausationID: "run-core-2026-03-02T20:45:00Z", SchemaVersion: "1.0", Timestamp: at("20:45:00"),
		SourceModule: "scheduler", SourceComponent: "schedule", Metadata: map[string]string{},
		Payload: events.WorkflowStarted{PortfolioID: "core"},
	}
}

func follow(p events.Payload) events.Event {
	return events.Follow(started(), 0, p, events.Origin{Module: "strategy", Component: "signals"}, at("20:45:01.5"))
}

func signal() events.SignalGenerated {
	return events.SignalGenerated{
		Run: run(), AsOf: "2026-02-27", Weights: map[string]decimal.Decimal{"SPY": dec("0.875"), "BIL": dec("0.125")},
		Signals: []events.StrategySignal{{
			Strategy: "trend", Digest: strings.Repeat("0f", 32), Allocation: dec("1"),
			Weights: map[string]decimal.Decimal{"SPY": dec("0.875"), "BIL": dec("0.125")},
			Options: map[string]string{"rsi": "wilder"}, HistoryDays: 250,
			Reasons: []events.Reason{{Path: "if", Text: "RSI(14) of SPY is 61.2, above 55: then"}},
		}},
	}
}

func plan() events.RebalancePlanned {
	return events.RebalancePlanned{
		Run: run(), PlanID: "plan-1", PlannedAt: at("20:45:02"),
		Equity: dec("10000"), Cash: dec("-12.5"), BuyingPower: dec("5000"), CashReserve: dec("100"),
		Targets:   map[string]decimal.Decimal{"SPY": dec("0.875"), "BIL": dec("0.125")},
		Positions: []events.Holding{{Symbol: "TLT", Quantity: dec("10.5"), Price: dec("90"), MarketValue: dec("945")}},
		Trades: []events.Trade{
			{
				Symbol: "TLT", Side: market.Sell, Quantity: dec("10.5"), Liquidate: true, ReferencePrice: dec("90"), Notional: dec("945"),
				CurrentWeight: dec("0.0945"), TargetWeight: dec("0"), Reason: "no strategy wants TLT",
			},
			{
				Symbol: "SPY", Side: market.Buy, Quantity: dec("1.234567"), ReferencePrice: dec("600.1"), Notional: dec("740.86"),
				CurrentWeight: dec("0"), TargetWeight: dec("0.875"), Reason: "below its target",
			},
		},
		Kept: []events.KeptLine{{Symbol: "BIL", Reason: "within the tolerance band"}},
	}
}

func executed() events.TradeExecuted {
	return events.TradeExecuted{
		Run: run(), PlanID: "plan-1",
		Orders: []events.ExecutedOrder{{
			ClientOrderID: "c-1", BrokerOrderID: "b-1", Symbol: "TLT", Side: market.Sell, Step: 0, OrderType: "limit",
			Quantity: dec("10.5"), LimitPrice: dec("90.01"), FilledQuantity: dec("10.5"), AveragePrice: dec("90.01"), ArrivalPrice: dec("90.02"),
			SlippageBps: dec("1.11"), Status: events.OrderFilled, SubmittedAt: at("20:45:03"), FinishedAt: at("20:45:04.123456"),
		}, {
			ClientOrderID: "c-2", BrokerOrderID: "", Symbol: "SPY", Side: market.Buy, Step: 1, OrderType: "market",
			Quantity: dec("1"), Status: events.OrderRejected, Reason: "insufficient <buying power>",
			SubmittedAt: at("20:45:05"), FinishedAt: at("20:45:05"),
		}},
		Bought: dec("0"), Sold: dec("945.105"), SlippageCost: dec("0.105"), EquityAfter: dec("10000"), CashAfter: dec("932.605"),
	}
}

func completed() events.WorkflowCompleted {
	return events.WorkflowCompleted{
		PortfolioID: "core", Outcome: events.OutcomeCompleted, Reason: "2 orders, 1 filled", AccountID: "PA3TX",
		TradingDate: "2026-03-02", PlanID: "plan-1", Orders: 2,
	}
}

func failed() events.WorkflowFailed {
	return events.WorkflowFailed{
		PortfolioID: "core", Attempt: 1, Function: "execution", FailedEventID: "e-1", FailedEventType: events.TypeRebalancePlanned,
		Code: fault.Transient, Reason: "the broker does not answer", AccountID: "PA3TX", TradingDate: "2026-03-02",
	}
}

// samples has one valid event of every type.
func samples() []events.Event {
	return []events.Event{
		started(), follow(signal()), follow(plan()), follow(executed()), follow(completed()), follow(failed()),
	}
}

func encode(tb testing.TB, e events.Event) []byte {
	tb.Helper()
	w, err := events.Encode(e, "alchemiser")
	if err != nil {
		tb.Fatal(err)
	}
	return w.Detail
}
