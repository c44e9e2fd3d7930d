package consumer_test

import (
	"strings"
	"testing"
	"time"

	"github.com/the-alchemiser/alchemiser/internal/consumer"
	"github.com/the-alchemiser/alchemiser/internal/consumer/consumertest"
)

func TestRelease(t *testing.T) {
	now := time.Date(2026, 3, 2, 20, 45, 0, 0, time.UTC)
	later := now.Add(10 * time.Minute)
	key := consumer.Key{Function: "execution", EventID: "e"}
	for name, tt := range map[string]struct {
		claim consumer.Claim
		lease time.Time
	}{
		"a claim of a dead process":   {consumer.Claim{Status: consumer.StatusRunning, Owner: "run/1", Lease: later}, now},
		"one that only publishes":     {consumer.Claim{Status: consumer.StatusCommitted, Owner: "run/1", Lease: later}, now},
		"one of somebody else":        {consumer.Claim{Status: consumer.StatusRunning, Owner: "lambda-1", Lease: later}, later},
		"one that is done":            {consumer.Claim{Status: consumer.StatusDone, Owner: "run/1", Lease: later}, later},
		"one whose lease has ended":   {consumer.Claim{Status: consumer.StatusRunning, Owner: "run/1", Lease: now.Add(-1)}, now.Add(-1)},
		"a dead one, not yet settled": {consumer.Claim{Status: consumer.StatusDead, Owner: "run/1", Lease: later}, now},
	} {
		t.Run(name, func(t *testing.T) {
			claims := &consumertest.Memory{}
			tt.claim.Key, tt.claim.Token = key, "first"
			if _, err := claims.Swap(t.Context(), "", tt.claim, nil); err != nil {
				t.Fatal(err)
			}
			dead := func(owner string) bool { return strings.HasPrefix(owner, "run/") }
			for range 2 {
				if err := consumer.Release(t.Context(), claims, key, now, dead); err != nil {
					t.Fatal(err)
				}
			}
			got, _, err := claims.Get(t.Context(), key)
			if err != nil || !got.Lease.Equal(tt.lease) || (got.Token == "first") != tt.lease.Equal(tt.claim.Lease) {
				t.Errorf("claim is %+v, %v, want a lease until %s and a new token with a new lease only", got, err, tt.lease)
			}
		})
	}
	if err := consumer.Release(t.Context(), &consumertest.Memory{}, key, now, func(string) bool { return true }); err != nil {
		t.Errorf("no claim: %v", err)
	}
}
