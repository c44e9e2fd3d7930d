package store

import (
	"context"

	"github.com/the-alchemiser/alchemiser/internal/monitor"
	"github.com/the-alchemiser/alchemiser/internal/strategy"
)

type runItem struct {
	primary
	CorrelationID string `dynamodbav:"correlation_id"`
}

// ClaimRun implements strategy.Runs. Whether the run that holds the key has failed is what its timeline says; that it
// has not come as far as an order is what the missing plan says, as execution claims the plan before the first order. A
// run that goes on although another has taken its key over is stopped there: one of them gets the plan.
func (s *Store) ClaimRun(ctx context.Context, key strategy.RunKey, correlationID string) (owner string, err error) {
	item := runItem{
		primary:       primary{PK: join("RUN", key.AccountID, key.PortfolioID, string(key.Date)), SK: "RUN"},
		CorrelationID: correlationID,
	}
	must := absent()
	for {
		done, stored, err := put(ctx, s, item.primary, item, must)
		switch {
		case err != nil:
			return "", err
		case done:
			return correlationID, nil
		case stored == nil:
			return "", vanished(item.primary)
		case stored.CorrelationID == correlationID:
			return correlationID, nil
		}
		free, err := s.failedBeforeAnyOrder(ctx, key, stored.CorrelationID)
		if err != nil {
			return "", err
		}
		if !free {
			return stored.CorrelationID, nil
		}
		must = unchanged("correlation_id", text(stored.CorrelationID))
	}
}

func (s *Store) failedBeforeAnyOrder(ctx context.Context, key strategy.RunKey, correlationID string) (bool, error) {
	_, planned, err := get[planItem](ctx, s, planPrimary(key.AccountID, key.PortfolioID, string(key.Date)))
	if err != nil || planned {
		return false, err
	}
	w, found, err := s.workflow(ctx, correlationID)
	if err != nil || !found {
		return false, err
	}
	return w.State == monitor.StateFailed || w.State == monitor.StateStalled, nil
}
