package ssm_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/the-alchemiser/alchemiser/internal/localaws/ssm"
	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsssm "github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
)

const parameters = "arn:aws:ssm:us-east-1:000000000000:parameter/"

// need is a permission for a parameter or path.
func need(action, path string, conditions map[string][]string) wire.Access {
	if conditions == nil {
		conditions = map[string][]string{}
	}
	return wire.Access{Action: "ssm:" + action, Resource: parameters + path, Context: conditions}
}

func TestCallsNeedThePermissionsOfTheAuthorizationReference(t *testing.T) {
	c, s := newClient(t)
	put(t, c, awsssm.PutParameterInput{
		Name: aws.String("/team/tagged"), Value: aws.String("v"), Type: types.ParameterTypeString,
		Tags: []types.Tag{{Key: aws.String("owner"), Value: aws.String("desk")}},
	})
	ofTagged := map[string][]string{"aws:ResourceTag/owner": {"desk"}, "ssm:resourceTag/owner": {"desk"}}
	withTags := map[string][]string{"aws:RequestTag/k": {"v"}, "aws:TagKeys": {"k"}}
	tests := map[string][]struct {
		in   any
		want []wire.Access
	}{
		"PutParameter": {
			{ssm.PutParameterInput{Name: "/a", Overwrite: true}, []wire.Access{need("PutParameter", "a", map[string][]string{"ssm:Overwrite": {"true"}})}},
			{ssm.PutParameterInput{Name: "a", Policies: "[]"}, []wire.Access{
				need("PutParameter", "a", map[string][]string{"ssm:Overwrite": {"false"}, "ssm:Policies": {"true"}}),
			}},
			{ssm.PutParameterInput{Name: "/a", Tags: []ssm.Tag{{Key: "k", Value: "v"}}}, []wire.Access{
				need("PutParameter", "a", map[string][]string{"ssm:Overwrite": {"false"}, "aws:RequestTag/k": {"v"}, "aws:TagKeys": {"k"}}),
				need("AddTagsToResource", "a", withTags),
			}},
		},
		"GetParameter": {
			{ssm.GetParameterInput{Name: "/team/tagged"}, []wire.Access{need("GetParameter", "team/tagged", ofTagged)}},
			{ssm.GetParameterInput{Name: "/team/tagged:1"}, []wire.Access{need("GetParameter", "team/tagged", ofTagged)}},
			{ssm.GetParameterInput{Name: parameters + "team/tagged"}, []wire.Access{need("GetParameter", "team/tagged", ofTagged)}},
		},
		"GetParameters":    {{ssm.GetParametersInput{Names: []string{"a", "/b"}}, []wire.Access{need("GetParameters", "a", nil), need("GetParameters", "b", nil)}}},
		"DeleteParameter":  {{ssm.DeleteParameterInput{Name: "a"}, []wire.Access{need("DeleteParameter", "a", nil)}}},
		"DeleteParameters": {{ssm.DeleteParametersInput{Names: []string{"a", "b"}}, []wire.Access{need("DeleteParameters", "a", nil), need("DeleteParameters", "b", nil)}}},
		"GetParametersByPath": {
			{ssm.GetParametersByPathInput{Path: "/a/b/", Recursive: true}, []wire.Access{need("GetParametersByPath", "a/b", map[string][]string{"ssm:Recursive": {"true"}})}},
			{ssm.GetParametersByPathInput{Path: "/"}, []wire.Access{need("GetParametersByPath", "", map[string][]string{"ssm:Recursive": {"false"}})}},
		},
		"DescribeParameters":  {{ssm.DescribeParametersInput{}, []wire.Access{{Action: "ssm:DescribeParameters", Resource: "*"}}}},
		"ListTagsForResource": {{ssm.TagInput{ResourceId: "/team/tagged"}, []wire.Access{need("ListTagsForResource", "team/tagged", ofTagged)}}},
		"AddTagsToResource": {
			{ssm.TagInput{ResourceId: "/a", Tags: []ssm.Tag{{Key: "k", Value: "v"}}}, []wire.Access{need("AddTagsToResource", "a", withTags)}},
		},
		"RemoveTagsFromResource": {
			{ssm.TagInput{ResourceId: "/a", TagKeys: []string{"k"}}, []wire.Access{need("RemoveTagsFromResource", "a", map[string][]string{"aws:TagKeys": {"k"}})}},
		},
	}
	api := s.API()
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
