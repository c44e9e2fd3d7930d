package conformance_test

import (
	"archive/zip"
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/the-alchemiser/alchemiser/internal/localaws"
)

// account is a local endpoint with what every function needs: a role and code.
type account struct {
	events       *eventbridge.Client
	lambda       *lambda.Client
	sqs          *sqs.Client
	roleARN      string
	zip          []byte
	architecture lambdatypes.Architecture
}

// retryScale makes Lambda's minutes between attempts some tens of milliseconds.
const retryScale = 0.0005

func newAccount(t *testing.T) *account {
	t.Helper()
	endpoint, err := localaws.New(localaws.Config{RetryScale: retryScale, Log: t.Output()})
	must(t, err)
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- endpoint.Serve(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	cfg := aws.Config{
		Region: "us-east-1", BaseEndpoint: aws.String(endpoint.URL()),
		Credentials: credentials.NewStaticCredentialsProvider(localaws.OperatorKey, localaws.OperatorKey, ""),
	}
	a := &account{
		events: eventbridge.NewFromConfig(cfg), lambda: lambda.NewFromConfig(cfg), sqs: sqs.NewFromConfig(cfg),
		architecture: map[string]lambdatypes.Architecture{"amd64": lambdatypes.ArchitectureX8664, "arm64": lambdatypes.ArchitectureArm64}[runtime.GOARCH],
		zip:          forwarder(t),
	}
	a.roleARN = createRole(t, iam.NewFromConfig(cfg))
	return a
}

// createRole returns a role that functions run under and that may send to their dead letter queues.
func createRole(t *testing.T, client *iam.Client) (arn string) {
	t.Helper()
	name := aws.String("suite")
	role, err := client.CreateRole(t.Context(), &iam.CreateRoleInput{RoleName: name, AssumeRolePolicyDocument: aws.String(
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}`)})
	must(t, err)
	_, err = client.PutRolePolicy(t.Context(), &iam.PutRolePolicyInput{RoleName: name, PolicyName: name, PolicyDocument: aws.String(
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["sqs:SendMessage"],"Resource":"*"}]}`)})
	must(t, err)
	return *role.Role.Arn
}

// forwarder returns the zip of testdata/forward.
func forwarder(t *testing.T) []byte {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "bootstrap")
	build := exec.CommandContext(t.Context(), "go", "build", "-tags", "lambda.norpc", "-o", binary, "./testdata/forward")
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the forwarder: %v\n%s", err, out)
	}
	code, err := os.ReadFile(binary)
	must(t, err)
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	header := &zip.FileHeader{Name: "bootstrap", Method: zip.Deflate}
	header.SetMode(0o755)
	f, err := w.CreateHeader(header)
	must(t, err)
	_, err = f.Write(code)
	must(t, err)
	must(t, w.Close())
	return b.Bytes()
}
