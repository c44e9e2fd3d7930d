package logs

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/the-alchemiser/alchemiser/internal/localaws/arn"
	"github.com/the-alchemiser/alchemiser/internal/localaws/delivery"
)

// Receive writes one event that another service delivers to the log group groupARN, with or without ":*" at its end,
// in a stream of its own. It returns an *delivery.Error if the group does not exist or does not let the sender in.
func (s *Service) Receive(ctx context.Context, groupARN string, m delivery.Message) error {
	a, ok := arn.Parse(groupARN)
	if !ok || a.Service != "logs" {
		return delivery.Errorf("NO_RESOURCE", "%s is not a log group", groupARN)
	}
	name := groupName(groupARN)
	if _, err := s.reading(name, "", ""); err != nil {
		return delivery.Errorf("NO_RESOURCE", "The specified log group does not exist: %s", groupARN)
	}
	now := s.cfg.Clock.Now()
	if err := s.Write(ctx, name, streamOf(now), []Event{{now, string(m.Body)}}); err != nil {
		return &delivery.Error{Code: "ERROR_FROM_TARGET", Message: err.Error(), Retryable: true}
	}
	return nil
}

// streamOf is the stream that deliveries of one day share. AWS chooses names of its own, which nothing may rely on.
func streamOf(t time.Time) string {
	return uuid.NewSHA1(uuid.NameSpaceURL, []byte(t.UTC().Format(time.DateOnly))).String()
}
