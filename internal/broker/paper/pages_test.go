package paper_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"testing"

	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"github.com/the-alchemiser/alchemiser/internal/broker/paper"
)

// However small the pages are, they make up the same bars.
func TestPagesMakeUpTheWhole(t *testing.T) {
	prices := paper.Seeded(1)
	a := start(t, func(c *paper.Config) { c.Prices, c.Positions = prices, nil; c.Cash = decimal.NewFromInt(1) })
	type page struct {
		Bars map[string][]struct {
			T string      `json:"t"`
			C json.Number `json:"c"`
		} `json:"bars"`
		Next *string `json:"next_page_token"`
	}
	rapid.Check(t, func(rt *rapid.T) {
		limit := rapid.IntRange(1, 60).Draw(rt, "limit")
		from := rapid.IntRange(700, 745).Draw(rt, "first bar")
		spy, _ := prices.Bars("SPY")
		got, token := map[string][]string{}, ""
		for pages := 0; ; pages++ {
			_, raw, _ := a.raw("GET", fmt.Sprintf("/v2/stocks/bars?symbols=XOM,AAPL,SPY,NONE&timeframe=1Day&adjustment=all&start=%s&limit=%d&page_token=%s",
				spy[from].Date, limit, url.QueryEscape(token)), "")
			var p page
			if err := json.Unmarshal(raw, &p); err != nil {
				rt.Fatalf("%s: %v", raw, err)
			}
			n := 0
			for symbol, bars := range p.Bars {
				for _, b := range bars {
					got[symbol] = append(got[symbol], b.T[:10]+" "+b.C.String())
				}
				n += len(bars)
			}
			if n > limit || n == 0 || pages > 400 {
				rt.Fatalf("page %d has %d bars, the limit is %d", pages, n, limit)
			}
			if p.Next == nil {
				break
			}
			token = *p.Next
		}
		if len(got) != 3 {
			rt.Fatalf("symbols: %d", len(got))
		}
		for _, symbol := range []string{"XOM", "AAPL", "SPY"} {
			bars, _ := prices.Bars(symbol)
			if len(got[symbol]) != len(bars)-from {
				rt.Fatalf("%s: %d bars, want %d", symbol, len(got[symbol]), len(bars)-from)
			}
			for i, b := range bars[from:] {
				if want := string(b.Date) + " " + b.Close.String(); got[symbol][i] != want {
					rt.Fatalf("%s: got %s, want %s", symbol, got[symbol][i], want)
				}
			}
		}
	})
}
