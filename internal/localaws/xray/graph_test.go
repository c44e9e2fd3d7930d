package xray_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/xray"
	"github.com/aws/aws-sdk-go-v2/service/xray/types"
	"github.com/google/go-cmp/cmp"
)

// drawn returns a graph as lines: "name (type) 2 calls, 1 fault -> name (type), …".
func drawn(services []types.Service) []string {
	names := map[int32]string{}
	for _, s := range services {
		names[aws.ToInt32(s.ReferenceId)] = fmt.Sprintf("%s (%s)", aws.ToString(s.Name), aws.ToString(s.Type))
	}
	var lines []string
	for _, s := range services {
		line := fmt.Sprintf("%s %d calls, %d faults", names[aws.ToInt32(s.ReferenceId)], aws.ToInt64(s.SummaryStatistics.TotalCount), aws.ToInt64(s.SummaryStatistics.FaultStatistics.TotalCount))
		if aws.ToBool(s.Root) {
			line += ", root"
		}
		var to []string
		for _, e := range s.Edges {
			to = append(to, fmt.Sprintf("%s ×%d", names[aws.ToInt32(e.ReferenceId)], aws.ToInt64(e.SummaryStatistics.TotalCount)))
		}
		slices.Sort(to)
		if len(to) > 0 {
			line += " -> " + strings.Join(to, ", ")
		}
		lines = append(lines, line)
	}
	slices.Sort(lines)
	return lines
}

func TestServiceGraph(t *testing.T) {
	_, client := setUp(t)
	now := float64(time.Now().UnixMilli())/1000 - 10
	one, two := newTrace(1), newTrace(2)
	segment := func(trace, id, parent, name, origin string, more string) string {
		return fmt.Sprintf(`{"trace_id":%q,"id":%q,"parent_id":%q,"name":%q,"origin":%q,"start_time":%f,"end_time":%f%s}`, trace, id, parent, name, origin, now, now+0.25, more)
	}
	put(t, client,
		segment(one, "000000000000000a", "", "strategy", "AWS::Lambda::Function", fmt.Sprintf(`,"subsegments":[
			{"id":"00000000000000a1","name":"DynamoDB","namespace":"aws","start_time":%f,"end_time":%f},
			{"id":"00000000000000a2","name":"broker","namespace":"remote","start_time":%f,"end_time":%f,"fault":true},
			{"id":"00000000000000a3","name":"publish","start_time":%f,"end_time":%f}]`, now, now+0.1, now, now+0.1, now, now+0.1)),
		segment(one, "000000000000000b", "00000000000000a3", "portfolio", "AWS::Lambda::Function", ""),
		segment(two, "000000000000000c", "", "strategy", "AWS::Lambda::Function", `,"fault":true`),
		// A subsegment that was sent on its own belongs to the segment that it names.
		fmt.Sprintf(`{"trace_id":%q,"id":"00000000000000c1","parent_id":"000000000000000c","type":"subsegment","name":"DynamoDB","namespace":"aws","start_time":%f,"end_time":%f}`, two, now, now+0.1),
	)
	want := []string{
		"DynamoDB (AWS::DynamoDB) 2 calls, 0 faults",
		"broker (remote) 1 calls, 1 faults",
		"portfolio (AWS::Lambda::Function) 1 calls, 0 faults",
		"strategy (AWS::Lambda::Function) 2 calls, 1 faults, root -> DynamoDB (AWS::DynamoDB) ×2, broker (remote) ×1, portfolio (AWS::Lambda::Function) ×1",
		"strategy (client) 2 calls, 1 faults -> strategy (AWS::Lambda::Function) ×2",
	}
	graph, err := client.GetServiceGraph(t.Context(), &sdk.GetServiceGraphInput{StartTime: aws.Time(time.Now().Add(-time.Hour)), EndTime: aws.Time(time.Now().Add(time.Minute))})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, drawn(graph.Services)); d != "" {
		t.Errorf("graph (-want +got):\n%s", d)
	}
	if h := graph.Services[0].DurationHistogram; len(h) != 1 || aws.ToInt32(&h[0].Count) != 2 || h[0].Value != 0.25 {
		t.Errorf("durations: %+v, want twice a quarter of a second", h)
	}

	ofOne, err := client.GetTraceGraph(t.Context(), &sdk.GetTraceGraphInput{TraceIds: []string{one}})
	if err != nil {
		t.Fatal(err)
	}
	if got := drawn(ofOne.Services); len(got) != 5 || !strings.HasPrefix(got[3], "strategy (AWS::Lambda::Function) 1 calls, 0 faults") {
		t.Errorf("the graph of one trace: %q", got)
	}

	if _, err := client.CreateGroup(t.Context(), &sdk.CreateGroupInput{GroupName: aws.String("failed"), FilterExpression: aws.String("fault")}); err != nil {
		t.Fatal(err)
	}
	failed, err := client.GetServiceGraph(t.Context(), &sdk.GetServiceGraphInput{
		StartTime: aws.Time(time.Now().Add(-time.Hour)), EndTime: aws.Time(time.Now().Add(time.Minute)), GroupName: aws.String("failed"),
	})
	if err != nil || len(drawn(failed.Services)) != 3 {
		t.Errorf("the graph of a group: %q, %v, want the client, strategy and DynamoDB", drawn(failed.Services), err)
	}
	if _, err := client.GetServiceGraph(t.Context(), &sdk.GetServiceGraphInput{StartTime: aws.Time(time.Now().Add(-7 * time.Hour)), EndTime: aws.Time(time.Now())}); err == nil {
		t.Error("seven hours were accepted, the most are six")
	}
}
