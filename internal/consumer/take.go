package consumer

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/the-alchemiser/alchemiser/pkg/fault"
)

// take returns the claim of key once it is owner's, or settled by somebody. While another delivery that may be alive
// holds it, it waits; when no time is left to do anything with it, it returns a fault.Transient error.
func (c *Consumer) take(ctx context.Context, key Key, owner string) (Claim, error) {
	h := holder{owner: owner, lease: c.end(ctx)}
	var stored Claim
	for {
		if stored.settled() {
			return stored, nil
		}
		if stored.Token != "" && !stored.free(h, c.cfg.Now()) {
			if err := c.wait(ctx, stored, h); err != nil {
				return Claim{}, err
			}
			found, err := c.look(ctx, key)
			if err != nil {
				return Claim{}, err
			}
			stored = found
			continue
		}
		next := h.first(key, uuid.NewString())
		if stored.Token != "" {
			next = stored.taken(h, next.Token)
		}
		after, err := c.cfg.Claims.Swap(ctx, stored.Token, next, nil)
		if err != nil {
			return Claim{}, err
		}
		if after.Token == next.Token {
			return after, nil
		}
		stored = after
	}
}

// look returns the claim of key, or the zero Claim if there is none.
func (c *Consumer) look(ctx context.Context, key Key) (Claim, error) {
	found, _, err := c.cfg.Claims.Get(ctx, key)
	return found, err
}

// wait lets a poll interval pass while stored is held by another delivery.
func (c *Consumer) wait(ctx context.Context, stored Claim, h holder) error {
	if h.lease.Sub(c.cfg.Now()) <= c.cfg.FlushMargin+c.cfg.PollInterval {
		return fault.New(fault.Transient, "delivery %s is working on it until %s at the latest", stored.Owner, stored.Lease.Format(time.RFC3339))
	}
	timer := time.NewTimer(c.cfg.PollInterval)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
