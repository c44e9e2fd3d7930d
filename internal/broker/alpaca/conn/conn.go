// Package conn is the HTTP side of talking to Alpaca, below the official client: it binds a context to each call, which
// the official client cannot, retries what may be retried, keeps to the server's rate limit, and turns refusals and
// broken connections into errors with a fault code.
//
// What may be retried: a request that the server refused unread (429), one that never left (no connection), and any
// request without an effect. A POST that may have arrived is never sent again: it is fault.Ambiguous.
package conn

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/the-alchemiser/alchemiser/pkg/fault"
)

const (
	// tries bounds how often one request is sent.
	tries = 6
	// attemptTimeout bounds one attempt; a lost packet must not cost the whole deadline.
	attemptTimeout = 10 * time.Second
	// maxBody bounds a response; the largest, a page of 10,000 bars, has 1.5 MB.
	maxBody = 64 << 20
	// firstWait and maxWait bound the waits between attempts if the server names none.
	firstWait = 200 * time.Millisecond
	maxWait   = 5 * time.Second
)

// Config is what a Conn needs.
type Config struct {
	// Credentials returns the API key and its secret. It is called for every call: caching is its part.
	Credentials func(ctx context.Context) (keyID, secret string, err error)
	// Transport carries the requests, for instance wrapped for tracing; nil is http.DefaultTransport.
	Transport http.RoundTripper
}

// Conn is what calls have in common: the transport and what is known of the rate limits. It is safe for concurrent use.
type Conn struct {
	cfg Config

	mu sync.Mutex
	// closed says, for each host, until when its rate limit is used up.
	closed map[string]time.Time
}

// New checks cfg.
func New(cfg Config) (*Conn, error) {
	if cfg.Credentials == nil {
		return nil, errors.New("credentials are required")
	}
	if cfg.Transport == nil {
		cfg.Transport = http.DefaultTransport
	}
	return &Conn{cfg: cfg, closed: map[string]time.Time{}}, nil
}

// Client returns a client whose requests end with ctx; it is for the official client of one call. A response outside
// 2xx is an error that wraps *StatusError; so no redirect is followed, which would send an order again.
func (c *Conn) Client(ctx context.Context) (*http.Client, error) {
	keyID, secret, err := c.cfg.Credentials(ctx)
	if err != nil {
		return nil, fmt.Errorf("broker credentials: %w", err)
	}
	if keyID == "" || secret == "" {
		return nil, fault.New(fault.Invalid, "broker credentials: key id or secret is empty")
	}
	return &http.Client{Transport: &call{conn: c, ctx: ctx, keyID: keyID, secret: secret}}, nil
}

// Venue is where a base URL leads.
type Venue string

// The venues.
const (
	VenueLive      Venue = "live"
	VenuePaper     Venue = "paper"
	VenueSimulated Venue = "simulated"
)

// liveHost is the only host that trades real money.
const liveHost = "api.alpaca.markets"

// ParseBase returns the base URL raw without a trailing slash and where it leads. It refuses what is not scheme and
// host alone, plain HTTP to Alpaca, and every host of Alpaca's but the live, paper and data APIs.
func ParseBase(raw string) (string, Venue, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return "", "", fmt.Errorf("base URL %q: %w", raw, err)
	}
	if (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return "", "", fmt.Errorf("base URL %q: want scheme and host alone, such as https://paper-api.alpaca.markets", raw)
	}
	host := strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
	base := u.Scheme + "://" + u.Host
	if host != "alpaca.markets" && !strings.HasSuffix(host, ".alpaca.markets") {
		return base, VenueSimulated, nil
	}
	if u.Scheme != "https" {
		return "", "", fmt.Errorf("base URL %q: want https", raw)
	}
	switch host {
	case liveHost:
		return base, VenueLive, nil
	case "paper-api.alpaca.markets", "data.alpaca.markets", "data.sandbox.alpaca.markets":
		return base, VenuePaper, nil
	default:
		return "", "", fmt.Errorf("base URL %q: %s is not an API that is known to be safe", raw, host)
	}
}
