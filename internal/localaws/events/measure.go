package events

import (
	"strings"

	"github.com/the-alchemiser/alchemiser/internal/localaws/arn"
)

// measure counts one thing that happened to a rule. Rules of the default bus are known by their names alone.
//
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-monitoring.html
func (s *Service) measure(metric, ruleARN string) {
	if s.cfg.Metrics == nil {
		return
	}
	a, _ := arn.Parse(ruleARN)
	name := strings.TrimPrefix(a.Resource, "rule/")
	dimensions := map[string]string{"RuleName": name}
	if bus, rule, ok := strings.Cut(name, "/"); ok {
		dimensions["EventBusName"], dimensions["RuleName"] = bus, rule
	}
	s.cfg.Metrics.Count("AWS/Events", metric, dimensions, 1, "Count")
}
