package brokertest

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"

	"github.com/the-alchemiser/alchemiser/internal/execution"
	"github.com/the-alchemiser/alchemiser/pkg/market"
)

// recorder remembers what a case submits: its orders are the only ones that are touched afterwards. It is safe for
// concurrent use.
type recorder struct {
	execution.Broker

	mu  sync.Mutex
	ids []string
}

// Submit implements execution.Broker.
func (r *recorder) Submit(ctx context.Context, request execution.OrderRequest) (execution.Order, error) {
	r.mu.Lock()
	r.ids = append(r.ids, request.ClientID)
	r.mu.Unlock()
	return r.Broker.Submit(ctx, request)
}

func (r *recorder) submitted() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Compact(slices.Clone(r.ids))
}

// unheld ends a case before it begins if the account holds its symbol: what is there afterwards is sold.
func (t trial) unheld() {
	t.Helper()
	if have := t.held(t.ctx()); !have.IsZero() {
		t.Fatalf("the account holds %s %s, and the cases would sell them: name a symbol that it does not hold", have, t.Symbol)
	}
}

// restore cancels what is open of a case's own orders and sells what they bought. It runs after the test's context has
// ended.
func (t trial) restore(own []string) {
	c, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	for _, id := range own {
		if id == "" {
			continue // refused before it was sent
		}
		t.settle(c, id, t.Broker.Cancel)
	}
	have := t.held(c)
	if !have.IsPositive() {
		return
	}
	back := execution.OrderRequest{ClientID: uuid.NewString(), Symbol: t.Symbol, Side: market.Sell, Type: execution.OrderMarket, Quantity: have}
	if _, err := t.Broker.Submit(c, back); err != nil {
		t.Errorf("sell what was bought: %v", err)
		return
	}
	t.settle(c, back.ClientID, func(context.Context, string) error { return nil })
	if left := t.held(c); !left.Equal(decimal.Zero) {
		t.Errorf("%s %s are left", left, t.Symbol)
	}
}

// settle waits until an order has ended, if there is one; before each wait it does what is to end it.
func (t trial) settle(c context.Context, id string, end func(c context.Context, brokerID string) error) {
	for range looks {
		o, found, err := t.Broker.OrderByClientID(c, id)
		switch {
		case err != nil:
			t.Errorf("order %s that is to end: %v", id, err)
			return
		case !found || o.State.Final():
			return
		}
		if err := end(c, o.BrokerID); err != nil {
			t.Errorf("end order %s: %v", id, err)
		}
		t.Wait()
	}
	t.Errorf("order %s has not ended: look after it by hand", id)
}
