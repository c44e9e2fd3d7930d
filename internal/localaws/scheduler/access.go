package scheduler

import (
	"cmp"
	"context"

	"github.com/the-alchemiser/alchemiser/internal/localaws/arn"
	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

// access returns the permissions that a call needs. Who makes a schedule hands its role over.
//
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoneventbridgescheduler.html
func (s *Service) access(_ context.Context, operation string, in any) []wire.Access {
	action := "scheduler:" + operation
	schedule := func(group, name string) []wire.Access {
		return []wire.Access{{Action: action, Resource: arn.New("scheduler", "schedule/"+cmp.Or(group, "default")+"/"+name)}}
	}
	switch in := in.(type) {
	case ScheduleInput:
		return append(schedule(in.GroupName, in.Name), wire.Access{
			Action: "iam:PassRole", Resource: in.Target.RoleArn,
			Context: map[string][]string{"iam:PassedToService": {"scheduler.amazonaws.com"}},
		})
	case ScheduleRef:
		return schedule(in.GroupName, in.Name)
	case ListInput:
		return schedule(cmp.Or(in.GroupName, "*"), "*")
	case GroupInput:
		conditions := wire.TagConditions(in.Tags, nil)
		needs := []wire.Access{{Action: action, Resource: groupARN(in.Name), Context: conditions}}
		if len(in.Tags) > 0 {
			needs = append(needs, wire.Access{Action: "scheduler:TagResource", Resource: groupARN(in.Name), Context: conditions})
		}
		return needs
	case TagInput:
		return []wire.Access{{Action: action, Resource: in.ResourceArn, Context: wire.TagConditions(in.Tags, in.TagKeys)}}
	}
	return []wire.Access{{Action: action, Resource: "*"}}
}
