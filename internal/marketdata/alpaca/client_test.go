package alpaca_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/shopspring/decimal"

	broker "github.com/the-alchemiser/alchemiser/internal/broker/alpaca"
	"github.com/the-alchemiser/alchemiser/internal/broker/paper"
	"github.com/the-alchemiser/alchemiser/internal/marketdata/alpaca"
	"github.com/the-alchemiser/alchemiser/pkg/fault"
	"github.com/the-alchemiser/alchemiser/pkg/market"
)

func keys(context.Context) (string, string, error) { return "key", "secret", nil }

// clients returns the market data of a running API.
func clients(t *testing.T, h http.Handler) *alpaca.Client {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	b, err := broker.New(broker.Config{BaseURL: s.URL, DataURL: s.URL, Credentials: keys})
	if err != nil {
		t.Fatal(err)
	}
	c, err := alpaca.New(alpaca.Config{DataURL: s.URL, Broker: b, Feed: "sip", Credentials: keys})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func simulated(t *testing.T) (*alpaca.Client, paper.Prices) {
	t.Helper()
	prices := paper.Seeded(3)
	server, err := paper.New(paper.Config{Prices: prices, Cash: decimal.NewFromInt(1), Fills: paper.FillsInstant, SpreadBps: decimal.NewFromInt(1)})
	if err != nil {
		t.Fatal(err)
	}
	return clients(t, server), prices
}

// 20 symbols of 750 days are more than the 10,000 bars of a page.
func TestEveryBarComesExactlyOnceOverAllPages(t *testing.T) {
	c, prices := simulated(t)
	got, err := c.DailyBars(t.Context(), prices.Symbols(), prices.LastDate())
	if err != nil {
		t.Fatal(err)
	}
	for _, symbol := range prices.Symbols() {
		want, err := prices.Bars(symbol)
		if err != nil || len(got[symbol]) != len(want) {
			t.Fatalf("%s: %d bars, want %d, %v", symbol, len(got[symbol]), len(want), err)
		}
		for i, b := range got[symbol] {
			w := want[i]
			if b.Date != w.Date || !b.Open.Equal(w.Open) || !b.High.Equal(w.High) || !b.Low.Equal(w.Low) || !b.Close.Equal(w.Close) || !b.Volume.Equal(w.Volume) {
				t.Fatalf("%s: got %+v, want %+v", symbol, b, w)
			}
		}
	}
}

func TestBarsEndAtTheDate(t *testing.T) {
	c, prices := simulated(t)
	bars, err := prices.Bars("SPY")
	if err != nil {
		t.Fatal(err)
	}
	until := bars[100].Date
	got, err := c.DailyBars(t.Context(), []string{"SPY"}, until)
	if err != nil || len(got["SPY"]) != 101 || got["SPY"][100].Date != until {
		t.Errorf("%d bars, %v", len(got["SPY"]), err)
	}
	if got, err = c.DailyBars(t.Context(), []string{"SPY"}, "2001-01-01"); err != nil || len(got) != 1 || len(got["SPY"]) != 0 {
		t.Errorf("before the first bar: %v, %v", got, err)
	}
	if got, err = c.DailyBars(t.Context(), nil, until); err != nil || len(got) != 0 {
		t.Errorf("of nothing: %v, %v", got, err)
	}
}

func TestUnknownSymbolIsInvalid(t *testing.T) {
	c, _ := simulated(t)
	_, err := c.DailyBars(t.Context(), []string{"SPY", "ZZZZ"}, "2026-02-27")
	if fault.CodeOf(err) != fault.Invalid || !strings.Contains(err.Error(), "ZZZZ") {
		t.Errorf("got %v", err)
	}
	if _, err := c.DailyBars(t.Context(), []string{"SPY"}, "yesterday"); fault.CodeOf(err) != fault.Invalid {
		t.Errorf("got %v", err)
	}
}

// bar is Alpaca's bar of a date, at midnight in New York.
func bar(date, closes string) string {
	return fmt.Sprintf(`{"t":"%sT05:00:00Z","o":%s,"h":%s,"l":%s,"c":%s,"v":7}`, date, closes, closes, closes, closes)
}

// alpacaAt serves the bars of SPY, with a clock.
func alpacaAt(t *testing.T, now, bars string) http.Handler {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("/v2/clock", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintf(w, `{"timestamp":%q,"is_open":true}`, now) })
	mux.HandleFunc("/v2/calendar", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, `[{"date":%q,"open":"09:30","close":"13:00"}]`, r.URL.Query().Get("start"))
	})
	mux.HandleFunc("/v2/stocks/bars", func(w http.ResponseWriter, r *http.Request) {
		for name, want := range map[string]string{"adjustment": "all", "feed": "sip", "timeframe": "1Day", "sort": "asc", "limit": "10000"} {
			if got := r.URL.Query().Get(name); got != want {
				t.Errorf("%s is %q, want %q", name, got, want)
			}
		}
		fmt.Fprintf(w, `{"bars":{"SPY":[%s]},"next_page_token":null}`, bars)
	})
	return mux
}

func TestRunningBarIsLeftOut(t *testing.T) {
	bars := bar("2026-02-27", "602.549988") + "," + bar("2026-03-02", "603.1")
	for now, want := range map[string]market.Date{
		"2026-03-02T12:59:59-05:00": "2026-02-27",
		"2026-03-02T13:00:00-05:00": "2026-03-02",
		"2026-03-03T08:00:00-05:00": "2026-03-02",
	} {
		c := clients(t, alpacaAt(t, now, bars))
		got, err := c.DailyBars(t.Context(), []string{"SPY"}, "2026-03-02")
		if err != nil || got["SPY"][len(got["SPY"])-1].Date != want {
			t.Errorf("at %s: %v, %v; want the last on %s", now, got, err, want)
		}
		if first := got["SPY"][0]; first.Close.String() != "602.549988" || first.Volume.String() != "7" {
			t.Errorf("got %+v", first)
		}
	}
}

func TestBarsThatMustNotBecomePrices(t *testing.T) {
	for name, bars := range map[string]string{
		"no price":     bar("2026-02-26", "0"),
		"same day":     bar("2026-02-26", "1") + "," + bar("2026-02-26", "1"),
		"out of order": bar("2026-02-27", "1") + "," + bar("2026-02-26", "1"),
	} {
		c := clients(t, alpacaAt(t, "2026-03-02T15:45:00-05:00", bars))
		if got, err := c.DailyBars(t.Context(), []string{"SPY"}, "2026-02-27"); fault.CodeOf(err) != fault.Transient {
			t.Errorf("%s: got %v, %v", name, got, err)
		}
	}
}

// answering returns the market data of an API that knows every symbol, stands at noon on a Monday, and answers requests for
// bars as told.
func answering(t *testing.T, bars func(r *http.Request) (int, string)) *alpaca.Client {
	t.Helper()
	return clients(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		status, body := http.StatusOK, `{"symbol":"SPY","status":"active","tradable":true}`
		switch r.URL.Path {
		case "/v2/clock":
			body = `{"timestamp":"2026-03-02T17:00:00Z","is_open":true}`
		case "/v2/calendar":
			body = `[{"date":"2026-03-02","open":"09:30","close":"16:00"}]`
		case "/v2/stocks/bars":
			status, body = bars(r)
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}))
}

func TestBarsAreAskedForUpToTheLastThatIsCompleted(t *testing.T) {
	c := answering(t, func(r *http.Request) (int, string) {
		for name, want := range map[string]string{
			"symbols": "SPY,GE", "start": "2000-01-01T00:00:00-05:00", "end": "2026-03-01T23:59:59-05:00",
		} {
			if got := r.URL.Query().Get(name); got != want {
				t.Errorf("%s is %q, want %q", name, got, want)
			}
		}
		return 200, `{"bars":{},"next_page_token":null}`
	})
	if _, err := c.DailyBars(t.Context(), []string{"SPY", "GE"}, "2026-03-02"); err != nil {
		t.Error(err)
	}
}

func TestBarsOfWhichAPageFailsAreNone(t *testing.T) {
	asked := 0
	c := answering(t, func(r *http.Request) (int, string) {
		if asked++; r.URL.Query().Get("page_token") == "" {
			return 200, `{"bars":{"SPY":[{"t":"2026-02-26T05:00:00Z","o":1,"h":1,"l":1,"c":1,"v":1}]},"next_page_token":"next"}`
		}
		return 403, `{"message":"subscription does not permit querying recent SIP data"}`
	})
	got, err := c.DailyBars(t.Context(), []string{"SPY"}, "2026-02-27")
	if got != nil || fault.CodeOf(err) != fault.Invalid || !strings.Contains(err.Error(), "recent SIP data") || asked != 2 {
		t.Errorf("got %v, %v after %d requests", got, err, asked)
	}
}
