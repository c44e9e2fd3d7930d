// Package alpaca is the broker Alpaca behind the domain's ports, through its official client.
//
// The official client knows no context, reads addresses and keys from the environment, and its default is live
// trading; therefore every call makes one with all of that given, and package conn below it sends the requests. The
// paper simulator serves the same API and is used through this package as well.
package alpaca

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"
	_ "time/tzdata" // a function's machine need not know the exchange's time zone

	api "github.com/alpacahq/alpaca-trade-api-go/v3/alpaca"
	data "github.com/alpacahq/alpaca-trade-api-go/v3/marketdata"

	"github.com/the-alchemiser/alchemiser/internal/broker/alpaca/conn"
	"github.com/the-alchemiser/alchemiser/internal/execution"
	"github.com/the-alchemiser/alchemiser/internal/portfolio"
	"github.com/the-alchemiser/alchemiser/internal/strategy"
)

var (
	_ execution.Broker = (*Client)(nil)
	_ portfolio.Broker = (*Client)(nil)
	_ strategy.Broker  = (*Client)(nil)
)

// noRetries turns off the official client's own retries, which sleep without a context (alpaca/rest.go, defaultDo): 0
// would be its default of three.
const noRetries = -1

// Config is what a Client needs.
type Config struct {
	// BaseURL is the trading API: https://paper-api.alpaca.markets, https://api.alpaca.markets or a simulator's address.
	BaseURL string
	// DataURL is the market data API: https://data.alpaca.markets or a simulator's address.
	DataURL string
	// AllowLive must be true for https://api.alpaca.markets, which trades real money.
	AllowLive bool
	// Feed is where quotes come from: "iex", "sip" or another that the account has subscribed to. Empty is the
	// account's best.
	Feed string
	// Credentials returns the API key and its secret; it is called for every call, so caching is its part.
	Credentials func(ctx context.Context) (keyID, secret string, err error)
	// Transport carries the requests, for instance wrapped for tracing; nil is http.DefaultTransport.
	Transport http.RoundTripper
}

// Client is the broker. It is safe for concurrent use.
//
// Errors carry a fault code: Invalid for what Alpaca refuses, with its reason; Internal for keys that it refuses; Transient for throttling, time-outs and
// server errors of requests without an effect, after retries; Ambiguous for an order that may have arrived.
type Client struct {
	cfg      Config
	conn     *conn.Conn
	exchange *time.Location
}

// New checks cfg whole. It refuses live trading unless both the host and AllowLive say so.
func New(cfg Config) (*Client, error) {
	var faults []error
	base, venue, err := conn.ParseBase(cfg.BaseURL)
	switch {
	case err != nil:
		faults = append(faults, fmt.Errorf("trading: %w", err))
	case venue == conn.VenueLive && !cfg.AllowLive:
		faults = append(faults, fmt.Errorf("trading: %s trades real money: allow live trading or use https://paper-api.alpaca.markets", base))
	case venue != conn.VenueLive && cfg.AllowLive:
		faults = append(faults, fmt.Errorf("trading: live trading is allowed, but %s is not https://api.alpaca.markets", base))
	}
	cfg.BaseURL = base
	if cfg.DataURL, _, err = conn.ParseBase(cfg.DataURL); err != nil {
		faults = append(faults, fmt.Errorf("market data: %w", err))
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
		return nil, fmt.Errorf("alpaca: invalid config: %w", err)
	}
	return &Client{cfg: cfg, conn: c, exchange: exchange}, nil
}

// trading returns the official trading client for one call.
func (c *Client) trading(ctx context.Context) (*api.Client, error) {
	hc, err := c.conn.Client(ctx)
	if err != nil {
		return nil, err
	}
	// The keys are conn's part; given here, they keep the official client from looking into the environment.
	return api.NewClient(api.ClientOpts{APIKey: "conn", APISecret: "conn", BaseURL: c.cfg.BaseURL, RetryLimit: noRetries, HTTPClient: hc}), nil
}

// quotes returns the official market data client for one call.
func (c *Client) quotes(ctx context.Context) (*data.Client, error) {
	hc, err := c.conn.Client(ctx)
	if err != nil {
		return nil, err
	}
	return data.NewClient(data.ClientOpts{
		APIKey: "conn", APISecret: "conn", BaseURL: c.cfg.DataURL, RetryLimit: noRetries, HTTPClient: hc, Feed: c.cfg.Feed,
	}), nil
}

// failed returns err with what was being done, without the layer that http.Client adds.
func failed(doing string, err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	return fmt.Errorf("alpaca: %s: %w", doing, err)
}

// status returns the HTTP status in err's chain, or 0.
func status(err error) int {
	var s *conn.StatusError
	if errors.As(err, &s) {
		return s.Status
	}
	return 0
}
