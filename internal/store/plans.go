package store

import (
	"context"

	"github.com/the-alchemiser/alchemiser/internal/execution"
)

type planItem struct {
	primary
	PlanID string `dynamodbav:"plan_id"`
}

func planPrimary(account, portfolio, date string) primary {
	return primary{PK: join("PLAN", account, portfolio, date), SK: "PLAN"}
}

// ClaimPlan implements execution.Plans: the first plan wins for ever.
func (s *Store) ClaimPlan(ctx context.Context, key execution.PlanKey, planID string) (owner string, err error) {
	item := planItem{primary: planPrimary(key.AccountID, key.PortfolioID, string(key.Date)), PlanID: planID}
	done, stored, err := put(ctx, s, item.primary, item, absent())
	switch {
	case err != nil:
		return "", err
	case done:
		return planID, nil
	case stored == nil:
		return "", vanished(item.primary)
	default:
		return stored.PlanID, nil
	}
}
