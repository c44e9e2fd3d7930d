package xray_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/xray"
	"github.com/aws/aws-sdk-go-v2/service/xray/types"
	"github.com/google/go-cmp/cmp"

	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
	"github.com/the-alchemiser/alchemiser/internal/localaws/xray"
)

func TestCallsNeedThePermissionsOfTheAuthorizationReference(t *testing.T) {
	s, c := setUp(t)
	made, err := c.CreateGroup(t.Context(), &sdk.CreateGroupInput{
		GroupName: aws.String("tagged"), Tags: []types.Tag{{Key: aws.String("owner"), Value: aws.String("desk")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	const prefix = "arn:aws:xray:us-east-1:000000000000:"
	need := func(action, resource string, conditions map[string][]string) []wire.Access {
		if conditions == nil {
			conditions = map[string][]string{}
		}
		return []wire.Access{{Action: "xray:" + action, Resource: resource, Context: conditions}}
	}
	owned := map[string][]string{"aws:ResourceTag/owner": {"desk"}}
	set := map[string][]string{"aws:RequestTag/k": {"v"}, "aws:TagKeys": {"k"}}
	tagged := *made.Group.GroupARN
	rule := prefix + "sampling-rule/r"
	update := xray.SamplingRuleUpdateInput{}
	update.SamplingRuleUpdate.RuleName = "r"
	tests := map[string]struct {
		in   any
		want []wire.Access
	}{
		"CreateGroup":         {xray.GroupInput{GroupName: "g", Tags: []xray.Tag{{Key: "k", Value: "v"}}}, append(need("CreateGroup", prefix+"group/g/", set), need("TagResource", prefix+"group/g/", set)...)},
		"GetGroup":            {xray.GroupInput{GroupARN: tagged}, need("GetGroup", tagged, owned)},
		"UpdateGroup":         {xray.GroupInput{GroupName: "tagged"}, need("UpdateGroup", tagged, owned)},
		"DeleteGroup":         {xray.GroupInput{GroupName: "tagged"}, need("DeleteGroup", tagged, owned)},
		"CreateSamplingRule":  {xray.SamplingRuleInput{SamplingRule: xray.SamplingRule{RuleName: "r"}}, need("CreateSamplingRule", rule, nil)},
		"UpdateSamplingRule":  {update, need("UpdateSamplingRule", rule, nil)},
		"DeleteSamplingRule":  {xray.SamplingRuleInput{RuleARN: rule}, need("DeleteSamplingRule", rule, nil)},
		"ListTagsForResource": {xray.TagInput{ResourceARN: tagged}, need("ListTagsForResource", tagged, owned)},
		"TagResource":         {xray.TagInput{ResourceARN: rule, Tags: []xray.Tag{{Key: "k", Value: "v"}}}, need("TagResource", rule, set)},
		"UntagResource":       {xray.TagInput{ResourceARN: rule, TagKeys: []string{"k"}}, need("UntagResource", rule, map[string][]string{"aws:TagKeys": {"k"}})},
	}
	// These have no resource.
	for _, action := range []string{
		"PutTraceSegments", "PutTelemetryRecords", "GetTraceSummaries", "BatchGetTraces", "GetServiceGraph", "GetTraceGraph",
		"GetGroups", "GetSamplingRules", "GetSamplingTargets",
	} {
		tt := tests[action]
		tt.in, tt.want = wire.Empty{}, []wire.Access{{Action: "xray:" + action, Resource: "*"}}
		tests[action] = tt
	}
	api := s.API()
	for _, op := range api.Operations {
		tt, ok := tests[op.Name]
		if !ok {
			t.Errorf("%s: no test says what permission it needs", op.Name)
			continue
		}
		if diff := cmp.Diff(tt.want, api.Access(t.Context(), op.Name, tt.in)); diff != "" {
			t.Errorf("%s %+v (-want +got):\n%s", op.Name, tt.in, diff)
		}
	}
}

func TestGroupsAndRulesAreKept(t *testing.T) {
	s, c := setUp(t)
	ctx := t.Context()
	made, err := c.CreateGroup(ctx, &sdk.CreateGroupInput{GroupName: aws.String("slow"), FilterExpression: aws.String("duration > 5")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.CreateGroup(ctx, &sdk.CreateGroupInput{GroupName: aws.String("bad"), FilterExpression: aws.String("duration >")}); err == nil {
		t.Error("a group with an expression that does not parse was made")
	}
	if _, err := c.UpdateGroup(ctx, &sdk.UpdateGroupInput{GroupName: aws.String("slow"), FilterExpression: aws.String("duration > 6")}); err != nil {
		t.Error(err)
	}
	got, err := c.GetGroup(ctx, &sdk.GetGroupInput{GroupARN: made.Group.GroupARN})
	if err != nil || *got.Group.FilterExpression != "duration > 6" {
		t.Errorf("group = %+v, %v", got, err)
	}
	all, err := c.GetGroups(ctx, &sdk.GetGroupsInput{})
	if err != nil || len(all.Groups) != 2 {
		t.Errorf("groups = %+v, %v, want Default and slow", all, err)
	}
	rule := types.SamplingRule{
		RuleName: aws.String("half"), Priority: aws.Int32(5), FixedRate: 0.5, ReservoirSize: 3, Version: aws.Int32(1),
		ResourceARN: aws.String("*"), ServiceName: aws.String("*"), ServiceType: aws.String("*"), Host: aws.String("*"),
		HTTPMethod: aws.String("*"), URLPath: aws.String("*"),
	}
	if _, err := c.CreateSamplingRule(ctx, &sdk.CreateSamplingRuleInput{SamplingRule: &rule}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.UpdateSamplingRule(ctx, &sdk.UpdateSamplingRuleInput{SamplingRuleUpdate: &types.SamplingRuleUpdate{
		RuleName: aws.String("half"), FixedRate: aws.Float64(0.25),
	}}); err != nil {
		t.Error(err)
	}
	ruleARN := aws.String("arn:aws:xray:us-east-1:000000000000:sampling-rule/half")
	if _, err := c.TagResource(ctx, &sdk.TagResourceInput{ResourceARN: ruleARN, Tags: []types.Tag{{Key: aws.String("k"), Value: aws.String("v")}}}); err != nil {
		t.Error(err)
	}
	tags, err := c.ListTagsForResource(ctx, &sdk.ListTagsForResourceInput{ResourceARN: ruleARN})
	if err != nil || len(tags.Tags) != 1 {
		t.Errorf("tags = %+v, %v", tags, err)
	}
	rules, err := c.GetSamplingRules(ctx, &sdk.GetSamplingRulesInput{})
	if err != nil || len(rules.SamplingRuleRecords) != 2 || rules.SamplingRuleRecords[1].SamplingRule.FixedRate != 0.25 {
		t.Errorf("rules = %+v, %v", rules, err)
	}
	targets, err := c.GetSamplingTargets(ctx, &sdk.GetSamplingTargetsInput{SamplingStatisticsDocuments: []types.SamplingStatisticsDocument{
		{RuleName: aws.String("half"), ClientID: aws.String("a"), Timestamp: aws.Time(time.Now())}, {RuleName: aws.String("none"), ClientID: aws.String("a"), Timestamp: aws.Time(time.Now())},
	}})
	if err != nil || len(targets.SamplingTargetDocuments) != 1 || targets.SamplingTargetDocuments[0].FixedRate != 0.25 || len(targets.UnprocessedStatistics) != 1 {
		t.Errorf("targets = %+v, %v", targets, err)
	}
	if arns, err := s.Inventory(); err != nil || len(arns) != 2 {
		t.Errorf("inventory = %v, %v", arns, err)
	}
	_, ruleErr := c.DeleteSamplingRule(ctx, &sdk.DeleteSamplingRuleInput{RuleName: aws.String("half")})
	_, groupErr := c.DeleteGroup(ctx, &sdk.DeleteGroupInput{GroupName: aws.String("slow")})
	if ruleErr != nil || groupErr != nil {
		t.Error(ruleErr, groupErr)
	}
	if _, err := c.GetGroup(ctx, &sdk.GetGroupInput{GroupName: aws.String("slow")}); err == nil {
		t.Error("a deleted group is there")
	}
}
