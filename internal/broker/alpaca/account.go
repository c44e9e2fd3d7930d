package alpaca

import (
	"context"
	"fmt"
	"strings"
	"time"

	api "github.com/alpacahq/alpaca-trade-api-go/v3/alpaca"
	data "github.com/alpacahq/alpaca-trade-api-go/v3/marketdata"
	"github.com/shopspring/decimal"

	"github.com/the-alchemiser/alchemiser/pkg/fault"
	"github.com/the-alchemiser/alchemiser/pkg/market"
)

// Account implements the ports. An account is blocked if it is not active, or if Alpaca or its owner suspended trading.
func (c *Client) Account(ctx context.Context) (market.Account, error) {
	t, err := c.trading(ctx)
	if err != nil {
		return market.Account{}, failed("account", err)
	}
	a, err := t.GetAccount()
	if err != nil {
		return market.Account{}, failed("account", err)
	}
	return market.Account{
		ID: a.ID, Equity: a.Equity, Cash: a.Cash, BuyingPower: a.BuyingPower,
		Blocked: a.Status != "ACTIVE" || a.TradingBlocked || a.AccountBlocked || a.TradeSuspendedByUser,
	}, nil
}

// Positions implements the ports. A short position is a fault.Invalid error, one without a price fault.Transient.
func (c *Client) Positions(ctx context.Context) ([]market.Position, error) {
	t, err := c.trading(ctx)
	if err != nil {
		return nil, failed("positions", err)
	}
	held, err := t.GetPositions()
	if err != nil {
		return nil, failed("positions", err)
	}
	out := make([]market.Position, 0, len(held))
	for _, p := range held {
		switch {
		case p.Side != "long" || p.Qty.IsNegative():
			return nil, fault.New(fault.Invalid, "alpaca: position %s of %s is short, which is not supported: close it", p.Symbol, p.Qty)
		case p.CurrentPrice == nil || p.MarketValue == nil:
			return nil, fault.New(fault.Transient, "alpaca: position %s has no price yet", p.Symbol)
		}
		out = append(out, market.Position{
			Symbol: p.Symbol, Quantity: p.Qty, Available: p.QtyAvailable, Price: *p.CurrentPrice, MarketValue: *p.MarketValue,
		})
	}
	return out, nil
}

// Asset implements the ports.
func (c *Client) Asset(ctx context.Context, symbol string) (market.Asset, error) {
	t, err := c.trading(ctx)
	if err != nil {
		return market.Asset{}, failed("asset "+symbol, err)
	}
	a, err := t.GetAsset(symbol)
	if err != nil {
		return market.Asset{}, failed("asset "+symbol, err)
	}
	return market.Asset{Symbol: a.Symbol, Tradable: a.Tradable && a.Status == api.AssetActive, Fractionable: a.Fractionable}, nil
}

// Clock implements the ports; the time is in the exchange's zone.
func (c *Client) Clock(ctx context.Context) (market.Clock, error) {
	t, err := c.trading(ctx)
	if err != nil {
		return market.Clock{}, failed("clock", err)
	}
	clock, err := t.GetClock()
	if err != nil {
		return market.Clock{}, failed("clock", err)
	}
	if clock.Timestamp.IsZero() {
		return market.Clock{}, fault.New(fault.Transient, "alpaca: clock: the answer has no time")
	}
	return market.Clock{Now: clock.Timestamp.In(c.exchange), Open: clock.IsOpen}, nil
}

// Session implements the ports.
func (c *Client) Session(ctx context.Context, date market.Date) (market.Session, bool, error) {
	day, err := time.ParseInLocation(time.DateOnly, string(date), c.exchange)
	if err != nil {
		return market.Session{}, false, fault.New(fault.Invalid, "alpaca: session of %q: want a date", date)
	}
	t, err := c.trading(ctx)
	if err != nil {
		return market.Session{}, false, failed("calendar", err)
	}
	days, err := t.GetCalendar(api.GetCalendarRequest{Start: day, End: day})
	if err != nil {
		return market.Session{}, false, failed("calendar", err)
	}
	for _, d := range days {
		if d.Date != string(date) {
			continue
		}
		opens, err := c.at(d.Date, d.Open)
		if err != nil {
			return market.Session{}, false, err
		}
		closes, err := c.at(d.Date, d.Close)
		if err != nil {
			return market.Session{}, false, err
		}
		return market.Session{Date: date, Open: opens, Close: closes}, true, nil
	}
	return market.Session{}, false, nil
}

func (c *Client) at(date, clock string) (time.Time, error) {
	at, err := time.ParseInLocation("2006-01-02 15:04", date+" "+clock, c.exchange)
	if err != nil {
		return time.Time{}, fmt.Errorf("alpaca: calendar of %s: %w", date, err)
	}
	return at, nil
}

// Quotes implements the ports. Alpaca's client reads prices as floats; their shortest decimal is the number that was
// sent, as every price has fewer than 16 digits.
func (c *Client) Quotes(ctx context.Context, symbols []string) (map[string]market.Quote, error) {
	out := make(map[string]market.Quote, len(symbols))
	if len(symbols) == 0 {
		return out, nil
	}
	q, err := c.quotes(ctx)
	if err != nil {
		return nil, failed("quotes", err)
	}
	latest, err := q.GetLatestQuotes(symbols, data.GetLatestQuoteRequest{})
	if err != nil {
		return nil, failed("quotes", err)
	}
	var without []string
	for _, symbol := range symbols {
		l := latest[symbol]
		quote, err := market.NewQuote(symbol, decimal.NewFromFloat(l.BidPrice), decimal.NewFromFloat(l.AskPrice), l.Timestamp)
		if err != nil {
			without = append(without, symbol)
			continue
		}
		out[symbol] = quote
	}
	if len(without) > 0 {
		return nil, fault.New(fault.Transient, "alpaca: %w of %s", market.ErrNoQuote, strings.Join(without, ", "))
	}
	return out, nil
}
