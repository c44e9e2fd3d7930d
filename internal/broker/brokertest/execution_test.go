package brokertest_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/the-alchemiser/alchemiser/internal/broker/alpaca"
	"github.com/the-alchemiser/alchemiser/internal/broker/paper"
	"github.com/the-alchemiser/alchemiser/internal/execution"
	"github.com/the-alchemiser/alchemiser/pkg/events"
	"github.com/the-alchemiser/alchemiser/pkg/market"
)

// records is a ledger, a table of plans and a switch that is on.
type records struct {
	mu     sync.Mutex
	orders map[string]execution.Order
	owner  string
}

func (r *records) PutOrder(_ context.Context, o execution.Order, _ ...execution.Fill) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.orders[o.ClientID] = o
	return nil
}

func (r *records) Order(_ context.Context, id string) (execution.Order, bool, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	o, ok := r.orders[id]
	return o, ok, nil
}

func (r *records) ClaimPlan(_ context.Context, _ execution.PlanKey, id string) (string, error) {
	if r.owner == "" {
		r.owner = id
	}
	return r.owner, nil
}

func (r *records) TradingEnabled(context.Context) (bool, error) { return true, nil }

// A plan is traded through the real client over real connections that fail in every way the simulator knows. Each
// attempt may fail; in the end the account holds what was planned, and every trade was made once.
func TestPlanIsTradedThroughHTTP(t *testing.T) {
	faults := map[string]string{
		"no fault":                   "",
		"lost orders":                `{"route":"POST /v2/orders","kind":"lost","times":3}`,
		"lost answers":               `{"route":"POST /v2/orders","kind":"drop","times":3}`,
		"orders on a failing host":   `{"route":"POST /v2/orders","kind":"status","status":502,"times":4}`,
		"throttled orders":           `{"route":"POST /v2/orders","kind":"status","status":429,"times":2}`,
		"lost looks":                 `{"route":"GET /v2/orders:by_client_order_id","kind":"drop","times":2}`,
		"an account that fails":      `{"route":"GET /v2/account","kind":"status","status":500,"times":2}`,
		"orders filled in part":      `{"route":"POST /v2/orders","kind":"partial","times":1}`,
		"positions that are refused": `{"route":"GET /v2/positions","kind":"status","status":403,"times":1}`,
	}
	for name, document := range faults {
		for _, fills := range []paper.Fills{paper.FillsInstant, paper.FillsBook} {
			t.Run(fmt.Sprintf("%s, fills %s", name, fills), func(t *testing.T) {
				t.Parallel()
				tradeThroughHTTP(t, document, fills)
			})
		}
	}
}

func tradeThroughHTTP(t *testing.T, document string, fills paper.Fills) {
	t.Helper()
	server, err := paper.New(paper.Config{
		Prices: paper.Seeded(1), Cash: decimal.NewFromInt(20_000), Fills: fills, SpreadBps: decimal.NewFromInt(2),
		Positions: map[string]decimal.Decimal{"GE": decimal.NewFromInt(40), "XOM": decimal.RequireFromString("3.3")},
	})
	if err != nil {
		t.Fatal(err)
	}
	serving := httptest.NewServer(server)
	defer serving.Close()
	broker := client(t, serving.URL, serving.URL, "key", "secret")
	ledger := &records{orders: map[string]execution.Order{}}
	service, err := execution.New(execution.Config{
		Broker: broker, Ledger: ledger, Plans: ledger, Switch: ledger,
		MaxPlanAge: time.Hour, StepInterval: 20 * time.Millisecond, LimitSteps: 3, Now: time.Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	in := plan(t, broker)
	if document != "" {
		resp, err := http.Post(serving.URL+"/_control/faults", "application/json", strings.NewReader(document))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
	}
	var out []events.Payload
	for attempt := 1; ; attempt++ {
		if out, err = service.Handle(t.Context(), in); err == nil {
			break
		}
		if attempt == 4 {
			t.Fatal(err)
		}
	}
	executed, ok := out[0].(events.TradeExecuted)
	if !ok {
		t.Fatalf("got %+v", out)
	}
	if err := executed.Validate(); err != nil {
		t.Error(err)
	}
	held := map[string]string{}
	for _, h := range executed.PositionsAfter {
		held[h.Symbol] = h.Quantity.String()
	}
	if got := fmt.Sprint(held); got != "map[AAPL:10 GE:30 SPY:4.5]" {
		t.Errorf("held %s; %+v", got, out[1])
	}
}

func plan(t *testing.T, broker *alpaca.Client) events.Event {
	t.Helper()
	clock, err := broker.Clock(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	account, err := broker.Account(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	line := func(side market.Side, symbol, quantity string) events.Trade {
		q := decimal.RequireFromString(quantity)
		return events.Trade{
			Symbol: symbol, Side: side, Quantity: q, ReferencePrice: decimal.NewFromInt(100), Notional: q.Mul(decimal.NewFromInt(100)), Reason: "test",
		}
	}
	trades := []events.Trade{
		line(market.Sell, "GE", "10"), line(market.Sell, "XOM", "3.3"), line(market.Buy, "AAPL", "10"), line(market.Buy, "SPY", "4.5"),
	}
	trades[1].Liquidate = true
	return events.Event{ID: "event", CorrelationID: "run", Payload: events.RebalancePlanned{
		Run: events.Run{
			PortfolioID: "core", AccountID: account.ID, TradingDate: market.DateOf(clock.Now), SessionClose: clock.Now.Add(15 * time.Minute),
		},
		PlanID: "plan", PlannedAt: clock.Now, Equity: account.Equity, Trades: trades,
	}}
}
