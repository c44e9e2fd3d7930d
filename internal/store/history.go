package store

import (
	"context"
	"slices"

	"github.com/the-alchemiser/alchemiser/internal/execution"
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

// Fills returns the fills of an order, in the order in which they were made; none if the order has none, or is not known.
func (s *Store) Fills(ctx context.Context, clientID string) ([]execution.Fill, error) {
	items, err := list[fillItem](ctx, s, primary{PK: orderPrimary(clientID).PK, SK: "FILL#"})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(items, func(a, b fillItem) int { return a.Number - b.Number }) // the keys are in the order of text
	fills := make([]execution.Fill, len(items))
	for i, f := range items {
		fills[i] = execution.Fill{ClientID: f.ClientID, Number: f.Number, Quantity: f.Quantity, Price: f.Price, At: f.At}
	}
	return fills, nil
}
