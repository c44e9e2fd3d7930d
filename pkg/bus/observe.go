package bus

import (
	"context"
	"errors"
	"time"

	"github.com/the-alchemiser/alchemiser/pkg/events"
)

// Publication is what became of one call of Publish.
type Publication struct {
	// Accepted are the events that the bus has taken.
	Accepted []events.Event
	// Took is how long the call took.
	Took time.Duration
	// Err is what the call returned: a *PublishError lists what was not accepted.
	Err error
}

// Observe returns a publisher that publishes by p and tells each publication. told must not block; it is called as often at
// once as the publisher is.
func Observe(p Publisher, now func() time.Time, told func(context.Context, Publication)) Publisher {
	return observed{publisher: p, now: now, told: told}
}

type observed struct {
	publisher Publisher
	now       func() time.Time
	told      func(context.Context, Publication)
}

// Publish implements Publisher.
func (o observed) Publish(ctx context.Context, es ...events.Event) error {
	start := o.now()
	err := o.publisher.Publish(ctx, es...)
	o.told(ctx, Publication{Accepted: Accepted(es, err), Took: o.now().Sub(start), Err: err})
	return err
}

// Accepted returns those of es that a publisher has taken when it returned err; none if err does not say.
func Accepted(es []events.Event, err error) []events.Event {
	if err == nil {
		return es
	}
	var rejected *PublishError
	if !errors.As(err, &rejected) {
		return nil
	}
	refused := make(map[string]bool, len(rejected.Rejected))
	for _, r := range rejected.Rejected {
		refused[r.Event.ID] = true
	}
	var accepted []events.Event
	for _, e := range es {
		if !refused[e.ID] {
			accepted = append(accepted, e)
		}
	}
	return accepted
}
