package store

import (
	"context"
	"slices"
	"time"

	"github.com/the-alchemiser/alchemiser/internal/monitor"
	"github.com/the-alchemiser/alchemiser/pkg/market"
)

type workflowItem struct {
	primary
	CorrelationID string        `dynamodbav:"correlation_id"`
	PortfolioID   string        `dynamodbav:"portfolio_id"`
	TradingDate   market.Date   `dynamodbav:"trading_date,omitempty"`
	State         monitor.State `dynamodbav:"state"`
	StartedAt     time.Time     `dynamodbav:"started_at"`
	UpdatedAt     time.Time     `dynamodbav:"updated_at"`
	LastSummary   string        `dynamodbav:"last_summary"`
	// Entries is the number of entries that make up this state, StalledAt that number when the workflow was called
	// stalled, or 0.
	Entries   int `dynamodbav:"entries"`
	StalledAt int `dynamodbav:"stalled_at"`
	// Version counts the writes; each is conditional on the one before.
	Version int `dynamodbav:"version"`
}

func dayPrimary(day, correlationID string) primary {
	return primary{PK: join("DAY", day), SK: join("WF", correlationID)}
}

// putWorkflow stores w in place of the version before.
func (s *Store) putWorkflow(ctx context.Context, w workflowItem, found bool, version int) (done bool, stored *workflowItem, err error) {
	must := absent()
	if found {
		must = unchanged("version", number(version))
	}
	w.Version = version + 1
	return put(ctx, s, w.primary, w, must)
}

// workflow returns the workflow with a correlation id.
func (s *Store) workflow(ctx context.Context, correlationID string) (w workflowItem, found bool, err error) {
	entries, err := s.entries(ctx, correlationID)
	if err != nil || len(entries) == 0 {
		return workflowItem{}, false, err
	}
	return get[workflowItem](ctx, s, dayPrimary(firstDay(entries), correlationID))
}

// Stalled implements monitor.Workflows.
func (s *Store) Stalled(ctx context.Context, before time.Time) ([]monitor.Workflow, error) {
	var stalled []monitor.Workflow
	for _, back := range []int{2, 1, 0} {
		day := before.UTC().AddDate(0, 0, -back).Format(time.DateOnly)
		workflows, err := s.Day(ctx, market.Date(day))
		if err != nil {
			return nil, err
		}
		for _, w := range workflows {
			if alive(w.State) && w.UpdatedAt.Before(before) {
				stalled = append(stalled, w)
			}
		}
	}
	slices.SortStableFunc(stalled, func(a, b monitor.Workflow) int { return a.UpdatedAt.Compare(b.UpdatedAt) })
	return stalled, nil
}

// Day implements monitor.Workflows.
func (s *Store) Day(ctx context.Context, day market.Date) ([]monitor.Workflow, error) {
	items, err := list[workflowItem](ctx, s, primary{PK: join("DAY", string(day)), SK: "WF#"})
	if err != nil {
		return nil, err
	}
	workflows := make([]monitor.Workflow, len(items))
	for i, item := range items {
		workflows[i] = item.workflow()
	}
	return workflows, nil
}

// MarkStalled implements monitor.Workflows.
func (s *Store) MarkStalled(ctx context.Context, id string) error {
	w, found, err := s.workflow(ctx, id)
	if err != nil || !found {
		return err
	}
	for alive(w.State) {
		next := w
		next.State, next.StalledAt = monitor.StateStalled, w.Entries
		done, stored, err := s.putWorkflow(ctx, next, true, w.Version)
		switch {
		case err != nil || done:
			return err
		case stored == nil:
			return vanished(w.primary)
		}
		w = *stored
	}
	return nil
}

func alive(s monitor.State) bool {
	return s == monitor.StateRunning || s == monitor.StateResumed
}
