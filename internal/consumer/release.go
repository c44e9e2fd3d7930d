package consumer

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
)

// Release ends the lease of key's claim if dead says that its owner is dead, so that the next delivery need not wait for
// the lease's end. Whoever knows that a process is gone may say so of its deliveries; if it is alive after all, its
// fencing token is void and it can write nothing more. Calling it again is safe.
func Release(ctx context.Context, claims Claims, key Key, now time.Time, dead func(owner string) bool) error {
	for {
		stored, found, err := claims.Get(ctx, key)
		if err != nil {
			return fmt.Errorf("read the claim of %s by %s: %w", key.EventID, key.Function, err)
		}
		if !found || stored.settled() || !now.Before(stored.Lease) || !dead(stored.Owner) {
			return nil
		}
		next := stored
		next.Token, next.Lease = uuid.NewString(), now
		after, err := claims.Swap(ctx, stored.Token, next, nil)
		if err != nil {
			return fmt.Errorf("release the claim of %s by %s: %w", key.EventID, key.Function, err)
		}
		if after.Token == next.Token {
			return nil
		}
	}
}
