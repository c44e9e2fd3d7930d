package paper

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"

	"github.com/the-alchemiser/alchemiser/pkg/market"
)

// Fills is how orders are filled.
type Fills string

const (
	// FillsInstant fills an order whole when it arrives, at its limit if that lies inside the spread.
	FillsInstant Fills = "instant"
	// FillsBook fills a marketable order by half of its quantity at each look at it.
	FillsBook Fills = "book"
)

// refusal is an error document of Alpaca's.
type refusal struct {
	status  int
	code    int
	message string
}

func (r *refusal) Error() string { return r.message }

func refuse(status, code int, format string, args ...any) *refusal {
	return &refusal{status: status, code: code, message: fmt.Sprintf(format, args...)}
}

// Alpaca's error codes, as its API answers them.
const (
	codeMalformed    = 40010001
	codeUnauthorised = 40110000
	codeForbidden    = 40310000
	codeNotFound     = 40410000
	codeUnprocessed  = 42210000
	codeRateLimit    = 42910000
)

// holding is a position; cost is what the shares were bought for.
type holding struct{ quantity, cost decimal.Decimal }

// exchange is the account and its orders. Every method takes the time and is safe for concurrent use; money is exact.
type exchange struct {
	market *exchangeMarket
	fills  Fills

	mu       sync.Mutex
	cash     decimal.Decimal
	held     map[string]holding
	orders   []*order // in the order of submission
	byID     map[string]*order
	byClient map[string]*order
	listings map[string]listing
	created  time.Time
}

// submit takes an order. Its answer shows it as it was accepted, before any fill, as Alpaca's does. fillable bounds how
// much of the quantity will ever be filled, as a fraction.
func (x *exchange) submit(now time.Time, t ticket, fillable decimal.Decimal) (order, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.advance(now)
	return x.place(now, t, fillable)
}

// place is submit for a caller that holds the lock.
func (x *exchange) place(now time.Time, t ticket, fillable decimal.Decimal) (order, error) {
	if _, ok := x.byClient[t.clientID]; ok {
		return order{}, refuse(http.StatusUnprocessableEntity, codeMalformed, "client_order_id must be unique")
	}
	if err := x.check(now, t); err != nil {
		return order{}, err
	}
	id := uuid.NewSHA1(uuid.NameSpaceOID, fmt.Appendf(nil, "order %d", len(x.orders))).String()
	o := &order{ticket: t, id: id, status: statusPendingNew, submitted: now, updated: now, fillable: t.quantity.Mul(fillable).Truncate(maxDecimals)}
	if o.clientID == "" {
		o.clientID = id
	}
	if !x.market.open(now) {
		o.status = statusAccepted
	}
	x.orders = append(x.orders, o)
	x.byID[o.id], x.byClient[o.clientID] = o, o
	answer := *o
	if x.fills == FillsInstant {
		x.match(now, o)
	} else if o.status == statusPendingNew {
		o.status = statusNew
	}
	return answer, nil
}

// check refuses what is not traded, what would meet an order of the account's own, and what the account cannot pay for or
// does not have.
func (x *exchange) check(now time.Time, t ticket) error {
	quote, ok := x.market.quote(t.symbol, now)
	if !ok {
		return refuse(http.StatusUnprocessableEntity, codeUnprocessed, "could not find asset %q", t.symbol)
	}
	if err := x.permit(t); err != nil {
		return err
	}
	for _, o := range x.orders {
		if o.open() && t.meetsOwn(o.ticket) {
			return refuse(http.StatusForbidden, codeForbidden, "potential wash trade detected. use complex orders")
		}
	}
	if t.side == market.Sell {
		if free := x.held[t.symbol].quantity.Sub(x.offered(t.symbol)); t.quantity.GreaterThan(free) {
			return refuse(http.StatusForbidden, codeForbidden, "insufficient qty available for order (requested: %s, available: %s)", t.quantity, free)
		}
		return nil
	}
	price := quote.Ask
	if t.limit != nil {
		price = *t.limit
	}
	if need, have := t.quantity.Mul(price), x.buyingPower(now); need.GreaterThan(have) {
		return refuse(http.StatusForbidden, codeForbidden, "insufficient buying power (cost: %s, available: %s)", need, have)
	}
	return nil
}

// offered is the quantity of symbol that open sell orders hold.
func (x *exchange) offered(symbol string) decimal.Decimal {
	sum := decimal.Zero
	for _, o := range x.orders {
		if o.open() && o.side == market.Sell && o.symbol == symbol {
			sum = sum.Add(o.quantity.Sub(o.filled))
		}
	}
	return sum
}

// buyingPower is the cash that no open buy order holds.
func (x *exchange) buyingPower(now time.Time) decimal.Decimal {
	sum := x.cash
	for _, o := range x.orders {
		if !o.open() || o.side != market.Buy {
			continue
		}
		var price decimal.Decimal
		if o.limit != nil {
			price = *o.limit
		} else if q, ok := x.market.quote(o.symbol, now); ok {
			price = q.Ask
		}
		sum = sum.Sub(o.quantity.Sub(o.filled).Mul(price))
	}
	return decimal.Max(sum, decimal.Zero)
}

// advance brings every open order to now: day orders expire at the close, waiting orders meet the market.
func (x *exchange) advance(now time.Time) {
	for _, o := range x.orders {
		if !o.open() {
			continue
		}
		if o.timeInForce == "day" && !now.Before(x.expiry(o)) {
			o.end(statusExpired, now)
			continue
		}
		if o.status == statusAccepted && x.market.open(now) {
			o.status = statusNew
		}
		if x.fills == FillsInstant {
			x.match(now, o)
		}
	}
}

// expiry is the close of the session that a day order is for.
func (x *exchange) expiry(o *order) time.Time {
	_, closes := x.market.next(o.submitted)
	return closes
}

// match fills o as far as the market and the mode allow.
func (x *exchange) match(now time.Time, o *order) {
	quote, ok := x.market.quote(o.symbol, now)
	if !ok || !o.open() || !x.market.open(now) {
		return
	}
	if x.listings[o.symbol].halted {
		if o.status == statusPendingNew {
			o.status = statusNew
		}
		return
	}
	price, meets := o.meets(quote, x.fills)
	if !meets {
		if o.status == statusPendingNew {
			o.status = statusNew
		}
		return
	}
	rest := o.fillable.Sub(o.filled)
	if x.fills == FillsBook {
		rest = decimal.Min(rest, o.half())
	}
	if !rest.IsPositive() {
		if o.status == statusPendingNew {
			o.status = statusNew
		}
		return
	}
	o.fill(now, rest, price)
	h := x.held[o.symbol]
	amount := rest.Mul(price)
	if o.side == market.Buy {
		x.cash = x.cash.Sub(amount)
		x.held[o.symbol] = holding{quantity: h.quantity.Add(rest), cost: h.cost.Add(amount)}
		return
	}
	x.cash = x.cash.Add(amount)
	left := h.quantity.Sub(rest)
	if left.IsZero() {
		delete(x.held, o.symbol)
		return
	}
	x.held[o.symbol] = holding{quantity: left, cost: h.cost.Mul(left).DivRound(h.quantity, 9)}
}

// look returns the order that find picks, after one more step of the book.
func (x *exchange) look(now time.Time, find func() *order) (order, bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.advance(now)
	o := find()
	if o == nil {
		return order{}, false
	}
	x.match(now, o)
	return *o, true
}

func (x *exchange) orderByID(now time.Time, id string) (order, bool) {
	return x.look(now, func() *order { return x.byID[id] })
}

func (x *exchange) orderByClientID(now time.Time, id string) (order, bool) {
	return x.look(now, func() *order { return x.byClient[id] })
}

// list returns the orders that keep keeps, the oldest first.
func (x *exchange) list(now time.Time, keep func(order) bool) []order {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.advance(now)
	out := []order{}
	for _, o := range x.orders {
		x.match(now, o)
		if keep(*o) {
			out = append(out, *o)
		}
	}
	return out
}

func (x *exchange) cancel(now time.Time, id string) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.advance(now)
	o, ok := x.byID[id]
	switch {
	case !ok:
		return refuse(http.StatusNotFound, codeNotFound, "order not found for %s", id)
	case !o.open():
		return refuse(http.StatusUnprocessableEntity, codeUnprocessed, "order is already in %q state", o.status)
	}
	o.end(statusCancelled, now)
	return nil
}

// portfolio is the account at one moment.
type portfolio struct {
	cash, buyingPower, equity decimal.Decimal
	positions                 []position
}

type position struct {
	symbol                           string
	quantity, available, cost, price decimal.Decimal
}

func (p position) value() decimal.Decimal { return p.quantity.Mul(p.price) }

func (x *exchange) portfolio(now time.Time) portfolio {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.advance(now)
	p := portfolio{cash: x.cash, buyingPower: x.buyingPower(now), equity: x.cash}
	for _, symbol := range slices.Sorted(maps.Keys(x.held)) {
		price, ok := x.market.close(symbol, now)
		if !ok {
			continue // the clock was set to a day before its first bar
		}
		h := x.held[symbol]
		held := position{symbol: symbol, quantity: h.quantity, available: h.quantity.Sub(x.offered(symbol)), cost: h.cost, price: price}
		p.positions = append(p.positions, held)
		p.equity = p.equity.Add(held.value())
	}
	return p
}
