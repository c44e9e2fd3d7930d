package validation

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"golang.org/x/sync/errgroup"

	"github.com/the-alchemiser/alchemiser/internal/consumer"
	"github.com/the-alchemiser/alchemiser/internal/monitor"
	"github.com/the-alchemiser/alchemiser/internal/naming"
	"github.com/the-alchemiser/alchemiser/pkg/events"
)

// atOnce is how many items of the table are read at the same time.
const atOnce = 16

// published is an event that is or should be on the bus.
type published struct {
	At                              time.Time
	ID, Type, Source, CorrelationID string
}

// readDeliveries finds every event of the window and what each function that it is for has made of it. The table cannot be
// asked for a window, so it goes from what it can be asked for: the timelines of the days' workflows, the log of all events,
// and, from each claim that this leads to, its outbox. An event is missed only if all of these are.
func (r *Reader) readDeliveries(ctx context.Context, w Window, e *Evidence) error {
	timeline, workflows, err := r.timelines(ctx, w)
	if err != nil {
		return err
	}
	e.Workflows = workflows
	logged, err := r.eventLog(ctx, w)
	var none *types.ResourceNotFoundException
	switch {
	case errors.As(err, &none):
	case err != nil:
		return err
	default:
		e.EventLog = true
	}
	rules, err := r.rules(ctx, naming.Functions()...)
	if err != nil {
		return err
	}
	wave := map[string]published{}
	for _, p := range slices.Concat(timeline, logged) {
		wave[p.ID] = p
	}
	seen := map[string]bool{}
	for len(wave) > 0 {
		next, err := r.follow(ctx, rules, wave, e)
		if err != nil {
			return err
		}
		for id := range wave {
			seen[id] = true
		}
		wave = map[string]published{}
		for _, p := range next {
			if !seen[p.ID] {
				wave[p.ID] = p
			}
		}
	}
	slices.SortFunc(e.Deliveries, func(a, b Delivery) int {
		return cmp.Or(cmp.Compare(a.CorrelationID, b.CorrelationID), cmp.Compare(a.EventID, b.EventID), cmp.Compare(a.Function, b.Function))
	})
	return nil
}

// follow adds the deliveries of the events and returns what was kept in the outboxes of their claims.
func (r *Reader) follow(ctx context.Context, rules *ruleBook, wave map[string]published, e *Evidence) ([]published, error) {
	type read struct {
		delivery Delivery
		outbox   []published
	}
	var reads []*read
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for _, id := range slices.Sorted(maps.Keys(wave)) {
		p := wave[id]
		for _, f := range naming.Functions() {
			wants, err := rules.wants(ctx, f, p, "")
			if err != nil {
				return nil, errors.Join(err, group.Wait())
			}
			if !wants {
				continue
			}
			one := &read{delivery: Delivery{At: p.At, EventID: p.ID, EventType: p.Type, CorrelationID: p.CorrelationID, Function: string(f)}}
			reads = append(reads, one)
			group.Go(func() (err error) { one.outbox, err = r.readClaim(ctx, &one.delivery); return err })
		}
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	var next []published
	for _, one := range reads {
		e.Deliveries = append(e.Deliveries, one.delivery)
		next = append(next, one.outbox...)
	}
	return next, nil
}

// readClaim finds out what became of d, and what follows from it.
func (r *Reader) readClaim(ctx context.Context, d *Delivery) ([]published, error) {
	key := consumer.Key{Function: d.Function, EventID: d.EventID}
	claim, found, err := r.state.Get(ctx, key)
	if err != nil {
		return nil, err
	}
	d.State = stateOf(claim, found)
	d.requests = append(slices.Collect(maps.Keys(claim.Attempts)), claim.Owner)
	if !found || d.Function == string(naming.Monitor) || claim.Status == consumer.StatusRunning {
		return nil, nil // there is no outbox yet, or never one
	}
	kept, err := r.state.Outbox(ctx, key)
	if err != nil {
		return nil, err
	}
	var follow []published
	for _, e := range kept {
		follow = append(follow, published{At: e.Timestamp, ID: e.ID, Type: string(e.Type()), Source: sourcePrefix + e.SourceModule, CorrelationID: e.CorrelationID})
	}
	return follow, nil
}

// stateOf says what a claim has come to.
func stateOf(claim consumer.Claim, found bool) string {
	switch {
	case !found:
		return "it has never got there"
	case claim.Status == consumer.StatusDone:
		return done
	case claim.Status == consumer.StatusCommitted:
		return "handled, but what follows from it is not published"
	case claim.Status == consumer.StatusDead:
		return "refused: " + claim.Reason
	case claim.Closed:
		return fmt.Sprintf("given up after round %d", claim.Round)
	default:
		return "not finished"
	}
}

// timelines returns the days' workflows with events in the window, and those events.
func (r *Reader) timelines(ctx context.Context, w Window) ([]published, []monitor.Workflow, error) {
	var all []monitor.Workflow
	for _, day := range w.days() {
		workflows, err := r.state.Day(ctx, day)
		if err != nil {
			return nil, nil, fmt.Errorf("read the workflows of %s: %w", day, err)
		}
		for _, workflow := range workflows {
			if !workflow.UpdatedAt.Before(w.From) && !workflow.StartedAt.After(w.To) {
				all = append(all, workflow)
			}
		}
	}
	slices.SortFunc(all, func(a, b monitor.Workflow) int {
		return cmp.Or(a.StartedAt.Compare(b.StartedAt), cmp.Compare(a.CorrelationID, b.CorrelationID))
	})
	entries := make([][]monitor.Entry, len(all))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for i, workflow := range all {
		group.Go(func() (err error) { entries[i], err = r.state.Timeline(ctx, workflow.CorrelationID); return err })
	}
	if err := group.Wait(); err != nil {
		return nil, nil, fmt.Errorf("read the timelines: %w", err)
	}
	var recorded []published
	for _, entry := range slices.Concat(entries...) {
		if w.holds(entry.At) && entry.State != monitor.StateReplayed {
			recorded = append(recorded, published{At: entry.At, ID: entry.EventID, Type: string(entry.Type), Source: sourcePrefix + entry.Source, CorrelationID: entry.CorrelationID})
		}
	}
	return recorded, all, nil
}

// eventLog returns the events that passed on the bus in the window. Replayed ones had passed before. What is none of our
// events has no claims.
func (r *Reader) eventLog(ctx context.Context, w Window) ([]published, error) {
	var all []published
	err := r.lines(ctx, r.stage.EventLog(), "", w, func(at time.Time, message string) error {
		var envelope struct {
			Source string `json:"source"`
			Type   string `json:"detail-type"`
			Replay string `json:"replay-name"`
			Detail struct {
				EventID       string `json:"event_id"`
				CorrelationID string `json:"correlation_id"`
			} `json:"detail"`
		}
		if err := json.Unmarshal([]byte(message), &envelope); err != nil {
			return err
		}
		known := slices.ContainsFunc(events.Catalogue(), func(p events.Payload) bool { return string(p.EventType()) == envelope.Type })
		if known && envelope.Replay == "" && envelope.Detail.EventID != "" {
			all = append(all, published{at, envelope.Detail.EventID, envelope.Type, envelope.Source, envelope.Detail.CorrelationID})
		}
		return nil
	})
	return all, err
}
