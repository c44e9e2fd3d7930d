package scheduler

import (
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/the-alchemiser/alchemiser/internal/localaws/state"
)

// invocation is one firing of a schedule, as it is stored until the target has it or it is given up.
type invocation struct {
	Schedule, Group string // ARNs
	Target          Target
	Scheduled       time.Time
	Fired, Due      time.Time
	// Failures are the attempts that failed so far.
	Failures int
	// Dead, if set, says why the invocation goes to the dead letter queue instead of the target.
	Dead *failure `json:",omitempty"`
}

// failure is why an invocation ended.
type failure struct{ Code, Message, Exhausted, Execution string }

// fires says whether the schedule has an occurrence to wait for.
func (sc schedule) fires() bool { return sc.Spec.State == enabled && !sc.Due.IsZero() }

// settled is the moment up to which a schedule that fires now needs to fire no more: an occurrence whose window is open has
// its turn yet.
func (sc schedule) settled(now time.Time) time.Time {
	if n := sc.Spec.FlexibleTimeWindow.MaximumWindowInMinutes; n != nil {
		now = now.Add(-time.Duration(*n) * time.Minute)
	}
	if now.Before(sc.Scheduled) {
		return sc.Scheduled
	}
	return now
}

// fireDue turns what is due into invocations. The invocation and the schedule's next occurrence, or its deletion after
// the last one, are one commit, so that each occurrence fires exactly once. What was missed while the endpoint was down
// or its clock jumped fires once.
func (s *Service) fireDue() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	for key, sc := range s.schedules {
		if !sc.fires() || sc.Due.After(now) {
			continue
		}
		i := invocation{
			Schedule: sc.arn(), Group: groupARN(sc.Group), Target: sc.Spec.Target, Scheduled: sc.Scheduled, Fired: now, Due: now,
		}
		id := uuid.NewString()
		sc.plan(sc.settled(now))
		ends := sc.Due.IsZero() && sc.Spec.ActionAfterCompletion == remove
		err := s.cfg.Store.Update(func(tx *state.Tx) error {
			s.tables.invocations.PutTx(tx, id, i)
			if ends {
				s.tables.schedules.DeleteTx(tx, key)
			} else {
				s.tables.schedules.PutTx(tx, key, sc)
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("fire schedule %s: %w", key, err)
		}
		s.invocations[id] = i
		if s.schedules[key] = sc; ends {
			delete(s.schedules, key)
		}
	}
	return nil
}

// replan looks for earlier occurrences after the clock has been moved back. What has fired for the last time stays so.
func (s *Service) replan() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	for key, sc := range s.schedules {
		again := sc
		if again.plan(now); sc.Due.IsZero() || again.Due.IsZero() || !again.Scheduled.Before(sc.Scheduled) {
			continue
		}
		if err := s.putSchedule(again); err != nil {
			return fmt.Errorf("plan schedule %s: %w", key, err)
		}
	}
	return nil
}

// dueInvocations returns the keys of invocations to attempt now and marks them busy.
func (s *Service) dueInvocations(b *busy) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	var keys []string
	for key, i := range s.invocations {
		if !i.Due.After(now) && b.add(key) {
			keys = append(keys, key)
		}
	}
	return keys
}

// nextDue returns when the next schedule or invocation is due; ok is false if none is.
func (s *Service) nextDue(b *busy) (at time.Time, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	consider := func(t time.Time) {
		if !ok || t.Before(at) {
			at, ok = t, true
		}
	}
	for _, sc := range s.schedules {
		if sc.fires() {
			consider(sc.Due)
		}
	}
	for key, i := range s.invocations {
		if !b.has(key) {
			consider(i.Due)
		}
	}
	return at, ok
}

// busy is the set of invocations under way. It is safe for concurrent use.
type busy struct {
	mu   sync.Mutex
	keys map[string]bool
}

func newBusy() *busy { return &busy{keys: map[string]bool{}} }

// add is false if key was there.
func (b *busy) add(key string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.keys[key] {
		return false
	}
	b.keys[key] = true
	return true
}

func (b *busy) has(key string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.keys[key]
}

func (b *busy) remove(key string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.keys, key)
}
