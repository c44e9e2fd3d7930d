package paper_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/shopspring/decimal"

	"github.com/the-alchemiser/alchemiser/internal/broker/paper"
)

// place sends a limit order, or a market order if limit is empty, and returns the status, the broker's id and the message.
func (a api) place(side, symbol, quantity, limit, clientID string) (status int, id, message string) {
	a.t.Helper()
	kind, price := "market", "null"
	if limit != "" {
		kind, price = "limit", `"`+limit+`"`
	}
	status, d := a.do("POST", "/v2/orders", fmt.Sprintf(
		`{"symbol":%q,"qty":%q,"side":%q,"type":%q,"limit_price":%s,"time_in_force":"day","client_order_id":%q}`, symbol, quantity, side, kind, price, clientID))
	return status, fmt.Sprint(d["id"]), fmt.Sprint(d["message"])
}

// SPY stands at 99 to 101.
func TestAnOrderDoesNotMeetOneOfTheAccountsOwn(t *testing.T) {
	tests := map[string]struct {
		open, next [3]string // side, symbol, limit
		refused    bool
	}{
		"market buy against a limit sell":    {[3]string{"sell", "SPY", "120"}, [3]string{"buy", "SPY", ""}, true},
		"limit buy at a limit sell's price":  {[3]string{"sell", "SPY", "120"}, [3]string{"buy", "SPY", "120"}, true},
		"limit buy below a limit sell":       {[3]string{"sell", "SPY", "120"}, [3]string{"buy", "SPY", "90"}, false},
		"market sell against a limit buy":    {[3]string{"buy", "SPY", "80"}, [3]string{"sell", "SPY", ""}, true},
		"limit sell below a limit buy":       {[3]string{"buy", "SPY", "80"}, [3]string{"sell", "SPY", "70"}, true},
		"limit sell above a limit buy":       {[3]string{"buy", "SPY", "80"}, [3]string{"sell", "SPY", "130"}, false},
		"the same side":                      {[3]string{"buy", "SPY", "80"}, [3]string{"buy", "SPY", ""}, false},
		"another symbol":                     {[3]string{"sell", "SPY", "120"}, [3]string{"buy", "NEW", ""}, false},
		"against an order that was finished": {[3]string{"sell", "SPY", "90"}, [3]string{"buy", "SPY", ""}, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			a := start(t, func(c *paper.Config) { c.Positions = map[string]decimal.Decimal{"SPY": dec("5")} })
			if status, _, message := a.place(tt.open[0], tt.open[1], "1", tt.open[2], "open"); status != http.StatusOK {
				t.Fatal(message)
			}
			status, _, message := a.place(tt.next[0], tt.next[1], "1", tt.next[2], "next")
			if refused := status == http.StatusForbidden && strings.Contains(message, "potential wash trade"); refused != tt.refused || (!refused && status != http.StatusOK) {
				t.Errorf("got %d %s; want it refused: %t", status, message, tt.refused)
			}
		})
	}
}

func TestHaltedSymbolsFillNothing(t *testing.T) {
	for _, fills := range []paper.Fills{paper.FillsInstant, paper.FillsBook} {
		a := start(t, func(c *paper.Config) { c.Fills = fills })
		a.tell("/_control/symbols", `{"symbol":"SPY","halted":true}`)
		a.place("buy", "SPY", "1", "", "halted")
		a.place("buy", "NEW", "1", "", "trading")
		if got := a.order("halted"); got != "new 0 <nil>" {
			t.Errorf("%s: while halted: %s", fills, got)
		}
		if got := a.order("trading"); !strings.HasPrefix(got, "filled 1") {
			t.Errorf("%s: another symbol: %s", fills, got)
		}
		a.tell("/_control/symbols", `{"symbol":"SPY","halted":false}`)
		if got := a.order("halted"); got != "filled 1 101" {
			t.Errorf("%s: when trading goes on: %s", fills, got)
		}
	}
}

func TestSymbolsThatAreNotTradedFreely(t *testing.T) {
	a := start(t, func(c *paper.Config) { c.Positions = map[string]decimal.Decimal{"SPY": dec("1.5")} })
	a.tell("/_control/symbols", `{"symbol":"SPY","fractionable":false}`)
	if got := a.field("/v2/assets/SPY", "fractionable"); got != "false" {
		t.Errorf("fractionable: %s", got)
	}
	if status, _, message := a.place("sell", "SPY", "0.5", "", "a"); status != http.StatusForbidden || !strings.Contains(message, "not fractionable") {
		t.Errorf("half a share: %d %s", status, message)
	}
	if status, _, message := a.place("buy", "SPY", "1", "", "b"); status != http.StatusOK {
		t.Errorf("a share: %d %s", status, message)
	}
	if status, d := a.do("DELETE", "/v2/positions/SPY", ""); status != http.StatusOK {
		t.Errorf("the whole position, which is a fraction: %d %v", status, d)
	}
	a.tell("/_control/symbols", `{"symbol":"SPY","tradable":false}`)
	if got := a.field("/v2/assets/SPY", "tradable"); got != "false" {
		t.Errorf("tradable: %s", got)
	}
	if status, _, message := a.place("buy", "SPY", "1", "", "c"); status != http.StatusUnprocessableEntity || !strings.Contains(message, "not tradable") {
		t.Errorf("an untradable symbol: %d %s", status, message)
	}
	if resp, _ := a.do("POST", "/_control/reset", ""); resp != http.StatusNoContent || a.field("/v2/assets/SPY", "tradable") != "true" {
		t.Error("a reset does not restore the symbol")
	}
	for _, document := range []string{`{"symbol":"NONE","halted":true}`, `{"symbol":"SPY","stopped":true}`} {
		if status, d := a.do("POST", "/_control/symbols", document); status != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d %v", document, status, d)
		}
	}
}

func TestReplacedOrders(t *testing.T) {
	a := start(t, nil) // 1000 dollars
	_, id, _ := a.place("buy", "SPY", "10", "80", "first")
	status, d := a.do("PATCH", "/v2/orders/"+id, `{"limit_price":"90","client_order_id":"second"}`)
	if status != http.StatusOK || d["replaces"] != id || d["limit_price"] != "90" || d["qty"] != "10" {
		t.Fatalf("what the first held is free for the second: %d %v", status, d)
	}
	successor := fmt.Sprint(d["id"])
	if got := a.order("first"); got != "replaced 0 <nil>" || a.field("/v2/orders/"+id, "replaced_by") != successor {
		t.Errorf("the first is %s, replaced by %s", got, a.field("/v2/orders/"+id, "replaced_by"))
	}
	if got := a.field("/v2/account", "buying_power"); got != "100" {
		t.Errorf("buying power is %s, want what the second leaves", got)
	}
	for name, tt := range map[string]struct {
		id, body string
		status   int
	}{
		"beyond the money":        {successor, `{"qty":"20"}`, 403},
		"a client id in use":      {successor, `{"client_order_id":"first"}`, 422},
		"a finer price":           {successor, `{"limit_price":"80.001"}`, 422},
		"an order that has ended": {id, `{"limit_price":"70"}`, 422},
		"no order":                {"nope", `{"limit_price":"70"}`, 404},
		"no JSON":                 {successor, `{`, 422},
	} {
		if status, d := a.do("PATCH", "/v2/orders/"+tt.id, tt.body); status != tt.status {
			t.Errorf("%s: %d %v, want %d", name, status, d, tt.status)
		}
	}
	if got := a.order("second"); got != "new 0 <nil>" {
		t.Errorf("after refused replacements the order is %s", got)
	}
	if status, d := a.do("PATCH", "/v2/orders/"+successor, `{"qty":"9","limit_price":"101"}`); status != http.StatusOK {
		t.Errorf("a limit that the market meets: %d %v", status, d)
	} else if got := a.field("/v2/orders/"+fmt.Sprint(d["id"]), "status"); got != "filled" {
		t.Errorf("a limit that the market meets is %s", got)
	}
}

// While the market is closed orders are accepted and wait; the session after is theirs.
func TestOrdersWaitForTheMarketToOpen(t *testing.T) {
	a := start(t, nil)
	a.tell("/_control/clock", `{"now":"2026-03-03T03:00:00Z"}`)
	status, id, _ := a.place("buy", "SPY", "1", "", "night")
	if got := a.order("night"); status != http.StatusOK || got != "accepted 0 <nil>" {
		t.Errorf("at night: %d %s", status, got)
	}
	a.tell("/_control/clock", `{"now":"2026-03-03T14:30:00Z"}`)
	if got := a.order("night"); got != "filled 1 101" {
		t.Errorf("when it opens: %s", got)
	}
	if status, d := a.do("DELETE", "/v2/orders/"+id, ""); status != http.StatusUnprocessableEntity || !strings.Contains(fmt.Sprint(d["message"]), "filled") {
		t.Errorf("cancel what is filled: %d %v", status, d)
	}
}

func (a api) tell(path, document string) {
	a.t.Helper()
	if status, d := a.do("POST", path, document); status != http.StatusOK {
		a.t.Fatalf("%s %s: %d %v", path, document, status, d)
	}
}
