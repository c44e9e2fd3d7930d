package membus

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/the-alchemiser/alchemiser/pkg/bus"
	"github.com/the-alchemiser/alchemiser/pkg/fault"
)

// keep puts an accepted event into the archive and drops those that are past the retention.
func (b *Bus) keep(e bus.Envelope) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.cfg.ArchiveRetention > 0 {
		oldest := e.Time.Add(-b.cfg.ArchiveRetention)
		b.archive = slices.DeleteFunc(b.archive, func(old bus.Envelope) bool { return old.Time.Before(oldest) })
	}
	b.archive = append(b.archive, e)
}

// Replay is what to deliver again.
type Replay struct {
	// Name marks the deliveries; it is required.
	Name string
	// From and To bound the time of publishing, From included and To not.
	From, To time.Time
	// Functions limits the replay to those; none means all that want the events.
	Functions []string
}

// Replay delivers the archived events of a period again, marked with the replay's name, to whoever wants them. Replayed
// events are not archived again. It returns a fault.Invalid error if the replay is not well defined, and otherwise
// fails as Publish does, with the events before that delivered.
func (b *Bus) Replay(ctx context.Context, r Replay) error {
	var errs []error
	if r.Name == "" {
		errs = append(errs, errors.New("name is required"))
	}
	if !r.From.Before(r.To) {
		errs = append(errs, fmt.Errorf("from %s is not before to %s", r.From, r.To))
	}
	if err := errors.Join(errs...); err != nil {
		return fault.New(fault.Invalid, "replay: %w", err)
	}
	b.mu.Lock()
	archive := slices.Clone(b.archive)
	b.mu.Unlock()
	for _, e := range archive {
		if e.Time.Before(r.From) || !e.Time.Before(r.To) {
			continue
		}
		e.ID, e.ReplayName = uuid.NewString(), r.Name
		if err := b.fanOut(ctx, e, r.Functions, func() {}); err != nil {
			return fmt.Errorf("replay %s: %w", r.Name, err)
		}
	}
	return nil
}
