package invariants_test

import (
	"strings"
	"testing"

	"github.com/shopspring/decimal"

	"github.com/the-alchemiser/alchemiser/internal/consumer"
	"github.com/the-alchemiser/alchemiser/internal/monitor"
	"github.com/the-alchemiser/alchemiser/pkg/events"
	"github.com/the-alchemiser/alchemiser/pkg/market"
	"github.com/the-alchemiser/alchemiser/test/chaos/invariants"
)

func d(s string) decimal.Decimal { return decimal.RequireFromString(s) }

func money(s string) *decimal.Decimal {
	v := d(s)
	return &v
}

func claimed(function, event string) consumer.Key {
	return consumer.Key{Function: function, EventID: event}
}

const (
	run  = "run-1"
	plan = "plan-1"
)

// sound is the snapshot of one workflow that failed once, was redriven, and bought 2 SPY in two steps after selling 1 GE.
func sound() *invariants.Snapshot {
	event := func(id string, p events.Payload) events.Event {
		return events.Event{ID: id, CorrelationID: run, Payload: p}
	}
	s := &invariants.Snapshot{
		Functions: []invariants.Function{
			{Name: "strategy", Types: []events.Type{events.TypeWorkflowStarted}},
			{Name: "execution", Types: []events.Type{events.TypeRebalancePlanned}},
			{Name: "monitor"},
		},
		Events: []events.Event{
			event("started", events.WorkflowStarted{}),
			event("planned", events.RebalancePlanned{PlanID: plan, Trades: []events.Trade{
				{Symbol: "GE", Side: market.Sell, Quantity: d("1")}, {Symbol: "SPY", Side: market.Buy, Quantity: d("2")},
			}}),
			event("failed", events.WorkflowFailed{Function: "execution", FailedEventID: "planned", Attempt: 1}),
			event("executed", events.TradeExecuted{PlanID: plan, Orders: []events.ExecutedOrder{
				{ClientOrderID: "sell-0", BrokerOrderID: "b0", FilledQuantity: d("1")},
				{ClientOrderID: "buy-0", BrokerOrderID: "b1", FilledQuantity: d("0.5")},
				{ClientOrderID: "buy-1", BrokerOrderID: "b2", FilledQuantity: d("1.5")},
			}}),
			event("completed", events.WorkflowCompleted{Outcome: events.OutcomeCompleted}),
		},
		Archived: 5, Logged: 5,
		Claims:  map[consumer.Key]invariants.Claim{},
		Outbox:  []invariants.Kept{{By: claimed("execution", "planned"), ID: "executed", Type: events.TypeTradeExecuted}},
		Letters: []invariants.Letter{{Function: "execution", EventID: "planned", Reason: "killed"}},
		Runs: []invariants.Run{{
			ID:     run,
			Before: invariants.Account{Cash: d("1000"), Shares: map[string]decimal.Decimal{"GE": d("1")}},
			After:  invariants.Account{Cash: d("850"), Shares: map[string]decimal.Decimal{"SPY": d("2")}},
			Orders: []invariants.Order{
				{ClientID: "sell-0", Symbol: "GE", Side: market.Sell, Status: "filled", Filled: d("1"), AveragePrice: money("50")},
				{ClientID: "buy-0", Symbol: "SPY", Side: market.Buy, Status: "canceled", Filled: d("0.5"), AveragePrice: money("100")},
				{ClientID: "buy-1", Symbol: "SPY", Side: market.Buy, Status: "filled", Filled: d("1.5"), AveragePrice: money("100")},
			},
		}},
		Ledger:   map[string]invariants.LedgerOrder{},
		Timeline: map[string]invariants.Standing{run: {State: monitor.StateCompleted, Entries: 5}},
		Replay:   invariants.Replay{Name: "again", Events: map[string]bool{}},
	}
	for _, e := range s.Events {
		s.Replay.Events[e.ID] = true
		s.Claims[claimed("monitor", "again/"+e.ID)] = invariants.Claim{Status: consumer.StatusDone}
		for _, f := range s.Functions {
			if f.Wants(e.Type()) {
				s.Claims[claimed(f.Name, e.ID)] = invariants.Claim{Status: consumer.StatusDone, Attempts: 1}
			}
		}
	}
	for i, o := range s.Runs[0].Orders {
		s.Ledger[o.ClientID] = invariants.LedgerOrder{
			CorrelationID: run, PlanID: plan, Symbol: o.Symbol, Side: o.Side, Step: i, BrokerID: "b", Final: true, Filled: o.Filled,
			Fills: []invariants.Fill{{Quantity: o.Filled, Price: *o.AveragePrice}},
		}
	}
	return s
}

func TestWhatIsSoundIsNotBlamed(t *testing.T) {
	t.Parallel()
	if wrong := invariants.Check(*sound()); len(wrong) > 0 {
		t.Errorf("violations %q, want none", wrong)
	}
}

// rewrite changes the ledger's entry of order buy-1.
func rewrite(change func(*invariants.LedgerOrder)) func(*invariants.Snapshot) {
	return func(s *invariants.Snapshot) {
		o := s.Ledger["buy-1"]
		change(&o)
		s.Ledger["buy-1"] = o
	}
}

func publish(id string, p events.Payload) func(*invariants.Snapshot) {
	return func(s *invariants.Snapshot) {
		s.Events = append(s.Events, events.Event{ID: id, CorrelationID: run, Payload: p})
	}
}

func TestEveryViolationIsFound(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		spoil func(*invariants.Snapshot)
		want  string
	}{
		"an event that nobody has seen": {func(s *invariants.Snapshot) { delete(s.Claims, claimed("execution", "planned")); s.Letters = nil }, "planned is lost: execution has never seen it"},
		"an event that is left half done": {func(s *invariants.Snapshot) {
			s.Claims[claimed("monitor", "executed")] = invariants.Claim{Status: consumer.StatusCommitted}
		}, "monitor has left it committed"},
		"an event that is given up for good": {func(s *invariants.Snapshot) {
			s.Claims[claimed("execution", "planned")] = invariants.Claim{Status: consumer.StatusDead}
		}, "planned is given up by execution for good: killed"},
		"a dead letter without a reason":               {func(s *invariants.Snapshot) { s.Letters[0].Reason = "" }, "has no reason"},
		"a dead letter that comes back":                {func(s *invariants.Snapshot) { s.Left = 1 }, "1 dead letters are left"},
		"an outbox that was not published":             {func(s *invariants.Snapshot) { s.Outbox[0].ID = "another" }, "has kept TradeExecuted another"},
		"an event that is not archived":                {func(s *invariants.Snapshot) { s.Archived-- }, "the archive has 4 events, the event log 5"},
		"a failure that is announced twice":            {publish("failed-2", events.WorkflowFailed{Function: "execution", FailedEventID: "planned", Attempt: 1}), "in attempts [1 1], want each once"},
		"a failure that is announced and not given up": {func(s *invariants.Snapshot) { s.Letters = nil }, "announced 1 failures with planned, and there are 0 dead letters"},
		"a workflow that ends twice":                   {publish("completed-2", events.WorkflowCompleted{Outcome: events.OutcomeCompleted}), "it ended as [completed completed]"},
		"a workflow that does not end":                 {func(s *invariants.Snapshot) { s.Events = s.Events[:4] }, "it ended as []"},
		"a workflow that is skipped": {func(s *invariants.Snapshot) {
			s.Events[4].Payload = events.WorkflowCompleted{Outcome: events.OutcomeSkipped}
		}, "it ended as [skipped]"},
		"two reports of the orders": {publish("executed-2", events.TradeExecuted{}), "2 reports of its orders"},
		"a workflow without orders": {func(s *invariants.Snapshot) { s.Runs[0].Orders = nil }, "it placed no order, so it shows nothing"},
		"a timeline that has not ended": {func(s *invariants.Snapshot) {
			s.Timeline[run] = invariants.Standing{State: monitor.StateResumed, Entries: 5}
		}, `the timeline says "resumed"`},
		"a timeline with a gap": {func(s *invariants.Snapshot) {
			s.Timeline[run] = invariants.Standing{State: monitor.StateCompleted, Entries: 4}
		}, "the timeline has 4 entries, the workflow has 5 events"},
		"an order under one id twice":       {func(s *invariants.Snapshot) { s.Runs[0].Orders = append(s.Runs[0].Orders, s.Runs[0].Orders[1]) }, "the broker has order buy-0 of SPY twice"},
		"an order under two ids":            {rewrite(func(o *invariants.LedgerOrder) { o.Step = 1 }), "step 1 was ordered twice: buy-0 and buy-1"},
		"an order that is not written down": {func(s *invariants.Snapshot) { delete(s.Ledger, "buy-1") }, "order buy-1 of SPY is not in the ledger"},
		"an order of another workflow":      {rewrite(func(o *invariants.LedgerOrder) { o.CorrelationID = "run-0" }), "is in the ledger as run-0's"},
		"a fill that is not written down":   {rewrite(func(o *invariants.LedgerOrder) { o.Fills = nil }), "its fills make 0 for 0"},
		"a fill at another price":           {rewrite(func(o *invariants.LedgerOrder) { o.Fills[0].Price = d("99") }), "its fills make 1.5 for 148.5"},
		"a quantity that differs":           {rewrite(func(o *invariants.LedgerOrder) { o.Filled = d("1") }), "the broker filled 1.5 for 150, the ledger says 1"},
		"an order that is left open":        {rewrite(func(o *invariants.LedgerOrder) { o.Final = false }), "order buy-1 is left open in the ledger"},
		"an order that only the ledger knows": {func(s *invariants.Snapshot) {
			s.Ledger["buy-2"] = invariants.LedgerOrder{CorrelationID: run, PlanID: plan, Symbol: "SPY", Side: market.Buy, Step: 9, BrokerID: "b", Final: true}
		}, "order buy-2 is in the ledger"},
		"an order that is not reported": {func(s *invariants.Snapshot) {
			s.Events[3].Payload = events.TradeExecuted{Orders: []events.ExecutedOrder{
				{ClientOrderID: "sell-0", BrokerOrderID: "b0", FilledQuantity: d("1")}, {ClientOrderID: "buy-0", BrokerOrderID: "b1", FilledQuantity: d("0.5")},
			}}
		}, "order buy-1 of SPY: the broker filled 1.5, the report says 0 (named: false)"},
		"an order that only the report knows": {func(s *invariants.Snapshot) { s.Runs[0].Orders = s.Runs[0].Orders[:2] }, "order buy-1 is reported, and the broker does not know it"},
		"more than was planned": {func(s *invariants.Snapshot) {
			s.Events[1].Payload = events.RebalancePlanned{PlanID: plan, Trades: []events.Trade{
				{Symbol: "GE", Side: market.Sell, Quantity: d("1")}, {Symbol: "SPY", Side: market.Buy, Quantity: d("1.9")},
			}}
		}, "buy SPY: traded 2, planned 1.9"},
		"two plans":                            {publish("planned-2", events.RebalancePlanned{PlanID: "plan-2"}), "it has 2 plans"},
		"cash that the fills do not explain":   {func(s *invariants.Snapshot) { s.Runs[0].After.Cash = d("849.90") }, "has 849.9 in cash, the fills make 850"},
		"shares that the fills do not explain": {func(s *invariants.Snapshot) { s.Runs[0].After.Shares["SPY"] = d("3") }, "has 3 shares of SPY, the fills make 2"},
		"shares from nowhere":                  {func(s *invariants.Snapshot) { s.Runs[0].After.Shares["QQQ"] = d("1") }, "has 1 shares of QQQ, the fills make 0"},
		"shares that are gone":                 {func(s *invariants.Snapshot) { delete(s.Runs[0].After.Shares, "SPY") }, "has 0 shares of SPY, the fills make 2"},
		"a replay that trades":                 {func(s *invariants.Snapshot) { s.Replay.NewOrders = 1 }, "the replay has made 1 orders"},
		"a replay that publishes":              {func(s *invariants.Snapshot) { s.Replay.NewEvents = 1 }, "the replay has made 0 orders and 1 events"},
		"an event that is not replayed":        {func(s *invariants.Snapshot) { delete(s.Replay.Events, "planned") }, "RebalancePlanned planned is not in the archive"},
		"a replay that the monitor misses":     {func(s *invariants.Snapshot) { delete(s.Claims, claimed("monitor", "again/planned")) }, "the monitor has not seen the replayed RebalancePlanned planned"},
		"an event that only the archive knows": {func(s *invariants.Snapshot) { s.Replay.Events["ghost"] = true }, "the archive has ghost"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := sound()
			c.spoil(s)
			wrong := invariants.Check(*s)
			if !strings.Contains(strings.Join(wrong, "\n"), c.want) {
				t.Errorf("violations %q, want one with %q", wrong, c.want)
			}
		})
	}
}
