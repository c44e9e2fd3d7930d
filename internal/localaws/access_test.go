package localaws_test

import (
	"context"
	"io"
	"log"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/the-alchemiser/alchemiser/internal/localaws"
	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

// everywhere are the operations that have no resource, by the Service Authorization Reference, or whose empty request names
// none.
var everywhere = []string{
	"dynamodb.BatchGetItem", "dynamodb.BatchWriteItem", "dynamodb.ListTables", "dynamodb.TransactGetItems", "dynamodb.TransactWriteItems",
	"events.ListArchives", "events.ListEventBuses", "events.ListReplays", "events.ListRuleNamesByTarget", "events.ListRules", "events.PutEvents", "events.TestEventPattern",
	"iam.ListOpenIDConnectProviders", "iam.ListPolicies", "iam.ListRoles",
	"kms.CreateKey", "kms.ListAliases", "kms.ListKeys",
	"lambda.CreateEventSourceMapping", "lambda.CreateFunction", "lambda.GetAccountSettings", "lambda.ListEventSourceMappings", "lambda.ListFunctions",
	"logs.DeleteResourcePolicy", "logs.DescribeResourcePolicies", "logs.PutResourcePolicy",
	"monitoring.DeleteAlarms", "monitoring.DeleteDashboards", "monitoring.DisableAlarmActions", "monitoring.EnableAlarmActions", "monitoring.GetMetricData", "monitoring.GetMetricStatistics", "monitoring.ListDashboards", "monitoring.ListMetrics", "monitoring.ListTagsForResource", "monitoring.PutMetricData", "monitoring.TagResource", "monitoring.UntagResource",
	"scheduler.ListScheduleGroups",
	"sns.ListSubscriptions", "sns.ListTopics",
	"sqs.ListQueues",
	"ssm.DescribeParameters",
	"xray.BatchGetTraces", "xray.GetGroups", "xray.GetSamplingRules", "xray.GetSamplingTargets", "xray.GetServiceGraph", "xray.GetTraceGraph", "xray.GetTraceSummaries", "xray.PutTraceSegments",
}

// An operation that a service forgets in its access.go would need a permission on "*", which policies of least privilege do
// not have.
func TestEveryOperationKnowsItsResource(t *testing.T) {
	services, err := localaws.Registry()
	if err != nil {
		t.Fatal(err)
	}
	var needs []wire.Access
	h := wire.NewHandler(services, func(_ context.Context, key string) (wire.Caller, bool) {
		return wire.Caller{AccessKeyID: key}, true
	}, log.New(io.Discard, "", 0))
	h.Authorize = func(_ context.Context, _ *wire.Request, n []wire.Access) error {
		needs = n
		return wire.Errorf("Denied", "not carried out")
	}
	var found []string
	for _, s := range services {
		for _, op := range s.Operations {
			needs = nil
			h.ServeHTTP(httptest.NewRecorder(), request(t, "http://endpoint", s, op))
			if slices.ContainsFunc(needs, func(n wire.Access) bool { return n.Resource == "*" }) {
				found = append(found, s.Name+"."+op.Name)
			}
			for _, n := range needs {
				if prefix, _, _ := strings.Cut(n.Action, ":"); prefix == "" || strings.Contains(n.Action, "Batch") && s.Name == "sqs" {
					t.Errorf("%s.%s needs %q", s.Name, op.Name, n.Action)
				}
			}
		}
	}
	slices.Sort(found)
	for _, name := range found {
		if !slices.Contains(everywhere, name) {
			t.Errorf("%s needs a permission on *: say in the service's access.go on what, or here that it has no resource", name)
		}
	}
	for _, name := range everywhere {
		if !slices.Contains(found, name) {
			t.Errorf("%s has a resource, or is gone", name)
		}
	}
}
