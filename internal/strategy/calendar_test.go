package strategy_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/the-alchemiser/alchemiser/internal/nyse"
	"github.com/the-alchemiser/alchemiser/internal/strategy"
	"github.com/the-alchemiser/alchemiser/pkg/events"
	"github.com/the-alchemiser/alchemiser/pkg/market"
)

// exchangeBroker is a broker with the calendar of the exchange.
type exchangeBroker struct {
	*fakeBroker
	sessions *nyse.Calendar
}

func (b exchangeBroker) Clock(context.Context) (market.Clock, error) {
	s, trading := b.sessions.Session(market.DateOf(b.now.In(newYork())))
	return market.Clock{Now: b.now, Open: trading && !b.now.Before(s.Open) && b.now.Before(s.Close)}, nil
}

func (b exchangeBroker) Session(_ context.Context, date market.Date) (market.Session, bool, error) {
	s, trading := b.sessions.Session(date)
	return s, trading, nil
}

// Both schedules of terraform/modules/schedule fire on every weekday, in New York's time. Over two years, with four changes
// of the clocks, every session gets one run, by the early one of the two if it closes early; every other start is skipped.
func TestTheTwoSchedulesGiveEverySessionOneRun(t *testing.T) {
	t.Parallel()
	sessions, err := nyse.New()
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld()
	closes := map[string]int{} // of the sessions with a run, by the UTC time of its start
	for day := time.Date(2026, 1, 1, 0, 0, 0, 0, newYork()); day.Year() < 2028; day = day.AddDate(0, 0, 1) {
		if day.Weekday() == time.Saturday || day.Weekday() == time.Sunday {
			continue
		}
		date := market.DateOf(day)
		session, trading := sessions.Session(date)
		runs := 0
		for _, hour := range []int{12, 15} {
			w.broker.now = time.Date(day.Year(), day.Month(), day.Day(), hour, 45, 0, 0, newYork())
			before := market.DateOf(day.AddDate(0, 0, -1))
			for _, ok := sessions.Session(before); !ok; _, ok = sessions.Session(before) {
				d, _ := time.Parse(time.DateOnly, string(before))
				before = market.DateOf(d.AddDate(0, 0, -1))
			}
			w.prices.bars = map[string][]market.Bar{"SPY": weekdays("2025-12-01", 1, 1, 1, 1), "BIL": weekdays("2025-12-01", 1, 1, 1, 1)}
			for symbol, bars := range w.prices.bars {
				last := bars[3]
				last.Date = before
				w.prices.bars[symbol] = append(slices.Clone(bars[:3]), last)
			}
			service, err := strategy.New(strategy.Config{
				Broker: exchangeBroker{w.broker, sessions}, Prices: w.prices, Runs: w.runs, Strategies: w.files, Now: func() time.Time { return w.now },
			})
			if err != nil {
				t.Fatal(err)
			}
			out, err := service.Handle(t.Context(), started(events.WorkflowStarted{PortfolioID: "main"}))
			switch got := one(t, out, err).(type) {
			case events.SignalGenerated:
				runs++
				closes[w.broker.now.UTC().Format("15:04")]++
				if got.TradingDate != date || !got.SessionClose.Equal(session.Close) || got.AsOf != before {
					t.Errorf("%s: run for %s until %s as of %s", date, got.TradingDate, got.SessionClose, got.AsOf)
				}
			case events.WorkflowCompleted:
				if got.Outcome != events.OutcomeSkipped || got.Reason == "" {
					t.Errorf("%s %d:45: %+v", date, hour, got)
				}
			}
		}
		if want := map[bool]int{true: 1}[trading]; runs != want {
			t.Errorf("%s: %d runs, want %d", date, runs, want)
		}
	}
	// Standard time and summer time, and three early closes of the winters.
	if len(closes) != 3 || closes["20:45"] == 0 || closes["19:45"] == 0 || closes["17:45"] != 3 {
		t.Errorf("starts by UTC time: %v", closes)
	}
	if len(w.runs.owners) != closes["20:45"]+closes["19:45"]+closes["17:45"] {
		t.Errorf("%d run keys were taken by %v runs", len(w.runs.owners), closes)
	}
}
