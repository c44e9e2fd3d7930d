package strategy_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/fstest"
	"time"

	"github.com/shopspring/decimal"

	"github.com/the-alchemiser/alchemiser/internal/strategy"
	"github.com/the-alchemiser/alchemiser/pkg/events"
	"github.com/the-alchemiser/alchemiser/pkg/market"
)

var (
	_ strategy.Broker = (*fakeBroker)(nil)
	_ strategy.Prices = (*fakePrices)(nil)
	_ strategy.Runs   = (*fakeRuns)(nil)
)

var errPort = errors.New("the port is broken")

// fakeBroker stands at a moment; weekdays but the closed days have a session from 9:30 to closes.
type fakeBroker struct {
	account market.Account
	now     time.Time
	closes  int // hour in New York
	closed  []market.Date
	err     error
}

func (b *fakeBroker) Account(context.Context) (market.Account, error) { return b.account, b.err }

func (b *fakeBroker) Clock(ctx context.Context) (market.Clock, error) {
	s, trading, _ := b.Session(ctx, market.DateOf(b.now.In(newYork())))
	return market.Clock{Now: b.now, Open: trading && !b.now.Before(s.Open) && b.now.Before(s.Close)}, nil
}

func (b *fakeBroker) Session(_ context.Context, date market.Date) (market.Session, bool, error) {
	day, err := time.ParseInLocation(time.DateOnly, string(date), newYork())
	if err != nil {
		return market.Session{}, false, err
	}
	if day.Weekday() == time.Saturday || day.Weekday() == time.Sunday || slices.Contains(b.closed, date) {
		return market.Session{}, false, nil
	}
	return market.Session{
		Date: date,
		Open: day.Add(9*time.Hour + 30*time.Minute), Close: day.Add(time.Duration(b.closes) * time.Hour),
	}, true, nil
}

type fakePrices struct {
	bars  map[string][]market.Bar
	until market.Date // of the last call
	err   error
}

func (p *fakePrices) DailyBars(_ context.Context, symbols []string, until market.Date) (map[string][]market.Bar, error) {
	p.until = until
	out := map[string][]market.Bar{}
	for _, s := range symbols {
		out[s] = p.bars[s]
	}
	return out, p.err
}

type fakeRuns struct {
	owners map[strategy.RunKey]string
	err    error
}

func (r *fakeRuns) ClaimRun(_ context.Context, key strategy.RunKey, id string) (string, error) {
	if r.owners[key] == "" {
		r.owners[key] = id
	}
	return r.owners[key], r.err
}

func newYork() *time.Location {
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		panic(err)
	}
	return zone
}

// at is a moment of Monday 2 December 2024 in New York.
func at(hour, minute int) time.Time { return time.Date(2024, 12, 2, hour, minute, 0, 0, newYork()) }

// published is when the tests' start event was made, on the clock of AWS.
var published = time.Date(2026, 3, 2, 20, 45, 0, 0, time.UTC)

// world is a service with its fakes: a quarter to four on 2 December 2024, bars up to Friday 29 November.
type world struct {
	broker *fakeBroker
	prices *fakePrices
	runs   *fakeRuns
	files  fstest.MapFS
	now    time.Time
}

func newWorld() *world {
	return &world{
		broker: &fakeBroker{account: market.Account{ID: "ACC1"}, now: at(15, 45), closes: 16, closed: []market.Date{"2024-11-28"}},
		prices: &fakePrices{bars: map[string][]market.Bar{
			"SPY": weekdays("2024-11-25", 600, 601, 602, 604), "BIL": weekdays("2024-11-25", 91, 91, 91, 91),
		}},
		runs: &fakeRuns{owners: map[strategy.RunKey]string{}},
		files: fstest.MapFS{
			"portfolio.yaml": {Data: []byte("id: main\nstrategies:\n  - file: trend.clj\n    weight: 0.75\n  - {file: cash.clj, weight: 0.25}\n")},
			"trend.clj": {Data: []byte(`(defsymphony "Trend" {:asset-class "EQUITIES"}
				(if (> (current-price "SPY") (moving-average-price "SPY" {:window 4})) [(asset "SPY" nil)] [(asset "BIL" nil)]))`)},
			"cash.clj": {Data: []byte(`(defsymphony "Cash" {:asset-class "EQUITIES"} (weight-equal [(asset "BIL" nil) (asset "SPY" nil)]))`)},
		},
		now: published.Add(time.Second),
	}
}

func (w *world) config() strategy.Config {
	return strategy.Config{
		Broker: w.broker, Prices: w.prices, Runs: w.runs, Strategies: w.files, Now: func() time.Time { return w.now },
	}
}

func (w *world) handle(tb testing.TB, in events.Event) ([]events.Payload, error) {
	tb.Helper()
	s, err := strategy.New(w.config())
	if err != nil {
		tb.Fatalf("New: %v", err)
	}
	return s.Handle(tb.Context(), in)
}

func started(p events.WorkflowStarted) events.Event {
	return events.Event{ID: "start-1", CorrelationID: "run-1", CausationID: "run-1", Timestamp: published, Payload: p}
}

// weekdays makes bars on weekdays from first on, leaving out Thanksgiving of 2024.
func weekdays(first market.Date, closes ...int64) []market.Bar {
	day, err := time.Parse(time.DateOnly, string(first))
	if err != nil {
		panic(err)
	}
	var bars []market.Bar
	for len(bars) < len(closes) {
		if d := market.DateOf(day); day.Weekday() != time.Saturday && day.Weekday() != time.Sunday && d != "2024-11-28" {
			bars = append(bars, market.Bar{Date: d, Close: decimal.NewFromInt(closes[len(bars)])})
		}
		day = day.AddDate(0, 0, 1)
	}
	return bars
}
