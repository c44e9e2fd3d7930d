package logs_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/the-alchemiser/alchemiser/internal/localaws/logs"
	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"

	"github.com/aws/aws-sdk-go-v2/aws"
	client "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
)

func TestCallsNeedThePermissionsOfTheAuthorizationReference(t *testing.T) {
	t.Parallel()
	e := serve(t, memory(t))
	if _, err := e.CreateLogGroup(t.Context(), &client.CreateLogGroupInput{
		LogGroupName: aws.String("tagged"), Tags: map[string]string{"owner": "desk"},
	}); err != nil {
		t.Fatal(err)
	}
	const group = "arn:aws:logs:us-east-1:000000000000:log-group:"
	need := func(action, resource string, conditions map[string][]string) wire.Access {
		if conditions == nil {
			conditions = map[string][]string{}
		}
		return wire.Access{Action: "logs:" + action, Resource: group + resource, Context: conditions}
	}
	owned := map[string][]string{"aws:ResourceTag/owner": {"desk"}}
	set := map[string][]string{"aws:RequestTag/k": {"v"}, "aws:TagKeys": {"k"}}
	keys := map[string][]string{"aws:TagKeys": {"k", "l"}}
	anything := func(action string) wire.Access { return wire.Access{Action: "logs:" + action, Resource: "*"} }
	tests := map[string][]struct {
		in   any
		want []wire.Access
	}{
		"CreateLogGroup": {
			{logs.GroupInput{LogGroupName: "g"}, []wire.Access{need("CreateLogGroup", "g:log-stream:", nil)}},
			{logs.GroupInput{LogGroupName: "g", Tags: map[string]string{"k": "v"}}, []wire.Access{
				need("CreateLogGroup", "g:log-stream:", set), need("TagResource", "g", set),
			}},
		},
		"DeleteLogGroup":        {{logs.GroupInput{LogGroupName: "tagged"}, []wire.Access{need("DeleteLogGroup", "tagged:log-stream:", owned)}}},
		"PutRetentionPolicy":    {{logs.GroupInput{LogGroupName: "g"}, []wire.Access{need("PutRetentionPolicy", "g:log-stream:", nil)}}},
		"DeleteRetentionPolicy": {{logs.GroupInput{LogGroupName: "g"}, []wire.Access{need("DeleteRetentionPolicy", "g:log-stream:", nil)}}},
		"DescribeLogGroups":     {{logs.DescribeGroupsInput{Prefix: "g"}, []wire.Access{need("DescribeLogGroups", ":log-stream:", nil)}}},
		"ListTagsForResource":   {{logs.TagsInput{ResourceARN: group + "tagged"}, []wire.Access{need("ListTagsForResource", "tagged", owned)}}},
		"TagResource":           {{logs.TagsInput{ResourceARN: group + "g:*", Tags: map[string]string{"k": "v"}}, []wire.Access{need("TagResource", "g", set)}}},
		"UntagResource":         {{logs.TagsInput{ResourceARN: group + "g", TagKeys: []string{"l", "k"}}, []wire.Access{need("UntagResource", "g", keys)}}},
		"ListTagsLogGroup":      {{logs.TagsInput{LogGroupName: "tagged"}, []wire.Access{need("ListTagsLogGroup", "tagged", owned)}}},
		"TagLogGroup":           {{logs.TagsInput{LogGroupName: "g", Tags: map[string]string{"k": "v"}}, []wire.Access{need("TagLogGroup", "g", set)}}},
		"UntagLogGroup":         {{logs.UntagGroupInput{LogGroupName: "g", Tags: []string{"k", "l"}}, []wire.Access{need("UntagLogGroup", "g", keys)}}},
		"CreateLogStream":       {{logs.StreamInput{LogGroupName: "g", LogStreamName: "s"}, []wire.Access{need("CreateLogStream", "g:log-stream:", nil)}}},
		"DeleteLogStream":       {{logs.StreamInput{LogGroupName: "g", LogStreamName: "s"}, []wire.Access{need("DeleteLogStream", "g:log-stream:s", nil)}}},
		"DescribeLogStreams": {
			{logs.DescribeStreamsInput{LogGroupName: "g"}, []wire.Access{need("DescribeLogStreams", "g:log-stream:", nil)}},
			{logs.DescribeStreamsInput{LogGroupIdentifier: group + "g"}, []wire.Access{need("DescribeLogStreams", "g:log-stream:", nil)}},
		},
		"PutLogEvents":                {{logs.PutEventsInput{LogGroupName: "tagged", LogStreamName: "s"}, []wire.Access{need("PutLogEvents", "tagged:log-stream:s", owned)}}},
		"GetLogEvents":                {{logs.GetEventsInput{LogGroupIdentifier: group + "g", LogStreamName: "s"}, []wire.Access{need("GetLogEvents", "g:log-stream:s", nil)}}},
		"FilterLogEvents":             {{logs.FilterInput{LogGroupName: "g"}, []wire.Access{need("FilterLogEvents", "g:log-stream:", nil)}}},
		"PutResourcePolicy":           {{logs.PolicyInput{PolicyName: "p"}, []wire.Access{anything("PutResourcePolicy")}}},
		"DescribeResourcePolicies":    {{wire.Empty{}, []wire.Access{anything("DescribeResourcePolicies")}}},
		"DeleteResourcePolicy":        {{logs.PolicyInput{PolicyName: "p"}, []wire.Access{anything("DeleteResourcePolicy")}}},
		"PutMetricFilter":             {{logs.MetricFilter{LogGroupName: "g"}, []wire.Access{need("PutMetricFilter", "g:log-stream:", nil)}}},
		"DescribeMetricFilters":       {{logs.DescribeMetricFiltersInput{}, []wire.Access{need("DescribeMetricFilters", ":log-stream:", nil)}}},
		"DeleteMetricFilter":          {{logs.MetricFilter{LogGroupName: "g"}, []wire.Access{need("DeleteMetricFilter", "g:log-stream:", nil)}}},
		"PutSubscriptionFilter":       {{logs.SubscriptionFilterInput{LogGroupName: "g"}, []wire.Access{need("PutSubscriptionFilter", "g:log-stream:", nil)}}},
		"DescribeSubscriptionFilters": {{logs.SubscriptionFilterInput{LogGroupName: "g"}, []wire.Access{need("DescribeSubscriptionFilters", "g:log-stream:", nil)}}},
	}
	api := e.service.API()
	for _, op := range api.Operations {
		if len(tests[op.Name]) == 0 {
			t.Errorf("%s: no test says what permission it needs", op.Name)
		}
		for _, tt := range tests[op.Name] {
			if diff := cmp.Diff(tt.want, api.Access(t.Context(), op.Name, tt.in)); diff != "" {
				t.Errorf("%s %+v (-want +got):\n%s", op.Name, tt.in, diff)
			}
		}
	}
}
