package host

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/the-alchemiser/alchemiser/internal/consumer"
)

const (
	// lockLease is how long after its last sign of life a process counts as alive.
	lockLease = 15 * time.Second
	// lockRenewal is the time between signs of life, and the longest that giving one may take.
	lockRenewal = 3 * time.Second
)

// ErrRunning says that another process runs the stage.
var ErrRunning = errors.New("another process runs this stage")

// errLockLost ends a process that cannot tell any more that it is the only one.
var errLockLost = errors.New("the lock of the stage is lost: another process may have taken over")

// lock makes a process the only one of its stage: whoever holds it knows that the deliveries of the process before are
// dead. It is a claim that nobody ever settles.
type lock struct {
	claims consumer.Claims
	now    func() time.Time
	claim  consumer.Claim
	// lost is cancelled with errLockLost when the lock could not be renewed in time.
	lost   context.Context //nolint:containedctx // it lives as long as the lock
	lose   context.CancelCauseFunc
	beat   context.CancelFunc
	beats  sync.WaitGroup
	beaten context.Context //nolint:containedctx // it lives as long as the lock
}

// takeLock returns the lock for owner, a name for people, once the process that held it before is gone for certain, or ErrRunning if that one is alive.
func takeLock(ctx context.Context, claims consumer.Claims, owner string, now func() time.Time) (*lock, error) {
	key := consumer.Key{Function: "run", EventID: "process"}
	first, _, err := claims.Get(ctx, key)
	if err != nil {
		return nil, fmt.Errorf("read the lock of the stage: %w", err)
	}
	for stored := first; ; {
		if left := stored.Lease.Sub(now()); left > 0 {
			if stored.Token != first.Token {
				return nil, fmt.Errorf("%w: %s", ErrRunning, stored.Owner)
			}
			if err := pause(ctx, left); err != nil {
				return nil, err
			}
			if stored, _, err = claims.Get(ctx, key); err != nil {
				return nil, fmt.Errorf("read the lock of the stage: %w", err)
			}
			continue
		}
		next := consumer.Claim{Key: key, Token: uuid.NewString(), Status: consumer.StatusRunning, Owner: owner + " " + uuid.NewString(), Lease: now().Add(lockLease), Round: 1}
		after, err := claims.Swap(ctx, stored.Token, next, nil)
		if err != nil {
			return nil, fmt.Errorf("take the lock of the stage: %w", err)
		}
		if after.Token != next.Token {
			return nil, fmt.Errorf("%w: %s", ErrRunning, after.Owner)
		}
		return holdLock(claims, now, next), nil
	}
}

func holdLock(claims consumer.Claims, now func() time.Time, held consumer.Claim) *lock {
	l := &lock{claims: claims, now: now, claim: held}
	l.lost, l.lose = context.WithCancelCause(context.Background())
	l.beaten, l.beat = context.WithCancel(context.Background())
	l.beats.Go(l.renew)
	return l
}

// renew gives signs of life. One that fails is tried again while another may still come in time.
func (l *lock) renew() {
	for pause(l.beaten, lockRenewal) == nil {
		err := l.write(l.beaten, l.now().Add(lockLease))
		if errors.Is(err, errLockLost) || err != nil && l.now().Add(2*lockRenewal).After(l.claim.Lease) {
			l.lose(err)
			return
		}
	}
}

// write stores the lock with a lease, or returns errLockLost if somebody else has it.
func (l *lock) write(ctx context.Context, lease time.Time) error {
	ctx, cancel := context.WithTimeout(ctx, lockRenewal)
	defer cancel()
	for {
		next := l.claim
		next.Token, next.Lease = uuid.NewString(), lease
		after, err := l.claims.Swap(ctx, l.claim.Token, next, nil)
		switch {
		case err != nil:
			return fmt.Errorf("hold the lock of the stage: %w", err)
		case after.Token == next.Token:
			l.claim = next
			return nil
		case after.Owner != l.claim.Owner:
			return fmt.Errorf("%w: %s", errLockLost, after.Owner)
		}
		l.claim = after // an earlier sign of life whose answer did not come
	}
}

// cause returns why the lock was lost; nil if it was not.
func (l *lock) cause() error { return context.Cause(l.lost) }

// release lets the next process begin at once.
func (l *lock) release(ctx context.Context) error {
	l.beat()
	l.beats.Wait()
	if lost := l.cause(); lost != nil {
		return lost
	}
	return l.write(ctx, l.now())
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
