package alpaca_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/shopspring/decimal"

	"github.com/the-alchemiser/alchemiser/internal/broker/alpaca"
	"github.com/the-alchemiser/alchemiser/internal/execution"
	"github.com/the-alchemiser/alchemiser/pkg/fault"
	"github.com/the-alchemiser/alchemiser/pkg/market"
)

func keys(context.Context) (string, string, error) { return "key", "secret", nil }

func TestLiveTradingNeedsHostAndPermission(t *testing.T) {
	tests := map[string]struct {
		base string
		live bool
		want string
	}{
		"live host without permission": {"https://api.alpaca.markets", false, "trades real money"},
		"permission for another host":  {"https://paper-api.alpaca.markets", true, "is not https://api.alpaca.markets"},
		"permission for a simulator":   {"http://127.0.0.1:1", true, "is not https://api.alpaca.markets"},
		"no address at all":            {"", false, "want scheme and host"},
		"live host with permission":    {"https://api.alpaca.markets", true, ""},
		"paper host":                   {"https://paper-api.alpaca.markets", false, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := alpaca.New(alpaca.Config{BaseURL: tt.base, DataURL: "https://data.alpaca.markets", AllowLive: tt.live, Credentials: keys})
			if (err == nil) != (tt.want == "") || (err != nil && !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("got %v; want %q", err, tt.want)
			}
		})
	}
}

// serve returns a client of an API that answers every request with a document.
func serve(t *testing.T, answer func(r *http.Request) (int, string)) *alpaca.Client {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		status, body := answer(r)
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}))
	t.Cleanup(s.Close)
	c, err := alpaca.New(alpaca.Config{BaseURL: s.URL, DataURL: s.URL, Feed: "iex", Credentials: keys})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestEnvironmentIsNotLookedAt(t *testing.T) {
	t.Setenv("APCA_API_OAUTH", "token")
	t.Setenv("APCA_API_KEY_ID", "other")
	t.Setenv("APCA_API_BASE_URL", "https://api.alpaca.markets")
	c := serve(t, func(r *http.Request) (int, string) {
		if r.Header.Get("Authorization") != "" || r.Header.Get("APCA-API-KEY-ID") != "key" {
			t.Errorf("sent %v", r.Header)
		}
		return 200, `{"id":"a","status":"ACTIVE"}`
	})
	if _, err := c.Account(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestOrderIsSentExactly(t *testing.T) {
	c := serve(t, func(r *http.Request) (int, string) {
		var got map[string]any
		if err := json.NewDecoder(r.Body).Decode(&got); err != nil {
			t.Error(err)
		}
		for name, want := range map[string]any{
			"symbol": "BRK.B", "qty": "0.100000001", "side": "buy", "type": "limit", "limit_price": "512.1", "time_in_force": "day", "client_order_id": "id",
			"notional": nil, "extended_hours": false,
		} {
			if got[name] != want {
				t.Errorf("%s is %v, want %v", name, got[name], want)
			}
		}
		return 200, `{"id":"b","client_order_id":"id","symbol":"BRK.B","side":"buy","type":"limit","qty":"0.100000001","filled_qty":"0","limit_price":"512.1",
			"status":"pending_new","submitted_at":"2026-03-02T20:45:00.123456789Z"}`
	})
	o, err := c.Submit(t.Context(), execution.OrderRequest{
		ClientID: "id", Symbol: "BRK.B", Side: market.Buy, Type: execution.OrderLimit,
		Quantity: decimal.RequireFromString("0.100000001"), Limit: decimal.RequireFromString("512.10"),
	})
	if err != nil || o.BrokerID != "b" || o.State != execution.StateWorking || o.Quantity.String() != "0.100000001" || o.SubmittedAt.IsZero() {
		t.Errorf("got %+v, %v", o, err)
	}
}

func TestStatusesOfOrders(t *testing.T) {
	tests := map[string]struct {
		document string
		want     execution.State
		finished string
	}{
		"new":                         {`"status":"new"`, execution.StateWorking, ""},
		"pending cancel after a fill": {`"status":"pending_cancel","filled_qty":"1","filled_avg_price":"5"`, execution.StatePartiallyFilled, ""},
		"filled": {
			`"status":"filled","filled_qty":"2","filled_avg_price":"5","filled_at":"2026-03-02T20:45:01Z"`, execution.StateFilled, "20:45:01",
		},
		"filled, price to come": {`"status":"filled","filled_qty":"2","filled_at":"2026-03-02T20:45:01Z"`, execution.StateFilled, "20:45:01"},
		"cancelled":             {`"status":"canceled","canceled_at":"2026-03-02T20:45:02Z"`, execution.StateCancelled, "20:45:02"},
		"expired":               {`"status":"expired","expired_at":"2026-03-02T21:00:00Z"`, execution.StateExpired, "21:00:00"},
		"rejected":              {`"status":"rejected","failed_at":"2026-03-02T20:45:03Z"`, execution.StateRejected, "20:45:03"},
		"replaced by hand":      {`"status":"replaced","updated_at":"2026-03-02T20:45:04Z"`, execution.StateReplaced, "20:45:04"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c := serve(t, func(*http.Request) (int, string) {
				return 200, `{"id":"b","client_order_id":"id","symbol":"SPY","side":"sell","type":"market","qty":"2",` + tt.document + `}`
			})
			o, found, err := c.OrderByClientID(t.Context(), "id")
			if err != nil || !found || o.State != tt.want {
				t.Fatalf("got %+v, %t, %v; want %s", o, found, err, tt.want)
			}
			finished := ""
			if !o.FinishedAt.IsZero() {
				finished = o.FinishedAt.UTC().Format("15:04:05")
			}
			if finished != tt.finished {
				t.Errorf("finished at %q, want %q", finished, tt.finished)
			}
		})
	}
	c := serve(t, func(*http.Request) (int, string) {
		return 200, `{"id":"b","client_order_id":"id","qty":"2","status":"teleported"}`
	})
	if _, _, err := c.OrderByClientID(t.Context(), "id"); fault.CodeOf(err) != fault.Internal {
		t.Errorf("unknown status: got %v", err)
	}
}

// Why an order ended is for a person to read: what the broker says of it, and which order lives on.
func TestReasonOfAnOrderThatEnded(t *testing.T) {
	for document, want := range map[string]string{
		`"status":"canceled"`:                         "the broker reports canceled",
		`"status":"rejected"`:                         "the broker reports rejected",
		`"status":"replaced"`:                         "the broker reports replaced",
		`"status":"replaced","replaced_by":"another"`: "the broker reports replaced: order another stands in its place, which is not ours",
		`"status":"filled","filled_qty":"2"`:          "",
		`"status":"new"`:                              "",
	} {
		c := serve(t, func(*http.Request) (int, string) {
			return 200, `{"id":"b","client_order_id":"id","symbol":"SPY","side":"sell","type":"market","qty":"2",` + document + `}`
		})
		if o, _, err := c.OrderByClientID(t.Context(), "id"); err != nil || o.Reason != want {
			t.Errorf("%s: got %q, %v; want %q", document, o.Reason, err, want)
		}
	}
}

// What a broker accepted stays accepted, however strange its answer is.
func TestUnreadableAnswerToAnOrderIsAmbiguous(t *testing.T) {
	for _, body := range []string{`{"id":`, ``, `{"id":"b","client_order_id":"id","qty":"1","status":"teleported"}`, `<html>`} {
		c := serve(t, func(*http.Request) (int, string) { return 200, body })
		_, err := c.Submit(t.Context(), execution.OrderRequest{
			ClientID: "id", Symbol: "SPY", Side: market.Buy, Type: execution.OrderMarket, Quantity: decimal.NewFromInt(1),
		})
		if fault.CodeOf(err) != fault.Ambiguous {
			t.Errorf("%q: got %v", body, err)
		}
	}
}

// Without an id the address is that of every order of the account.
func TestCancelOfNoOrderIsNotSent(t *testing.T) {
	c := serve(t, func(r *http.Request) (int, string) {
		t.Errorf("sent %s %s", r.Method, r.URL)
		return 204, ``
	})
	if err := c.Cancel(t.Context(), ""); fault.CodeOf(err) != fault.Internal {
		t.Errorf("got %v", err)
	}
}

// The broker has an order with the id, whether it shows it yet or not.
func TestUsedClientIDOfAnOrderThatIsNotShownIsAmbiguous(t *testing.T) {
	for message, want := range map[string]fault.Code{
		"client_order_id must be unique": fault.Ambiguous,
		"client order id must be unique": fault.Ambiguous,
		"qty must be positive":           fault.Invalid,
	} {
		c := serve(t, func(r *http.Request) (int, string) {
			if r.Method == http.MethodPost {
				return 422, `{"code":40010001,"message":"` + message + `"}`
			}
			return 404, `{"code":40410000,"message":"order not found"}`
		})
		_, err := c.Submit(t.Context(), execution.OrderRequest{
			ClientID: "id", Symbol: "SPY", Side: market.Buy, Type: execution.OrderMarket, Quantity: decimal.NewFromInt(1),
		})
		if fault.CodeOf(err) != want {
			t.Errorf("%s: got %v, want code %s", message, err, want)
		}
	}
}

func TestPositionsThatAreNotSupported(t *testing.T) {
	tests := map[string]struct {
		document string
		want     fault.Code
	}{
		"short":           {`"side":"short","qty":"-1","current_price":"5","market_value":"-5"`, fault.Invalid},
		"without a price": {`"side":"long","qty":"1","current_price":null,"market_value":null`, fault.Transient},
		"long":            {`"side":"long","qty":"0.3","current_price":"5.01","market_value":"1.503"`, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c := serve(t, func(*http.Request) (int, string) { return 200, `[{"symbol":"SPY",` + tt.document + `}]` })
			if _, err := c.Positions(t.Context()); fault.CodeOf(err) != tt.want {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestQuotes(t *testing.T) {
	c := serve(t, func(r *http.Request) (int, string) {
		if r.URL.Query().Get("feed") != "iex" {
			t.Errorf("asked for %s", r.URL)
		}
		return 200, `{"quotes":{"SPY":{"t":"2026-03-02T20:45:00Z","bp":602.43,"ap":602.67},"TECL":{"bp":107,"ap":0},"F":{"bp":2,"ap":1}}}`
	})
	got, err := c.Quotes(t.Context(), []string{"SPY"})
	if err != nil || got["SPY"].Bid.String() != "602.43" || got["SPY"].Ask.String() != "602.67" {
		t.Errorf("got %v, %v", got, err)
	}
	_, err = c.Quotes(t.Context(), []string{"SPY", "TECL", "F", "GONE"})
	if fault.CodeOf(err) != fault.Transient || !strings.Contains(err.Error(), "TECL, F, GONE") {
		t.Errorf("got %v", err)
	}
}

func TestEarlyCloseOfASession(t *testing.T) {
	c := serve(t, func(r *http.Request) (int, string) {
		if r.URL.RawQuery != "end=2026-11-27&start=2026-11-27" {
			t.Errorf("asked for %s", r.URL)
		}
		return 200, `[{"date":"2026-11-27","open":"09:30","close":"13:00"}]`
	})
	s, trading, err := c.Session(t.Context(), "2026-11-27")
	if err != nil || !trading || s.Close.UTC().Format("15:04") != "18:00" {
		t.Errorf("got %+v, %t, %v", s, trading, err)
	}
	c = serve(t, func(*http.Request) (int, string) {
		return 200, `[{"date":"2026-11-27","open":"09:30","close":"13:00"}]`
	})
	if _, trading, err := c.Session(t.Context(), "2026-11-26"); trading || err != nil {
		t.Errorf("another day's session is taken: %t, %v", trading, err)
	}
}

func TestAccountThatMayNotTrade(t *testing.T) {
	for document, want := range map[string]bool{
		`"status":"ACTIVE"`:                                false,
		`"status":"ACCOUNT_UPDATED"`:                       true,
		`"status":"ACTIVE","trading_blocked":true`:         true,
		`"status":"ACTIVE","account_blocked":true`:         true,
		`"status":"ACTIVE","trade_suspended_by_user":true`: true,
	} {
		c := serve(t, func(*http.Request) (int, string) { return 200, `{"id":"a","cash":"-5.25",` + document + `}` })
		if a, err := c.Account(t.Context()); err != nil || a.Blocked != want || a.Cash.String() != "-5.25" {
			t.Errorf("%s: got %+v, %v", document, a, err)
		}
	}
}
