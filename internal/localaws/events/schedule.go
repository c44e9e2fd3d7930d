package events

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/the-alchemiser/alchemiser/internal/localaws/scheduler/expression"
	"github.com/the-alchemiser/alchemiser/internal/localaws/state"
)

// lateness is how late a scheduled event may be: what fell due while the endpoint was down for longer is left out.
const lateness = time.Minute

// checkSchedule refuses what is no schedule of a rule on a bus. Only the default bus has schedules.
//
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-rule-schedule.html
func checkSchedule(text, bus string) error {
	if bus != defaultBus {
		return invalid("ScheduleExpression is supported only on the default event bus.")
	}
	if e, err := expression.Parse(text); err != nil || !e.OfRule() {
		return invalid("Parameter ScheduleExpression is not valid.")
	}
	return nil
}

// wakeSchedules lets the loop look again, after a change of a rule.
func (s *Service) wakeSchedules() {
	select {
	case s.scheduled <- struct{}{}:
	default:
	}
}

// runSchedules sends the events of rules with a schedule until ctx ends.
func (s *Service) runSchedules(ctx context.Context) error {
	for {
		changed := s.cfg.Clock.Changed()
		next, err := s.fireDue()
		if err != nil {
			return fmt.Errorf("scheduled rules: %w", err)
		}
		var due <-chan time.Time
		if !next.IsZero() {
			due = time.After(next.Sub(s.now()))
		}
		select {
		case <-ctx.Done():
			return nil
		case <-s.scheduled:
		case <-changed:
		case <-due:
		}
	}
}

// fireDue sends what is due and returns when the next event is; zero if there is none.
func (s *Service) fireDue() (next time.Time, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	for _, r := range s.rules[defaultBus] {
		if r.schedule == nil || r.State == disabled {
			continue
		}
		at, ok := r.due(now)
		if ok && !at.After(now) {
			if err := s.fire(r, at); err != nil {
				return time.Time{}, err
			}
			at, ok = s.rules[defaultBus][r.Name].due(now)
		}
		if ok && (next.IsZero() || at.Before(next)) {
			next = at
		}
	}
	return next, nil
}

// due returns the first occurrence that has not been sent and is not too late.
func (r *compiledRule) due(now time.Time) (at time.Time, ok bool) {
	after := r.Since
	if r.Fired.After(after) {
		after = r.Fired
	}
	if oldest := now.Add(-lateness); oldest.After(after) {
		after = oldest
	}
	return r.schedule.Next(after, r.Since, time.UTC)
}

// fire sends the event of an occurrence to the rule's own targets, in one commit with the note that it was sent. The caller
// holds the lock.
func (s *Service) fire(r *compiledRule, at time.Time) error {
	e := routed{envelope: newEnvelope(at, "aws.events", "Scheduled Event", []string{r.arn()}, json.RawMessage(`{}`)), bus: defaultBus}
	deliveries := s.deliveries(r, e, e.json())
	keys := s.queue.keys(len(deliveries))
	fired := r.rule
	fired.Fired = at
	err := s.cfg.Store.Update(func(tx *state.Tx) error {
		for i, p := range deliveries {
			s.tables.pending.PutTx(tx, keys[i], p)
		}
		s.tables.rules.PutTx(tx, fired.key(), fired)
		return nil
	})
	if err != nil {
		return fmt.Errorf("rule %s: %w", r.Name, err)
	}
	s.measure("TriggeredRules", r.arn())
	s.queue.add(keys, deliveries)
	return s.remember(fired)
}

// scheduledFrom returns r as it is from now on, if old is what it was: rates count from when the rule came into force.
func (s *Service) scheduledFrom(r rule, old rule) rule {
	if r.Schedule != "" && (r.Schedule != old.Schedule || r.State != old.State) {
		r.Since = s.now()
	}
	return r
}
