package lambda_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/google/go-cmp/cmp"
)

// small is a package that is quick to send: a script.
var small = zipped("bootstrap", []byte("#!/bin/sh\nexit 0\n"))

func (h *harness) createSmall(t *testing.T, edit ...func(*sdk.CreateFunctionInput)) {
	t.Helper()
	h.create(t, append([]func(*sdk.CreateFunctionInput){
		func(in *sdk.CreateFunctionInput) { in.Code.ZipFile = small },
	}, edit...)...)
}

func TestFunctionComesBackAsItWasSent(t *testing.T) {
	t.Parallel()
	h := start(t, "")
	h.createSmall(t, func(in *sdk.CreateFunctionInput) {
		in.Environment = &types.Environment{Variables: map[string]string{"A": "b"}}
		in.TracingConfig = &types.TracingConfig{Mode: types.TracingModeActive}
		in.DeadLetterConfig = &types.DeadLetterConfig{TargetArn: aws.String(queue)}
		in.LoggingConfig = &types.LoggingConfig{LogFormat: types.LogFormatText, LogGroup: aws.String("/g")}
		in.MemorySize = aws.Int32(256)
		in.Tags = map[string]string{"team": "trading"}
	})
	out, err := h.GetFunction(t.Context(), &sdk.GetFunctionInput{FunctionName: aws.String("f")})
	if err != nil {
		t.Fatal(err)
	}
	c := out.Configuration
	sum := sha256.Sum256(small)
	got := []any{
		*c.FunctionArn, *c.Role, c.Runtime, *c.Handler, *c.MemorySize, *c.Timeout, c.Architectures, c.PackageType,
		c.Environment.Variables, c.TracingConfig.Mode, *c.DeadLetterConfig.TargetArn, *c.LoggingConfig.LogGroup,
		c.State, c.LastUpdateStatus, *c.CodeSha256, c.CodeSize, *c.Version, out.Tags, out.Concurrency == nil,
	}
	want := []any{
		funcARN, role, types.RuntimeProvidedal2023, "bootstrap", int32(256), int32(60),
		[]types.Architecture{architecture()},
		types.PackageTypeZip,
		map[string]string{"A": "b"},
		types.TracingModeActive,
		queue, "/g", types.StateActive, types.LastUpdateStatusSuccessful, base64.StdEncoding.EncodeToString(sum[:]),
		int64(len(small)), "$LATEST",
		map[string]string{"team": "trading"},
		true,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	server := httptest.NewServer(h.CodeHandler())
	defer server.Close()
	resp, err := http.Get(server.URL + strings.TrimPrefix(*out.Code.Location, h.url))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, err := io.ReadAll(resp.Body); err != nil || !slices.Equal(body, small) {
		t.Errorf("the code's location holds %d bytes, %v, want the %d that were sent", len(body), err, len(small))
	}
}

func TestWrongCodeIsRefused(t *testing.T) {
	t.Parallel()
	h := start(t, "")
	create := func(edit func(*sdk.CreateFunctionInput)) error {
		in := &sdk.CreateFunctionInput{
			FunctionName: aws.String("f"), Role: aws.String(role), Runtime: types.RuntimeProvidedal2023,
			Handler: aws.String("bootstrap"), Code: &types.FunctionCode{ZipFile: small},
			Architectures: []types.Architecture{architecture()},
		}
		edit(in)
		_, err := h.CreateFunction(t.Context(), in)
		return err
	}
	foreignArch := types.ArchitectureArm64
	if runtime.GOARCH == "arm64" {
		foreignArch = types.ArchitectureX8664
	}
	tests := map[string]struct {
		edit    func(*sdk.CreateFunctionInput)
		message string
	}{
		"a binary for another processor": {
			func(in *sdk.CreateFunctionInput) { in.Code.ZipFile = foreign }, "make build ARCH=" + runtime.GOARCH,
		},
		"another architecture": {
			func(in *sdk.CreateFunctionInput) { in.Architectures = []types.Architecture{foreignArch} }, "make build ARCH=" + runtime.GOARCH,
		},
		"not a zip":             {func(in *sdk.CreateFunctionInput) { in.Code.ZipFile = []byte("text") }, "Could not unzip uploaded file."},
		"a name that climbs":    {func(in *sdk.CreateFunctionInput) { in.Code.ZipFile = zipped("../x", nil) }, "leaves the folder"},
		"no code":               {func(in *sdk.CreateFunctionInput) { in.Code.ZipFile = nil }, "Please provide a source"},
		"an image":              {func(in *sdk.CreateFunctionInput) { in.Code = &types.FunctionCode{ImageUri: aws.String("i")} }, "image is not supported"},
		"another runtime":       {func(in *sdk.CreateFunctionInput) { in.Runtime = types.RuntimePython312 }, "enum value set"},
		"a role that is nobody": {func(in *sdk.CreateFunctionInput) { in.Role = aws.String(role + "x") }, "cannot be assumed by Lambda"},
		"a reserved variable": {func(in *sdk.CreateFunctionInput) {
			in.Environment = &types.Environment{Variables: map[string]string{"AWS_REGION": "x"}}
		}, "Reserved keys used in this request: AWS_REGION"},
		"layers": {func(in *sdk.CreateFunctionInput) { in.Layers = []string{"arn:x"} }, "Layers is not supported"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) { refused(t, create(tt.edit), "InvalidParameterValueException", tt.message) })
	}
	list, err := h.ListFunctions(t.Context(), &sdk.ListFunctionsInput{})
	if err != nil || len(list.Functions) != 0 {
		t.Errorf("functions %v, %v, want none", list.Functions, err)
	}
}

func TestVersionsAreListedFromLatestToNewest(t *testing.T) {
	t.Parallel()
	h := start(t, "")
	h.createSmall(t)
	publish := func() string {
		v, err := h.PublishVersion(t.Context(), &sdk.PublishVersionInput{FunctionName: aws.String("f")})
		if err != nil {
			t.Fatal(err)
		}
		return *v.Version
	}
	if first, again := publish(), publish(); first != "1" || again != "1" {
		t.Errorf("versions %s and %s of the same content, want 1", first, again)
	}
	_, err := h.UpdateFunctionConfiguration(t.Context(), &sdk.UpdateFunctionConfigurationInput{
		FunctionName: aws.String("f"), Timeout: aws.Int32(9),
	})
	if err != nil {
		t.Fatal(err)
	}
	if second := publish(); second != "2" {
		t.Errorf("version %s, want 2", second)
	}
	out, err := h.ListVersionsByFunction(t.Context(), &sdk.ListVersionsByFunctionInput{FunctionName: aws.String("f")})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, v := range out.Versions {
		got = append(got, strings.TrimPrefix(*v.FunctionArn, funcARN))
	}
	if want := []string{":$LATEST", ":1", ":2"}; !slices.Equal(got, want) {
		t.Errorf("versions %v, want %v", got, want)
	}
	// As the Terraform provider asks: the full ARN of the version, and the qualifier.
	c, err := h.GetFunctionConfiguration(t.Context(), &sdk.GetFunctionConfigurationInput{
		FunctionName: aws.String(funcARN + ":1"), Qualifier: aws.String("1"),
	})
	if err != nil || *c.Timeout != 60 {
		t.Errorf("version 1 = %+v, %v, want the old time-out", c, err)
	}
}

func TestAliasWithoutWeightsHasNoRouting(t *testing.T) {
	t.Parallel()
	h := start(t, "")
	h.createSmall(t)
	h.live(t)
	_, err := h.UpdateAlias(t.Context(), &sdk.UpdateAliasInput{
		FunctionName: aws.String("f"), Name: aws.String("live"), RoutingConfig: &types.AliasRoutingConfiguration{},
	})
	if err != nil {
		t.Fatal(err)
	}
	a, err := h.GetAlias(t.Context(), &sdk.GetAliasInput{FunctionName: aws.String("f"), Name: aws.String("live")})
	if err != nil || a.RoutingConfig != nil || *a.FunctionVersion != "1" || *a.AliasArn != funcARN+":live" {
		t.Errorf("alias %+v, %v", a, err)
	}
	_, err = h.DeleteFunction(t.Context(), &sdk.DeleteFunctionInput{FunctionName: aws.String("f"), Qualifier: aws.String("1")})
	refused(t, err, "ResourceConflictException", "live")
	_, err = h.CreateAlias(t.Context(), &sdk.CreateAliasInput{FunctionName: aws.String("f"), Name: aws.String("live"), FunctionVersion: aws.String("1")})
	refused(t, err, "ResourceConflictException", "Alias already exists: "+funcARN+":live")
	_, err = h.CreateAlias(t.Context(), &sdk.CreateAliasInput{FunctionName: aws.String("f"), Name: aws.String("2024"), FunctionVersion: aws.String("1")})
	refused(t, err, "ValidationException", "Member must satisfy regular expression pattern")
	_, err = h.CreateAlias(t.Context(), &sdk.CreateAliasInput{FunctionName: aws.String("f"), Name: aws.String("x"), FunctionVersion: aws.String("10")})
	refused(t, err, "ResourceNotFoundException", funcARN+":10")
}

func TestPolicyIsRebuiltFromPermissions(t *testing.T) {
	t.Parallel()
	h := start(t, "")
	h.createSmall(t)
	h.live(t)
	add := func(edit func(*sdk.AddPermissionInput)) error {
		in := &sdk.AddPermissionInput{
			FunctionName: aws.String("f"), Qualifier: aws.String("live"), StatementId: aws.String("s"),
			Action: aws.String("lambda:InvokeFunction"), Principal: aws.String("events.amazonaws.com"),
			SourceArn: aws.String("arn:aws:events:us-east-1:000000000000:rule/b/r"), SourceAccount: aws.String("000000000000"),
		}
		edit(in)
		_, err := h.AddPermission(t.Context(), in)
		return err
	}
	if err := add(func(*sdk.AddPermissionInput) {}); err != nil {
		t.Fatal(err)
	}
	refused(t, add(func(*sdk.AddPermissionInput) {}), "ResourceConflictException", "The statement id (s) provided already exists.")
	refused(t, add(func(in *sdk.AddPermissionInput) { in.RevisionId = aws.String("wrong") }), "PreconditionFailedException", "Revision Id")
	refused(t, add(func(in *sdk.AddPermissionInput) { in.Principal = aws.String("nobody") }), "InvalidParameterValueException", "principal was invalid")
	refused(t, add(func(in *sdk.AddPermissionInput) { in.Qualifier = aws.String("$LATEST") }), "InvalidParameterValueException", "$LATEST")
	refused(t, add(func(in *sdk.AddPermissionInput) { in.Qualifier = aws.String("dead") }), "ResourceNotFoundException", "Cannot find alias arn")

	out, err := h.GetPolicy(t.Context(), &sdk.GetPolicyInput{FunctionName: aws.String("f"), Qualifier: aws.String("live")})
	if err != nil {
		t.Fatal(err)
	}
	var got any
	if err := json.Unmarshal([]byte(*out.Policy), &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"Version": "2012-10-17", "Id": "default", "Statement": []any{map[string]any{
		"Sid": "s", "Effect": "Allow", "Principal": map[string]any{"Service": "events.amazonaws.com"},
		"Action": "lambda:InvokeFunction", "Resource": funcARN + ":live",
		"Condition": map[string]any{
			"ArnLike":      map[string]any{"AWS:SourceArn": "arn:aws:events:us-east-1:000000000000:rule/b/r"},
			"StringEquals": map[string]any{"AWS:SourceAccount": "000000000000"},
		},
	}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	remove := func() error {
		_, err := h.RemovePermission(t.Context(), &sdk.RemovePermissionInput{
			FunctionName: aws.String("f"), Qualifier: aws.String("live"), StatementId: aws.String("s"),
		})
		return err
	}
	if err := remove(); err != nil {
		t.Fatal(err)
	}
	refused(t, remove(), "ResourceNotFoundException", "No policy is associated")
	_, err = h.GetPolicy(t.Context(), &sdk.GetPolicyInput{FunctionName: aws.String("f"), Qualifier: aws.String("live")})
	refused(t, err, "ResourceNotFoundException", "The resource you requested does not exist.")
}

func TestEventInvokeConfigBelongsToAQualifier(t *testing.T) {
	t.Parallel()
	h := start(t, "")
	h.createSmall(t)
	h.live(t)
	h.configure(t, "live", aws.Int32(1), aws.Int32(300))
	got, err := h.GetFunctionEventInvokeConfig(t.Context(), &sdk.GetFunctionEventInvokeConfigInput{
		FunctionName: aws.String("f"), Qualifier: aws.String("live"),
	})
	if err != nil || *got.FunctionArn != funcARN+":live" || *got.MaximumRetryAttempts != 1 ||
		*got.MaximumEventAgeInSeconds != 300 || *got.DestinationConfig.OnFailure.Destination != queue || got.LastModified == nil {
		t.Errorf("config %+v, %v", got, err)
	}
	_, err = h.GetFunctionEventInvokeConfig(t.Context(), &sdk.GetFunctionEventInvokeConfigInput{FunctionName: aws.String("f")})
	refused(t, err, "ResourceNotFoundException", "The function "+funcARN+":$LATEST doesn't have an EventInvokeConfig")

	up, err := h.UpdateFunctionEventInvokeConfig(t.Context(), &sdk.UpdateFunctionEventInvokeConfigInput{
		FunctionName: aws.String("f"), Qualifier: aws.String("live"), MaximumRetryAttempts: aws.Int32(0),
	})
	if err != nil || *up.MaximumRetryAttempts != 0 || *up.MaximumEventAgeInSeconds != 300 {
		t.Errorf("update leaves %+v, %v", up, err)
	}
	put, err := h.PutFunctionEventInvokeConfig(t.Context(), &sdk.PutFunctionEventInvokeConfigInput{
		FunctionName: aws.String("f"), Qualifier: aws.String("live"), MaximumRetryAttempts: aws.Int32(2),
	})
	if err != nil || put.MaximumEventAgeInSeconds != nil || put.DestinationConfig.OnFailure.Destination != nil {
		t.Errorf("put leaves %+v, %v, want what it says only", put, err)
	}
	_, err = h.PutFunctionEventInvokeConfig(t.Context(), &sdk.PutFunctionEventInvokeConfigInput{FunctionName: aws.String("nobody")})
	refused(t, err, "InvalidParameterValueException", "You must specify at least one of error handling or destination setting.")
	_, err = h.PutFunctionEventInvokeConfig(t.Context(), &sdk.PutFunctionEventInvokeConfigInput{
		FunctionName: aws.String("f"), DestinationConfig: &types.DestinationConfig{OnFailure: &types.OnFailure{Destination: aws.String(funcARN)}},
	})
	refused(t, err, "InvalidParameterValueException", "You can't specify the function as a destination for itself.")
}

func TestTagsAndConcurrency(t *testing.T) {
	t.Parallel()
	h := start(t, "")
	h.createSmall(t)
	if _, err := h.TagResource(t.Context(), &sdk.TagResourceInput{Resource: aws.String(funcARN), Tags: map[string]string{"a": "1", "b": "2"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := h.UntagResource(t.Context(), &sdk.UntagResourceInput{Resource: aws.String(funcARN), TagKeys: []string{"a", "c"}}); err != nil {
		t.Fatal(err)
	}
	tags, err := h.ListTags(t.Context(), &sdk.ListTagsInput{Resource: aws.String(funcARN)})
	if err != nil || !cmp.Equal(tags.Tags, map[string]string{"b": "2"}) {
		t.Errorf("tags %v, %v", tags.Tags, err)
	}
	_, err = h.ListTags(t.Context(), &sdk.ListTagsInput{Resource: aws.String(funcARN + ":live")})
	refused(t, err, "InvalidParameterValueException", "Tags on function aliases and versions are not supported.")

	_, err = h.PutFunctionConcurrency(t.Context(), &sdk.PutFunctionConcurrencyInput{FunctionName: aws.String("f"), ReservedConcurrentExecutions: aws.Int32(1000)})
	refused(t, err, "InvalidParameterValueException", "below its minimum value of [100]")
	_, err = h.PutFunctionConcurrency(t.Context(), &sdk.PutFunctionConcurrencyInput{FunctionName: aws.String("f"), ReservedConcurrentExecutions: aws.Int32(5)})
	if err != nil {
		t.Fatal(err)
	}
	f, err := h.GetFunction(t.Context(), &sdk.GetFunctionInput{FunctionName: aws.String("f")})
	if err != nil || *f.Concurrency.ReservedConcurrentExecutions != 5 {
		t.Errorf("concurrency %+v, %v", f.Concurrency, err)
	}
	if _, err := h.DeleteFunctionConcurrency(t.Context(), &sdk.DeleteFunctionConcurrencyInput{FunctionName: aws.String("f")}); err != nil {
		t.Fatal(err)
	}
	c, err := h.GetFunctionConcurrency(t.Context(), &sdk.GetFunctionConcurrencyInput{FunctionName: aws.String("f")})
	if err != nil || c.ReservedConcurrentExecutions != nil {
		t.Errorf("concurrency %v, %v, want none", c.ReservedConcurrentExecutions, err)
	}
}

func TestFunctionsAreNamedInManyWays(t *testing.T) {
	t.Parallel()
	h := start(t, "")
	h.createSmall(t)
	h.live(t)
	for _, name := range []string{"f", "f:live", "000000000000:function:f", "function:f", funcARN, funcARN + ":live", funcARN + ":$LATEST"} {
		if _, err := h.GetFunction(t.Context(), &sdk.GetFunctionInput{FunctionName: &name}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err := h.GetFunction(t.Context(), &sdk.GetFunctionInput{FunctionName: aws.String("f:1"), Qualifier: aws.String("live")})
	refused(t, err, "InvalidParameterValueException", "The derived qualifier from the function name does not match")
	_, err = h.GetFunction(t.Context(), &sdk.GetFunctionInput{FunctionName: aws.String("arn:aws:lambda:eu-west-1:000000000000:function:f")})
	refused(t, err, "ResourceNotFoundException", "Functions from 'eu-west-1' are not reachable in this region ('us-east-1')")
	_, err = h.GetFunction(t.Context(), &sdk.GetFunctionInput{FunctionName: aws.String("no:good:name")})
	refused(t, err, "ValidationException", "functionName")
}

func TestFunctionsSurviveARestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	h := start(t, dir)
	h.create(t)
	h.live(t)
	h.stop()
	h = start(t, dir)
	out, err := h.Invoke(t.Context(), &sdk.InvokeInput{FunctionName: aws.String("f:live"), Payload: []byte(`{"do":"back"}`)})
	if err != nil || string(out.Payload) != `"back"` {
		t.Errorf("%+v, %v", out, err)
	}
	arns, err := h.Inventory()
	if err != nil || !slices.Equal(arns, []string{funcARN}) {
		t.Errorf("inventory %v, %v", arns, err)
	}
	if _, err := h.DeleteFunction(t.Context(), &sdk.DeleteFunctionInput{FunctionName: aws.String("f")}); err != nil {
		t.Fatal(err)
	}
	if arns, err := h.Inventory(); err != nil || len(arns) != 0 {
		t.Errorf("inventory %v, %v, want nothing", arns, err)
	}
}

func TestDestinationsAreChecked(t *testing.T) {
	t.Parallel()
	h := start(t, "")
	h.create(t)
	for destination, want := range map[string]struct{ code, message string }{
		funcARN: {"InvalidParameterValueException", "You can't specify the function as a destination for itself."},
		"arn:aws:lambda:us-east-1:000000000000:function:nobody": {
			"InvalidParameterValueException", "The destination ARN arn:aws:lambda:us-east-1:000000000000:function:nobody is invalid.",
		},
		"arn:aws:iam:us-east-1:000000000000:function:f": {
			"InvalidParameterValueException",
			"The provided destination config DestinationConfig(onSuccess=OnSuccess(destination=arn:aws:iam:us-east-1:000000000000:function:f), onFailure=null) is invalid.",
		},
		"arn:aws:_-/!lambda:us-east-1:000000000000:function:f": {
			"ValidationException",
			"1 validation error detected: Value 'arn:aws:_-/!lambda:us-east-1:000000000000:function:f' at 'destinationConfig.onSuccess.destination' failed to satisfy constraint",
		},
	} {
		_, err := h.PutFunctionEventInvokeConfig(t.Context(), &sdk.PutFunctionEventInvokeConfigInput{
			FunctionName: aws.String("f"), DestinationConfig: &types.DestinationConfig{OnSuccess: &types.OnSuccess{Destination: &destination}},
		})
		refused(t, err, want.code, want.message)
	}
}
