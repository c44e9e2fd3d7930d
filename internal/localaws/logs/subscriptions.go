package logs

import (
	"context"

	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

// SubscriptionFilterInput names the group of subscription filters.
type SubscriptionFilterInput struct {
	LogGroupName   string `json:"logGroupName"`
	FilterName     string `json:"filterName"`
	DestinationARN string `json:"destinationArn"`
}

// SubscriptionFiltersOutput is the list of filters, which is empty.
type SubscriptionFiltersOutput struct {
	SubscriptionFilters []struct{} `json:"subscriptionFilters"`
}

// putSubscription refuses: a filter that never delivers would be worse than none.
func (s *Service) putSubscription(_ context.Context, in SubscriptionFilterInput) (out wire.Empty, err error) {
	if _, err := s.reading(in.LogGroupName, "", ""); err != nil {
		return out, err
	}
	return out, wire.Errorf("OperationAbortedException", "This endpoint has no subscription filters: nothing would reach %s.", in.DestinationARN)
}

func (s *Service) describeSubscriptions(_ context.Context, in SubscriptionFilterInput) (out SubscriptionFiltersOutput, err error) {
	out.SubscriptionFilters = []struct{}{}
	_, err = s.reading(in.LogGroupName, "", "")
	return out, err
}
