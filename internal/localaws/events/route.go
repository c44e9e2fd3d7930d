package events

import (
	"fmt"
	"slices"

	"github.com/google/uuid"

	"github.com/the-alchemiser/alchemiser/internal/localaws/events/pattern"
	"github.com/the-alchemiser/alchemiser/internal/localaws/events/transform"
	"github.com/the-alchemiser/alchemiser/internal/localaws/state"
)

// routed is an event on its way to the rules of a bus.
type routed struct {
	envelope
	bus   string
	trace string
	// only, if not empty, are the ARNs of the rules that see the event.
	only []string
}

// outcome is what matching events has produced.
type outcome struct {
	deliveries []pending
	archived   []archivedEvent
}

// route matches events and stores their deliveries and archive copies in one commit, then hands the deliveries to the
// workers. Events for a bus that does not exist are dropped, as AWS does.
func (s *Service) route(events []routed) error {
	return s.routeWith(events, nil)
}

// routeWith is route with one more write in the same commit.
func (s *Service) routeWith(events []routed, also func(tx *state.Tx)) error {
	out, err := s.matchAll(events)
	if err != nil {
		return err
	}
	if len(out.deliveries) == 0 && len(out.archived) == 0 && also == nil {
		return nil
	}
	keys := s.queue.keys(len(out.deliveries))
	err = s.cfg.Store.Update(func(tx *state.Tx) error {
		for i, p := range out.deliveries {
			s.tables.pending.PutTx(tx, keys[i], p)
		}
		for _, a := range out.archived {
			s.tables.archived.PutTx(tx, a.key(), a)
		}
		if also != nil {
			also(tx)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("store deliveries: %w", err)
	}
	s.queue.add(keys, out.deliveries)
	return nil
}

func (s *Service) matchAll(events []routed) (outcome, error) {
	var out outcome
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, e := range events {
		rules := s.index[e.bus]
		if rules == nil {
			continue
		}
		body := e.json()
		parsed, err := pattern.ParseEvent(string(body))
		if err != nil {
			return outcome{}, fmt.Errorf("event %s: %w", e.ID, err)
		}
		for _, r := range rules.Match(parsed) {
			if len(e.only) > 0 && !slices.Contains(e.only, r.arn()) {
				continue
			}
			if r.Archive != "" {
				out.archived = append(out.archived, archivedEvent{Archive: r.Archive, Ingested: s.now(), Unique: uuid.NewString(), Event: e.envelope})
				continue
			}
			s.measure("MatchedEvents", r.arn())
			s.measure("TriggeredRules", r.arn())
			out.deliveries = append(out.deliveries, s.deliveries(r, e, body)...)
		}
	}
	return out, nil
}

// deliveries returns one delivery for each target of a rule that matched.
func (s *Service) deliveries(r *compiledRule, e routed, body []byte) []pending {
	now := s.now()
	out := make([]pending, 0, len(r.targets))
	for _, t := range r.targets {
		input, ok := t.transform.Apply(body, transform.Context{RuleName: r.Name, RuleARN: r.arn(), Ingested: now})
		if !ok {
			continue
		}
		p := pending{
			Rule: r.arn(), Target: t.Arn, Role: t.RoleArn, Body: input, Trace: e.trace, Accepted: now, Due: now,
		}
		if t.DeadLetterConfig != nil {
			p.DLQ = t.DeadLetterConfig.Arn
		}
		p.MaxAttempts, p.MaxAge = t.RetryPolicy.limits()
		out = append(out, p)
	}
	return out
}
