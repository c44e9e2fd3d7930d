package host

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
	_ "time/tzdata" // the machine need not know the exchange's time zone

	"github.com/google/uuid"

	"github.com/the-alchemiser/alchemiser/internal/consumer"
	"github.com/the-alchemiser/alchemiser/pkg/bus"
	"github.com/the-alchemiser/alchemiser/pkg/events"
)

const (
	// exchangeZone is where the schedule's times are counted.
	exchangeZone = "America/New_York"
	// latestStart is how late a start may be made up for, as in Terraform: later it would meet a closing market.
	latestStart = 5 * time.Minute
	// starts is the function under which a start by hand is kept.
	starts = "starts"
)

// schedule returns the times around now at which runs start, in their order: a quarter of an hour before the regular close
// and before an early one, from Monday to Friday, as in terraform/modules/schedule. The strategy skips the start that does
// not fit the day.
func schedule(now time.Time) ([]time.Time, error) {
	zone, err := time.LoadLocation(exchangeZone)
	if err != nil {
		return nil, fmt.Errorf("schedule: %w", err)
	}
	var times []time.Time
	year, month, today := now.In(zone).Date()
	for day := today - 4; day <= today+4; day++ {
		for _, hour := range []int{12, 15} {
			at := time.Date(year, month, day, hour, 45, 0, 0, zone)
			if at.Weekday() != time.Saturday && at.Weekday() != time.Sunday {
				times = append(times, at.UTC())
			}
		}
	}
	return times, nil
}

// nextStart returns the next time of the schedule after now, UTC.
func nextStart(now time.Time) (time.Time, error) {
	times, err := schedule(now)
	if err != nil {
		return time.Time{}, err
	}
	return times[slices.IndexFunc(times, now.Before)], nil
}

// lastStart returns the time of the schedule at now or before it, UTC.
func lastStart(now time.Time) (time.Time, error) {
	times, err := schedule(now)
	if err != nil {
		return time.Time{}, err
	}
	return times[slices.IndexFunc(times, now.Before)-1], nil
}

// scheduled returns the start of a portfolio's run at a time of the schedule. It is the very event that EventBridge
// Scheduler publishes for that time, so whoever of both comes second does nothing.
func scheduled(portfolio string, at time.Time) events.Event {
	return started(portfolio, at.UTC().Format(time.RFC3339), at)
}

// byHand returns the n-th start of a portfolio's run that was asked for on the day of now.
func byHand(portfolio string, n int, now time.Time) events.Event {
	return started(portfolio, fmt.Sprintf("%s-by-hand-%d", now.UTC().Format(time.DateOnly), n), now)
}

func started(portfolio, name string, at time.Time) events.Event {
	run := "run-" + portfolio + "-" + name
	return events.Event{
		ID: "start-" + portfolio + "-" + name, CorrelationID: run, CausationID: run, SchemaVersion: events.SchemaVersion,
		Timestamp: at.UTC().Truncate(time.Microsecond), SourceModule: "scheduler", SourceComponent: "schedule",
		Metadata: map[string]string{}, Payload: events.WorkflowStarted{PortfolioID: portfolio},
	}
}

// startAll publishes the starts of a time of the schedule.
func (h *Host) startAll(ctx context.Context, at time.Time) error {
	if h.cfg.Mode == bus.ModeEventBridge {
		return nil // there Scheduler does
	}
	var faults []error
	for _, portfolio := range h.cfg.Portfolios {
		faults = append(faults, h.route.publisher.Publish(ctx, scheduled(portfolio, at)))
	}
	return errors.Join(faults...)
}

// StartNow starts a run of portfolio, unless one that was started by hand today has been cut off: then that one goes on.
// It returns the correlation id of the run.
func (h *Host) StartNow(ctx context.Context, portfolio string) (id string, resumed bool, err error) {
	id, next, err := h.resumeByHand(ctx, portfolio)
	if err != nil || id != "" {
		return id, id != "", err
	}
	start := byHand(portfolio, next, h.cfg.Now())
	if err := h.keep(ctx, start); err != nil {
		return "", false, fmt.Errorf("start %s: %w", portfolio, err)
	}
	return start.CorrelationID, false, h.route.publisher.Publish(ctx, start)
}

// resumeByHand brings on the first run of portfolio that was started by hand today and has been cut off. It returns its
// correlation id, "" if there is none, and the number of the next start by hand.
func (h *Host) resumeByHand(ctx context.Context, portfolio string) (id string, next int, err error) {
	for n := 1; ; n++ {
		start, found, err := h.kept(ctx, byHand(portfolio, n, h.cfg.Now()).ID)
		if err != nil || !found {
			return "", n, err
		}
		left, err := h.resume(ctx, start)
		if err != nil {
			return "", n, fmt.Errorf("resume %s: %w", start.CorrelationID, err)
		}
		if left > 0 {
			return start.CorrelationID, n + 1, nil
		}
	}
}

// keep keeps a start before it is published, so that a process that dies in between does not forget it.
func (h *Host) keep(ctx context.Context, start events.Event) error {
	claim := consumer.Claim{
		Key: consumer.Key{Function: starts, EventID: start.ID}, Token: uuid.NewString(), Status: consumer.StatusCommitted,
		Owner: h.cfg.Owner, Lease: h.cfg.Now(), Round: 1,
	}
	stored, err := h.claims.Swap(ctx, "", claim, []events.Event{start})
	if err == nil && stored.Token != claim.Token {
		return fmt.Errorf("%s was started by another process in this moment", start.CorrelationID)
	}
	return err
}

// kept returns the start that is kept under an id.
func (h *Host) kept(ctx context.Context, id string) (start events.Event, found bool, err error) {
	outbox, err := h.claims.Outbox(ctx, consumer.Key{Function: starts, EventID: id})
	if err != nil || len(outbox) == 0 {
		return events.Event{}, false, err
	}
	return outbox[0], true, nil
}
