package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/the-alchemiser/alchemiser/test/chaos/invariants"
)

// freshAccount gives the broker's account its beginning back: no order, and positions that the portfolio does not want.
func (k *soak) freshAccount(ctx context.Context) error {
	return call(ctx, http.MethodPost, k.stack.Record.BrokerURL+"/_control/reset", "", nil)
}

// account returns what the broker holds for us.
func (k *soak) account(ctx context.Context) (invariants.Account, error) {
	var a struct {
		Cash decimal.Decimal `json:"cash"`
	}
	var positions []struct {
		Symbol   string          `json:"symbol"`
		Quantity decimal.Decimal `json:"qty"`
	}
	if err := call(ctx, http.MethodGet, k.stack.Record.BrokerURL+"/v2/account", "", &a); err != nil {
		return invariants.Account{}, err
	}
	if err := call(ctx, http.MethodGet, k.stack.Record.BrokerURL+"/v2/positions", "", &positions); err != nil {
		return invariants.Account{}, err
	}
	held := invariants.Account{Cash: a.Cash, Shares: map[string]decimal.Decimal{}}
	for _, p := range positions {
		held.Shares[p.Symbol] = p.Quantity
	}
	return held, nil
}

// orders returns every order since the account was fresh.
func (k *soak) orders(ctx context.Context) (all []invariants.Order, err error) {
	return all, call(ctx, http.MethodGet, k.stack.Record.BrokerURL+"/v2/orders?status=all&limit=500", "", &all)
}

// down is a broker that is down for longer than Lambda tries.
const down = "down"

// brokerFaults are what goes wrong at the broker.
func brokerFaults() map[string]string {
	const post = `{"route":"POST /v2/orders","times":1,`
	return map[string]string{
		"order accepted, no answer": post + `"kind":"drop"}`,
		"order lost":                post + `"kind":"lost"}`,
		"order answered 429":        post + `"kind":"status","status":429}`,
		"order answered 503":        post + `"kind":"status","status":503}`,
		"order filled by half":      post + `"kind":"partial"}`,
		"order not filled":          post + `"kind":"rest"}`,
		"account answered 500":      `{"route":"GET /v2/account","times":2,"kind":"status","status":500}`,
		"positions lost":            `{"route":"GET /v2/positions","times":1,"kind":"lost"}`,
		down:                        `{"route":"GET /v2/account","times":1000,"kind":"status","status":503}`,
	}
}

func (k *soak) brokerFaultsURL() string { return k.stack.Record.BrokerURL + "/_control/faults" }

// breakBroker arms up to two faults, and now and then it is down.
func (k *soak) breakBroker(ctx context.Context) error {
	all := brokerFaults()
	var names []string
	if k.rng.IntN(20) == 0 {
		names = append(names, down)
	} else {
		some := slices.DeleteFunc(sortedKeys(all), func(name string) bool { return name == down })
		for range k.rng.IntN(3) {
			names = append(names, some[k.rng.IntN(len(some))])
		}
	}
	for _, name := range names {
		if err := call(ctx, http.MethodPost, k.brokerFaultsURL(), all[name], nil); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		k.struck["broker: "+name]++
	}
	return nil
}

// mendBroker takes back what has not struck, and does not count it.
func (k *soak) mendBroker(ctx context.Context) error {
	var armed []json.RawMessage
	if err := call(ctx, http.MethodGet, k.brokerFaultsURL(), "", &armed); err != nil {
		return err
	}
	for _, left := range armed {
		for name, f := range brokerFaults() {
			if same(left, []byte(f)) {
				k.struck["broker: "+name]--
			}
		}
	}
	return call(ctx, http.MethodDelete, k.brokerFaultsURL(), "", nil)
}

// same says whether two documents of faults have not been used and are equal.
func same(a, b []byte) bool {
	var x, y struct {
		Route, Kind   string
		Status, Times int
	}
	return json.Unmarshal(a, &x) == nil && json.Unmarshal(b, &y) == nil && x == y
}

// call makes a request to the broker or to a control API. into may be nil.
func call(ctx context.Context, method, url, body string, into any) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("APCA-API-KEY-ID", "paper")
	r.Header.Set("APCA-API-SECRET-KEY", "paper")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode/100 != 2 {
		return fmt.Errorf("%s %s: %s: %s", method, url, res.Status, text)
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(text, into)
}
