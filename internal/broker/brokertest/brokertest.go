// Package brokertest says what execution relies on in a broker, as numbered cases that every broker passes: the paper
// simulator and, pointed at one, a real paper account.
//
// The cases buy and sell small quantities of one liquid symbol at the market. Each cancels its own orders and sells what
// they bought, and touches no others: the account is left as it was found but for the costs.
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
	// Replace puts another limit in the place of an open order's, as its owner may by hand, and returns the broker's id of
	// the order that has it; nil leaves its case out.
	Replace func(t *testing.T, brokerOrderID string, limit decimal.Decimal) (successor string)
	// Halt stops the trading of Symbol or lets it go on; nil leaves its case out.
	Halt func(t *testing.T, halted bool)
}

// looks bounds how often a case looks before it gives up.
const looks = 20

// trial is one case on one broker.
type trial struct {
	*testing.T
	Harness
}

type check struct {
	id   string
	name string
	run  func(t trial)
}

// Run runs every case that the harness allows, each on what open returns.
func Run(t *testing.T, open func(t *testing.T) Harness) {
	t.Helper()
	for _, c := range append(cases(), controlledCases()...) {
		t.Run(c.id+" "+c.name, func(t *testing.T) {
			on := trial{T: t, Harness: open(t)}
			own := &recorder{Broker: on.Broker}
			on.Broker = own
			on.unheld()
			t.Cleanup(func() { on.restore(own.submitted()) })
			c.run(on)
		})
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
		{"B17", "shares that an open sell order holds are not available", reserved},
		{"B18", "the calendar knows a holiday and an early close", shortWeek},
		{"B19", "a buy that would meet an own open sell is refused", meetsItself},
	}
}

// Cases returns every case as "B01 the account has an id and money", in order.
func Cases() []string {
	var out []string
	for _, c := range append(cases(), controlledCases()...) {
		out = append(out, c.id+" "+c.name)
	}
	return out
}

func (t trial) ctx() context.Context {
	t.Helper()
	c, cancel := context.WithTimeout(t.Context(), 2*time.Minute) // a rate limit's minute is waited for
	t.Cleanup(cancel)
	return c
}

func (t trial) wantCode(err error, want fault.Code) {
	t.Helper()
	if fault.CodeOf(err) != want {
		t.Errorf("got %q: %v; want %q", fault.CodeOf(err), err, want)
	}
}

func (t trial) request(side market.Side, quantity string) execution.OrderRequest {
	return execution.OrderRequest{
		ClientID: uuid.NewString(), Symbol: t.Symbol, Side: side, Type: execution.OrderMarket, Quantity: decimal.RequireFromString(quantity),
	}
}

func (t trial) submit(r execution.OrderRequest) execution.Order {
	t.Helper()
	o, err := t.Broker.Submit(t.ctx(), r)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// await looks at an order until it is as wanted.
func (t trial) await(id, wanted string, is func(execution.Order) bool) execution.Order {
	t.Helper()
	var last execution.Order
	for range looks {
		o, found, err := t.Broker.OrderByClientID(t.ctx(), id)
		if err != nil {
			t.Fatal(err)
		}
		if found && is(o) {
			return o
		}
		last = o
		t.Wait()
	}
	t.Fatalf("order %s is %s with %s filled; want it %s", id, last.State, last.Filled, wanted)
	return last
}

func (t trial) filled(id string) execution.Order {
	t.Helper()
	return t.await(id, "filled", func(o execution.Order) bool {
		return o.State == execution.StateFilled && o.AveragePrice.IsPositive()
	})
}

// bought buys quantity.
func (t trial) bought(quantity string) execution.Order {
	t.Helper()
	r := t.request(market.Buy, quantity)
	t.submit(r)
	return t.filled(r.ClientID)
}

func (t trial) held(c context.Context) decimal.Decimal {
	t.Helper()
	positions, err := t.Broker.Positions(c)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range positions {
		if p.Symbol == t.Symbol {
			return p.Quantity
		}
	}
	return decimal.Zero
}

func account(t trial) {
	a, err := t.Broker.Account(t.ctx())
	if err != nil || a.ID == "" || !a.Equity.IsPositive() || !a.BuyingPower.IsPositive() || a.Blocked {
		t.Errorf("got %+v, %v", a, err)
	}
}

func clockAndCalendar(t trial) {
	clock, err := t.Broker.Clock(t.ctx())
	if err != nil {
		t.Fatal(err)
	}
	s, trading, err := t.Broker.Session(t.ctx(), market.DateOf(clock.Now))
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

func sunday(t trial) {
	clock, err := t.Broker.Clock(t.ctx())
	if err != nil {
		t.Fatal(err)
	}
	day := clock.Now.AddDate(0, 0, -int(clock.Now.Weekday()))
	if s, trading, err := t.Broker.Session(t.ctx(), market.DateOf(day)); trading || err != nil {
		t.Errorf("%s: got %+v, %t, %v", day, s, trading, err)
	}
}

func quotes(t trial) {
	got, err := t.Broker.Quotes(t.ctx(), []string{t.Symbol})
	q := got[t.Symbol]
	if err != nil || !q.Bid.IsPositive() || q.Bid.GreaterThan(q.Ask) {
		t.Errorf("got %+v, %v", q, err)
	}
	_, err = t.Broker.Quotes(t.ctx(), []string{t.Symbol, "ZZZZQ"})
	t.wantCode(err, fault.Transient)
	if none, err := t.Broker.Quotes(t.ctx(), nil); len(none) != 0 || err != nil {
		t.Errorf("quotes of nothing: %v, %v", none, err)
	}
}

func assets(t trial) {
	a, err := t.Broker.Asset(t.ctx(), t.Symbol)
	if err != nil || !a.Tradable || !a.Fractionable || a.Symbol != t.Symbol {
		t.Errorf("got %+v, %v", a, err)
	}
	_, err = t.Broker.Asset(t.ctx(), "ZZZZQ")
	t.wantCode(err, fault.Invalid)
}

func fills(t trial) {
	before, err := t.Broker.Account(t.ctx())
	if err != nil {
		t.Fatal(err)
	}
	o := t.bought("0.123456789")
	if !o.Filled.Equal(o.Quantity) || o.Side != market.Buy || o.BrokerID == "" || o.FinishedAt.IsZero() || o.SubmittedAt.IsZero() {
		t.Errorf("got %+v", o)
	}
	if have := t.held(t.ctx()); !have.Equal(o.Quantity) {
		t.Errorf("held %s, bought %s", have, o.Quantity)
	}
	after, err := t.Broker.Account(t.ctx())
	if err != nil || !after.Cash.LessThan(before.Cash) {
		t.Errorf("cash %s, then %s, %v", before.Cash, after.Cash, err)
	}
	r := t.request(market.Sell, o.Quantity.String())
	t.submit(r)
	t.filled(r.ClientID)
	if have := t.held(t.ctx()); !have.IsZero() {
		t.Errorf("held %s after all was sold", have)
	}
}

func twice(t trial) {
	r := t.request(market.Buy, "1")
	first := t.submit(r)
	t.filled(r.ClientID)
	second := t.submit(r)
	if first.BrokerID != second.BrokerID || !t.held(t.ctx()).Equal(r.Quantity) {
		t.Errorf("orders %s and %s, held %s", first.BrokerID, second.BrokerID, t.held(t.ctx()))
	}
}

func atOnce(t trial) {
	r := t.request(market.Buy, "1")
	var wait sync.WaitGroup
	ids := make([]string, 8)
	for i := range ids {
		wait.Go(func() {
			o, err := t.Broker.Submit(t.ctx(), r)
			if err != nil {
				t.Error(err)
			}
			ids[i] = o.BrokerID
		})
	}
	wait.Wait()
	t.filled(r.ClientID)
	for _, id := range ids {
		if id != ids[0] || id == "" {
			t.Errorf("order ids: %v", ids)
			break
		}
	}
	if have := t.held(t.ctx()); !have.Equal(r.Quantity) {
		t.Errorf("held %s", have)
	}
}

func reused(t trial) {
	o := t.bought("1")
	other := t.request(market.Buy, "2")
	other.ClientID = o.ClientID
	_, err := t.Broker.Submit(t.ctx(), other)
	t.wantCode(err, fault.Invalid)
}

func neverSent(t trial) {
	if o, found, err := t.Broker.OrderByClientID(t.ctx(), uuid.NewString()); found || err != nil {
		t.Errorf("got %+v, %t, %v", o, found, err)
	}
}

// resting is a limit order that the market will not meet.
func (t trial) resting() execution.OrderRequest {
	t.Helper()
	q, err := t.Broker.Quotes(t.ctx(), []string{t.Symbol})
	if err != nil {
		t.Fatal(err)
	}
	r := t.request(market.Buy, "1")
	r.Type, r.Limit = execution.OrderLimit, q[t.Symbol].Bid.Mul(decimal.New(8, -1)).RoundFloor(2)
	return r
}

func restsUntilCancelled(t trial) {
	before, err := t.Broker.Account(t.ctx())
	if err != nil {
		t.Fatal(err)
	}
	r := t.resting()
	t.submit(r)
	o := t.await(r.ClientID, "working", func(o execution.Order) bool { return o.State == execution.StateWorking })
	if !o.Limit.Equal(r.Limit) || !o.Filled.IsZero() {
		t.Errorf("got %+v", o)
	}
	if during, err := t.Broker.Account(t.ctx()); err != nil || !during.BuyingPower.LessThan(before.BuyingPower) {
		t.Errorf("buying power %s, then %s, %v", before.BuyingPower, during.BuyingPower, err)
	}
	if err := t.Broker.Cancel(t.ctx(), o.BrokerID); err != nil {
		t.Fatal(err)
	}
	o = t.await(r.ClientID, "cancelled", func(o execution.Order) bool { return o.State == execution.StateCancelled })
	if o.Reason == "" || o.FinishedAt.IsZero() {
		t.Errorf("got %+v", o)
	}
}

func cancelEnded(t trial) {
	o := t.bought("1")
	if err := t.Broker.Cancel(t.ctx(), o.BrokerID); err != nil {
		t.Error(err)
	}
}

func beyondBuyingPower(t trial) {
	r := t.request(market.Buy, "10000000")
	_, err := t.Broker.Submit(t.ctx(), r)
	t.wantCode(err, fault.Invalid)
	if _, found, err := t.Broker.OrderByClientID(t.ctx(), r.ClientID); found || err != nil {
		t.Errorf("found: %t, %v", found, err)
	}
}

func beyondPosition(t trial) {
	t.bought("1")
	_, err := t.Broker.Submit(t.ctx(), t.request(market.Sell, "1.5"))
	t.wantCode(err, fault.Invalid)
}

func malformed(t trial) {
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
		r := t.request(market.Buy, "1")
		change(&r)
		if _, err := t.Broker.Submit(t.ctx(), r); fault.CodeOf(err) != fault.Invalid {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func ended(t trial) {
	c, cancel := context.WithCancel(t.Context())
	cancel()
	r := t.request(market.Buy, "1")
	_, err := t.Broker.Submit(c, r)
	t.wantCode(err, fault.Transient)
	if _, found, err := t.Broker.OrderByClientID(t.ctx(), r.ClientID); found || err != nil {
		t.Errorf("found: %t, %v", found, err)
	}
	for name, call := range map[string]func() error{
		"account":   func() error { _, err := t.Broker.Account(c); return err },
		"positions": func() error { _, err := t.Broker.Positions(c); return err },
		"quotes":    func() error { _, err := t.Broker.Quotes(c, []string{t.Symbol}); return err },
	} {
		if err := call(); fault.CodeOf(err) != fault.Transient {
			t.Errorf("%s: got %v", name, fmt.Sprint(err))
		}
	}
}

// offered sells one share that was bought at a limit that the market will not meet.
func (t trial) offered() execution.Order {
	t.Helper()
	t.bought("1")
	q, err := t.Broker.Quotes(t.ctx(), []string{t.Symbol})
	if err != nil {
		t.Fatal(err)
	}
	r := t.request(market.Sell, "1")
	r.Type, r.Limit = execution.OrderLimit, q[t.Symbol].Ask.Mul(decimal.New(12, -1)).RoundCeil(2)
	t.submit(r)
	return t.working(r.ClientID)
}

func (t trial) working(id string) execution.Order {
	t.Helper()
	return t.await(id, "working", func(o execution.Order) bool { return o.State == execution.StateWorking })
}

// A market order and any order against it, or limits that cross: docs.alpaca.markets/docs/user-protection, "Preventing
// Wash Trades".
func meetsItself(t trial) {
	sell := t.offered()
	r := t.request(market.Buy, "1")
	_, err := t.Broker.Submit(t.ctx(), r)
	t.wantCode(err, fault.Invalid)
	r = t.request(market.Buy, "1")
	r.Type, r.Limit = execution.OrderLimit, sell.Limit
	_, err = t.Broker.Submit(t.ctx(), r)
	t.wantCode(err, fault.Invalid)
	r = t.resting()
	t.submit(r)
	t.working(r.ClientID)
}

func reserved(t trial) {
	o := t.offered()
	if free := t.available(); !free.IsZero() {
		t.Errorf("%s are available while the order holds all", free)
	}
	if err := t.Broker.Cancel(t.ctx(), o.BrokerID); err != nil {
		t.Fatal(err)
	}
	t.await(o.ClientID, "cancelled", func(o execution.Order) bool { return o.State == execution.StateCancelled })
	if free := t.available(); !free.Equal(o.Quantity) {
		t.Errorf("%s are available after the order was cancelled", free)
	}
}

func (t trial) available() decimal.Decimal {
	t.Helper()
	positions, err := t.Broker.Positions(t.ctx())
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range positions {
		if p.Symbol == t.Symbol {
			return p.Available
		}
	}
	return decimal.Zero
}

// Thanksgiving week of 2026. https://www.nyse.com/markets/hours-calendars
func shortWeek(t trial) {
	if s, trading, err := t.Broker.Session(t.ctx(), "2026-11-26"); trading || err != nil {
		t.Errorf("Thanksgiving: got %+v, %t, %v", s, trading, err)
	}
	s, trading, err := t.Broker.Session(t.ctx(), "2026-11-27")
	if err != nil || !trading || s.Close.UTC().Format("15:04") != "18:00" {
		t.Errorf("the day after Thanksgiving: closes at %s, %t, %v; want 13:00 in New York", s.Close, trading, err)
	}
}
