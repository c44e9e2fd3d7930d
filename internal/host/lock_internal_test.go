package host

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/the-alchemiser/alchemiser/internal/consumer"
	"github.com/the-alchemiser/alchemiser/internal/consumer/consumertest"
	"github.com/the-alchemiser/alchemiser/pkg/events"
)

// flaky are claims that cannot be written while down is set, or that lose their answers.
type flaky struct {
	*consumertest.Memory
	down, deaf atomic.Bool
}

func (f *flaky) Swap(ctx context.Context, prev string, next consumer.Claim, outbox []events.Event) (consumer.Claim, error) {
	if f.down.Load() {
		return consumer.Claim{}, errors.New("throttled")
	}
	stored, err := f.Memory.Swap(ctx, prev, next, outbox)
	if f.deaf.Load() {
		return consumer.Claim{}, errors.New("connection reset")
	}
	return stored, err
}

func newClaims() *flaky { return &flaky{Memory: &consumertest.Memory{}} }

func hold(t *testing.T, claims consumer.Claims, owner string) *lock {
	t.Helper()
	l, err := takeLock(t.Context(), claims, owner, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// kill ends the process that holds l without a word.
func (l *lock) kill() {
	l.beat()
	l.beats.Wait()
}

func TestASecondProcessIsRefusedWhileTheFirstIsAlive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		claims := newClaims()
		first := hold(t, claims, "first")
		time.Sleep(time.Hour)
		if _, err := takeLock(t.Context(), claims, "second", time.Now); !errors.Is(err, ErrRunning) || !strings.Contains(err.Error(), "first") {
			t.Errorf("second process: %v, want that the first is running", err)
		}
		if err := first.release(t.Context()); err != nil || first.lost.Err() != nil {
			t.Fatalf("release: %v, lost: %v", err, context.Cause(first.lost))
		}
		began := time.Now()
		third := hold(t, claims, "third")
		if waited := time.Since(began); waited != 0 {
			t.Errorf("waited %s for a process that had said it ends", waited)
		}
		third.kill()
	})
}

func TestTheLockOfADeadProcessIsTakenWhenItsLeaseEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		claims := newClaims()
		hold(t, claims, "first").kill()
		began := time.Now()
		second := hold(t, claims, "second")
		if waited := time.Since(began); waited != lockLease {
			t.Errorf("waited %s, want %s", waited, lockLease)
		}
		second.kill()
	})
}

func TestWhoCannotGiveASignOfLifeStopsBeforeAnotherMayBegin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		claims := newClaims()
		l := hold(t, claims, "first")
		time.Sleep(time.Minute)
		claims.down.Store(true)
		began := time.Now()
		<-l.lost.Done()
		if after := time.Since(began); after > lockLease {
			t.Errorf("lost after %s, when another process may have begun", after)
		}
		if err := l.release(t.Context()); err == nil || !strings.Contains(err.Error(), "throttled") {
			t.Errorf("release = %v, want why it was lost", err)
		}
	})
}

func TestALostAnswerIsNoLostLock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		claims := newClaims()
		l := hold(t, claims, "first")
		for range 5 { // one sign of life in three goes unanswered
			claims.deaf.Store(true)
			time.Sleep(lockRenewal)
			synctest.Wait()
			claims.deaf.Store(false)
			time.Sleep(2 * lockRenewal)
			synctest.Wait()
		}
		if l.lost.Err() != nil {
			t.Errorf("lost: %v", context.Cause(l.lost))
		}
		if err := l.release(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestATakenLockIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		claims := newClaims()
		l := hold(t, claims, "first")
		thief := l.claim
		stored, _, err := claims.Get(t.Context(), thief.Key)
		if err != nil {
			t.Fatal(err)
		}
		thief.Token, thief.Owner = "stolen", "second"
		if _, err := claims.Swap(t.Context(), stored.Token, thief, nil); err != nil {
			t.Fatal(err)
		}
		<-l.lost.Done()
		if cause := context.Cause(l.lost); !errors.Is(cause, errLockLost) || !strings.Contains(cause.Error(), "second") {
			t.Errorf("lost: %v, want by whom", cause)
		}
	})
}

func TestWaitingForTheLockEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		claims := newClaims()
		hold(t, claims, "first").kill()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := takeLock(ctx, claims, "second", time.Now); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("takeLock = %v, want the deadline", err)
		}
	})
}
