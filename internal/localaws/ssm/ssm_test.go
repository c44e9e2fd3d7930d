package ssm_test

import (
	"context"
	"errors"
	"io"
	"log"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awsssm "github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/aws/smithy-go"

	"github.com/the-alchemiser/alchemiser/internal/localaws/clock"
	"github.com/the-alchemiser/alchemiser/internal/localaws/ssm"
	"github.com/the-alchemiser/alchemiser/internal/localaws/state"
	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

func newClient(t *testing.T) (*awsssm.Client, *ssm.Service) {
	t.Helper()
	store, err := state.Open("")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	s, err := ssm.New(ssm.Config{Store: store, Clock: clock.New()})
	if err != nil {
		t.Fatal(err)
	}
	operator := func(_ context.Context, key string) (wire.Caller, bool) {
		return wire.Caller{AccessKeyID: key, ARN: "arn:aws:iam::000000000000:root"}, true
	}
	server := httptest.NewServer(wire.NewHandler([]wire.Service{s.API()}, operator, log.New(io.Discard, "", 0)))
	t.Cleanup(server.Close)
	return awsssm.New(awsssm.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(server.URL), RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	}), s
}

func put(t *testing.T, c *awsssm.Client, in awsssm.PutParameterInput) int64 {
	t.Helper()
	out, err := c.PutParameter(t.Context(), &in)
	if err != nil {
		t.Fatal(err)
	}
	return out.Version
}

func code(err error) string {
	var refused smithy.APIError
	if errors.As(err, &refused) {
		return refused.ErrorCode()
	}
	return ""
}

// Terraform's provider plans a change for ever where one of these is missing.
func TestParameterHasWhatTerraformInsistsOn(t *testing.T) {
	c, s := newClient(t)
	put(t, c, awsssm.PutParameterInput{
		Name: aws.String("/a/b"), Value: aws.String("v"), Type: types.ParameterTypeSecureString, Description: aws.String("d"),
		Tags: []types.Tag{{Key: aws.String("k"), Value: aws.String("v")}},
	})
	got, err := c.GetParameter(t.Context(), &awsssm.GetParameterInput{Name: aws.String("/a/b"), WithDecryption: aws.Bool(true)})
	if err != nil {
		t.Fatal(err)
	}
	p := got.Parameter
	if aws.ToString(p.Name) != "/a/b" || p.Type != types.ParameterTypeSecureString || aws.ToString(p.Value) != "v" ||
		aws.ToString(p.ARN) != "arn:aws:ssm:us-east-1:000000000000:parameter/a/b" || p.Version != 1 || p.LastModifiedDate == nil {
		t.Errorf("GetParameter: %+v", p)
	}
	listed, err := c.DescribeParameters(t.Context(), &awsssm.DescribeParametersInput{
		ParameterFilters: []types.ParameterStringFilter{{Key: aws.String("Name"), Option: aws.String("Equals"), Values: []string{"/a/b"}}},
	})
	if err != nil || len(listed.Parameters) != 1 {
		t.Fatalf("DescribeParameters: %+v, %v", listed, err)
	}
	m := listed.Parameters[0]
	if m.Tier != types.ParameterTierStandard || aws.ToString(m.KeyId) != "alias/aws/ssm" || aws.ToString(m.DataType) != "text" || aws.ToString(m.Description) != "d" {
		t.Errorf("DescribeParameters: %+v", m)
	}
	if _, err := c.GetParameter(t.Context(), &awsssm.GetParameterInput{Name: aws.String("/none")}); code(err) != "ParameterNotFound" {
		t.Errorf("a missing parameter: %v", err)
	}
	if arns, err := s.Inventory(); err != nil || !slices.Equal(arns, []string{"arn:aws:ssm:us-east-1:000000000000:parameter/a/b"}) {
		t.Errorf("inventory %v, %v", arns, err)
	}
}

func TestParameterIsUpdatedInPlaceAndDeleted(t *testing.T) {
	c, s := newClient(t)
	in := awsssm.PutParameterInput{
		Name: aws.String("p"), Value: aws.String("1"), Type: types.ParameterTypeString, Description: aws.String("d"),
		Tags: []types.Tag{{Key: aws.String("k"), Value: aws.String("v")}, {Key: aws.String("l"), Value: aws.String("v")}},
	}
	put(t, c, in)
	if _, err := c.PutParameter(t.Context(), &in); code(err) != "ParameterAlreadyExists" {
		t.Errorf("the second creation: %v", err)
	}
	if v := put(t, c, awsssm.PutParameterInput{Name: aws.String("p"), Value: aws.String("2"), Overwrite: aws.Bool(true)}); v != 2 {
		t.Errorf("version %d, want 2", v)
	}
	resource := types.ResourceTypeForTaggingParameter
	if _, err := c.RemoveTagsFromResource(t.Context(), &awsssm.RemoveTagsFromResourceInput{ResourceType: resource, ResourceId: aws.String("p"), TagKeys: []string{"k"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.AddTagsToResource(t.Context(), &awsssm.AddTagsToResourceInput{ResourceType: resource, ResourceId: aws.String("p"), Tags: []types.Tag{{Key: aws.String("l"), Value: aws.String("w")}}}); err != nil {
		t.Fatal(err)
	}
	tags, err := c.ListTagsForResource(t.Context(), &awsssm.ListTagsForResourceInput{ResourceType: resource, ResourceId: aws.String("p")})
	if err != nil || len(tags.TagList) != 1 || aws.ToString(tags.TagList[0].Value) != "w" {
		t.Errorf("tags %+v, %v", tags, err)
	}
	for _, name := range []string{"p", "p:2", "arn:aws:ssm:us-east-1:000000000000:parameter/p"} {
		got, err := c.GetParameter(t.Context(), &awsssm.GetParameterInput{Name: aws.String(name)})
		if err != nil || aws.ToString(got.Parameter.Value) != "2" {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	if _, err := c.GetParameter(t.Context(), &awsssm.GetParameterInput{Name: aws.String("p:1")}); code(err) != "ParameterVersionNotFound" {
		t.Errorf("an old version: %v", err)
	}
	if _, err := c.DeleteParameter(t.Context(), &awsssm.DeleteParameterInput{Name: aws.String("p")}); err != nil {
		t.Error(err)
	}
	if _, err := c.DeleteParameter(t.Context(), &awsssm.DeleteParameterInput{Name: aws.String("p")}); code(err) != "ParameterNotFound" {
		t.Errorf("the second deletion: %v", err)
	}
	if arns, err := s.Inventory(); err != nil || len(arns) != 0 {
		t.Errorf("left over: %v, %v", arns, err)
	}
}

func TestParametersByPath(t *testing.T) {
	c, _ := newClient(t)
	for _, name := range []string{"/a/1", "/a/2", "/a/b/3", "/ab/4", "plain"} {
		put(t, c, awsssm.PutParameterInput{Name: aws.String(name), Value: aws.String("v"), Type: types.ParameterTypeString})
	}
	names := func(in awsssm.GetParametersByPathInput) (names []string) {
		pages := awsssm.NewGetParametersByPathPaginator(c, &in)
		for pages.HasMorePages() {
			page, err := pages.NextPage(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range page.Parameters {
				names = append(names, aws.ToString(p.Name))
			}
		}
		return names
	}
	for what, tt := range map[string]struct {
		in   awsssm.GetParametersByPathInput
		want []string
	}{
		"one level":       {awsssm.GetParametersByPathInput{Path: aws.String("/a")}, []string{"/a/1", "/a/2"}},
		"all levels":      {awsssm.GetParametersByPathInput{Path: aws.String("/a/"), Recursive: aws.Bool(true)}, []string{"/a/1", "/a/2", "/a/b/3"}},
		"page after page": {awsssm.GetParametersByPathInput{Path: aws.String("/"), Recursive: aws.Bool(true), MaxResults: aws.Int32(1)}, []string{"/a/1", "/a/2", "/a/b/3", "/ab/4"}},
	} {
		if got := names(tt.in); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %v, want %v", what, got, tt.want)
		}
	}
	some, err := c.GetParameters(t.Context(), &awsssm.GetParametersInput{Names: []string{"plain", "none"}})
	if err != nil || len(some.Parameters) != 1 || !slices.Equal(some.InvalidParameters, []string{"none"}) {
		t.Errorf("by name: %+v, %v", some, err)
	}
}

func TestPagesAreNoLargerThanOnAWS(t *testing.T) {
	c, _ := newClient(t)
	if _, err := c.GetParametersByPath(t.Context(), &awsssm.GetParametersByPathInput{Path: aws.String("/"), MaxResults: aws.Int32(11)}); code(err) != "ValidationException" {
		t.Errorf("11 by path: %v", err)
	}
	if _, err := c.DescribeParameters(t.Context(), &awsssm.DescribeParametersInput{MaxResults: aws.Int32(51)}); code(err) != "ValidationException" {
		t.Errorf("51 described: %v", err)
	}
}

func TestSecureStringIsHiddenWithoutDecryption(t *testing.T) {
	c, _ := newClient(t)
	put(t, c, awsssm.PutParameterInput{Name: aws.String("s"), Value: aws.String("secret"), Type: types.ParameterTypeSecureString})
	got, err := c.GetParameter(t.Context(), &awsssm.GetParameterInput{Name: aws.String("s")})
	if err != nil || strings.Contains(aws.ToString(got.Parameter.Value), "secret") {
		t.Errorf("the value is %s, %v", aws.ToString(got.Parameter.Value), err)
	}
}

func TestWrongParametersAreRefused(t *testing.T) {
	c, _ := newClient(t)
	put(t, c, awsssm.PutParameterInput{Name: aws.String("s"), Value: aws.String("v"), Type: types.ParameterTypeSecureString})
	for what, tt := range map[string]struct {
		in   awsssm.PutParameterInput
		code string
	}{
		"a name with a space":       {awsssm.PutParameterInput{Name: aws.String("a b"), Value: aws.String("v"), Type: "String"}, "ValidationException"},
		"a path that is not rooted": {awsssm.PutParameterInput{Name: aws.String("a/b"), Value: aws.String("v"), Type: "String"}, "ValidationException"},
		"a name of AWS":             {awsssm.PutParameterInput{Name: aws.String("/Aws/x"), Value: aws.String("v"), Type: "String"}, "ValidationException"},
		"too many levels":           {awsssm.PutParameterInput{Name: aws.String(strings.Repeat("/a", 16)), Value: aws.String("v"), Type: "String"}, "HierarchyLevelLimitExceededException"},
		"no type":                   {awsssm.PutParameterInput{Name: aws.String("a"), Value: aws.String("v")}, "ValidationException"},
		"a value too long":          {awsssm.PutParameterInput{Name: aws.String("a"), Value: aws.String(strings.Repeat("v", 4097)), Type: "String"}, "ValidationException"},
		"a value of no pattern":     {awsssm.PutParameterInput{Name: aws.String("a"), Value: aws.String("v"), Type: "String", AllowedPattern: aws.String("^x$")}, "ParameterPatternMismatchException"},
		"policies":                  {awsssm.PutParameterInput{Name: aws.String("a"), Value: aws.String("v"), Type: "String", Policies: aws.String(`[{"Type":"Expiration"}]`)}, "ValidationException"},
		"another type":              {awsssm.PutParameterInput{Name: aws.String("s"), Value: aws.String("v"), Type: "String", Overwrite: aws.Bool(true)}, "HierarchyTypeMismatchException"},
		"tags of an old one": {awsssm.PutParameterInput{
			Name: aws.String("s"), Value: aws.String("v"), Type: "SecureString", Overwrite: aws.Bool(true),
			Tags: []types.Tag{{Key: aws.String("k"), Value: aws.String("v")}},
		}, "ValidationException"},
	} {
		if _, err := c.PutParameter(t.Context(), &tt.in); code(err) != tt.code {
			t.Errorf("%s: want %s, got %v", what, tt.code, err)
		}
	}
}
