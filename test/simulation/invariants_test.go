package simulation_test

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/shopspring/decimal"

	"github.com/the-alchemiser/alchemiser/internal/consumer"
	"github.com/the-alchemiser/alchemiser/internal/deadletter"
	"github.com/the-alchemiser/alchemiser/internal/monitor"
	"github.com/the-alchemiser/alchemiser/pkg/events"
	"github.com/the-alchemiser/alchemiser/pkg/fault"
	"github.com/the-alchemiser/alchemiser/pkg/market"
)

// check looks at a world in which everything has come to its end, and says what should not be.
func (w *world) check() {
	w.checkHandled()
	w.checkRuns()
	w.checkWorkflows()
	w.checkMoney()
}

// first returns every accepted event once, in the order of acceptance.
func (c *cloud) first() (all []accepted) {
	seen := map[string]bool{}
	for _, a := range c.archive {
		if !seen[a.id] {
			seen[a.id] = true
			all = append(all, a)
		}
	}
	return all
}

// checkHandled: every accepted event is handled by every function whose rule matches it, or lies in that function's dead
// letter queue with a reason; and what a function has kept to be published was published.
func (w *world) checkHandled() {
	archived := map[string]bool{}
	for _, a := range w.cloud.archive {
		archived[a.id] = true
	}
	for _, a := range w.cloud.first() {
		for _, f := range w.cloud.functions {
			if !f.wants(a.envelope) {
				continue
			}
			if a.event.Payload == nil {
				if len(f.buried[a.id]) == 0 {
					w.fault("%s has lost %s, which cannot be read: it is in no dead letter queue", f.name, a.id)
				}
				continue
			}
			key := consumer.Key{Function: f.name, EventID: a.id}
			claim, found := must2(w.store.Get(context.Background(), key))
			switch {
			case !found:
				w.fault("%s has never seen %s %s", f.name, a.event.Type(), a.id)
				continue
			case claim.Status == consumer.StatusDead:
				if len(f.letters) == 0 || !slices.ContainsFunc(f.letters, letterOf(a.id)) {
					w.fault("%s of %s is dead for %s (%s), but in no dead letter queue", a.event.Type(), a.id, f.name, claim.Reason)
				}
				if !f.observer && !archived[events.FollowID(a.id, events.TypeWorkflowFailed, claim.Round)] {
					w.fault("%s %s is dead for %s, but nobody was told that attempt %d has failed", a.event.Type(), a.id, f.name, claim.Round)
				}
				continue
			case claim.Status != consumer.StatusDone:
				w.fault("%s has left %s %s %s", f.name, a.event.Type(), a.id, claim.Status)
			}
			for _, follows := range must(w.store.Outbox(context.Background(), key)) {
				if !archived[follows.ID] {
					w.fault("%s has kept %s %s, but never published it", f.name, follows.Type(), follows.ID)
				}
			}
		}
	}
	w.checkFailures()
	for _, f := range w.cloud.functions {
		for _, l := range f.letters {
			if claim, found := must2(w.store.Get(context.Background(), consumer.Key{Function: f.name, EventID: l.EventID})); found && claim.Status != consumer.StatusDead {
				w.fault("%s: the dead letter of %s comes back without faults: %s", f.name, l.EventID, l.Reason)
			}
		}
	}
}

// checkFailures: whoever says that an attempt has failed has given its event up: there is a dead letter for each. Dead events
// are checkHandled's part.
func (w *world) checkFailures() {
	said := map[string]int{}
	for _, a := range w.cloud.first() {
		p, ok := a.event.Payload.(events.WorkflowFailed)
		if !ok || p.Code == fault.Invalid {
			continue
		}
		w.failed++
		id := p.Function + " " + p.FailedEventID
		said[id]++
		for _, f := range w.cloud.functions {
			if f.name == p.Function && len(f.buried[p.FailedEventID]) < said[id] {
				w.fault("%s has failed with %s (attempt %d: %s), but has not given it up", f.name, p.FailedEventID, p.Attempt, p.Reason)
			}
		}
	}
}

// checkRuns: a portfolio runs once a day, unless the run before has failed. What that one had decided may be published by a
// redrive still: only one of them gets the plan.
func (w *world) checkRuns() {
	type signal struct {
		events.Event
		date market.Date
	}
	var signals []signal
	failed := map[string]bool{}
	for _, a := range w.cloud.first() {
		switch p := a.event.Payload.(type) {
		case events.WorkflowFailed:
			failed[a.event.CorrelationID] = true
		case events.SignalGenerated:
			signals = append(signals, signal{a.event, p.TradingDate})
		}
	}
	slices.SortStableFunc(signals, func(a, b signal) int { return a.Timestamp.Compare(b.Timestamp) })
	holder := map[market.Date]string{}
	for _, s := range signals {
		if before := holder[s.date]; before != "" && !failed[before] {
			w.fault("%s has begun on %s although %s had not failed", s.CorrelationID, s.date, before)
		}
		holder[s.date] = s.CorrelationID
	}
}

// checkWorkflows: each workflow ends once, people were told, and the timeline says what happened.
func (w *world) checkWorkflows() {
	type ends struct {
		completed []events.WorkflowCompleted
		failed    map[string][]int // attempts by failed event
		portfolio string
	}
	flows := map[string]*ends{}
	for _, a := range w.cloud.first() {
		if a.event.Payload == nil {
			continue
		}
		flow := flows[a.event.CorrelationID]
		if flow == nil {
			flow = &ends{failed: map[string][]int{}, portfolio: a.event.Payload.Portfolio()}
			flows[a.event.CorrelationID] = flow
		}
		switch p := a.event.Payload.(type) {
		case events.WorkflowCompleted:
			flow.completed = append(flow.completed, p)
		case events.WorkflowFailed:
			flow.failed[p.FailedEventID] = append(flow.failed[p.FailedEventID], p.Attempt)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(flows)) {
		flow := flows[id]
		state := w.stateOf(id)
		switch {
		case flow.portfolio != w.portfolio: // nobody ships it
			if len(flow.completed) > 0 || len(flow.failed) != 1 || state != monitor.StateFailed {
				w.fault("%s of an unknown portfolio: %d completed, %d failed, the timeline says %s", id, len(flow.completed), len(flow.failed), state)
			}
			continue
		case len(flow.completed) != 1:
			w.fault("%s has completed %d times", id, len(flow.completed))
			continue
		}
		w.workflows++
		if string(state) != string(flow.completed[0].Outcome) {
			w.fault("%s is %s, but the timeline says %s", id, flow.completed[0].Outcome, state)
		}
		if state != monitor.StateSkipped && !slices.ContainsFunc(w.digests, func(d string) bool { return strings.Contains(d, id) }) {
			w.fault("nobody was told that %s is %s", id, state)
		}
		for event, attempts := range flow.failed {
			for i, n := range slices.Sorted(slices.Values(attempts)) {
				if n != i+1 {
					w.fault("%s: the failed attempts at %s are %v, want each once", id, event, attempts)
					break
				}
			}
		}
	}
}

// stateOf is what the timeline says of a workflow.
func (w *world) stateOf(id string) monitor.State {
	for pk, items := range w.table.items {
		if item, ok := items["WF#"+id]; ok && strings.HasPrefix(pk, "DAY#") {
			return monitor.State(text(item["state"]))
		}
	}
	return "unknown"
}

// undone are the dead letters of what should have been handled by now.
func (w *world) undone() (n int) {
	for _, f := range w.cloud.functions {
		n += len(f.letters)
	}
	return n
}

func must2[T any](v T, found bool, err error) (T, bool) { return must(v, err), found }

func sum(ds ...decimal.Decimal) decimal.Decimal {
	total := decimal.Zero
	for _, d := range ds {
		total = total.Add(d)
	}
	return total
}

func letterOf(id string) func(deadletter.Letter) bool {
	return func(l deadletter.Letter) bool { return l.EventID == id }
}
