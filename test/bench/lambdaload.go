package main

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cloudwatchtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	eventbridgetypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// lambdaLoadTime is how long events are put for each line: a function takes them more slowly than a queue.
const lambdaLoadTime = 500 * time.Millisecond

// measureLambdaLoad puts events to a rule whose target is the least function that there can be, in memory, and waits until
// it has been invoked with all of them.
func measureLambdaLoad(ctx context.Context, program string) (_ []row, err error) {
	dir, err := os.MkdirTemp("", "alchemiser-bench-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	code, err := floorZip(ctx, dir)
	if err != nil {
		return nil, err
	}
	e, err := startLoaded(ctx, program, "")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, e.stop()) }()
	var rows []row
	for i, l := range []load{{1, 1}, {1, 10}, {8, 10}} {
		name := fmt.Sprintf("load-%d", i)
		if err := e.functionTarget(ctx, name, code); err != nil {
			return nil, err
		}
		got, err := e.runFunction(ctx, name, l)
		if err != nil {
			return nil, err
		}
		rows = append(rows, row{
			What:   fmt.Sprintf("PutEvents → Lambda in memory, %d × %d", l.clients, l.batch),
			Figure: fmt.Sprintf("%.0f events/s invoked, %.0f accepted", got.rate(), float64(got.accepted)/got.accepting.Seconds()),
		})
	}
	return rows, nil
}

// floorZip builds the deployment package of test/bench/floor.
func floorZip(ctx context.Context, dir string) ([]byte, error) {
	binary := filepath.Join(dir, "bootstrap")
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-tags", "lambda.norpc", "-ldflags", "-s -w", "-o", binary, "./test/bench/floor")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if msg, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build floor: %w\n%s", err, msg)
	}
	raw, err := os.ReadFile(binary)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	archive := zip.NewWriter(&out)
	header := &zip.FileHeader{Name: "bootstrap", Method: zip.Deflate}
	header.SetMode(0o755)
	w, err := archive.CreateHeader(header)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(raw); err != nil {
		return nil, err
	}
	if err := archive.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// functionTarget makes a function and makes it the only target of the rule "load".
func (e *endpoint) functionTarget(ctx context.Context, name string, code []byte) error {
	role, err := iam.NewFromConfig(e.cfg).CreateRole(ctx, &iam.CreateRoleInput{RoleName: &name, AssumeRolePolicyDocument: aws.String(
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}`)})
	if err != nil {
		return err
	}
	functions := lambda.NewFromConfig(e.cfg)
	made, err := functions.CreateFunction(ctx, &lambda.CreateFunctionInput{
		FunctionName: &name, Role: role.Role.Arn, Runtime: lambdatypes.RuntimeProvidedal2023, Handler: aws.String("bootstrap"),
		Architectures: []lambdatypes.Architecture{map[string]lambdatypes.Architecture{"amd64": lambdatypes.ArchitectureX8664, "arm64": lambdatypes.ArchitectureArm64}[runtime.GOARCH]},
		Code:          &lambdatypes.FunctionCode{ZipFile: code},
	})
	if err != nil {
		return err
	}
	if _, err := functions.AddPermission(ctx, &lambda.AddPermissionInput{
		FunctionName: &name, StatementId: aws.String("events"), Action: aws.String("lambda:InvokeFunction"), Principal: aws.String("events.amazonaws.com"),
	}); err != nil {
		return err
	}
	events := eventbridge.NewFromConfig(e.cfg)
	if _, err := events.PutRule(ctx, &eventbridge.PutRuleInput{Name: aws.String("load"), EventPattern: aws.String(`{"source":["load"]}`)}); err != nil {
		return err
	}
	_, err = events.PutTargets(ctx, &eventbridge.PutTargetsInput{Rule: aws.String("load"), Targets: []eventbridgetypes.Target{
		{Id: aws.String("function"), Arn: made.FunctionArn},
	}})
	return err
}

// runFunction puts events and waits until the function has been invoked with them all.
func (e *endpoint) runFunction(ctx context.Context, name string, l load) (loaded, error) {
	out := loaded{load: l}
	var mu sync.Mutex
	var failures error
	began := time.Now()
	var clients sync.WaitGroup
	for range l.clients {
		clients.Go(func() {
			mine, err := putFor(ctx, e.cfg, l.batch, began.Add(lambdaLoadTime))
			mu.Lock()
			defer mu.Unlock()
			out.accepted += len(mine) * l.batch
			failures = errors.Join(failures, err)
		})
	}
	clients.Wait()
	out.accepting = time.Since(began)
	if failures != nil {
		return out, failures
	}
	for {
		n, err := e.invocations(ctx, name, began)
		if err != nil {
			return out, err
		}
		if out.delivering = time.Since(began); n >= out.accepted {
			return out, nil
		}
		select {
		case <-ctx.Done():
			return out, fmt.Errorf("%d of %d events were invoked: %w", n, out.accepted, ctx.Err())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// invocations returns how often a function has been invoked since a time.
func (e *endpoint) invocations(ctx context.Context, name string, since time.Time) (int, error) {
	got, err := cloudwatch.NewFromConfig(e.cfg).GetMetricStatistics(ctx, &cloudwatch.GetMetricStatisticsInput{
		Namespace: aws.String("AWS/Lambda"), MetricName: aws.String("Invocations"), Statistics: []cloudwatchtypes.Statistic{cloudwatchtypes.StatisticSum},
		Dimensions: []cloudwatchtypes.Dimension{{Name: aws.String("FunctionName"), Value: &name}}, Period: aws.Int32(60),
		StartTime: aws.Time(since.Add(-time.Minute)), EndTime: aws.Time(time.Now().Add(time.Minute)),
	})
	if err != nil {
		return 0, err
	}
	sum := 0.0
	for _, p := range got.Datapoints {
		sum += aws.ToFloat64(p.Sum)
	}
	return int(sum), nil
}
