package execution_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/the-alchemiser/alchemiser/internal/execution"
	"github.com/the-alchemiser/alchemiser/pkg/events"
	"github.com/the-alchemiser/alchemiser/pkg/fault"
	"github.com/the-alchemiser/alchemiser/pkg/market"
)

func dec(s string) decimal.Decimal { return decimal.RequireFromString(s) }

var (
	_ execution.Broker = (*world)(nil)
	_ execution.Ledger = (*world)(nil)
	_ execution.Plans  = (*world)(nil)
	_ execution.Switch = (*world)(nil)
)

var errCrash = errors.New("the process has died")

// behaviour is how the market treats an order.
type behaviour int

const (
	fillsAtOnce behaviour = iota
	fillsByHalves
	fillsHalfThenRests
	rests
	refused
	fillsLatePrice // filled, but the average price comes a look later
	overtaken      // rests; a cancel comes too late
	fillsNoPrice   // filled, but the average price never comes
	fillsUnsaid    // filled, but shown as a part of it at the first look, as a cancel that is pending does
	fillsAtFar     // filled by an order that reaches the far side of the spread
	byHand         // somebody cancels it at the broker after a half is filled
	replacedByHand // somebody replaces it at the broker after a half is filled
	expires        // the broker lets it expire
	wholeOnly      // refused as a limit order of a fraction
)

// world is a working broker, ledger, plan table and kill switch whose calls can be made to fail, one by one.
type world struct {
	opened   time.Time // the host's time at 15:45
	offset   time.Duration
	cash     decimal.Decimal
	credit   decimal.Decimal // what the broker lends
	held     map[string]decimal.Decimal
	reserved map[string]decimal.Decimal // by orders that are not ours
	prices   map[string]decimal.Decimal // the middle; the spread is a cent each way
	orders   map[string]*execution.Order
	sequence []string
	// limitSteps and closeMargin are the service's; half is the spread to each side; silent symbols have no quote, and the
	// quotes of stale ones are that old; at each request for quotes all prices rise by drift.
	limitSteps  int
	closeMargin time.Duration
	half, drift decimal.Decimal
	silent      map[string]bool
	stale       map[string]time.Duration
	behave      map[string]behaviour // by symbol
	looks       map[string]int

	ledger map[string]execution.Order
	fills  map[string]execution.Fill
	plans  map[execution.PlanKey]string
	off    bool
	// settles is how long the broker does not let the proceeds of a sale be spent, unsettled is when which ones were made.
	settles   time.Duration
	unsettled map[time.Time]decimal.Decimal
	// blocked is that the broker does not let the account trade.
	blocked bool
	// offAfter, if positive, switches trading off after so many orders.
	offAfter int

	// cashBefore and heldBefore are the account before the first call.
	cashBefore decimal.Decimal
	heldBefore map[string]decimal.Decimal

	// fail decides what happens to the n-th call; nil is nothing.
	fail  func(n int, name string) failure
	calls int
	dead  bool
	// broken collects violations of the rules that only a broker can see.
	broken []string
}

type failure int

const (
	works failure = iota
	diesBefore
	diesAfter
	lostBefore // the call fails and was not carried out
	lostAfter  // the call fails, but was carried out
)

func newWorld() *world {
	return &world{
		opened: time.Now(), cash: dec("10000"), limitSteps: 1, half: dec("0.01"),
		held:   map[string]decimal.Decimal{"OLD": dec("10"), "GE": dec("7.5")},
		prices: map[string]decimal.Decimal{"OLD": dec("100"), "GE": dec("200"), "SPY": dec("500"), "XOM": dec("50")},
		orders: map[string]*execution.Order{}, behave: map[string]behaviour{}, looks: map[string]int{},
		ledger: map[string]execution.Order{}, fills: map[string]execution.Fill{}, plans: map[execution.PlanKey]string{}, unsettled: map[time.Time]decimal.Decimal{},
	}
}

// call runs do unless the schedule has it fail.
func (w *world) call(ctx context.Context, name string, do func() error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if w.dead {
		return errCrash
	}
	if w.calls++; w.heldBefore == nil {
		w.cashBefore, w.heldBefore = w.cash, maps.Clone(w.held)
	}
	f := works
	if w.fail != nil {
		f = w.fail(w.calls, name)
	}
	switch f {
	case diesBefore:
		w.dead = true
		return errCrash
	case diesAfter:
		w.dead = true
		return errors.Join(errCrash, do())
	case lostBefore, lostAfter:
		if f == lostAfter {
			if err := do(); err != nil {
				return err
			}
		}
		if name == "Submit" {
			return fault.New(fault.Ambiguous, "%s: no answer", name)
		}
		return fault.New(fault.Transient, "%s: no answer", name)
	case works:
	}
	return do()
}

func (w *world) now() time.Time {
	at := time.Date(2026, 3, 2, 15, 45, 0, 0, time.FixedZone("New York", -5*3600))
	return at.Add(w.offset).Add(time.Since(w.opened))
}

func (w *world) Clock(ctx context.Context) (c market.Clock, err error) {
	err = w.call(ctx, "Clock", func() error { c = market.Clock{Now: w.now(), Open: true}; return nil })
	return c, err
}

func (w *world) Session(ctx context.Context, date market.Date) (s market.Session, trading bool, err error) {
	err = w.call(ctx, "Session", func() error {
		day, err := time.ParseInLocation(time.DateOnly, string(date), w.now().Location())
		s = market.Session{Date: date, Open: day.Add(9*time.Hour + 30*time.Minute), Close: day.Add(16 * time.Hour)}
		trading = day.Weekday() != time.Saturday && day.Weekday() != time.Sunday
		return err
	})
	return s, trading, err
}

func (w *world) Account(ctx context.Context) (a market.Account, err error) {
	err = w.call(ctx, "Account", func() error {
		a = market.Account{ID: "acct", Blocked: w.blocked, Cash: w.cash, BuyingPower: w.cash.Add(w.credit), Equity: w.cash}
		for at, proceeds := range w.unsettled {
			if w.now().Sub(at) < w.settles {
				a.BuyingPower = a.BuyingPower.Sub(proceeds)
			}
		}
		for symbol, q := range w.held {
			a.Equity = a.Equity.Add(q.Mul(w.prices[symbol]))
		}
		return nil
	})
	return a, err
}

func (w *world) Positions(ctx context.Context) (out []market.Position, err error) {
	err = w.call(ctx, "Positions", func() error {
		for _, symbol := range slices.Sorted(maps.Keys(w.held)) {
			q := w.held[symbol]
			out = append(out, market.Position{Symbol: symbol, Quantity: q, Available: q.Sub(w.reserved[symbol]), Price: w.prices[symbol], MarketValue: q.Mul(w.prices[symbol])})
		}
		return nil
	})
	return out, err
}

func (w *world) quote(symbol string) market.Quote {
	p := w.prices[symbol]
	return market.Quote{Symbol: symbol, Bid: p.Sub(w.half), Ask: p.Add(w.half), At: w.now().Add(-w.stale[symbol])}
}

func (w *world) Quotes(ctx context.Context, symbols []string) (out map[string]market.Quote, err error) {
	err = w.call(ctx, "Quotes", func() error {
		out = map[string]market.Quote{}
		for symbol, p := range w.prices {
			w.prices[symbol] = p.Add(w.drift)
		}
		for _, s := range symbols {
			if w.silent[s] {
				return fault.New(fault.Transient, "%w of %s", market.ErrNoQuote, s)
			}
			out[s] = w.quote(s)
		}
		return nil
	})
	return out, err
}

func (w *world) Asset(ctx context.Context, symbol string) (a market.Asset, err error) {
	err = w.call(ctx, "Asset", func() error {
		a = market.Asset{Symbol: symbol, Tradable: true, Fractionable: symbol != "XOM"}
		return nil
	})
	return a, err
}

func (w *world) Submit(ctx context.Context, r execution.OrderRequest) (answer execution.Order, err error) {
	err = w.call(ctx, "Submit", func() error {
		if known, ok := w.orders[r.ClientID]; ok {
			answer = *known
			return nil
		}
		w.inspect(r)
		if w.behave[r.Symbol] == refused || w.behave[r.Symbol] == wholeOnly && r.Type == execution.OrderLimit && !r.Quantity.IsInteger() {
			return fault.New(fault.Invalid, "the broker does not like %s", r.Symbol)
		}
		o := &execution.Order{OrderRequest: r, BrokerID: "broker-" + r.ClientID, State: execution.StateWorking, SubmittedAt: w.now()}
		w.orders[r.ClientID] = o
		w.sequence = append(w.sequence, r.ClientID)
		answer = *o
		if w.offAfter > 0 && len(w.sequence) == w.offAfter {
			w.off = true
		}
		return nil
	})
	return answer, err
}

func (w *world) OrderByClientID(ctx context.Context, id string) (answer execution.Order, found bool, err error) {
	err = w.call(ctx, "OrderByClientID", func() error {
		o, ok := w.orders[id]
		if !ok {
			return nil
		}
		answer, found = w.look(o), true
		return nil
	})
	return answer, found, err
}

// look lets the market trade and returns what the broker shows.
func (w *world) look(o *execution.Order) execution.Order {
	w.looks[o.ClientID]++
	if w.behave[o.Symbol] == fillsNoPrice {
		w.trade(o, o.Quantity.Sub(o.Filled))
		early := *o
		early.AveragePrice = decimal.Zero
		return early
	}
	if o.State.Final() {
		return *o
	}
	half := o.Quantity.Div(dec("2")).Truncate(9)
	switch w.behave[o.Symbol] {
	case fillsAtOnce:
		w.trade(o, o.Quantity)
	case fillsByHalves:
		if w.looks[o.ClientID] == 1 {
			w.trade(o, half)
		} else {
			w.trade(o, o.Quantity.Sub(o.Filled))
		}
	case fillsHalfThenRests:
		if w.looks[o.ClientID] == 1 {
			w.trade(o, half)
		}
	case fillsLatePrice:
		w.trade(o, o.Quantity)
		early := *o
		early.AveragePrice = decimal.Zero
		return early
	case fillsUnsaid:
		w.trade(o, o.Quantity)
		early := *o
		early.State, early.FinishedAt = execution.StatePartiallyFilled, time.Time{}
		return early
	case fillsAtFar:
		q := w.quote(o.Symbol)
		if o.Type == execution.OrderMarket || (o.Side == market.Buy && o.Limit.GreaterThanOrEqual(q.Ask)) || (o.Side == market.Sell && o.Limit.LessThanOrEqual(q.Bid)) {
			w.trade(o, o.Quantity)
		}
	case byHand, replacedByHand:
		w.trade(o, half)
		o.State, o.FinishedAt, o.Reason = execution.StateCancelled, w.now(), "canceled"
		if w.behave[o.Symbol] == replacedByHand {
			o.State, o.Reason = execution.StateReplaced, "order 7 stands in its place"
		}
	case expires:
		o.State, o.FinishedAt, o.Reason = execution.StateExpired, w.now(), "expired"
	case wholeOnly:
		w.trade(o, o.Quantity)
	case rests, refused, overtaken, fillsNoPrice:
	}
	return *o
}

func (w *world) trade(o *execution.Order, quantity decimal.Decimal) {
	if !quantity.IsPositive() {
		return
	}
	q := w.quote(o.Symbol)
	price, signed := q.Ask, quantity
	if o.Side == market.Sell {
		price, signed = q.Bid, quantity.Neg()
		w.unsettled[w.now()] = w.unsettled[w.now()].Add(quantity.Mul(price))
	}
	w.cash = w.cash.Sub(signed.Mul(price))
	w.held[o.Symbol] = w.held[o.Symbol].Add(signed)
	if w.held[o.Symbol].IsZero() {
		delete(w.held, o.Symbol)
	}
	if w.cash.Add(w.credit).IsNegative() || w.held[o.Symbol].IsNegative() {
		w.broken = append(w.broken, fmt.Sprintf("%s %s: cash %s, held %s", o.Side, o.Symbol, w.cash, w.held[o.Symbol]))
	}
	o.AveragePrice = o.AveragePrice.Mul(o.Filled).Add(price.Mul(quantity)).Div(o.Filled.Add(quantity))
	o.Filled = o.Filled.Add(quantity)
	o.State = execution.StatePartiallyFilled
	if o.Filled.Equal(o.Quantity) {
		o.State, o.FinishedAt = execution.StateFilled, w.now()
	}
}

func (w *world) Cancel(ctx context.Context, id string) error {
	if id == "" {
		w.broken = append(w.broken, "a cancel names no order")
	}
	return w.call(ctx, "Cancel", func() error {
		for _, o := range w.orders {
			if o.BrokerID != id || o.State.Final() {
				continue
			}
			if w.behave[o.Symbol] == overtaken {
				w.trade(o, o.Quantity.Sub(o.Filled))
				return nil
			}
			o.State, o.FinishedAt, o.Reason = execution.StateCancelled, w.now(), "cancelled"
		}
		return nil
	})
}

func (w *world) PutOrder(ctx context.Context, o execution.Order, fresh ...execution.Fill) error {
	return w.call(ctx, "PutOrder", func() error {
		w.ledger[o.ClientID] = o
		for _, f := range fresh {
			w.fills[fmt.Sprint(f.ClientID, "#", f.Number)] = f
		}
		return nil
	})
}

func (w *world) Order(ctx context.Context, id string) (o execution.Order, found bool, err error) {
	err = w.call(ctx, "Order", func() error { o, found = w.ledger[id]; return nil })
	return o, found, err
}

func (w *world) ClaimPlan(ctx context.Context, key execution.PlanKey, planID string) (owner string, err error) {
	err = w.call(ctx, "ClaimPlan", func() error {
		if _, ok := w.plans[key]; !ok {
			w.plans[key] = planID
		}
		owner = w.plans[key]
		return nil
	})
	return owner, err
}

func (w *world) TradingEnabled(ctx context.Context) (on bool, err error) {
	err = w.call(ctx, "TradingEnabled", func() error { on = !w.off; return nil })
	return on, err
}

func (w *world) service(tb testing.TB) *execution.Service {
	tb.Helper()
	s, err := execution.New(execution.Config{
		Broker: w, Ledger: w, Plans: w, Switch: w, MaxPlanAge: 30 * time.Minute, StepInterval: time.Second, LimitSteps: w.limitSteps, CloseMargin: w.closeMargin, Now: time.Now,
	})
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

func trade(side market.Side, symbol, quantity, price string) events.Trade {
	q, p := dec(quantity), dec(price)
	return events.Trade{Symbol: symbol, Side: side, Quantity: q, ReferencePrice: p, Notional: q.Mul(p), Reason: "test"}
}

// thePlan is the id of the plan of every test.
const thePlan = "plan-1"

// edit returns in with another plan.
func edit(in events.Event, change func(p *events.RebalancePlanned)) events.Event {
	p, ok := in.Payload.(events.RebalancePlanned)
	if !ok {
		panic("not a plan")
	}
	change(&p)
	in.Payload = p
	return in
}

// planned is the plan of most tests: sell OLD and a part of GE, buy SPY and XOM.
func planned(w *world, trades ...events.Trade) events.Event {
	if trades == nil {
		trades = []events.Trade{
			trade(market.Sell, "OLD", "10", "100"), trade(market.Sell, "GE", "2.5", "200"),
			trade(market.Buy, "SPY", "12.123456789", "500"), trade(market.Buy, "XOM", "20", "50"),
		}
		trades[0].Liquidate = true
	}
	return events.Event{
		ID: "event", CorrelationID: "run-1", CausationID: "signal", SchemaVersion: events.SchemaVersion, Timestamp: w.now(), SourceModule: "portfolio",
		Payload: events.RebalancePlanned{
			Run:    events.Run{PortfolioID: "core", AccountID: "acct", TradingDate: "2026-03-02", SessionClose: w.now().Add(15 * time.Minute)},
			PlanID: thePlan, PlannedAt: w.now(), Equity: dec("12500"), Cash: w.cash, BuyingPower: w.cash,
			Targets: map[string]decimal.Decimal{"SPY": dec("0.5")}, Trades: trades,
		},
	}
}

// forbiddenAfter is a broker whose keys were taken away.
type forbiddenAfter struct{ *world }

func (*forbiddenAfter) Account(context.Context) (market.Account, error) {
	return market.Account{}, fault.New(fault.Invalid, "forbidden")
}
