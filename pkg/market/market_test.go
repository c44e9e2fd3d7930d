package market_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"github.com/the-alchemiser/alchemiser/pkg/fault"
	"github.com/the-alchemiser/alchemiser/pkg/market"
)

func TestParseDateTakesRealDaysInOneForm(t *testing.T) {
	t.Parallel()
	for s, valid := range map[string]bool{
		"2026-03-02": true, "2024-02-29": true, "0001-01-01": true,
		"": false, "2026-3-2": false, "2026-02-29": false, "2026-03-02T00:00:00Z": false, " 2026-03-02": false, "02.03.2026": false,
	} {
		d, err := market.ParseDate(s)
		if (err == nil) != valid || valid && string(d) != s {
			t.Errorf("ParseDate(%q) = %q, %v, want valid: %t", s, d, err, valid)
		}
		if err != nil && fault.CodeOf(err) != fault.Invalid {
			t.Errorf("ParseDate(%q) is %s, want invalid", s, fault.CodeOf(err))
		}
	}
}

func TestDatesCompareAsTheirDays(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a := time.Unix(rapid.Int64Range(0, 4e9).Draw(t, "a"), 0).UTC()
		b := time.Unix(rapid.Int64Range(0, 4e9).Draw(t, "b"), 0).UTC()
		before := a.Truncate(24 * time.Hour).Before(b.Truncate(24 * time.Hour))
		if got := market.DateOf(a) < market.DateOf(b); got != before {
			t.Fatalf("%s < %s is %t", market.DateOf(a), market.DateOf(b), got)
		}
		if _, err := market.ParseDate(string(market.DateOf(a))); err != nil {
			t.Fatal(err)
		}
	})
}

func TestDateOfIsTheDayWhereTheTimeIs(t *testing.T) {
	t.Parallel()
	evening := time.Date(2026, 3, 2, 21, 0, 0, 0, time.FixedZone("New York", -5*3600))
	if got := market.DateOf(evening); got != "2026-03-02" {
		t.Errorf("DateOf = %s, want the day in New York", got)
	}
	if got := market.DateOf(evening.UTC()); got != "2026-03-03" {
		t.Errorf("DateOf = %s, want the day in UTC", got)
	}
}

func TestQuoteIsATwoSidedMarketOrNone(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		bid, ask string
		valid    bool
	}{
		"a spread":         {"99.99", "100.01", true},
		"no spread":        {"100", "100", true},
		"no ask":           {"107", "0", false},
		"no bid":           {"0", "107", false},
		"crossed":          {"100.01", "100", false},
		"negative":         {"-1", "1", false},
		"nothing":          {"0", "0", false},
		"a fraction of it": {"0.0001", "0.0002", true},
	} {
		q, err := market.NewQuote("SPY", decimal.RequireFromString(tt.bid), decimal.RequireFromString(tt.ask), time.Unix(0, 0))
		if (err == nil) != tt.valid {
			t.Errorf("%s: NewQuote = %v, %v, want valid: %t", name, q, err, tt.valid)
		}
		if err != nil && fault.CodeOf(err) != fault.Transient {
			t.Errorf("%s: code is %s, want transient: a better quote may follow", name, fault.CodeOf(err))
		}
	}
}

func TestMidLiesWithinTheSpread(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		bid := decimal.New(rapid.Int64Range(1, 1e9).Draw(t, "bid"), -4)
		ask := bid.Add(decimal.New(rapid.Int64Range(0, 1e6).Draw(t, "spread"), -4))
		q, err := market.NewQuote("SPY", bid, ask, time.Unix(0, 0))
		if err != nil {
			t.Fatal(err)
		}
		if mid := q.Mid(); mid.LessThan(bid) || mid.GreaterThan(ask) || !mid.Sub(bid).Equal(ask.Sub(mid)) {
			t.Fatalf("the middle of %s and %s is %s", bid, ask, mid)
		}
	})
}

func TestParseSide(t *testing.T) {
	t.Parallel()
	for s, valid := range map[string]bool{"buy": true, "sell": true, "": false, "Buy": false, "sell_short": false} {
		side, err := market.ParseSide(s)
		if (err == nil) != valid || valid && string(side) != s {
			t.Errorf("ParseSide(%q) = %q, %v, want valid: %t", s, side, err, valid)
		}
		if err != nil && fault.CodeOf(err) != fault.Invalid {
			t.Errorf("ParseSide(%q) is %s, want invalid", s, fault.CodeOf(err))
		}
	}
}

func Example() {
	q, err := market.NewQuote("SPY", decimal.RequireFromString("600.10"), decimal.RequireFromString("600.14"), time.Unix(0, 0))
	fmt.Println(q.Mid(), err)
	_, err = market.NewQuote("TECL", decimal.NewFromInt(107), decimal.Zero, time.Unix(0, 0))
	fmt.Println(err)
	// Output:
	// 600.12 <nil>
	// quote of TECL: bid 107, ask 0 is not a two-sided market
}
