package events

import (
	"context"
	"maps"

	"github.com/the-alchemiser/alchemiser/internal/localaws/arn"
	iampolicy "github.com/the-alchemiser/alchemiser/internal/localaws/policy"
	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

// access returns the permissions that a call needs.
//
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoneventbridge.html
func (s *Service) access(_ context.Context, operation string, in any) []wire.Access {
	action := "events:" + operation
	on := func(resource string) []wire.Access { return []wire.Access{{Action: action, Resource: resource}} }
	switch in := in.(type) {
	case PutEventsInput:
		return putEventsAccess(in)
	case BusSpec:
		needs := on(namedBus(in.Name))
		if len(in.Tags) > 0 {
			needs = append(needs, wire.Access{Action: "events:TagResource", Resource: namedBus(in.Name), Context: wire.TagConditions(in.Tags, nil)})
		}
		return needs
	case Named:
		return on(namedBus(in.Name))
	case PutPermissionInput:
		return on(namedBus(in.EventBusName))
	case RemovePermissionInput:
		return on(namedBus(in.EventBusName))
	case PutRuleInput:
		return in.access(action)
	case RuleRef:
		return on(namedRule(in.EventBusName, in.Name))
	case TargetsInput:
		needs := on(namedRule(in.EventBusName, in.Rule))
		for _, t := range in.Targets {
			needs[0].Context = map[string][]string{"events:TargetArn": append(needs[0].Context["events:TargetArn"], t.Arn)}
			if t.RoleArn != "" {
				needs = append(needs, passRole(t.RoleArn))
			}
		}
		return needs
	case ArchiveSpec:
		return on(arn.New("events", "archive/"+in.ArchiveName))
	case StartReplayInput:
		return on(arn.New("events", "replay/"+in.ReplayName))
	case ReplayRef:
		return on(arn.New("events", "replay/"+in.ReplayName))
	case TagInput:
		need := wire.Access{Action: action, Resource: in.ResourceARN, Context: map[string][]string{}}
		maps.Copy(need.Context, wire.TagConditions(in.Tags, in.TagKeys))
		return []wire.Access{need}
	}
	return on("*")
}

// putEventsAccess is a permission for each bus, with the sources and types that go there.
func putEventsAccess(in PutEventsInput) []wire.Access {
	var needs []wire.Access
	at := map[string]int{}
	for _, e := range in.Entries {
		bus := namedBus(e.EventBusName)
		i, ok := at[bus]
		if !ok {
			i = len(needs)
			at[bus] = i
			needs = append(needs, wire.Access{Action: "events:PutEvents", Resource: bus, Context: map[string][]string{
				"events:eventBusInvocation": {"false"},
			}})
		}
		keys := needs[i].Context
		keys["events:source"] = append(keys["events:source"], e.Source)
		keys["events:detail-type"] = append(keys["events:detail-type"], e.DetailType)
	}
	return needs
}

func (in PutRuleInput) access(action string) []wire.Access {
	need := wire.Access{Action: action, Resource: namedRule(in.EventBusName, in.Name), Context: map[string][]string{}}
	needs := []wire.Access{need}
	if len(in.Tags) > 0 {
		maps.Copy(need.Context, wire.TagConditions(in.Tags, nil))
		needs = append(needs, wire.Access{Action: "events:TagResource", Resource: need.Resource, Context: need.Context})
	}
	if in.RoleArn != "" {
		needs = append(needs, passRole(in.RoleArn))
	}
	return needs
}

func passRole(role string) wire.Access {
	return wire.Access{Action: "iam:PassRole", Resource: role, Context: map[string][]string{"iam:PassedToService": {"events.amazonaws.com"}}}
}

// namedBus is the ARN of a bus that a client names or gives the ARN of.
func namedBus(nameOrARN string) string {
	if name, ok := busName(nameOrARN); ok {
		return busARN(name)
	}
	return nameOrARN
}

func namedRule(bus, rule string) string {
	if name, ok := busName(bus); ok {
		bus = name
	}
	return ruleARN(bus, rule)
}

// ResourcePolicy returns the policy of a bus; ok is false if it has none.
func (s *Service) ResourcePolicy(arn string) (doc iampolicy.Document, ok bool, err error) {
	s.mu.RLock()
	b, refused := s.bus(arn)
	s.mu.RUnlock()
	if refused != nil || len(b.Policy) == 0 {
		return doc, false, nil //nolint:nilerr // what does not exist has no policy
	}
	doc, err = iampolicy.Parse(iampolicy.Resource, string(b.Policy))
	return doc, err == nil, err
}
