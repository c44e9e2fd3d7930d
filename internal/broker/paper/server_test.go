package paper_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"github.com/the-alchemiser/alchemiser/internal/broker/paper"
	"github.com/the-alchemiser/alchemiser/pkg/market"
)

func dec(s string) decimal.Decimal { return decimal.RequireFromString(s) }

// fixed is a market of two symbols with round prices; NEW is listed on the last day.
type fixed map[string][]market.Bar

func bars(closes map[market.Date]string) []market.Bar {
	var out []market.Bar
	for _, date := range []market.Date{"2026-02-25", "2026-02-26", "2026-02-27"} {
		if c, ok := closes[date]; ok {
			out = append(out, market.Bar{Date: date, Open: dec(c), High: dec(c), Low: dec(c), Close: dec(c)})
		}
	}
	return out
}

var prices = fixed{
	"SPY": bars(map[market.Date]string{"2026-02-25": "90", "2026-02-26": "110", "2026-02-27": "100"}),
	"NEW": bars(map[market.Date]string{"2026-02-27": "0.5"}),
}

func (f fixed) Symbols() []string                        { return []string{"NEW", "SPY"} }
func (f fixed) LastDate() market.Date                    { return "2026-02-27" }
func (f fixed) Bars(symbol string) ([]market.Bar, error) { return f[symbol], nil }

// api is a running simulator.
type api struct {
	t   testing.TB
	url string
}

func start(t testing.TB, change func(*paper.Config)) api {
	t.Helper()
	cfg := paper.Config{Prices: prices, Cash: dec("1000"), Fills: paper.FillsInstant, SpreadBps: dec("100"), Positions: map[string]decimal.Decimal{"NEW": dec("10")}}
	if change != nil {
		change(&cfg)
	}
	server, err := paper.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	serving := httptest.NewServer(server)
	t.Cleanup(serving.Close)
	return api{t: t, url: serving.URL}
}

// do makes a request and returns the status and the document.
func (a api) do(method, path, body string) (int, map[string]any) {
	a.t.Helper()
	status, raw, _ := a.raw(method, path, body)
	document := map[string]any{}
	if len(raw) > 0 && raw[0] == '{' {
		if err := json.Unmarshal(raw, &document); err != nil {
			a.t.Fatalf("%s %s: %q: %v", method, path, raw, err)
		}
	}
	return status, document
}

func (a api) raw(method, path, body string) (int, []byte, http.Header) {
	a.t.Helper()
	r, err := http.NewRequest(method, a.url+path, strings.NewReader(body))
	if err != nil {
		a.t.Fatal(err)
	}
	r.Header.Set("APCA-API-KEY-ID", "key")
	r.Header.Set("APCA-API-SECRET-KEY", "secret")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, nil, nil
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		a.t.Fatal(err)
	}
	return resp.StatusCode, raw, resp.Header
}

// field returns one field of the document at path.
func (a api) field(path, name string) string {
	a.t.Helper()
	status, document := a.do("GET", path, "")
	if status != http.StatusOK {
		a.t.Fatalf("GET %s: %d %v", path, status, document)
	}
	return fmt.Sprint(document[name])
}

func (a api) order(id string) string {
	a.t.Helper()
	_, d := a.do("GET", "/v2/orders:by_client_order_id?client_order_id="+id, "")
	return fmt.Sprint(d["status"], " ", d["filled_qty"], " ", d["filled_avg_price"])
}

func TestRefusals(t *testing.T) {
	order := func(fields string) string {
		return `{"symbol":"SPY","qty":"1","side":"buy","type":"market","time_in_force":"day"` + fields + `}`
	}
	tests := map[string]struct {
		method, path, body string
		status, code       int
		message            string
	}{
		"duplicate client id":     {"POST", "/v2/orders", order(`,"client_order_id":"used"`), 422, 40010001, "client_order_id must be unique"},
		"buying power":            {"POST", "/v2/orders", order(`,"qty":"100"`), 403, 40310000, "insufficient buying power"},
		"more than is held":       {"POST", "/v2/orders", order(`,"symbol":"NEW","side":"sell","qty":"10.1"`), 403, 40310000, "insufficient qty available for order (requested: 10.1, available: 10)"},
		"short sale":              {"POST", "/v2/orders", order(`,"side":"sell","qty":"2"`), 403, 40310000, "insufficient qty"},
		"unknown asset":           {"POST", "/v2/orders", order(`,"symbol":"NONE"`), 422, 42210000, `could not find asset "NONE"`},
		"no quantity":             {"POST", "/v2/orders", `{"symbol":"SPY"}`, 422, 40010001, "qty or notional is required"},
		"negative quantity":       {"POST", "/v2/orders", order(`,"qty":"-1"`), 422, 40010001, "qty must be > 0"},
		"ten decimals":            {"POST", "/v2/orders", order(`,"qty":"1.0000000001"`), 422, 40010001, "qty increment"},
		"sub-penny limit":         {"POST", "/v2/orders", order(`,"type":"limit","limit_price":"99.999"`), 422, 42210000, "sub-penny"},
		"limit without a price":   {"POST", "/v2/orders", order(`,"type":"limit"`), 422, 40010001, "limit orders require"},
		"fraction beyond the day": {"POST", "/v2/orders", order(`,"qty":"0.5","time_in_force":"gtc"`), 422, 42210000, "fractional orders must be DAY orders"},
		"unserved type":           {"POST", "/v2/orders", order(`,"type":"stop","stop_price":"1"`), 422, 42210000, "does not serve"},
		"unserved notional":       {"POST", "/v2/orders", order(`,"notional":"10"`), 422, 42210000, "does not serve orders with notional"},
		"unserved bracket":        {"POST", "/v2/orders", order(`,"take_profit":{"limit_price":"1"}`), 422, 42210000, "does not serve"},
		"no JSON":                 {"POST", "/v2/orders", `{`, 422, 40010001, "request body format is invalid"},
		"unknown order":           {"GET", "/v2/orders/nope", "", 404, 40410000, "order not found"},
		"unknown client id":       {"GET", "/v2/orders:by_client_order_id?client_order_id=nope", "", 404, 40410000, "order not found"},
		"cancel unknown order":    {"DELETE", "/v2/orders/nope", "", 404, 40410000, "order not found"},
		"position that is none":   {"GET", "/v2/positions/NONE", "", 404, 40410000, "position does not exist"},
		"asset that is none":      {"GET", "/v2/assets/NONE", "", 404, 40410000, "asset not found"},
		"unserved path":           {"GET", "/v2/watchlists", "", 404, 40410000, "does not serve GET /v2/watchlists"},
		"raw prices":              {"GET", "/v2/stocks/bars?symbols=SPY&timeframe=1Day&adjustment=raw", "", 400, 0, "invalid adjustment"},
		"minute bars":             {"GET", "/v2/stocks/bars?symbols=SPY&timeframe=1Min&adjustment=all", "", 400, 0, "invalid timeframe"},
		"page token":              {"GET", "/v2/stocks/bars?symbols=SPY&timeframe=1Day&adjustment=all&page_token=x", "", 400, 0, "invalid page_token"},
		"malformed symbol":        {"GET", "/v2/stocks/quotes/latest?symbols=SPY,no-symbol", "", 400, 0, "invalid symbol: no-symbol"},
		"faults on no route":      {"POST", "/_control/faults", `{"route":"GET /","kind":"drop","times":1}`, 422, 40010001, "is not served"},
		"faults of no kind":       {"POST", "/_control/faults", `{"route":"GET /v2/clock","kind":"flood","times":1}`, 422, 40010001, "kind is"},
		"faults misspelt":         {"POST", "/_control/faults", `{"root":"GET /v2/clock","kind":"drop","times":1}`, 422, 40010001, "unknown field"},
		"clock without a wish":    {"POST", "/_control/clock", `{}`, 422, 40010001, "want now"},
	}
	a := start(t, nil)
	if status, d := a.do("POST", "/v2/orders", order(`,"client_order_id":"used"`)); status != 200 {
		t.Fatal(d)
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			status, d := a.do(tt.method, tt.path, tt.body)
			if status != tt.status || fmt.Sprint(d["code"]) != fmt.Sprint(float64(tt.code)) || !strings.Contains(fmt.Sprint(d["message"]), tt.message) {
				t.Errorf("got %d %v; want %d, %d, %s", status, d, tt.status, tt.code, tt.message)
			}
		})
	}
}

func TestKeysAreRequired(t *testing.T) {
	resp, err := http.Get(start(t, nil).url + "/v2/clock")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("got %s", resp.Status)
	}
}

func TestTradesAtTheQuote(t *testing.T) {
	a := start(t, nil)
	// SPY closed at 100, a spread of 1 % each way.
	if got := a.order("x"); got != "<nil> <nil> <nil>" {
		t.Fatal(got)
	}
	_, d := a.do("POST", "/v2/orders", `{"symbol":"SPY","qty":"2.5","side":"buy","type":"market","time_in_force":"day","client_order_id":"x"}`)
	if d["status"] != "pending_new" || d["filled_qty"] != "0" {
		t.Errorf("accepted as %v", d)
	}
	if got := a.order("x"); got != "filled 2.5 101" {
		t.Error(got)
	}
	if got := a.field("/v2/account", "cash"); got != "747.5" {
		t.Errorf("cash %s", got)
	}
	if got := a.field("/v2/account", "equity"); got != "1002.5" { // 747.5 + 250 of SPY + 5 of NEW
		t.Errorf("equity %s", got)
	}
	if got := a.field("/v2/positions/SPY", "avg_entry_price"); got != "101" {
		t.Errorf("entry price %s", got)
	}
	status, _ := a.do("DELETE", "/v2/positions/SPY", "")
	if left, _ := a.do("GET", "/v2/positions/SPY", ""); status != 200 || left != 404 {
		t.Errorf("close: %d, then %d", status, left)
	}
	if got := a.field("/v2/account", "cash"); got != "995" { // sold at 99
		t.Errorf("cash %s", got)
	}
}

func TestClockMovesTheMarket(t *testing.T) {
	a := start(t, nil)
	set := func(now string) {
		t.Helper()
		if status, d := a.do("POST", "/_control/clock", `{"now":"`+now+`"}`); status != 200 {
			t.Fatal(d)
		}
	}
	if got := a.field("/v2/clock", "timestamp"); got != "2026-03-02T15:45:00-05:00" {
		t.Errorf("the clock starts at %s", got)
	}
	// On Thursday the last completed close is Wednesday's 90, after 16:00 Thursday's 110.
	set("2026-02-26T15:45:00-05:00")
	place := func(id, more string) {
		t.Helper()
		if status, d := a.do("POST", "/v2/orders", `{"symbol":"SPY","qty":"1","side":"buy","client_order_id":"`+id+`",`+more+`}`); status != 200 {
			t.Fatal(d)
		}
	}
	place("day", `"type":"limit","limit_price":"85","time_in_force":"day"`)
	place("gtc", `"type":"limit","limit_price":"89","time_in_force":"gtc"`)
	place("now", `"type":"market","time_in_force":"day"`)
	for id, want := range map[string]string{"day": "new 0 <nil>", "gtc": "new 0 <nil>", "now": "filled 1 90.9"} {
		if got := a.order(id); got != want {
			t.Errorf("%s: %s, want %s", id, got, want)
		}
	}
	if got := a.field("/v2/account", "buying_power"); got != "735.1" { // 1000 - 90.9 - 85 - 89
		t.Errorf("buying power %s", got)
	}
	set("2026-02-26T16:00:00-05:00")
	place("closed", `"type":"market","time_in_force":"day"`)
	for id, want := range map[string]string{"day": "expired 0 <nil>", "gtc": "new 0 <nil>", "closed": "accepted 0 <nil>"} {
		if got := a.order(id); got != want {
			t.Errorf("%s: %s, want %s", id, got, want)
		}
	}
	set("2026-02-27T10:00:00-05:00") // at the close of 110
	if got := a.order("closed"); got != "filled 1 111.1" {
		t.Error(got)
	}
	place("late", `"type":"limit","limit_price":"91","time_in_force":"gtc"`)
	set("2026-02-26T10:00:00-05:00") // 90 again: the market crosses one limit and not the other
	for id, want := range map[string]string{"gtc": "new 0 <nil>", "late": "filled 1 90.9"} {
		if got := a.order(id); got != want {
			t.Errorf("%s: %s, want %s", id, got, want)
		}
	}
	if status, _ := a.do("GET", "/v2/stocks/bars?symbols=SPY&timeframe=1Day&adjustment=all&start=2020-01-01", ""); status != 200 {
		t.Error(status)
	}
	for date, want := range map[string]string{
		"2026-02-28": "[]", "2026-02-27": `[{"date":"2026-02-27","open":"09:30","close":"16:00"}]`, "2026-02-24": "[]",
		"2026-03-02": `[{"date":"2026-03-02","open":"09:30","close":"16:00"}]`, "2026-03-07": "[]",
	} {
		if _, raw, _ := a.raw("GET", "/v2/calendar?start="+date+"&end="+date, ""); string(raw) != want {
			t.Errorf("calendar of %s: %s", date, raw)
		}
	}
}

func TestBarsOfTheFutureAreNotServed(t *testing.T) {
	a := start(t, nil)
	for now, want := range map[string]int{
		"2026-02-26T15:45:00-05:00": 1, "2026-02-26T16:00:00-05:00": 2, "2026-02-27T09:00:00-05:00": 2, "2026-03-02T15:45:00-05:00": 3,
	} {
		a.do("POST", "/_control/clock", `{"now":"`+now+`"}`)
		_, raw, _ := a.raw("GET", "/v2/stocks/bars?symbols=SPY&timeframe=1Day&adjustment=all&start=2020-01-01&end=2030-01-01", "")
		if got := bytes.Count(raw, []byte(`"t":`)); got != want {
			t.Errorf("at %s: %d bars, want %d: %s", now, got, want, raw)
		}
	}
}

func TestClockRunsOnlyWhenTold(t *testing.T) {
	a := start(t, nil)
	first := a.field("/v2/clock", "timestamp")
	if second := a.field("/v2/clock", "timestamp"); second != first {
		t.Errorf("%s, then %s", first, second)
	}
	a.do("POST", "/_control/clock", `{"running":true}`)
	if later := a.field("/v2/clock", "timestamp"); later == first {
		t.Errorf("still %s", later)
	}
}

func TestBookFillsInParts(t *testing.T) {
	a := start(t, func(c *paper.Config) { c.Fills = paper.FillsBook })
	a.do("POST", "/v2/orders", `{"symbol":"SPY","qty":"5","side":"buy","type":"limit","limit_price":"101","time_in_force":"day","client_order_id":"x"}`)
	for _, want := range []string{"partially_filled 3 101", "filled 5 101", "filled 5 101"} {
		if got := a.order("x"); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestRateLimit(t *testing.T) {
	a := start(t, func(c *paper.Config) { c.RateLimit = 2 })
	for i, want := range []struct {
		status int
		left   string
	}{{200, "1"}, {200, "0"}, {429, "0"}} {
		before := time.Now().Unix() / 60
		status, raw, h := a.raw("GET", "/v2/clock", "")
		if time.Now().Unix()/60 != before {
			t.Log("the minute has just ended")
			return
		}
		reset := fmt.Sprint((before + 1) * 60)
		if status != want.status || h.Get("X-RateLimit-Limit") != "2" || h.Get("X-RateLimit-Remaining") != want.left || h.Get("X-RateLimit-Reset") != reset {
			t.Errorf("request %d: %d %s %v", i+1, status, raw, h)
		}
	}
}

func TestFaults(t *testing.T) {
	a := start(t, nil)
	arm := func(document string) {
		t.Helper()
		if status, d := a.do("POST", "/_control/faults", document); status != 200 {
			t.Fatal(d)
		}
	}
	place := func(id string) int {
		status, _ := a.do("POST", "/v2/orders", `{"symbol":"SPY","qty":"1","side":"buy","type":"market","time_in_force":"day","client_order_id":"`+id+`"}`)
		return status
	}
	arm(`{"route":"POST /v2/orders","kind":"status","status":503,"times":2}`)
	arm(`{"route":"POST /v2/orders","kind":"lost","times":1}`)
	arm(`{"route":"POST /v2/orders","kind":"drop","times":1}`)
	arm(`{"route":"POST /v2/orders","kind":"partial","times":1}`)
	arm(`{"route":"POST /v2/orders","kind":"rest","times":1}`)
	for _, want := range []struct {
		id     string
		status int
		order  string
	}{
		{"a", 503, "<nil> <nil> <nil>"},
		{"b", 503, "<nil> <nil> <nil>"},
		{"c", 0, "<nil> <nil> <nil>"},
		{"d", 0, "filled 1 101"},
		{"e", 200, "partially_filled 0.5 101"},
		{"f", 200, "new 0 <nil>"},
		{"g", 200, "filled 1 101"},
	} {
		if status := place(want.id); status != want.status || a.order(want.id) != want.order {
			t.Errorf("order %s: %d, %s; want %d, %s", want.id, status, a.order(want.id), want.status, want.order)
		}
	}
	arm(`{"route":"GET /v2/clock","kind":"drop","times":9}`)
	a.do("DELETE", "/_control/faults", "")
	if status, _ := a.do("GET", "/v2/clock", ""); status != 200 {
		t.Errorf("cleared, but %d", status)
	}
}

func TestConfigFaultsAreNamedTogether(t *testing.T) {
	_, err := paper.New(paper.Config{
		Prices: prices, Cash: dec("-1"), Fills: "perhaps", RateLimit: -1, SpreadBps: dec("-1"),
		Positions: map[string]decimal.Decimal{"NONE": dec("1"), "SPY": dec("0")},
	})
	for _, want := range []string{"cash is -1", `fills are "perhaps"`, "rate limit is -1", "spread is -1", "position NONE", "position SPY"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not named: %v", want, err)
		}
	}
}

func TestSeededMarketIsAFunctionOfItsSeed(t *testing.T) {
	one, same, other := paper.Seeded(7), paper.Seeded(7), paper.Seeded(8)
	differs := false
	for _, symbol := range one.Symbols() {
		a, _ := one.Bars(symbol)
		b, _ := same.Bars(symbol)
		c, _ := other.Bars(symbol)
		if len(a) < 600 || len(one.Symbols()) != 20 {
			t.Fatalf("%d bars of %d symbols", len(a), len(one.Symbols()))
		}
		for i := range a {
			if !a[i].Close.Equal(b[i].Close) || a[i].Date != b[i].Date {
				t.Fatalf("%s on %s: %s and %s", symbol, a[i].Date, a[i].Close, b[i].Close)
			}
			differs = differs || !a[i].Close.Equal(c[i].Close)
			if i > 0 && a[i].Date <= a[i-1].Date {
				t.Fatalf("%s after %s", a[i].Date, a[i-1].Date)
			}
			if a[i].High.LessThan(decimal.Max(a[i].Open, a[i].Close)) || a[i].Low.GreaterThan(decimal.Min(a[i].Open, a[i].Close)) || !a[i].Low.IsPositive() {
				t.Fatalf("%s on %s: %+v", symbol, a[i].Date, a[i])
			}
		}
	}
	if !differs {
		t.Error("another seed gives the same market")
	}
	spy, _ := one.Bars("SPY")
	if got := spy[len(spy)-1]; got.Date != one.LastDate() {
		t.Errorf("last bar: %+v", got)
	}
}

// Whatever is ordered, at once or not: nobody sells what they do not have or spends what they do not have, and money
// comes from and goes to fills alone.
func TestMoneyIsConserved(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		fills := rapid.SampledFrom([]paper.Fills{paper.FillsInstant, paper.FillsBook}).Draw(rt, "fills")
		server, err := paper.New(paper.Config{
			Prices: prices, Cash: dec("1000"), Fills: fills, SpreadBps: dec("5"), Positions: map[string]decimal.Decimal{"NEW": dec("100")},
		})
		if err != nil {
			rt.Fatal(err)
		}
		serving := httptest.NewServer(server)
		defer serving.Close()
		a := api{t: t, url: serving.URL}
		var wait sync.WaitGroup
		n := rapid.IntRange(1, 12).Draw(rt, "orders")
		for i := range n {
			kind := rapid.SampledFrom([]string{`"market"`, `"limit","limit_price":"99.9"`, `"limit","limit_price":"100.1"`, `"limit","limit_price":"0.5"`}).Draw(rt, "type")
			body := fmt.Sprintf(`{"symbol":%q,"qty":"%s","side":%q,"type":%s,"time_in_force":"day","client_order_id":"o%d"}`,
				rapid.SampledFrom([]string{"SPY", "NEW"}).Draw(rt, "symbol"), decimal.New(rapid.Int64Range(1, 100_000_000_000).Draw(rt, "quantity"), -9),
				rapid.SampledFrom([]string{"buy", "sell"}).Draw(rt, "side"), kind, i)
			wait.Go(func() { a.do("POST", "/v2/orders", body) })
			if rapid.Bool().Draw(rt, "look") {
				wait.Go(func() { a.do("GET", "/v2/orders?status=all&limit=500", "") })
			}
		}
		wait.Wait()
		cash, held := dec("1000"), map[string]decimal.Decimal{"NEW": dec("100")}
		for i := range n {
			_, o := a.do("GET", fmt.Sprintf("/v2/orders:by_client_order_id?client_order_id=o%d", i), "")
			if o["filled_avg_price"] == nil {
				continue
			}
			quantity := dec(fmt.Sprint(o["filled_qty"]))
			if o["side"] == "sell" {
				quantity = quantity.Neg()
			}
			symbol := fmt.Sprint(o["symbol"])
			held[symbol] = held[symbol].Add(quantity)
			cash = cash.Sub(quantity.Mul(dec(fmt.Sprint(o["filled_avg_price"]))))
		}
		got := dec(a.field("/v2/account", "cash"))
		if got.IsNegative() || !got.Equal(cash) {
			rt.Fatalf("cash is %s, the fills say %s", got, cash)
		}
		for symbol, want := range held {
			have := decimal.Zero
			if status, p := a.do("GET", "/v2/positions/"+symbol, ""); status == 200 {
				have = dec(fmt.Sprint(p["qty"]))
			}
			if !have.Equal(want) || have.IsNegative() {
				rt.Fatalf("held %s %s, the fills say %s", have, symbol, want)
			}
		}
	})
}

func TestSharesAndMoneyOfOpenOrdersAreTaken(t *testing.T) {
	a := start(t, nil)
	place := func(side, symbol, quantity, limit string) int {
		status, _ := a.do("POST", "/v2/orders", fmt.Sprintf(`{"symbol":%q,"qty":%q,"side":%q,"type":"limit","limit_price":%q,"time_in_force":"day"}`,
			symbol, quantity, side, limit))
		return status
	}
	for _, want := range []struct {
		side, symbol, quantity, limit string
		status                        int
	}{
		{"sell", "NEW", "6", "9", 200},
		{"sell", "NEW", "5", "9", 403},
		{"sell", "NEW", "4", "9", 200},
		{"buy", "SPY", "12", "50", 200},
		{"buy", "SPY", "9", "50", 403},
		{"buy", "SPY", "8", "50", 200},
	} {
		if got := place(want.side, want.symbol, want.quantity, want.limit); got != want.status {
			t.Errorf("%+v: got %d", want, got)
		}
	}
	if got := a.field("/v2/positions/NEW", "qty_available"); got != "0" {
		t.Errorf("%s are available", got)
	}
	_, raw, _ := a.raw("GET", "/v2/orders?status=open&side=sell&direction=asc&limit=1", "")
	var open []map[string]any
	if err := json.Unmarshal(raw, &open); err != nil || len(open) != 1 || open[0]["qty"] != "6" {
		t.Fatalf("open orders: %s, %v", raw, err)
	}
	if status, _ := a.do("DELETE", "/v2/orders/"+fmt.Sprint(open[0]["id"]), ""); status != http.StatusNoContent {
		t.Errorf("cancel: %d", status)
	}
	if got := a.field("/v2/positions/NEW", "qty_available"); got != "6" {
		t.Errorf("%s are available", got)
	}
	if status, d := a.do("DELETE", "/v2/orders/"+fmt.Sprint(open[0]["id"]), ""); status != http.StatusUnprocessableEntity {
		t.Errorf("cancel again: %d %v", status, d)
	}
}
