// Package alpaca fetches completed daily bars from Alpaca's market data API, through its official client, all pages,
// adjusted for splits and dividends.
package alpaca

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"
	_ "time/tzdata" // a function's machine need not know the exchange's time zone

	data "github.com/alpacahq/alpaca-trade-api-go/v3/marketdata"
	"github.com/shopspring/decimal"

	"github.com/the-alchemiser/alchemiser/internal/broker/alpaca/conn"
	"github.com/the-alchemiser/alchemiser/internal/strategy"
	"github.com/the-alchemiser/alchemiser/pkg/fault"
	"github.com/the-alchemiser/alchemiser/pkg/market"
)

var _ strategy.Prices = (*Client)(nil)

const (
	// noRetries turns off the official client's own retries, which sleep without a context.
	noRetries = -1
	// pageLimit is the largest page that Alpaca serves.
	pageLimit = 10_000
	// firstYear is before Alpaca's first bar.
	firstYear = 2000
)

// Broker tells what the bars alone do not: whether today's bar is complete, and whether a symbol without bars exists.
type Broker interface {
	// Clock returns the broker's time in the exchange's time zone.
	Clock(ctx context.Context) (market.Clock, error)
	// Session returns the calendar's session of date; trading is false on a day without one.
	Session(ctx context.Context, date market.Date) (s market.Session, trading bool, err error)
	// Asset returns what the broker allows for symbol, or a fault.Invalid error if it does not know it.
	Asset(ctx context.Context, symbol string) (market.Asset, error)
}

// Config is what a Client needs.
type Config struct {
	// DataURL is https://data.alpaca.markets or a simulator's address.
	DataURL string
	Broker  Broker
	// Feed is where bars come from: "iex", "sip" or another that the account has subscribed to. Empty is the account's
	// best.
	Feed string
	// Credentials returns the API key and its secret; it is called for every call, so caching is its part.
	Credentials func(ctx context.Context) (keyID, secret string, err error)
	// Transport carries the requests, for instance wrapped for tracing; nil is http.DefaultTransport.
	Transport http.RoundTripper
}

// Client is the source of bars. It is safe for concurrent use.
type Client struct {
	cfg      Config
	conn     *conn.Conn
	exchange *time.Location
}

// New checks cfg whole.
func New(cfg Config) (*Client, error) {
	var faults []error
	var err error
	if cfg.DataURL, _, err = conn.ParseBase(cfg.DataURL); err != nil {
		faults = append(faults, err)
	}
	if cfg.Broker == nil {
		faults = append(faults, errors.New("broker is required"))
	}
	c, err := conn.New(conn.Config{Credentials: cfg.Credentials, Transport: cfg.Transport})
	if err != nil {
		faults = append(faults, err)
	}
	exchange, err := time.LoadLocation("America/New_York")
	if err != nil {
		faults = append(faults, err)
	}
	if err := errors.Join(faults...); err != nil {
		return nil, fmt.Errorf("alpaca market data: invalid config: %w", err)
	}
	return &Client{cfg: cfg, conn: c, exchange: exchange}, nil
}

// DailyBars implements strategy.Prices. The bar of a session that has not closed by the broker's clock is left out, as
// Alpaca serves it while it still changes. Alpaca's client reads prices as floats; their shortest decimal is the number
// that was sent, as every price has fewer than 16 digits.
func (c *Client) DailyBars(ctx context.Context, symbols []string, until market.Date) (map[string][]market.Bar, error) {
	out := make(map[string][]market.Bar, len(symbols))
	if len(symbols) == 0 {
		return out, nil
	}
	until, err := market.ParseDate(string(until))
	if err != nil {
		return nil, fmt.Errorf("bars until: %w", err)
	}
	if until, err = c.completed(ctx, until); err != nil {
		return nil, err
	}
	last, err := time.ParseInLocation(time.DateOnly, string(until), c.exchange)
	if err != nil {
		return nil, err
	}
	hc, err := c.conn.Client(ctx)
	if err != nil {
		return nil, failed(err)
	}
	official := data.NewClient(data.ClientOpts{
		APIKey: "conn", APISecret: "conn", BaseURL: c.cfg.DataURL, RetryLimit: noRetries, HTTPClient: hc, Feed: c.cfg.Feed,
	})
	got, err := official.GetMultiBars(symbols, data.GetBarsRequest{
		TimeFrame: data.OneDay, Adjustment: data.AdjustmentAll, PageLimit: pageLimit, Sort: data.SortAsc,
		Start: time.Date(firstYear, 1, 1, 0, 0, 0, 0, c.exchange),
		End:   last.AddDate(0, 0, 1).Add(-time.Second),
	})
	if err != nil {
		return nil, failed(err)
	}
	for _, symbol := range symbols {
		if out[symbol], err = c.bars(symbol, got[symbol], until); err != nil {
			return nil, err
		}
		if len(out[symbol]) == 0 { // not listed yet, or not at all
			if _, err := c.cfg.Broker.Asset(ctx, symbol); err != nil {
				return nil, fmt.Errorf("no bars of %s: %w", symbol, err)
			}
		}
	}
	return out, nil
}

// completed returns until, or the day before today if today's session has not closed yet.
func (c *Client) completed(ctx context.Context, until market.Date) (market.Date, error) {
	clock, err := c.cfg.Broker.Clock(ctx)
	if err != nil {
		return "", fmt.Errorf("which bars are complete: %w", err)
	}
	today := market.DateOf(clock.Now)
	if until < today {
		return until, nil
	}
	session, trading, err := c.cfg.Broker.Session(ctx, today)
	if err != nil {
		return "", fmt.Errorf("which bars are complete: %w", err)
	}
	if trading && clock.Now.Before(session.Close) {
		return market.DateOf(clock.Now.AddDate(0, 0, -1)), nil
	}
	return today, nil
}

// bars translates Alpaca's bars. It refuses, as fault.Transient, what must not become a price in a calculation.
func (c *Client) bars(symbol string, got []data.Bar, until market.Date) ([]market.Bar, error) {
	out := make([]market.Bar, 0, len(got))
	for _, b := range got {
		bar := market.Bar{
			Date: market.DateOf(b.Timestamp.In(c.exchange)),
			Open: decimal.NewFromFloat(b.Open), High: decimal.NewFromFloat(b.High), Low: decimal.NewFromFloat(b.Low),
			Close: decimal.NewFromFloat(b.Close), Volume: decimal.NewFromUint64(b.Volume),
		}
		if bar.Date > until {
			continue
		}
		if !bar.Open.IsPositive() || !bar.High.IsPositive() || !bar.Low.IsPositive() || !bar.Close.IsPositive() {
			return nil, fault.New(fault.Transient, "bar of %s on %s has no price", symbol, bar.Date)
		}
		if n := len(out); n > 0 && bar.Date <= out[n-1].Date {
			return nil, fault.New(fault.Transient, "bars of %s are not in order, one a day: %s after %s", symbol, bar.Date, out[n-1].Date)
		}
		out = append(out, bar)
	}
	return out, nil
}

// failed returns err without the layer that http.Client adds.
func failed(err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	return fmt.Errorf("alpaca: daily bars: %w", err)
}
