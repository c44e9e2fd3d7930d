package simulation_test

import (
	"fmt"
	"io/fs"
	"math/rand/v2"
	"slices"
	"testing/fstest"
	"time"

	"github.com/shopspring/decimal"

	"github.com/the-alchemiser/alchemiser/internal/broker/paper"
	"github.com/the-alchemiser/alchemiser/internal/nyse"
	"github.com/the-alchemiser/alchemiser/pkg/market"
)

// strategies change their mind every day: half of the money goes to the two names that rose most, so there is something to
// sell and something to buy.
func strategies() fs.FS {
	return fstest.MapFS{
		"portfolio.yaml": {Data: []byte("id: main\nstrategies:\n  - file: swing.clj\n    weight: 1\n")},
		"swing.clj": {Data: []byte(`(defsymphony "Swing" {:asset-class "EQUITIES", :rebalance-frequency :daily}
			(weight-equal
				[(filter (cumulative-return {:window 1}) (select-top 2)
					[(asset "AAA" "A") (asset "BBB" "B") (asset "CCC" "C") (asset "DDD" "D")])
				 (asset "SPY" "S")]))`)},
	}
}

func symbols() []string { return []string{"AAA", "BBB", "CCC", "DDD", "SPY"} }

// history is how many sessions there are before a world's first day.
const history = 5

// tape is the prices of a world, drawn from its seed.
type tape struct {
	calendar *nyse.Calendar
	bars     map[string][]market.Bar
	last     market.Date
}

var _ paper.Prices = (*tape)(nil)

// newTape draws a bar for each session from some before days up to the last of them.
func newTape(rng *rand.Rand, calendar *nyse.Calendar, days []market.Date) *tape {
	t := &tape{calendar: calendar, bars: map[string][]market.Bar{}, last: days[len(days)-1]}
	var dates []market.Date
	for day := t.morning(days[0]); len(dates) < history; day = day.AddDate(0, 0, -1) {
		if date := market.DateOf(day); date < days[0] {
			if _, trades := calendar.Session(date); trades {
				dates = append(dates, date)
			}
		}
	}
	slices.Reverse(dates)
	for _, date := range days {
		if _, trades := calendar.Session(date); trades {
			dates = append(dates, date)
		}
	}
	for _, symbol := range symbols() {
		cents := 2_000 + rng.Int64N(30_000)
		for _, date := range dates {
			cents += cents * (rng.Int64N(1001) - 500) / 10_000 // up to five percent either way
			price := decimal.New(cents, -2)
			t.bars[symbol] = append(t.bars[symbol], market.Bar{
				Date: date, Open: price, High: price, Low: price, Close: price, Volume: decimal.NewFromInt(1_000_000),
			})
		}
	}
	return t
}

func (t *tape) morning(date market.Date) time.Time { return moment(t.calendar, date, "09:00") }

// moment is a time of a day at the exchange.
func moment(calendar *nyse.Calendar, date market.Date, clock string) time.Time {
	return must(time.ParseInLocation("2006-01-02 15:04", string(date)+" "+clock, calendar.Zone()))
}

// startingPositions are what the account holds at first.
func startingPositions() map[string]decimal.Decimal {
	return map[string]decimal.Decimal{"AAA": decimal.NewFromInt(40), "BBB": decimal.RequireFromString("25.5")}
}

// Symbols implements paper.Prices.
func (t *tape) Symbols() []string { return symbols() }

// LastDate implements paper.Prices.
func (t *tape) LastDate() market.Date { return t.last }

// Bars implements paper.Prices.
func (t *tape) Bars(symbol string) ([]market.Bar, error) {
	if bars, ok := t.bars[symbol]; ok {
		return bars, nil
	}
	return nil, fmt.Errorf("no bars of %s", symbol)
}
