// Package market is the vocabulary that strategies, planner, executor and brokers share: dates, sessions, accounts,
// positions, quotes and bars. It holds values only; who fetches them is declared by each domain package.
package market

import (
	"errors"
	"time"

	"github.com/shopspring/decimal"

	"github.com/the-alchemiser/alchemiser/pkg/fault"
)

// Date is a trading date, "2006-01-02", in the exchange's time zone. Dates compare as strings.
type Date string

// ParseDate returns s as a Date, or a fault.Invalid error if s is not a date in the form 2006-01-02.
func ParseDate(s string) (Date, error) {
	if _, err := time.Parse(time.DateOnly, s); err != nil {
		return "", fault.New(fault.Invalid, "date %q: want YYYY-MM-DD", s)
	}
	return Date(s), nil
}

// DateOf returns the date of t in t's own location.
func DateOf(t time.Time) Date { return Date(t.Format(time.DateOnly)) }

// Session is one trading day of the exchange's calendar.
type Session struct {
	Date  Date
	Open  time.Time
	Close time.Time
}

// Clock is what the broker says about now. It is the only clock for decisions about sessions.
type Clock struct {
	Now  time.Time
	Open bool
}

// Account is the broker's view of the money. All amounts are in US dollars.
type Account struct {
	ID          string
	Equity      decimal.Decimal
	Cash        decimal.Decimal
	BuyingPower decimal.Decimal
	// Blocked says that the broker refuses trading.
	Blocked bool
}

// Position is a holding. Quantity is never negative: short positions are not supported and refused by the adapters.
type Position struct {
	Symbol   string
	Quantity decimal.Decimal
	// Available is the part of Quantity that no open order holds.
	Available   decimal.Decimal
	Price       decimal.Decimal
	MarketValue decimal.Decimal
}

// Asset is what the broker allows for a symbol.
type Asset struct {
	Symbol       string
	Tradable     bool
	Fractionable bool
}

// ErrNoQuote is in the chain of an error that says that a symbol has no two-sided market: it is halted or hardly traded,
// which is not the fault of whoever was asked.
var ErrNoQuote = errors.New("no two-sided quote")

// Quote is a two-sided market: 0 < Bid <= Ask. Build it with NewQuote.
type Quote struct {
	Symbol string
	Bid    decimal.Decimal
	Ask    decimal.Decimal
	At     time.Time
}

// NewQuote returns a valid quote, or a fault.Transient error (a better one may follow) if a side is missing or the
// market is crossed.
func NewQuote(symbol string, bid, ask decimal.Decimal, at time.Time) (Quote, error) {
	if !bid.IsPositive() || !ask.IsPositive() || bid.GreaterThan(ask) {
		return Quote{}, fault.New(fault.Transient, "quote of %s: bid %s, ask %s is not a two-sided market", symbol, bid, ask)
	}
	return Quote{Symbol: symbol, Bid: bid, Ask: ask, At: at}, nil
}

// Mid returns the middle of the spread, exactly: a quotient would be rounded to 16 places and carry them all.
func (q Quote) Mid() decimal.Decimal { return q.Bid.Add(q.Ask).Mul(decimal.New(5, -1)) }

// Bar is one completed day of one symbol, adjusted for splits and dividends.
type Bar struct {
	Date   Date
	Open   decimal.Decimal
	High   decimal.Decimal
	Low    decimal.Decimal
	Close  decimal.Decimal
	Volume decimal.Decimal
}

// Side is the direction of an order.
type Side string

// The two sides.
const (
	Buy  Side = "buy"
	Sell Side = "sell"
)

// ParseSide returns s as a Side or a fault.Invalid error.
func ParseSide(s string) (Side, error) {
	switch side := Side(s); side {
	case Buy, Sell:
		return side, nil
	default:
		return "", fault.New(fault.Invalid, "side %q: want buy or sell", s)
	}
}
