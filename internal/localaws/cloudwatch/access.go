package cloudwatch

import (
	"context"
	"slices"

	"github.com/the-alchemiser/alchemiser/internal/localaws/arn"
	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

// access returns the permissions that a call needs. Reading and writing metrics has no resource.
//
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatch.html
func (s *Service) access(_ context.Context, operation string, in any) []wire.Access {
	switch in := in.(type) {
	case PutMetricDataInput:
		return []wire.Access{{Action: "cloudwatch:PutMetricData", Resource: "*", Context: map[string][]string{"cloudwatch:namespace": {in.Namespace}}}}
	case PutAlarmInput:
		conditions := wire.TagConditions(in.Tags, nil)
		if actions := slices.Concat(in.AlarmActions, in.OKActions, in.InsufficientDataActions); len(actions) > 0 {
			conditions["cloudwatch:AlarmActions"] = actions
		}
		needs := []wire.Access{{Action: "cloudwatch:" + operation, Resource: alarmARN(in.AlarmName), Context: conditions}}
		if len(in.Tags) > 0 {
			needs = append(needs, wire.Access{Action: "cloudwatch:TagResource", Resource: alarmARN(in.AlarmName), Context: wire.TagConditions(in.Tags, nil)})
		}
		return needs
	case SetStateInput:
		return on(operation, alarmARN, in.AlarmName)
	case AlarmsInput:
		return on(operation, alarmARN, in.AlarmNames...)
	case DescribeAlarmsInput:
		if len(in.AlarmNames) > 0 {
			return on(operation, alarmARN, in.AlarmNames...)
		}
		return on(operation, alarmARN, "*")
	case HistoryInput:
		if in.AlarmName != "" {
			return on(operation, alarmARN, in.AlarmName)
		}
		return on(operation, alarmARN, "*")
	case DashboardInput:
		return on(operation, dashboardARN, in.DashboardName)
	case DeleteDashboardsInput:
		return on(operation, dashboardARN, in.DashboardNames...)
	case TagInput:
		resource := in.ResourceARN
		if _, ok := arn.Parse(resource); !ok {
			resource = "*"
		}
		return []wire.Access{{Action: "cloudwatch:" + operation, Resource: resource, Context: wire.TagConditions(in.Tags, in.TagKeys)}}
	}
	return []wire.Access{{Action: "cloudwatch:" + operation, Resource: "*"}}
}

func on(operation string, resource func(string) string, names ...string) []wire.Access {
	needs := []wire.Access{}
	for _, name := range names {
		needs = append(needs, wire.Access{Action: "cloudwatch:" + operation, Resource: resource(name)})
	}
	if len(needs) == 0 {
		return []wire.Access{{Action: "cloudwatch:" + operation, Resource: "*"}}
	}
	return needs
}
