// Command chaos runs workflows over real processes while the local endpoint and the paper broker misbehave: functions are
// killed, answers get lost, requests are throttled, events come twice, late and out of order, and the broker fails in the
// middle of orders. Afterwards the account, the ledger and the claims tell whether an event was lost or an order sent twice.
// It ends with exit code 1 if so.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"github.com/the-alchemiser/alchemiser/internal/stack"
	"github.com/the-alchemiser/alchemiser/test/chaos/invariants"
)

const stage = "chaos"

func main() {
	workflows := flag.Int("workflows", 50, "workflows to run")
	kills := flag.Int("kills", 0, "fail if fewer functions than this were killed")
	seed := flag.Uint64("seed", uint64(time.Now().UnixNano()), "seed of the faults")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, *workflows, *kills, *seed)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "chaos:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, workflows, kills int, seed uint64) (err error) {
	fmt.Printf("%d workflows, seed %d\n", workflows, seed)
	s, cloud, err := deploy(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Stop()) }()
	k, err := newSoak(ctx, s, cloud, seed)
	if err != nil {
		return err
	}
	began := time.Now()
	if err := k.workflows(ctx, workflows); err != nil {
		return fmt.Errorf("%w; the faults of this run: -seed %d\n%s", err, seed, s.LogTail())
	}
	end, err := k.aftermath(ctx)
	if err != nil {
		return err
	}
	violations := invariants.Check(end)
	killed, err := k.kills(ctx)
	if err != nil {
		return err
	}
	k.report(os.Stdout, end, killed, violations, time.Since(began))
	if len(violations) > 0 {
		return fmt.Errorf("%d violations; the faults of this run: -seed %d", len(violations), seed)
	}
	total := 0
	for _, n := range killed {
		total += n
	}
	if total < kills {
		return fmt.Errorf("%d functions were killed, want %d or more: run more workflows", total, kills)
	}
	return nil
}

// deploy starts a stack of its own and applies Terraform.
func deploy(ctx context.Context) (_ *stack.Stack, cloud aws.Config, err error) {
	root, err := os.Getwd()
	if err != nil {
		return nil, cloud, err
	}
	s, err := stack.Start(ctx, stack.Config{
		Root: root, Executable: filepath.Join(root, "bin", "alchemiser"), Stage: stage,
		Architecture: map[string]string{"amd64": "x86_64", "arm64": "arm64"}[runtime.GOARCH],
		Positions:    "GE=100,PFE=400,T=600",
		// A minute between attempts becomes some hundred milliseconds.
		EndpointArgs: []string{"--retry-scale", "0.004"},
		Variables:    map[string]string{"step_seconds": "1"},
	})
	if err != nil {
		return nil, cloud, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Stop())
		}
	}()
	if err := s.Terraform.Init(ctx); err != nil {
		return nil, cloud, err
	}
	cloud = aws.Config{
		Region: "us-east-1", BaseEndpoint: aws.String(s.Record.URL), Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	}
	_, err = ssm.NewFromConfig(cloud).PutParameter(ctx, &ssm.PutParameterInput{
		Name: aws.String("/alchemiser/" + stage + "/broker"), Type: ssmtypes.ParameterTypeSecureString,
		Value: aws.String(`{"key_id":"paper","secret_key":"paper"}`),
	})
	if err != nil {
		return nil, cloud, err
	}
	return s, cloud, s.Terraform.Apply(ctx, nil)
}
