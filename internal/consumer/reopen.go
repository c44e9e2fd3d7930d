package consumer

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/the-alchemiser/alchemiser/pkg/bus"
	"github.com/the-alchemiser/alchemiser/pkg/fault"
)

// KeyOf returns the key under which function claims the event eventID that d delivers. A replayed event is another one
// than the first: it has the replay's name in front of it.
func KeyOf(function, eventID string, d bus.Delivery) Key {
	if d.ReplayName != "" {
		eventID = d.ReplayName + "/" + eventID
	}
	return Key{Function: function, EventID: eventID}
}

// Reopen lets the dead event of key be handled again: the next delivery under a request id that the claim has not seen
// opens the next round. It says whether there was something to open: an event that is not dead needs no help, its next
// delivery takes the claim as it is. While, at now, a delivery may still bury the event it returns a fault.Transient error;
// a burial that was interrupted is none, as whoever redrives has the event. Calling it again is safe at any time.
func Reopen(ctx context.Context, claims Claims, key Key, now time.Time) (bool, error) {
	for {
		stored, found, err := claims.Get(ctx, key)
		if err != nil {
			return false, fmt.Errorf("read the claim of %s by %s: %w", key.EventID, key.Function, err)
		}
		if !found || stored.Status != StatusDead {
			return false, nil
		}
		if !stored.settled() && now.Before(stored.Lease) {
			return false, fault.New(fault.Transient, "event %s may still be being buried by %s until %s: try again then",
				key.EventID, stored.Owner, stored.Lease.UTC().Format(time.RFC3339))
		}
		next := stored
		next.Token, next.Status, next.Owner, next.Lease, next.Reason, next.Buried = uuid.NewString(), StatusRunning, "", time.Time{}, "", false
		after, err := claims.Swap(ctx, stored.Token, next, nil)
		if err != nil {
			return false, fmt.Errorf("open the claim of %s by %s: %w", key.EventID, key.Function, err)
		}
		if after.Token == next.Token {
			return true, nil
		}
	}
}
