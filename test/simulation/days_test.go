package simulation_test

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/the-alchemiser/alchemiser/pkg/bus"
	"github.com/the-alchemiser/alchemiser/pkg/events"
	"github.com/the-alchemiser/alchemiser/pkg/market"
)

// weeks are where worlds begin: a plain one, two with early closes after and before a holiday, one in which the clocks
// change.
func weeks() []market.Date {
	return []market.Date{"2026-03-02", "2026-11-25", "2025-07-02", "2026-03-06"}
}

// sessions is how many sessions a world has.
const sessions = 3

// drawDays returns the weekdays of the world, which may be holidays.
func (w *world) drawDays() (days []market.Date) {
	day := moment(w.calendar, weeks()[w.rng.IntN(len(weeks()))], "09:00")
	for n := 0; n < sessions; day = day.AddDate(0, 0, 1) {
		if day.Weekday() == time.Saturday || day.Weekday() == time.Sunday {
			continue
		}
		days = append(days, market.DateOf(day))
		if _, trades := w.calendar.Session(market.DateOf(day)); trades {
			n++
		}
	}
	return days
}

// plan plans what schedules and people do on each day.
func (w *world) plan(days []market.Date) {
	for _, date := range days {
		// Both schedules fire on every weekday: the strategy skips the one that does not fit the day.
		regular, early := moment(w.calendar, date, "15:45"), moment(w.calendar, date, "12:45")
		w.schedule(early)
		w.schedule(regular)
		main := regular
		if session, trades := w.calendar.Session(date); trades && session.Close.Equal(moment(w.calendar, date, "13:00")) {
			main = early
		}
		w.people(date, main)
	}
}

// people plans what a person may do on a day whose run starts at main.
func (w *world) people(date market.Date, main time.Time) {
	soon := func(least, most time.Duration) time.Time { return main.Add(w.between(least, most)) }
	if w.chance(0.3) {
		w.at(soon(time.Second, 9*time.Minute), func() { w.launch(w.started("by-hand-"+string(date), time.Now(), w.portfolio)) })
	}
	if w.chance(0.2) { // nobody ships this portfolio: the event can never be handled
		w.at(soon(-time.Minute, 5*time.Minute), func() { w.launch(w.started("unknown-"+string(date), time.Now(), "other")) })
	}
	if w.chance(0.1) {
		w.at(soon(-time.Minute, 10*time.Minute), func() { w.garble(date) })
	}
	if w.chance(0.05) {
		w.at(soon(10*time.Second, 5*time.Minute), func() { w.trading = false })
		w.at(soon(20*time.Minute, 30*time.Minute), func() { w.trading = true })
	}
	if w.chance(0.1) {
		symbol := symbols()[w.rng.IntN(len(symbols()))]
		w.at(main.Add(-time.Minute), func() { w.halt(symbol, true) })
		w.at(main.Add(time.Hour), func() { w.halt(symbol, false) })
	}
	if w.chance(0.7) {
		w.at(soon(4*time.Minute, 13*time.Minute), func() { w.cloud.redrive() })
	}
	if w.chance(0.5) { // at the last moment
		w.at(soon(13*time.Minute, 15*time.Minute), func() { w.cloud.redrive() })
	}
	if w.chance(0.5) {
		w.at(soon(2*time.Hour, 3*time.Hour), func() { w.cloud.redrive() })
	}
	if w.chance(0.3) {
		w.at(soon(3*time.Minute, 4*time.Hour), func() { w.cloud.replay("replay-" + string(date)) })
	}
	w.at(main.Add(40*time.Minute), func() { w.cloud.watch() })
	w.at(main.Add(5*time.Hour), func() { w.cloud.watch() })
}

// schedule plans what the Scheduler does: it publishes once, or twice, a little late.
func (w *world) schedule(at time.Time) {
	start := w.started(at.UTC().Format(time.RFC3339), at, w.portfolio)
	w.at(at.Add(w.between(time.Millisecond, time.Minute)), func() { w.launch(start) })
	if w.chance(w.rates.duplicate) {
		w.at(at.Add(w.between(time.Minute, 3*time.Minute)), func() { w.launch(start) })
	}
}

// started is the event that begins a workflow.
func (w *world) started(name string, at time.Time, portfolio string) events.Event {
	run := "run-" + portfolio + "-" + name
	return events.Event{
		ID: "start-" + portfolio + "-" + name, CorrelationID: run, CausationID: run, SchemaVersion: events.SchemaVersion,
		Timestamp: at.UTC().Truncate(time.Microsecond), SourceModule: "scheduler", SourceComponent: "schedule",
		Metadata: map[string]string{}, Payload: events.WorkflowStarted{PortfolioID: portfolio},
	}
}

// launch puts a start on the bus, as the Scheduler or a person does.
func (w *world) launch(e events.Event) {
	w.note("start of %s", e.CorrelationID)
	encoded, rejected := bus.Encode([]events.Event{e}, sourcePrefix, events.DefaultSizeLimit)
	if len(rejected) > 0 {
		panic(rejected[0].Err)
	}
	w.cloud.accept(encoded[0])
}

// garble puts an event on the bus that nobody can read.
func (w *world) garble(date market.Date) {
	id := fmt.Sprintf("garbled-%s-%s", w.portfolio, date)
	w.note("event %s", id)
	w.cloud.put(accepted{id: id, envelope: w.cloud.envelope(events.Wire{
		Source: sourcePrefix + ".strategy", DetailType: string(events.TypeSignalGenerated),
		Detail: jsontext.Value(fmt.Sprintf(`{"event_id":%q,"schema_version":"1.0"}`, id)),
	})})
}

// halt stops all trading in a symbol, or lets it go on.
func (w *world) halt(symbol string, halted bool) {
	w.note("%s halted: %t", symbol, halted)
	w.exchange.control("/_control/symbols", fmt.Sprintf(`{"symbol":%q,"halted":%t}`, symbol, halted))
}

// replay hands everything in the archive out again, to the functions whose rules exclude replays as well: their code has
// to refuse them, too.
func (c *cloud) replay(name string) {
	c.note("%s of %d events", name, len(c.archive))
	c.replays++
	for _, a := range c.archive {
		e := a.envelope
		e.ReplayName = name
		c.fanOut(e)
	}
}

// forget lets the week pass after which claims and outbox expire, and delivers everything once more, as if it had never
// been seen: what does not expire keeps every order from being made again.
func (w *world) forget() {
	w.note("claims have expired, everything is delivered again")
	time.Sleep(9 * 24 * time.Hour)
	for pk := range w.table.items {
		if strings.HasPrefix(pk, "CLAIM#") {
			delete(w.table.items, pk)
		}
	}
	orders := w.orders
	for _, a := range w.cloud.archive {
		w.cloud.fanOut(a.envelope)
	}
	w.run()
	if w.orders != orders {
		w.fault("%d orders were made again after the claims had expired", w.orders-orders)
	}
}

// watch lets the schedule wake the watchdog.
func (c *cloud) watch() {
	for _, f := range c.functions {
		if !f.observer {
			continue
		}
		f.deliveries++
		a := &actor{label: fmt.Sprintf("watchdog-%04d", f.deliveries), died: func(string) {}, deadline: time.Now().Add(f.timeout)}
		c.start(context.Background(), a, func(ctx context.Context) {
			ctx, cancel := context.WithDeadline(ctx, a.deadline)
			defer cancel()
			_, err := f.entry.Invoke(ctx, []byte(`{"watchdog":true}`))
			c.park(a)
			c.note("%s: ends (%s)", a.label, outcome(err))
		})
	}
}
