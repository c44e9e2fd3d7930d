package fingerprint

import (
	"context"
	"fmt"
	"time"

	"github.com/the-alchemiser/alchemiser/pkg/bus"
	"github.com/the-alchemiser/alchemiser/pkg/events"
)

// ShadowHandler returns the handler of a function that runs as shadow: it records what was delivered to it on EventBridge
// and does nothing else. It returns an error if the record could not be kept, so that the delivery is tried again, and a
// fault.Invalid error for what cannot be decoded. Replayed events are ignored: they are no part of a dual run.
func ShadowHandler(function string, log Log, now func() time.Time) bus.Handler {
	return func(ctx context.Context, d bus.Delivery) error {
		if d.ReplayName != "" {
			return nil
		}
		r, err := delivery(EventBridge, function, d, now())
		if err != nil {
			return err
		}
		return log.PutFingerprint(ctx, r)
	}
}

// delivery returns the record of a delivery to function.
func delivery(side Side, function string, d bus.Delivery, at time.Time) (Record, error) {
	e, err := events.Decode(d.DetailType, d.Detail)
	if err != nil {
		return Record{}, fmt.Errorf("record the delivery: %w", err)
	}
	r, err := of(side, e, d.Detail)
	r.Function, r.RequestID, r.At = function, d.RequestID, at
	return r, err
}
