package simulation_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/the-alchemiser/alchemiser/internal/broker/alpaca"
	"github.com/the-alchemiser/alchemiser/internal/broker/paper"
	"github.com/the-alchemiser/alchemiser/internal/execution"
	marketdata "github.com/the-alchemiser/alchemiser/internal/marketdata/alpaca"
	"github.com/the-alchemiser/alchemiser/internal/portfolio"
	"github.com/the-alchemiser/alchemiser/internal/strategy"
	"github.com/the-alchemiser/alchemiser/pkg/fault"
	"github.com/the-alchemiser/alchemiser/pkg/market"
)

// exchange is the real client of the broker, on the simulated exchange without a network. Orders go wrong on their way,
// everything else at the port: the client's pauses between retries are random, so what it retries must not fail here.
type exchange struct {
	*world
	client *alpaca.Client
	prices *marketdata.Client
	server *paper.Server
}

var (
	_ execution.Broker = (*exchange)(nil)
	_ portfolio.Broker = (*exchange)(nil)
	_ strategy.Broker  = (*exchange)(nil)
	_ strategy.Prices  = (*exchange)(nil)
)

// latestOrder is how long an order may be on its way to the exchange: no longer than the time before the close in which
// execution submits nothing, as nothing can call it back.
const latestOrder = 28 * time.Second

const address = "http://broker.test"

func newExchange(w *world, server *paper.Server) *exchange {
	x := &exchange{world: w, server: server}
	keys := func(context.Context) (string, string, error) { return "key", "secret", nil }
	x.client = must(alpaca.New(alpaca.Config{BaseURL: address, DataURL: address, Transport: x, Credentials: keys}))
	x.prices = must(marketdata.New(marketdata.Config{DataURL: address, Broker: x.client, Transport: x, Credentials: keys}))
	return x
}

// RoundTrip implements http.RoundTripper.
func (x *exchange) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method != http.MethodPost {
		return x.serve(r), nil
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	var answer *http.Response
	err = x.callWithin(r.Context(), latestOrder, "order "+string(body), func() error { //nolint:contextcheck // an order on its way outlives whoever sent it
		switch {
		case x.chance(x.rates.partial / 2):
			x.control("/_control/faults", `{"route":"POST /v2/orders","kind":"partial","times":1}`)
		case x.chance(x.rates.partial / 2):
			x.control("/_control/faults", `{"route":"POST /v2/orders","kind":"rest","times":1}`)
		}
		again := r.Clone(context.Background())
		again.Body = io.NopCloser(bytes.NewReader(body))
		answer = x.serve(again)
		if answer.StatusCode == http.StatusOK {
			x.ordered(r.Context())
		}
		if x.chance(x.rates.lost / 4) {
			answer = status(http.StatusBadGateway)
		}
		return nil
	})
	if errors.Is(err, errThrottled) {
		answer = status(http.StatusTooManyRequests)
		answer.Header.Set("Retry-After", "1")
		return answer, nil
	}
	if err != nil {
		return nil, err
	}
	return answer, nil
}

func (x *exchange) serve(r *http.Request) *http.Response {
	recorder := httptest.NewRecorder()
	x.server.ServeHTTP(recorder, r)
	return recorder.Result()
}

func status(code int) *http.Response {
	return &http.Response{StatusCode: code, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("{}"))}
}

// control sends a command to the simulated exchange.
func (x *exchange) control(path, body string) {
	answer := x.serve(httptest.NewRequest(http.MethodPost, path, strings.NewReader(body)))
	if answer.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(answer.Body)
		panic("control " + path + ": " + string(text))
	}
}

// port carries out one call of the port; what the simulation breaks is what the client would return after its retries.
func (x *exchange) port(ctx context.Context, name string, do func(ctx context.Context) error) error {
	err := x.callWithin(ctx, latestOrder, name, func() error { return do(context.WithoutCancel(ctx)) })
	if errors.Is(err, errLost) || errors.Is(err, errThrottled) {
		return fault.As(fault.Transient, err)
	}
	return err
}

// Account implements execution.Broker.
func (x *exchange) Account(ctx context.Context) (a market.Account, err error) {
	err = x.port(ctx, "account", func(ctx context.Context) (err error) { a, err = x.client.Account(ctx); return err })
	return a, err
}

// Positions implements execution.Broker.
func (x *exchange) Positions(ctx context.Context) (all []market.Position, err error) {
	err = x.port(ctx, "positions", func(ctx context.Context) (err error) { all, err = x.client.Positions(ctx); return err })
	return all, err
}

// Clock implements execution.Broker.
func (x *exchange) Clock(ctx context.Context) (c market.Clock, err error) {
	err = x.port(ctx, "clock", func(ctx context.Context) (err error) { c, err = x.client.Clock(ctx); return err })
	return c, err
}

// Session implements execution.Broker.
func (x *exchange) Session(ctx context.Context, date market.Date) (s market.Session, trading bool, err error) {
	err = x.port(ctx, "session "+string(date), func(ctx context.Context) (err error) { s, trading, err = x.client.Session(ctx, date); return err })
	return s, trading, err
}

// DailyBars implements strategy.Prices.
func (x *exchange) DailyBars(ctx context.Context, symbols []string, until market.Date) (all map[string][]market.Bar, err error) {
	err = x.port(ctx, "bars until "+string(until), func(ctx context.Context) (err error) {
		all, err = x.prices.DailyBars(ctx, symbols, until)
		return err
	})
	return all, err
}

// Quotes implements execution.Broker.
func (x *exchange) Quotes(ctx context.Context, symbols []string) (all map[string]market.Quote, err error) {
	err = x.port(ctx, "quotes "+strings.Join(symbols, ","), func(ctx context.Context) (err error) { all, err = x.client.Quotes(ctx, symbols); return err })
	return all, err
}

// Asset implements execution.Broker.
func (x *exchange) Asset(ctx context.Context, symbol string) (a market.Asset, err error) {
	err = x.port(ctx, "asset "+symbol, func(ctx context.Context) (err error) { a, err = x.client.Asset(ctx, symbol); return err })
	return a, err
}

// Submit implements execution.Broker.
func (x *exchange) Submit(ctx context.Context, r execution.OrderRequest) (execution.Order, error) {
	return x.client.Submit(ctx, r)
}

// OrderByClientID implements execution.Broker.
func (x *exchange) OrderByClientID(ctx context.Context, id string) (o execution.Order, found bool, err error) {
	err = x.port(ctx, "look for "+id, func(ctx context.Context) (err error) { o, found, err = x.client.OrderByClientID(ctx, id); return err })
	return o, found, err
}

// Cancel implements execution.Broker.
func (x *exchange) Cancel(ctx context.Context, id string) error {
	return x.port(ctx, "cancel "+id, func(ctx context.Context) error { return x.client.Cancel(ctx, id) })
}
