package validation

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/the-alchemiser/alchemiser/cmd/alchemiser/archive"
	"github.com/the-alchemiser/alchemiser/internal/consumer"
	"github.com/the-alchemiser/alchemiser/internal/naming"
	"github.com/the-alchemiser/alchemiser/pkg/bus"
)

// archiveDelay is how long an event may take to get into the archive on AWS:
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-replay-archived-event.html
const archiveDelay = 10 * time.Minute

// settling is how long the monitor may take with the last event of a replay, and settlePause how often it is looked at.
const (
	settling    = 15 * time.Second
	settlePause = 500 * time.Millisecond
)

// Replay is what came of a replay of the window.
type Replay struct {
	Name, State, Reason string
	// Came is how many of the window's events the monitor has handled again, of All. Due are those that must have been in
	// the archive.
	Came, Due, All int
}

// Replay brings the events of the window again, to the monitor alone, which notes that in the timelines and does nothing else,
// and adds what came of it to e. If ctx ends, the replay is cancelled.
func (r *Reader) Replay(ctx context.Context, e *Evidence) error {
	past := archive.New(r.cfg, r.stage)
	name := fmt.Sprintf("alchemiser-validate-%s-%s", r.stage, e.To.UTC().Format("20060102T150405Z"))
	if err := past.Start(ctx, name, e.From, e.To, r.stage.Rule(naming.Monitor)); err != nil {
		return err
	}
	end, err := past.Follow(ctx, name, func(archive.Progress) {})
	if err != nil {
		return err
	}
	e.Replay = &Replay{Name: name, State: end.State, Reason: end.Reason}
	var seen []Delivery
	for _, d := range e.Deliveries {
		if d.Function == string(naming.Monitor) && d.State == done {
			seen = append(seen, d)
			e.Replay.All++
			if e.To.Sub(d.At) > archiveDelay {
				e.Replay.Due++
			}
		}
	}
	for until := time.Now().Add(settling); ; {
		if e.Replay.Came, err = r.cameAgain(ctx, name, seen); err != nil {
			return err
		}
		if e.Replay.Came == e.Replay.All || time.Now().After(until) {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(settlePause):
		}
	}
}

// cameAgain counts the events that the monitor has handled as part of a replay.
func (r *Reader) cameAgain(ctx context.Context, replay string, seen []Delivery) (int, error) {
	handled := make([]bool, len(seen))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for i, d := range seen {
		group.Go(func() error {
			claim, found, err := r.state.Get(ctx, consumer.KeyOf(d.Function, d.EventID, bus.Delivery{ReplayName: replay}))
			handled[i] = found && claim.Status == consumer.StatusDone
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return 0, err
	}
	n := 0
	for _, h := range handled {
		if h {
			n++
		}
	}
	return n, nil
}
