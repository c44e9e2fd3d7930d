package xray

import (
	"cmp"
	"context"
	"slices"

	"github.com/the-alchemiser/alchemiser/internal/localaws/arn"
	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

// access returns the permissions that a call needs. Calls on traces have no resource.
//
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsx-ray.html
func (s *Service) access(_ context.Context, operation string, in any) []wire.Access {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch in := in.(type) {
	case GroupInput:
		if g, err := s.group(in.GroupName, in.GroupARN); err == nil {
			return need(operation, g.GroupARN, g.Tags, in.Tags, nil)
		}
		// A group's ARN ends in an id that it gets when it is made.
		making := cmp.Or(in.GroupARN, arn.New("xray", "group/"+in.GroupName+"/"))
		needs := need(operation, making, nil, in.Tags, nil)
		if len(in.Tags) > 0 {
			needs = append(needs, need("TagResource", making, nil, in.Tags, nil)...)
		}
		return needs
	case SamplingRuleInput:
		return s.onRule(operation, cmp.Or(in.SamplingRule.RuleName, in.RuleName), in.RuleARN, in.Tags)
	case SamplingRuleUpdateInput:
		return s.onRule(operation, in.SamplingRuleUpdate.RuleName, in.SamplingRuleUpdate.RuleARN, nil)
	case TagInput:
		have, err := s.tags(in.ResourceARN)
		if err != nil {
			have = nil // the call itself says that there is no such resource
		}
		return need(operation, in.ResourceARN, have, in.Tags, in.TagKeys)
	}
	return []wire.Access{{Action: "xray:" + operation, Resource: "*"}}
}

func (s *Service) onRule(operation, name, ruleARN string, tags []Tag) []wire.Access {
	r, err := s.rule(name, ruleARN)
	if err != nil {
		return need(operation, cmp.Or(ruleARN, arn.New("xray", "sampling-rule/"+name)), nil, tags, nil)
	}
	return need(operation, r.SamplingRule.RuleARN, r.Tags, tags, nil)
}

func need(operation, resource string, have, set []Tag, keys []string) []wire.Access {
	conditions := map[string][]string{}
	for _, t := range have {
		conditions["aws:ResourceTag/"+t.Key] = []string{t.Value}
	}
	for _, t := range set {
		conditions["aws:RequestTag/"+t.Key] = []string{t.Value}
		keys = append(keys, t.Key)
	}
	if len(keys) > 0 {
		conditions["aws:TagKeys"] = slices.Sorted(slices.Values(keys))
	}
	return []wire.Access{{Action: "xray:" + operation, Resource: resource, Context: conditions}}
}
