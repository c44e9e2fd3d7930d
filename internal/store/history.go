package store

import (
	"context"

	"github.com/the-alchemiser/alchemiser/internal/monitor"
)

// Timeline returns the entries of a workflow in the order of (At, EventID), each event once; none if the workflow is
// not known.
func (s *Store) Timeline(ctx context.Context, correlationID string) ([]monitor.Entry, error) {
	items, err := s.entries(ctx, correlationID)
	if err != nil {
		return nil, err
	}
	entries := make([]monitor.Entry, len(items))
	for i, item := range items {
		entries[i] = monitor.Entry{
			EventID: item.EventID, CorrelationID: item.CorrelationID, CausationID: item.CausationID, Type: item.Type, At: item.At,
			Source: item.Source, PortfolioID: item.PortfolioID, TradingDate: item.TradingDate, Summary: item.Summary, State: item.State,
		}
	}
	return entries, nil
}
