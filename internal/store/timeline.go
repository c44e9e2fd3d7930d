package store

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/the-alchemiser/alchemiser/internal/monitor"
	"github.com/the-alchemiser/alchemiser/pkg/events"
	"github.com/the-alchemiser/alchemiser/pkg/market"
)

// entryTime has a fixed width, so that keys sort as times do.
const entryTime = "2006-01-02T15:04:05.000000Z"

type entryItem struct {
	primary
	EventID       string        `dynamodbav:"event_id"`
	CorrelationID string        `dynamodbav:"correlation_id"`
	CausationID   string        `dynamodbav:"causation_id"`
	Type          events.Type   `dynamodbav:"event_type"`
	At            time.Time     `dynamodbav:"at"`
	Source        string        `dynamodbav:"source"`
	PortfolioID   string        `dynamodbav:"portfolio_id"`
	TradingDate   market.Date   `dynamodbav:"trading_date,omitempty"`
	Summary       string        `dynamodbav:"summary"`
	State         monitor.State `dynamodbav:"state"`
	// Day is the UTC day on which the entry was recorded; the workflow stands under the earliest of them.
	Day string `dynamodbav:"day"`
}

func entriesOf(correlationID string) primary {
	return primary{PK: join("WF", correlationID), SK: "EV#"}
}

// Record implements monitor.Timeline. The workflow is made anew from all its entries, so their order does not matter;
// whoever has read more of them writes last.
func (s *Store) Record(ctx context.Context, e monitor.Entry) (monitor.Workflow, error) {
	item := entryItem{
		primary: primary{PK: entriesOf(e.CorrelationID).PK, SK: join("EV", e.At.UTC().Format(entryTime), e.EventID)},
		EventID: e.EventID, CorrelationID: e.CorrelationID, CausationID: e.CausationID, Type: e.Type, At: e.At.UTC(),
		Source: e.Source, PortfolioID: e.PortfolioID, TradingDate: e.TradingDate, Summary: e.Summary, State: e.State,
		Day: s.cfg.Now().UTC().Format(time.DateOnly),
	}
	// An entry that is there already may be all that an interrupted attempt has done.
	if _, _, err := put(ctx, s, item.primary, item, absent()); err != nil || e.State == monitor.StateReplayed {
		return monitor.Workflow{}, err
	}
	w, err := s.refresh(ctx, e.CorrelationID)
	return w.workflow(), err
}

// refresh brings the workflow up to date with its entries and returns it.
func (s *Store) refresh(ctx context.Context, correlationID string) (workflowItem, error) {
	entries, err := s.entries(ctx, correlationID)
	if err != nil {
		return workflowItem{}, err
	}
	entries = slices.DeleteFunc(entries, func(i entryItem) bool { return i.State == monitor.StateReplayed })
	key := dayPrimary(firstDay(entries), correlationID)
	old, found, err := get[workflowItem](ctx, s, key)
	if err != nil {
		return workflowItem{}, err
	}
	for {
		if found && old.Entries >= len(entries) {
			return old, nil // as fresh as ours: entries are only ever added
		}
		next := summarise(entries, old)
		next.primary = key
		done, stored, err := s.putWorkflow(ctx, next, found, old.Version)
		switch {
		case err != nil || done:
			return next, err
		case stored == nil:
			return workflowItem{}, vanished(key)
		}
		old, found = *stored, true
	}
}

// entries returns the workflow's entries in the order of (At, EventID), each event once.
func (s *Store) entries(ctx context.Context, correlationID string) ([]entryItem, error) {
	items, err := list[entryItem](ctx, s, entriesOf(correlationID))
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	return slices.DeleteFunc(items, func(i entryItem) bool {
		again := seen[i.EventID]
		seen[i.EventID] = true
		return again
	}), nil
}

func firstDay(entries []entryItem) string {
	first := slices.MinFunc(entries, func(a, b entryItem) int { return strings.Compare(a.Day, b.Day) })
	return first.Day
}

// summarise returns the workflow that the entries make, of which there is at least one; old is what was stored before,
// or zero.
func summarise(entries []entryItem, old workflowItem) workflowItem {
	ordered := slices.Clone(entries)
	slices.SortStableFunc(ordered, func(a, b entryItem) int {
		return cmp.Or(a.At.Compare(b.At), rank(a)-rank(b), strings.Compare(a.EventID, b.EventID))
	})
	first, last := ordered[0], ordered[len(ordered)-1]
	w := workflowItem{
		CorrelationID: first.CorrelationID, StartedAt: first.At, UpdatedAt: last.At, LastSummary: last.Summary,
		Entries: len(entries), StalledAt: old.StalledAt, Version: old.Version,
	}
	var state monitor.State
	for _, e := range ordered {
		w.PortfolioID = cmp.Or(e.PortfolioID, w.PortfolioID)
		w.TradingDate = cmp.Or(e.TradingDate, w.TradingDate)
		state = after(state, e.State)
	}
	if state == monitor.StateRunning && old.StalledAt > 0 {
		state = monitor.StateResumed // something came after the stall
	}
	w.State = state
	return w
}

// rank puts the end of a workflow after what happened in the same moment.
func rank(e entryItem) int {
	if e.State.Terminal() {
		return 1
	}
	return 0
}

// after returns the state of a workflow in state before when an entry comes that makes it next.
func after(before, next monitor.State) monitor.State {
	if before.Terminal() && before != monitor.StateFailed {
		return before
	}
	if next == monitor.StateRunning && (before == monitor.StateFailed || before == monitor.StateResumed) {
		return monitor.StateResumed
	}
	return next
}

func (i workflowItem) workflow() monitor.Workflow {
	return monitor.Workflow{
		CorrelationID: i.CorrelationID, PortfolioID: i.PortfolioID, TradingDate: i.TradingDate,
		State: i.State, StartedAt: i.StartedAt, UpdatedAt: i.UpdatedAt, LastSummary: i.LastSummary,
	}
}
