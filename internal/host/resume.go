package host

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/the-alchemiser/alchemiser/internal/consumer"
	"github.com/the-alchemiser/alchemiser/internal/functions"
	"github.com/the-alchemiser/alchemiser/pkg/bus"
	"github.com/the-alchemiser/alchemiser/pkg/events"
)

// takeUp brings on what an earlier process, or the deployed functions, have left of the last time of the schedule: the
// bus of a process forgets what it carried, but claims and outbox tell what came of each event. A start that nobody has
// seen is made up for if it is not too late. What was started by hand goes on too.
func (h *Host) takeUp(ctx context.Context) error {
	if h.cfg.Mode == bus.ModeEventBridge {
		return nil // the queue forgets nothing
	}
	last, err := lastStart(h.cfg.Now())
	if err != nil {
		return err
	}
	var faults []error
	for _, portfolio := range h.cfg.Portfolios {
		_, _, err := h.resumeByHand(ctx, portfolio)
		faults = append(faults, err)
		start := scheduled(portfolio, last)
		_, seen, err := h.claims.Get(ctx, consumer.Key{Function: functions.NameStrategy, EventID: start.ID})
		switch {
		case err != nil:
			faults = append(faults, err)
		case seen:
			_, err := h.resume(ctx, start)
			faults = append(faults, err)
		case h.cfg.Now().Sub(last) <= latestStart:
			faults = append(faults, h.route.publisher.Publish(ctx, start))
		default:
			h.cfg.Logger("host").Info(ctx, "the last time of the schedule has passed without this process", map[string]string{
				"portfolio_id": portfolio, "scheduled": last.Format(time.RFC3339),
			})
		}
	}
	if err := errors.Join(faults...); err != nil {
		return fmt.Errorf("take up what is left: %w", err)
	}
	return nil
}

// resume publishes once more what is not handled of the workflow that start began, and returns how many events that is.
// Functions that have handled them drop them as duplicates.
func (h *Host) resume(ctx context.Context, start events.Event) (left int, err error) {
	open := []events.Event{start}
	var undone []events.Event
	for len(open) > 0 {
		e := open[0]
		open = open[1:]
		handled := true
		for _, s := range h.services {
			if !s.wants(e.Type()) {
				continue
			}
			key := consumer.Key{Function: s.name, EventID: e.ID}
			claim, found, err := h.claims.Get(ctx, key)
			if err != nil {
				return 0, err
			}
			switch {
			case claim.Status == consumer.StatusDone:
				follow, err := h.claims.Outbox(ctx, key)
				if err != nil {
					return 0, err
				}
				open = append(open, follow...)
			case found && claim.Closed: // its failure is announced: a redrive opens it again, not a restart
			default:
				handled = false
				if err := consumer.Release(ctx, h.claims, key, h.cfg.Now(), ours); err != nil {
					return 0, err
				}
			}
		}
		if !handled {
			undone = append(undone, e)
		}
	}
	if len(undone) == 0 {
		return 0, nil
	}
	return len(undone), h.route.publisher.Publish(ctx, undone...)
}

// ours says that a delivery is one of a process that ran this stage before. As this one holds the lock, it is dead.
func ours(owner string) bool { return strings.HasPrefix(owner, ownDelivery) }
