// Package brokertest says what execution relies on in a broker, as numbered cases that every broker passes: the paper
// simulator and, pointed at one, a real paper account.
//
// The cases buy and sell small quantities of one liquid symbol at the market; they leave the account as they found it
// but for the costs.
package brokertest

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"

	"github.com/the-alchemiser/alchemiser/internal/execution"
	"github.com/the-alchemiser/alchemiser/pkg/fault"
	"github.com/the-alchemiser/alchemiser/pkg/market"
)

// Fault is what goes wrong with the next request that places an order.
type Fault string

// The faults.
const (
	// FaultLost breaks the connection before the request is carried out.
	FaultLost Fault = "lost"
	// FaultDropped breaks it afterwards.
	FaultDropped Fault = "drop"
	// FaultServer answers 500.
	FaultServer Fault = "500"
	// FaultThrottle answers 429.
	FaultThrottle Fault = "429"
	// FaultPartial lets only half of the order ever be filled.
	FaultPartial Fault = "partial"
)

// Harness is a broker to be tested. Its market must be open.
type Harness struct {
	Broker execution.Broker
	// Symbol is liquid, fractionable, and not held.
	Symbol string
	// Wait lets the market work between two looks at an order.
	Wait func()
	// Inject arms a fault; nil leaves the cases out that need one.
	Inject func(t *testing.T, f Fault)
}

// looks bounds how often a case looks before it gives up.
const looks = 20

type check struct {
	id   string
	name string
	run  func(t *testing.T, h Harness)
}

// Run runs every case that the harness allows, each on what open returns.
func Run(t *testing.T, open func(t *testing.T) Harness) {
	t.Helper()
	for _, c := range append(cases(), faultCases()...) {
		t.Run(c.id+" "+c.name, func(t *testing.T) { c.run(t, open(t)) })
	}
}

func cases() []check {
	return []check{
		{"B01", "the account has an id and money", account},
		{"B02", "clock and calendar agree", clockAndCalendar},
		{"B03", "there is no session on a Sunday", sunday},
		{"B04", "quotes are two-sided, missing ones named", quotes},
		{"B05", "an unknown asset is invalid", assets},
		{"B06", "a market order fills, exactly, and is a position", fills},
		{"B07", "the same request twice is one order", twice},
		{"B08", "the same request at the same time is one order", atOnce},
		{"B09", "a client id is not used for another order", reused},
		{"B10", "an order that was never sent is not found", neverSent},
		{"B11", "a limit away from the market rests until it is cancelled", restsUntilCancelled},
		{"B12", "cancelling an order that has ended is no error", cancelEnded},
		{"B13", "a buy beyond the buying power is refused and leaves no order", beyondBuyingPower},
		{"B14", "a sell beyond the position is refused", beyondPosition},
		{"B15", "a malformed order is refused", malformed},
		{"B16", "a call ends with its context, and nothing is sent", ended},
	}
}

func ctx(t *testing.T) context.Context {
	t.Helper()
	c, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return c
}

func wantCode(t *testing.T, err error, want fault.Code) {
	t.Helper()
	if fault.CodeOf(err) != want {
		t.Errorf("got %q: %v; want %q", fault.CodeOf(err), err, want)
	}
}

func (h Harness) request(side market.Side, quantity string) execution.OrderRequest {
	return execution.OrderRequest{
		ClientID: uuid.NewString(), Symbol: h.Symbol, Side: side, Type: execution.OrderMarket, Quantity: decimal.RequireFromString(quantity),
	}
}

func (h Harness) submit(t *testing.T, r execution.OrderRequest) execution.Order {
	t.Helper()
	o, err := h.Broker.Submit(ctx(t), r)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// await looks at an order until it is as wanted.
func (h Harness) await(t *testing.T, id, wanted string, is func(execution.Order) bool) execution.Order {
	t.Helper()
	var last execution.Order
	for range looks {
		o, found, err := h.Broker.OrderByClientID(ctx(t), id)
		if err != nil {
			t.Fatal(err)
		}
		if found && is(o) {
			return o
		}
		last = o
		h.Wait()
	}
	t.Fatalf("order %s is %s with %s filled; want it %s", id, last.State, last.Filled, wanted)
	return last
}

func (h Harness) filled(t *testing.T, id string) execution.Order {
	t.Helper()
	return h.await(t, id, "filled", func(o execution.Order) bool {
		return o.State == execution.StateFilled && o.AveragePrice.IsPositive()
	})
}

// bought buys quantity and sells what the case leaves of it.
func (h Harness) bought(t *testing.T, quantity string) execution.Order {
	t.Helper()
	r := h.request(market.Buy, quantity)
	h.submit(t, r)
	o := h.filled(t, r.ClientID)
	t.Cleanup(func() {
		c, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if have := h.held(t, c); have.IsPositive() {
			back := h.request(market.Sell, have.String())
			if _, err := h.Broker.Submit(c, back); err != nil {
				t.Errorf("sell what was bought: %v", err)
			}
		}
	})
	return o
}

func (h Harness) held(t *testing.T, c context.Context) decimal.Decimal { //nolint:revive // a helper; t is first
	t.Helper()
	positions, err := h.Broker.Positions(c)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range positions {
		if p.Symbol == h.Symbol {
			return p.Quantity
		}
	}
	return decimal.Zero
}

func account(t *testing.T, h Harness) {
	a, err := h.Broker.Account(ctx(t))
	if err != nil || a.ID == "" || !a.Equity.IsPositive() || !a.BuyingPower.IsPositive() || a.Blocked {
		t.Errorf("got %+v, %v", a, err)
	}
}

func clockAndCalendar(t *testing.T, h Harness) {
	clock, err := h.Broker.Clock(ctx(t))
	if err != nil {
		t.Fatal(err)
	}
	s, trading, err := h.Broker.Session(ctx(t), market.DateOf(clock.Now))
	if err != nil || !trading || !s.Open.Before(s.Close) {
		t.Fatalf("got %+v, %t, %v", s, trading, err)
	}
	if within := !clock.Now.Before(s.Open) && clock.Now.Before(s.Close); within != clock.Open || !clock.Open {
		t.Errorf("at %s the clock says open: %t, the session is %s to %s", clock.Now, clock.Open, s.Open, s.Close)
	}
	if _, offset := clock.Now.Zone(); offset != -5*3600 && offset != -4*3600 {
		t.Errorf("the clock is not in New York: %s", clock.Now)
	}
}

func sunday(t *testing.T, h Harness) {
	clock, err := h.Broker.Clock(ctx(t))
	if err != nil {
		t.Fatal(err)
	}
	day := clock.Now.AddDate(0, 0, -int(clock.Now.Weekday()))
	if s, trading, err := h.Broker.Session(ctx(t), market.DateOf(day)); trading || err != nil {
		t.Errorf("%s: got %+v, %t, %v", day, s, trading, err)
	}
}

func quotes(t *testing.T, h Harness) {
	got, err := h.Broker.Quotes(ctx(t), []string{h.Symbol})
	q := got[h.Symbol]
	if err != nil || !q.Bid.IsPositive() || q.Bid.GreaterThan(q.Ask) {
		t.Errorf("got %+v, %v", q, err)
	}
	_, err = h.Broker.Quotes(ctx(t), []string{h.Symbol, "ZZZZQ"})
	wantCode(t, err, fault.Transient)
	if none, err := h.Broker.Quotes(ctx(t), nil); len(none) != 0 || err != nil {
		t.Errorf("quotes of nothing: %v, %v", none, err)
	}
}

func assets(t *testing.T, h Harness) {
	a, err := h.Broker.Asset(ctx(t), h.Symbol)
	if err != nil || !a.Tradable || !a.Fractionable || a.Symbol != h.Symbol {
		t.Errorf("got %+v, %v", a, err)
	}
	_, err = h.Broker.Asset(ctx(t), "ZZZZQ")
	wantCode(t, err, fault.Invalid)
}

func fills(t *testing.T, h Harness) {
	before, err := h.Broker.Account(ctx(t))
	if err != nil {
		t.Fatal(err)
	}
	o := h.bought(t, "0.123456789")
	if !o.Filled.Equal(o.Quantity) || o.Side != market.Buy || o.BrokerID == "" || o.FinishedAt.IsZero() || o.SubmittedAt.IsZero() {
		t.Errorf("got %+v", o)
	}
	if have := h.held(t, ctx(t)); !have.Equal(o.Quantity) {
		t.Errorf("held %s, bought %s", have, o.Quantity)
	}
	after, err := h.Broker.Account(ctx(t))
	if err != nil || !after.Cash.LessThan(before.Cash) {
		t.Errorf("cash %s, then %s, %v", before.Cash, after.Cash, err)
	}
	r := h.request(market.Sell, o.Quantity.String())
	h.submit(t, r)
	h.filled(t, r.ClientID)
	if have := h.held(t, ctx(t)); !have.IsZero() {
		t.Errorf("held %s after all was sold", have)
	}
}

func twice(t *testing.T, h Harness) {
	r := h.request(market.Buy, "1")
	first := h.submit(t, r)
	h.filled(t, r.ClientID)
	second := h.submit(t, r)
	if first.BrokerID != second.BrokerID || !h.held(t, ctx(t)).Equal(r.Quantity) {
		t.Errorf("orders %s and %s, held %s", first.BrokerID, second.BrokerID, h.held(t, ctx(t)))
	}
	h.submit(t, h.request(market.Sell, "1"))
}

func atOnce(t *testing.T, h Harness) {
	r := h.request(market.Buy, "1")
	var wait sync.WaitGroup
	ids := make([]string, 8)
	for i := range ids {
		wait.Go(func() {
			o, err := h.Broker.Submit(ctx(t), r)
			if err != nil {
				t.Error(err)
			}
			ids[i] = o.BrokerID
		})
	}
	wait.Wait()
	h.filled(t, r.ClientID)
	for _, id := range ids {
		if id != ids[0] || id == "" {
			t.Errorf("order ids: %v", ids)
			break
		}
	}
	if have := h.held(t, ctx(t)); !have.Equal(r.Quantity) {
		t.Errorf("held %s", have)
	}
	h.submit(t, h.request(market.Sell, "1"))
}

func reused(t *testing.T, h Harness) {
	o := h.bought(t, "1")
	other := h.request(market.Buy, "2")
	other.ClientID = o.ClientID
	_, err := h.Broker.Submit(ctx(t), other)
	wantCode(t, err, fault.Invalid)
}

func neverSent(t *testing.T, h Harness) {
	if o, found, err := h.Broker.OrderByClientID(ctx(t), uuid.NewString()); found || err != nil {
		t.Errorf("got %+v, %t, %v", o, found, err)
	}
}

// resting is a limit order that the market will not meet.
func (h Harness) resting(t *testing.T) execution.OrderRequest {
	t.Helper()
	q, err := h.Broker.Quotes(ctx(t), []string{h.Symbol})
	if err != nil {
		t.Fatal(err)
	}
	r := h.request(market.Buy, "1")
	r.Type, r.Limit = execution.OrderLimit, q[h.Symbol].Bid.Mul(decimal.New(8, -1)).RoundFloor(2)
	return r
}

func restsUntilCancelled(t *testing.T, h Harness) {
	before, err := h.Broker.Account(ctx(t))
	if err != nil {
		t.Fatal(err)
	}
	r := h.resting(t)
	h.submit(t, r)
	o := h.await(t, r.ClientID, "working", func(o execution.Order) bool { return o.State == execution.StateWorking })
	if !o.Limit.Equal(r.Limit) || !o.Filled.IsZero() {
		t.Errorf("got %+v", o)
	}
	if during, err := h.Broker.Account(ctx(t)); err != nil || !during.BuyingPower.LessThan(before.BuyingPower) {
		t.Errorf("buying power %s, then %s, %v", before.BuyingPower, during.BuyingPower, err)
	}
	if err := h.Broker.Cancel(ctx(t), o.BrokerID); err != nil {
		t.Fatal(err)
	}
	o = h.await(t, r.ClientID, "cancelled", func(o execution.Order) bool { return o.State == execution.StateCancelled })
	if o.Reason == "" || o.FinishedAt.IsZero() {
		t.Errorf("got %+v", o)
	}
}

func cancelEnded(t *testing.T, h Harness) {
	o := h.bought(t, "1")
	if err := h.Broker.Cancel(ctx(t), o.BrokerID); err != nil {
		t.Error(err)
	}
}

func beyondBuyingPower(t *testing.T, h Harness) {
	r := h.request(market.Buy, "10000000")
	_, err := h.Broker.Submit(ctx(t), r)
	wantCode(t, err, fault.Invalid)
	if _, found, err := h.Broker.OrderByClientID(ctx(t), r.ClientID); found || err != nil {
		t.Errorf("found: %t, %v", found, err)
	}
}

func beyondPosition(t *testing.T, h Harness) {
	h.bought(t, "1")
	_, err := h.Broker.Submit(ctx(t), h.request(market.Sell, "1.5"))
	wantCode(t, err, fault.Invalid)
}

func malformed(t *testing.T, h Harness) {
	for name, change := range map[string]func(*execution.OrderRequest){
		"unknown symbol": func(r *execution.OrderRequest) { r.Symbol = "ZZZZQ" },
		"no quantity":    func(r *execution.OrderRequest) { r.Quantity = decimal.Zero },
		"ten decimals":   func(r *execution.OrderRequest) { r.Quantity = decimal.New(1, -10) },
		"no client id":   func(r *execution.OrderRequest) { r.ClientID = "" },
		"no limit":       func(r *execution.OrderRequest) { r.Type = execution.OrderLimit },
		"sub-penny limit": func(r *execution.OrderRequest) {
			r.Type, r.Limit = execution.OrderLimit, decimal.RequireFromString("12.345")
		},
	} {
		r := h.request(market.Buy, "1")
		change(&r)
		if _, err := h.Broker.Submit(ctx(t), r); fault.CodeOf(err) != fault.Invalid {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func ended(t *testing.T, h Harness) {
	c, cancel := context.WithCancel(t.Context())
	cancel()
	r := h.request(market.Buy, "1")
	_, err := h.Broker.Submit(c, r)
	wantCode(t, err, fault.Transient)
	if _, found, err := h.Broker.OrderByClientID(ctx(t), r.ClientID); found || err != nil {
		t.Errorf("found: %t, %v", found, err)
	}
	for name, call := range map[string]func() error{
		"account":   func() error { _, err := h.Broker.Account(c); return err },
		"positions": func() error { _, err := h.Broker.Positions(c); return err },
		"quotes":    func() error { _, err := h.Broker.Quotes(c, []string{h.Symbol}); return err },
	} {
		if err := call(); fault.CodeOf(err) != fault.Transient {
			t.Errorf("%s: got %v", name, fmt.Sprint(err))
		}
	}
}
