package logs

import (
	"context"
	"maps"

	"github.com/the-alchemiser/alchemiser/internal/localaws/arn"
	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

// access returns the permissions that a call needs. Calls on a group are judged, as AWS's denials show, on
// "log-group:NAME:log-stream:": a policy must end in ":*". Only those on tags are judged on the group's own ARN.
//
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatchlogs.html
func (s *Service) access(_ context.Context, operation string, in any) []wire.Access {
	switch in := in.(type) {
	case GroupInput:
		needs := s.onStream(operation, in.LogGroupName, "")
		if operation == "CreateLogGroup" {
			conditions := wire.TagMapConditions(in.Tags, nil)
			maps.Copy(needs[0].Context, conditions)
			if len(in.Tags) > 0 {
				needs = append(needs, s.onGroup("TagResource", in.LogGroupName, conditions)...)
			}
		}
		return needs
	case TagsInput:
		return s.onGroup(operation, in.ResourceARN+in.LogGroupName, wire.TagMapConditions(in.Tags, in.TagKeys))
	case UntagGroupInput:
		return s.onGroup(operation, in.LogGroupName, wire.TagMapConditions(nil, in.Tags))
	case StreamInput:
		if operation == "CreateLogStream" {
			return s.onStream(operation, in.LogGroupName, "")
		}
		return s.onStream(operation, in.LogGroupName, in.LogStreamName)
	case PutEventsInput:
		return s.onStream(operation, in.LogGroupName, in.LogStreamName)
	case GetEventsInput:
		return s.onStream(operation, in.LogGroupName+in.LogGroupIdentifier, in.LogStreamName)
	case FilterInput:
		return s.onStream(operation, in.LogGroupName+in.LogGroupIdentifier, "")
	case DescribeStreamsInput:
		return s.onStream(operation, in.LogGroupName+in.LogGroupIdentifier, "")
	case DescribeGroupsInput:
		return s.onStream(operation, "", "")
	case MetricFilter:
		return s.onStream(operation, in.LogGroupName, "")
	case DescribeMetricFiltersInput:
		return s.onStream(operation, in.LogGroupName, "")
	case SubscriptionFilterInput:
		return s.onStream(operation, in.LogGroupName, "")
	}
	return []wire.Access{{Action: "logs:" + operation, Resource: "*"}}
}

func (s *Service) onStream(operation, group, stream string) []wire.Access {
	needs := s.onGroup(operation, group, nil)
	needs[0].Resource += ":log-stream:" + stream
	return needs
}

func (s *Service) onGroup(operation, group string, conditions map[string][]string) []wire.Access {
	name := groupName(group)
	all := map[string][]string{}
	maps.Copy(all, conditions)
	s.mu.RLock()
	defer s.mu.RUnlock()
	if o, ok := s.byName[name]; ok {
		for key, value := range o.Tags {
			all["aws:ResourceTag/"+key] = []string{value}
		}
	}
	return []wire.Access{{Action: "logs:" + operation, Resource: arn.New("logs", "log-group:"+name), Context: all}}
}
