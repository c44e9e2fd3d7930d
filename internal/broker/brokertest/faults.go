package brokertest

import (
	"testing"

	"github.com/the-alchemiser/alchemiser/internal/execution"
	"github.com/the-alchemiser/alchemiser/pkg/fault"
	"github.com/the-alchemiser/alchemiser/pkg/market"
)

func faultCases() []check {
	return []check{
		{"B20", "an order whose answer is lost is ambiguous, and there", injected(FaultDropped, answerLost)},
		{"B21", "an order that is lost on its way is ambiguous, and not there", injected(FaultLost, requestLost)},
		{"B22", "a server error for an order is ambiguous", injected(FaultServer, requestLost)},
		{"B23", "a throttled order is sent again, whole and once", injected(FaultThrottle, throttled)},
		{"B24", "a part fill keeps its quantity when the rest is cancelled", injected(FaultPartial, partFill)},
	}
}

// injected runs a case on brokers that can be made to fail.
func injected(f Fault, run func(t *testing.T, h Harness)) func(t *testing.T, h Harness) {
	return func(t *testing.T, h Harness) {
		if h.Inject == nil {
			t.Log("not run: this broker cannot be made to fail")
			return
		}
		h.Inject(t, f)
		run(t, h)
	}
}

func answerLost(t *testing.T, h Harness) {
	r := h.request(market.Buy, "1")
	_, err := h.Broker.Submit(ctx(t), r)
	wantCode(t, err, fault.Ambiguous)
	settled := h.filled(t, r.ClientID)
	if again := h.submit(t, r); again.BrokerID != settled.BrokerID || !h.held(t, ctx(t)).Equal(r.Quantity) {
		t.Errorf("orders %s and %s, held %s", settled.BrokerID, again.BrokerID, h.held(t, ctx(t)))
	}
}

func requestLost(t *testing.T, h Harness) {
	r := h.request(market.Buy, "1")
	_, err := h.Broker.Submit(ctx(t), r)
	wantCode(t, err, fault.Ambiguous)
	if _, found, err := h.Broker.OrderByClientID(ctx(t), r.ClientID); found || err != nil {
		t.Fatalf("found: %t, %v", found, err)
	}
	h.submit(t, r)
	h.filled(t, r.ClientID)
	if have := h.held(t, ctx(t)); !have.Equal(r.Quantity) {
		t.Errorf("held %s", have)
	}
}

func throttled(t *testing.T, h Harness) {
	r := h.request(market.Buy, "1.5")
	h.submit(t, r)
	if o := h.filled(t, r.ClientID); !o.Quantity.Equal(r.Quantity) || !h.held(t, ctx(t)).Equal(r.Quantity) {
		t.Errorf("got %+v, held %s", o, h.held(t, ctx(t)))
	}
}

func partFill(t *testing.T, h Harness) {
	r := h.request(market.Buy, "10")
	h.submit(t, r)
	o := h.await(t, r.ClientID, "partially filled", func(o execution.Order) bool { return o.State == execution.StatePartiallyFilled })
	if err := h.Broker.Cancel(ctx(t), o.BrokerID); err != nil {
		t.Fatal(err)
	}
	o = h.await(t, r.ClientID, "cancelled", func(o execution.Order) bool { return o.State == execution.StateCancelled })
	if !o.Filled.IsPositive() || !o.Filled.LessThan(o.Quantity) || !o.AveragePrice.IsPositive() || !h.held(t, ctx(t)).Equal(o.Filled) {
		t.Errorf("got %+v, held %s", o, h.held(t, ctx(t)))
	}
}
