package monitor_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"

	"github.com/the-alchemiser/alchemiser/internal/monitor"
	"github.com/the-alchemiser/alchemiser/pkg/bus"
	"github.com/the-alchemiser/alchemiser/pkg/events"
	"github.com/the-alchemiser/alchemiser/pkg/fault"
	"github.com/the-alchemiser/alchemiser/pkg/market"
)

var sameDecimals = cmp.Comparer(func(a, b decimal.Decimal) bool { return a.Equal(b) })

func TestWhatWasTradedInFigures(t *testing.T) {
	t.Parallel()
	order := func(quantity, price, slippage string) events.ExecutedOrder {
		return events.ExecutedOrder{FilledQuantity: d(quantity), AveragePrice: d(price), SlippageBps: d(slippage)}
	}
	tests := map[string]struct {
		report events.TradeExecuted
		want   monitor.Traded
	}{
		"slippage is weighted by value": {
			events.TradeExecuted{
				Orders: []events.ExecutedOrder{order("30", "100", "2"), order("10", "100", "-6"), order("0", "0", "0")}, Bought: d("3000"), Sold: d("1000"), EquityAfter: d("8000"),
			},
			monitor.Traded{Orders: 3, Fills: 2, Equity: d("8000"), Turnover: d("0.5"), SlippageBps: d("0")},
		},
		"one fill": {
			events.TradeExecuted{Orders: []events.ExecutedOrder{order("1", "250", "1.25")}, Bought: d("250"), EquityAfter: d("1000")},
			monitor.Traded{Orders: 1, Fills: 1, Equity: d("1000"), Turnover: d("0.25"), SlippageBps: d("1.25")},
		},
		"no order": {events.TradeExecuted{EquityAfter: d("1000")}, monitor.Traded{Equity: d("1000")}},
		"an account that is worth nothing": {
			events.TradeExecuted{Orders: []events.ExecutedOrder{order("1", "10", "1")}, Sold: d("10")}, monitor.Traded{Orders: 1, Fills: 1, SlippageBps: d("1")},
		},
	}
	for name, tt := range tests {
		figures := &fakeMeter{}
		if _, err := serviceAt(t, &fakeStore{}, &fakeMail{}, figures, at).Handle(t.Context(), event(tt.report)); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]monitor.Traded{tt.want}, figures.traded, sameDecimals); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestTheEndOfAWorkflowInFigures(t *testing.T) {
	t.Parallel()
	store, figures := &fakeStore{workflow: monitor.Workflow{StartedAt: at.Add(-90 * time.Second)}}, &fakeMeter{}
	service := serviceAt(t, store, &fakeMail{}, figures, at)
	for _, p := range []events.Payload{
		events.WorkflowStarted{PortfolioID: "main"},
		events.WorkflowCompleted{PortfolioID: "main", Outcome: events.OutcomeSkipped, Reason: "closed"},
		events.WorkflowFailed{PortfolioID: "main", Code: fault.Internal, Reason: "x"},
	} {
		if _, err := service.Handle(t.Context(), event(p)); err != nil {
			t.Fatal(err)
		}
	}
	want := []monitor.Ended{{State: monitor.StateSkipped, Took: 90 * time.Second}, {State: monitor.StateFailed, Took: 90 * time.Second}}
	if diff := cmp.Diff(want, figures.ended); diff != "" {
		t.Errorf("ends (-want +got):\n%s", diff)
	}
}

func TestAReplayIsNoFigure(t *testing.T) {
	t.Parallel()
	figures := &fakeMeter{}
	service := serviceAt(t, &fakeStore{}, &fakeMail{}, figures, at)
	for _, p := range []events.Payload{events.TradeExecuted{EquityAfter: d("1")}, events.WorkflowCompleted{Outcome: events.OutcomeCompleted}} {
		if _, err := service.Handle(bus.WithReplay(t.Context(), "again"), event(p)); err != nil {
			t.Fatal(err)
		}
	}
	if len(figures.traded)+len(figures.ended) > 0 {
		t.Errorf("figures of a replay: %+v", figures)
	}
}

func TestTheRebalanceIsOverdue(t *testing.T) {
	t.Parallel()
	const monday = market.Date("2024-12-02")
	newYork := func(day, clock string) time.Time {
		at, err := time.ParseInLocation("2006-01-02 15:04", day+" "+clock, week{}.Zone())
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	run := func(portfolio string, date market.Date, state monitor.State) []monitor.Workflow {
		return []monitor.Workflow{{PortfolioID: portfolio, TradingDate: date, State: state}}
	}
	tests := map[string]struct {
		now  time.Time
		runs []monitor.Workflow
		want bool
	}{
		"before the close":                  {newYork("2024-12-02", "15:59"), nil, false},
		"while the last attempts may run":   {newYork("2024-12-02", "16:19"), nil, false},
		"nothing ran":                       {newYork("2024-12-02", "16:20"), nil, true},
		"nothing ran, late in the evening":  {newYork("2024-12-02", "23:59"), nil, true},
		"the next morning":                  {newYork("2024-12-03", "00:00"), nil, false},
		"on a Sunday":                       {newYork("2024-12-01", "18:00"), nil, false},
		"it has completed":                  {newYork("2024-12-02", "18:00"), run("main", monday, monitor.StateCompleted), false},
		"there was nothing to do":           {newYork("2024-12-02", "18:00"), run("main", monday, monitor.StateNothingToDo), false},
		"it has failed":                     {newYork("2024-12-02", "18:00"), run("main", monday, monitor.StateFailed), true},
		"it was skipped":                    {newYork("2024-12-02", "18:00"), run("main", monday, monitor.StateSkipped), true},
		"another portfolio's has completed": {newYork("2024-12-02", "18:00"), run("test", monday, monitor.StateCompleted), true},
		"one of another date has completed": {newYork("2024-12-02", "18:00"), run("main", "2024-11-29", monitor.StateCompleted), true},
		"it failed and was then made good":  {newYork("2024-12-02", "18:00"), append(run("main", monday, monitor.StateFailed), run("main", monday, monitor.StateCompleted)...), false},
	}
	for name, tt := range tests {
		figures := &fakeMeter{}
		store := &fakeStore{days: map[market.Date][]monitor.Workflow{monday: tt.runs}}
		if err := serviceAt(t, store, &fakeMail{}, figures, tt.now).Watchdog(t.Context()); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]monitor.Watched{{Overdue: tt.want}}, figures.watched); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// An alarm on missing figures must tell of a watchdog that cannot see.
func TestWatchdogThatCannotSeeTellsNoFigure(t *testing.T) {
	t.Parallel()
	figures := &fakeMeter{}
	err := serviceAt(t, &fakeStore{err: errors.New("down")}, &fakeMail{}, figures, at).Watchdog(t.Context())
	if err == nil || len(figures.watched) != 0 {
		t.Errorf("Watchdog = %v with figures %v, want an error and none", err, figures.watched)
	}
}
