// Package bus carries events from publishers to handlers. It names the two roles and what both sides may rely on;
// membus, ebbus and lambdabus implement them, and bustest holds them to it.
package bus

import (
	"context"
	"time"

	"github.com/the-alchemiser/alchemiser/pkg/events"
)

// Publisher puts events on the bus.
type Publisher interface {
	// Publish returns nil once the bus has accepted every event. Events may be delivered more than once, late and
	// out of order. If some were not accepted it returns a *PublishError that lists exactly those. It is safe for
	// concurrent use and gives up when ctx ends.
	Publish(ctx context.Context, es ...events.Event) error
}

// Delivery is one attempt to hand one event to one handler. Detail has not been checked.
type Delivery struct {
	// RequestID is the same in all attempts of one delivery and different in each duplicate delivery.
	RequestID string
	// DetailType, Source and Detail are those of the envelope.
	DetailType string
	Source     string
	Detail     []byte
	// ReplayName is set if the event comes from an archive.
	ReplayName string
	// Time is when the event was published.
	Time time.Time
	// Raw is what arrived, for the dead letter queue.
	Raw []byte
}

// Handler handles a delivery. A nil error means that the delivery is done; any other asks for another attempt.
type Handler func(ctx context.Context, d Delivery) error

// Middleware wraps a Handler.
type Middleware func(Handler) Handler

// Subscriber takes handlers.
type Subscriber interface {
	// Subscribe hands every event of the given types to h, under the name of the function that handles them. Each
	// function gets its own delivery. No types means all types. Call it before the first delivery.
	Subscribe(function string, h Handler, types ...events.Type)
}

// Bus is both sides.
type Bus interface {
	Publisher
	Subscriber
}
