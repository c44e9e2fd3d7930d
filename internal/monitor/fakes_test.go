package monitor_test

import (
	"context"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/the-alchemiser/alchemiser/internal/monitor"
	"github.com/the-alchemiser/alchemiser/pkg/events"
	"github.com/the-alchemiser/alchemiser/pkg/fault"
	"github.com/the-alchemiser/alchemiser/pkg/market"
)

var (
	_ monitor.Timeline  = (*fakeStore)(nil)
	_ monitor.Workflows = (*fakeStore)(nil)
	_ monitor.Notifier  = (*fakeMail)(nil)
	_ monitor.Meter     = (*fakeMeter)(nil)
)

var d = decimal.RequireFromString

var at = time.Date(2024, 12, 2, 20, 45, 1, 500_000_000, time.UTC)

type fakeStore struct {
	entries []monitor.Entry
	err     error

	// workflow is what Record returns, days what stands under each day.
	workflow monitor.Workflow
	days     map[market.Date][]monitor.Workflow

	running []monitor.Workflow
	before  time.Time
	marked  []string
	markErr map[string]error
}

func (s *fakeStore) Record(_ context.Context, e monitor.Entry) (monitor.Workflow, error) {
	if s.err == nil {
		s.entries = append(s.entries, e)
	}
	return s.workflow, s.err
}

func (s *fakeStore) Day(_ context.Context, day market.Date) ([]monitor.Workflow, error) {
	return s.days[day], s.err
}

func (s *fakeStore) Stalled(_ context.Context, before time.Time) ([]monitor.Workflow, error) {
	s.before = before
	return s.running, s.err
}

func (s *fakeStore) MarkStalled(_ context.Context, id string) error {
	if err := s.markErr[id]; err != nil {
		return err
	}
	s.marked = append(s.marked, id)
	return nil
}

type mail struct{ subject, body string }

type fakeMail struct {
	sent []mail
	err  error
}

func (m *fakeMail) Notify(_ context.Context, subject, body string) error {
	if m.err == nil {
		m.sent = append(m.sent, mail{subject, body})
	}
	return m.err
}

type fakeMeter struct {
	ended   []monitor.Ended
	traded  []monitor.Traded
	watched []monitor.Watched
}

func (m *fakeMeter) Ended(_ context.Context, e monitor.Ended)     { m.ended = append(m.ended, e) }
func (m *fakeMeter) Traded(_ context.Context, t monitor.Traded)   { m.traded = append(m.traded, t) }
func (m *fakeMeter) Watched(_ context.Context, w monitor.Watched) { m.watched = append(m.watched, w) }

// week is a calendar in which the exchange trades from Monday to Friday until 16:00 in New York.
type week struct{}

func (week) Zone() *time.Location { return time.FixedZone("EST", -5*60*60) }

func (w week) Session(date market.Date) (market.Session, bool) {
	day, err := time.ParseInLocation(time.DateOnly, string(date), w.Zone())
	if err != nil || day.Weekday() == time.Saturday || day.Weekday() == time.Sunday {
		return market.Session{}, false
	}
	return market.Session{Date: date, Open: day.Add(9*time.Hour + 30*time.Minute), Close: day.Add(16 * time.Hour)}, true
}

// newService returns a service an hour after the events.
func newService(tb testing.TB, s *fakeStore, m *fakeMail) *monitor.Service {
	tb.Helper()
	return serviceAt(tb, s, m, &fakeMeter{}, at.Add(time.Hour))
}

func serviceAt(tb testing.TB, s *fakeStore, m *fakeMail, figures *fakeMeter, now time.Time) *monitor.Service {
	tb.Helper()
	service, err := monitor.New(monitor.Config{
		Timeline: s, Workflows: s, Notifier: m, Meter: figures, Calendar: week{}, Portfolio: "main", StalledAfter: 35 * time.Minute,
		Now: func() time.Time { return now },
	})
	if err != nil {
		tb.Fatalf("New: %v", err)
	}
	return service
}

func event(p events.Payload) events.Event {
	return events.Event{
		ID: "event-1", CorrelationID: "run-main-2024-12-02T20:45:00Z", CausationID: "cause-1", Timestamp: at, SourceModule: "strategy", Payload: p,
	}
}

// named is an event with what a case of the golden file is called.
type named struct {
	name    string
	payload events.Payload
}

// samples has every type of event, and every way in which its summary can differ.
func samples() []named {
	run := events.Run{PortfolioID: "main", AccountID: "ACC1", TradingDate: "2024-12-02", SessionClose: at.Add(15 * time.Minute)}
	weights := map[string]decimal.Decimal{}
	for i, s := range []string{"AAPL", "AMD", "AMZN", "GOOG", "JPM", "META", "SPY", "WMT"} {
		weights[s] = decimal.New(int64(10+i%2*5), -2)
	}
	order := func(symbol string, side market.Side, status events.OrderStatus) events.ExecutedOrder {
		return events.ExecutedOrder{ClientOrderID: "order-" + symbol, Symbol: symbol, Side: side, Status: status, Quantity: d("1")}
	}
	return []named{
		{"WorkflowStarted", events.WorkflowStarted{PortfolioID: "main"}},
		{"WorkflowStarted for a date", events.WorkflowStarted{PortfolioID: "main", TradingDate: "2024-12-02"}},
		{"SignalGenerated", events.SignalGenerated{
			Run: run, AsOf: "2024-11-29", Weights: map[string]decimal.Decimal{"SPY": d("0.875"), "BIL": d("0.125")},
			Signals: []events.StrategySignal{{Strategy: "trend", Allocation: d("0.75")}, {Strategy: "cash", Allocation: d("0.25")}},
		}},
		{"SignalGenerated with many targets", events.SignalGenerated{
			Run: run, AsOf: "2024-11-29", Weights: weights, Signals: []events.StrategySignal{{Strategy: "trend", Allocation: d("1")}},
		}},
		{"RebalancePlanned", events.RebalancePlanned{
			Run: run, Equity: d("10015"), Trades: []events.Trade{
				{Symbol: "C", Side: market.Sell, Notional: d("3015")},
				{Symbol: "A", Side: market.Sell, Notional: d("2034.06")},
				{Symbol: "B", Side: market.Buy, Notional: d("5948.909999")},
			}, Kept: []events.KeptLine{{Symbol: "T", Reason: "on target"}},
		}},
		{"RebalancePlanned with buys only", events.RebalancePlanned{
			Run: run, Equity: d("10000"), Trades: []events.Trade{{Symbol: "A", Side: market.Buy, Notional: d("9900")}},
		}},
		{"TradeExecuted", events.TradeExecuted{
			Run: run, Bought: d("5946.91"), Sold: d("5049.06"), EquityAfter: d("10012.5"), CashAfter: d("-12.5"),
			Orders: []events.ExecutedOrder{
				order("A", market.Sell, events.OrderFilled), order("C", market.Sell, events.OrderFilled), order("B", market.Buy, events.OrderPartial),
				order("D", market.Buy, events.OrderRejected), order("E", market.Buy, events.OrderCancelled), order("F", market.Buy, events.OrderExpired),
			},
		}},
		{"TradeExecuted with one order", events.TradeExecuted{
			Run: run, Bought: d("100"), EquityAfter: d("10000"), CashAfter: d("9900"), Orders: []events.ExecutedOrder{order("A", market.Buy, events.OrderFilled)},
		}},
		{"TradeExecuted without orders", events.TradeExecuted{Run: run, EquityAfter: d("10000"), CashAfter: d("10000")}},
		{"WorkflowCompleted", events.WorkflowCompleted{
			PortfolioID: "main", Outcome: events.OutcomeCompleted, Reason: "all orders filled", AccountID: "ACC1", TradingDate: "2024-12-02", Orders: 3,
		}},
		{"WorkflowCompleted, skipped", events.WorkflowCompleted{
			PortfolioID: "main", Outcome: events.OutcomeSkipped, Reason: "the market is closed: 2024-11-28 is not a trading day", TradingDate: "2024-11-28",
		}},
		{"WorkflowCompleted, nothing to do", events.WorkflowCompleted{
			PortfolioID: "main", Outcome: events.OutcomeNothingToDo, Reason: "every holding is within 0.50 percentage points of its target",
			AccountID: "ACC1", TradingDate: "2024-12-02",
		}},
		{"WorkflowFailed", events.WorkflowFailed{
			PortfolioID: "main", Attempt: 1, Function: "strategy", FailedEventID: "start-1", FailedEventType: events.TypeWorkflowStarted,
			Code: fault.Invalid, Reason: "first fault\n  second fault",
		}},
		{"WorkflowFailed, transient", events.WorkflowFailed{
			PortfolioID: "main", Attempt: 2, Function: "portfolio", FailedEventID: "signal-1", FailedEventType: events.TypeSignalGenerated,
			Code: fault.Transient, Reason: "no quote of A", AccountID: "ACC1", TradingDate: "2024-12-02",
		}},
		{"WorkflowFailed, ambiguous", events.WorkflowFailed{
			PortfolioID: "main", Attempt: 1, Function: "execution", FailedEventID: "plan-1", FailedEventType: events.TypeRebalancePlanned,
			Code: fault.Ambiguous, Reason: "no answer to an order", AccountID: "ACC1", TradingDate: "2024-12-02",
		}},
		{"WorkflowFailed, internal", events.WorkflowFailed{
			PortfolioID: "main", Attempt: 1, Function: "execution", FailedEventID: "plan-1", FailedEventType: events.TypeRebalancePlanned,
			Code: fault.Internal, Reason: "panic", AccountID: "ACC1", TradingDate: "2024-12-02",
		}},
	}
}
