package telemetry

import (
	"context"

	"github.com/the-alchemiser/alchemiser/pkg/events"
)

// identity is what every line about an event carries.
type identity struct {
	eventID, correlationID, causationID string
}

type identityKey struct{}

// WithEvent returns a context whose log lines carry the ids of e.
func WithEvent(ctx context.Context, e events.Event) context.Context {
	return context.WithValue(ctx, identityKey{}, identity{
		eventID: e.ID, correlationID: e.CorrelationID, causationID: e.CausationID,
	})
}

func identityOf(ctx context.Context) (identity, bool) {
	id, ok := ctx.Value(identityKey{}).(identity)
	return id, ok
}
