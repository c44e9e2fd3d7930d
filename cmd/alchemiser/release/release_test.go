package release_test

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/google/go-cmp/cmp"

	"github.com/the-alchemiser/alchemiser/cmd/alchemiser/release"
	"github.com/the-alchemiser/alchemiser/internal/localaws"
	"github.com/the-alchemiser/alchemiser/internal/naming"
)

const stage = naming.Stage("test")

// published returns an account on which n versions of execution were published; the last is live and followed.
func published(t *testing.T, n int) (*release.Desk, *lambda.Client) {
	t.Helper()
	server, err := localaws.New(localaws.Config{Log: t.Output(), RetryScale: 1})
	must(t, err)
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- server.Serve(ctx) }()
	t.Cleanup(func() {
		stop()
		must(t, <-served)
	})
	cfg := aws.Config{Region: "us-east-1", BaseEndpoint: aws.String(server.URL()), Credentials: credentials.NewStaticCredentialsProvider("test", "test", "")}
	role, err := iam.NewFromConfig(cfg).CreateRole(t.Context(), &iam.CreateRoleInput{RoleName: aws.String("execution"), AssumeRolePolicyDocument: aws.String(
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}`)})
	must(t, err)
	client, name := lambda.NewFromConfig(cfg), aws.String(stage.Function(naming.Execution))
	made, err := client.CreateFunction(t.Context(), &lambda.CreateFunctionInput{
		FunctionName: name, Role: role.Role.Arn, Runtime: lambdatypes.RuntimeProvidedal2023, Handler: aws.String("bootstrap"), Publish: true,
		Code: &lambdatypes.FunctionCode{ZipFile: script(t, "# 1")},
	})
	must(t, err)
	last := made.Version
	for range n - 1 {
		update, err := client.UpdateFunctionCode(t.Context(), &lambda.UpdateFunctionCodeInput{FunctionName: name, ZipFile: script(t, "# after "+*last), Publish: true})
		must(t, err)
		last = update.Version
	}
	_, err = client.CreateAlias(t.Context(), &lambda.CreateAliasInput{FunctionName: name, Name: aws.String(naming.Live), FunctionVersion: last})
	must(t, err)
	desk := release.New(cfg, stage)
	must(t, desk.Hold(t.Context(), naming.Execution, release.Latest))
	return desk, client
}

// script is a function that ends at once.
func script(t *testing.T, comment string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	header := &zip.FileHeader{Name: "bootstrap"}
	header.SetMode(0o755)
	f, err := w.CreateHeader(header)
	must(t, err)
	_, err = f.Write([]byte("#!/bin/sh\n" + comment + "\nexit 1\n"))
	must(t, err)
	must(t, w.Close())
	return b.Bytes()
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestMovingBackHoldsTheFunction(t *testing.T) {
	t.Parallel()
	desk, client := published(t, 11) // so that 9 and 10 are sorted as numbers
	state, err := desk.State(t.Context(), naming.Execution)
	must(t, err)
	want := release.State{Function: naming.Execution, Live: "11", Held: release.Latest, Versions: []string{"1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11"}}
	if diff := cmp.Diff(want, state); diff != "" {
		t.Fatalf("state (-want +got):\n%s", diff)
	}
	must(t, desk.Move(t.Context(), naming.Execution, "10"))
	state, err = desk.State(t.Context(), naming.Execution)
	must(t, err)
	if state.Live != "10" || state.Held != "10" {
		t.Errorf("after the move live is %s and held at %s, want 10", state.Live, state.Held)
	}
	alias, err := client.GetAlias(t.Context(), &lambda.GetAliasInput{FunctionName: aws.String(stage.Function(naming.Execution)), Name: aws.String(naming.Live)})
	must(t, err)
	if *alias.FunctionVersion != "10" {
		t.Errorf("the alias is at %s, want 10", *alias.FunctionVersion)
	}
}

func TestAVersionThatDiesIsNotGoneBackTo(t *testing.T) {
	t.Parallel()
	desk, _ := published(t, 2)
	state, err := desk.State(t.Context(), naming.Execution)
	must(t, err)
	if _, _, err := desk.Before(t.Context(), state); !errors.Is(err, release.ErrNoEarlier) || !strings.Contains(err.Error(), "alchemiser-execution-test 1: ") {
		t.Errorf("Before = %v, want ErrNoEarlier and why version 1 is none", err)
	}
	state.Versions = state.Versions[1:]
	if _, _, err := desk.Before(t.Context(), state); !errors.Is(err, release.ErrNoEarlier) {
		t.Errorf("Before of the first version = %v, want ErrNoEarlier", err)
	}
}

func TestAFunctionThatIsNotThereIsNamed(t *testing.T) {
	t.Parallel()
	desk, _ := published(t, 1)
	if _, err := desk.State(t.Context(), naming.Strategy); err == nil || !strings.Contains(err.Error(), stage.Function(naming.Strategy)) {
		t.Errorf("State of a function that is not there = %v, want its name", err)
	}
}

func TestAVersionThatDiesFailsItsSmokeTest(t *testing.T) {
	t.Parallel()
	desk, _ := published(t, 1)
	_, err := desk.Smoke(t.Context(), naming.Execution, "1")
	if err == nil || !strings.Contains(err.Error(), "smoke test of alchemiser-execution-test 1: ") {
		t.Errorf("Smoke = %v, want which version failed", err)
	}
}
