package brokertest

import (
	"github.com/shopspring/decimal"

	"github.com/the-alchemiser/alchemiser/internal/execution"
	"github.com/the-alchemiser/alchemiser/pkg/fault"
	"github.com/the-alchemiser/alchemiser/pkg/market"
)

// controlledCases need a broker or a market that does as it is told.
func controlledCases() []check {
	return []check{
		{"B20", "an order whose answer is lost is ambiguous, and there", injected(FaultDropped, answerLost)},
		{"B21", "an order that is lost on its way is ambiguous, and not there", injected(FaultLost, requestLost)},
		{"B22", "a server error for an order is ambiguous", injected(FaultServer, requestLost)},
		{"B23", "a throttled order is sent again, whole and once", injected(FaultThrottle, throttled)},
		{"B24", "a part fill keeps its quantity when the rest is cancelled", injected(FaultPartial, partFill)},
		{"B25", "an order that somebody replaces ends as replaced", replaced},
		{"B26", "an order in a halted symbol waits until trading goes on", halted},
	}
}

// injected runs a case on brokers that can be made to fail.
func injected(f Fault, run func(trial)) func(trial) {
	return func(t trial) {
		if t.Inject == nil {
			t.Skip("SKIPPED, for simulators only: this broker cannot be made to fail")
		}
		t.Inject(t.T, f)
		run(t)
	}
}

func answerLost(t trial) {
	r := t.request(market.Buy, "1")
	_, err := t.Broker.Submit(t.ctx(), r)
	t.wantCode(err, fault.Ambiguous)
	settled := t.filled(r.ClientID)
	if again := t.submit(r); again.BrokerID != settled.BrokerID || !t.held(t.ctx()).Equal(r.Quantity) {
		t.Errorf("orders %s and %s, held %s", settled.BrokerID, again.BrokerID, t.held(t.ctx()))
	}
}

func requestLost(t trial) {
	r := t.request(market.Buy, "1")
	_, err := t.Broker.Submit(t.ctx(), r)
	t.wantCode(err, fault.Ambiguous)
	if _, found, err := t.Broker.OrderByClientID(t.ctx(), r.ClientID); found || err != nil {
		t.Fatalf("found: %t, %v", found, err)
	}
	t.submit(r)
	t.filled(r.ClientID)
	if have := t.held(t.ctx()); !have.Equal(r.Quantity) {
		t.Errorf("held %s", have)
	}
}

func throttled(t trial) {
	r := t.request(market.Buy, "1.5")
	t.submit(r)
	if o := t.filled(r.ClientID); !o.Quantity.Equal(r.Quantity) || !t.held(t.ctx()).Equal(r.Quantity) {
		t.Errorf("got %+v, held %s", o, t.held(t.ctx()))
	}
}

func partFill(t trial) {
	r := t.request(market.Buy, "10")
	t.submit(r)
	o := t.await(r.ClientID, "partially filled", func(o execution.Order) bool { return o.State == execution.StatePartiallyFilled })
	if err := t.Broker.Cancel(t.ctx(), o.BrokerID); err != nil {
		t.Fatal(err)
	}
	o = t.await(r.ClientID, "cancelled", func(o execution.Order) bool { return o.State == execution.StateCancelled })
	if !o.Filled.IsPositive() || !o.Filled.LessThan(o.Quantity) || !o.AveragePrice.IsPositive() || !t.held(t.ctx()).Equal(o.Filled) {
		t.Errorf("got %+v, held %s", o, t.held(t.ctx()))
	}
}

func replaced(t trial) {
	if t.Replace == nil {
		t.Skip("SKIPPED: the harness cannot replace orders")
	}
	r := t.resting()
	t.submit(r)
	o := t.working(r.ClientID)
	successor := t.Replace(t.T, o.BrokerID, o.Limit.Sub(decimal.NewFromInt(1)))
	if err := t.Broker.Cancel(t.ctx(), successor); err != nil {
		t.Errorf("cancel order %s, which is to be cancelled by hand now: %v", successor, err)
	}
	o = t.await(r.ClientID, "replaced", func(o execution.Order) bool { return o.State == execution.StateReplaced })
	if o.Reason == "" || o.FinishedAt.IsZero() || !o.Limit.Equal(r.Limit) {
		t.Errorf("got %+v", o)
	}
}

func halted(t trial) {
	if t.Halt == nil {
		t.Skip("SKIPPED, for simulators only: this market is not halted at will")
	}
	t.Halt(t.T, true)
	r := t.request(market.Buy, "1")
	t.submit(r)
	t.working(r.ClientID)
	t.Halt(t.T, false)
	t.filled(r.ClientID)
}
