package monitor

import (
	"context"
	"fmt"
	"time"

	"github.com/the-alchemiser/alchemiser/pkg/market"
)

// Calendar knows the exchange's sessions.
type Calendar interface {
	// Zone is the exchange's time zone.
	Zone() *time.Location
	// Session returns the session of date; ok is false on a day without one.
	Session(date market.Date) (s market.Session, ok bool)
}

// patience is how long after the close a rebalance may still be under way: execution's attempts, with the pauses between
// them, begin before the close and are over by then.
const patience = 20 * time.Minute

// overdue says whether the exchange has closed for today and no rebalance of today's session came to a good end. It is false
// on a day without a session, and again from midnight in the exchange's zone: a missed session cannot be made up for.
func (s *Service) overdue(ctx context.Context) (bool, error) {
	now := s.cfg.Now().In(s.cfg.Calendar.Zone())
	today := market.DateOf(now)
	session, ok := s.cfg.Calendar.Session(today)
	if !ok || now.Before(session.Close.Add(patience)) {
		return false, nil
	}
	// A run is recorded under the UTC day of its first event, which on a trading day is the session's date.
	workflows, err := s.cfg.Workflows.Day(ctx, today)
	if err != nil {
		return false, fmt.Errorf("look for the rebalance of %s: %w", today, err)
	}
	for _, w := range workflows {
		good := w.State == StateCompleted || w.State == StateNothingToDo
		if good && w.TradingDate == today && w.PortfolioID == s.cfg.Portfolio {
			return false, nil
		}
	}
	return true, nil
}
