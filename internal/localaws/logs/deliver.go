package logs

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/the-alchemiser/alchemiser/internal/localaws/arn"
	"github.com/the-alchemiser/alchemiser/internal/localaws/delivery"
	"github.com/the-alchemiser/alchemiser/internal/localaws/policy"
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
	// A role that the sender assumes has been judged already.
	if m.RoleARN == "" {
		allowed, err := s.lets(m, arn.New("logs", "log-group:"+name)+":log-stream:"+streamOf(s.cfg.Clock.Now()))
		if err != nil {
			return err
		}
		if !allowed {
			return delivery.Errorf("NO_PERMISSIONS", "No resource policy allows %s to write to %s.", m.Principal, groupARN)
		}
	}
	now := s.cfg.Clock.Now()
	if err := s.Write(ctx, name, streamOf(now), []Event{{now, string(m.Body)}}); err != nil {
		return &delivery.Error{Code: "ERROR_FROM_TARGET", Message: err.Error(), Retryable: true}
	}
	return nil
}

// lets reports whether the resource policies allow what writing to a stream takes.
func (s *Service) lets(m delivery.Message, streamARN string) (bool, error) {
	records, err := s.allPolicies()
	if err != nil {
		return false, err
	}
	var docs []policy.Document
	for _, r := range records {
		doc, err := policy.Parse(policy.Resource, r.PolicyDocument)
		if err != nil {
			return false, fmt.Errorf("resource policy %s: %w", r.PolicyName, err)
		}
		docs = append(docs, doc)
	}
	for _, action := range []string{"logs:CreateLogStream", "logs:PutLogEvents"} {
		r := policy.ServiceRequest(m.Principal, action, streamARN, m.SourceARN, m.SourceAccount)
		if policy.Evaluate(docs, r) != policy.Allow {
			return false, nil
		}
	}
	return true, nil
}

// streamOf is the stream that deliveries of one day share. AWS chooses names of its own, which nothing may rely on.
func streamOf(t time.Time) string {
	return uuid.NewSHA1(uuid.NameSpaceURL, []byte(t.UTC().Format(time.DateOnly))).String()
}
