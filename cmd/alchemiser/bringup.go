package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"github.com/the-alchemiser/alchemiser/internal/stack"
)

// bringUp starts the local stack, stores the paper broker's keys and applies Terraform. If it fails, or ctx ends, no
// process is left behind.
func bringUp(ctx context.Context, out io.Writer, cfg stack.Config) (_ *stack.Stack, err error) {
	zip := filepath.Join(cfg.Root, "build", map[string]string{"x86_64": "amd64", "arm64": "arm64"}[cfg.Architecture], "strategy.zip")
	if _, err := os.Stat(zip); err != nil {
		return nil, fmt.Errorf("the functions are not built: run `make build`: %w", err)
	}
	s, err := stack.Start(ctx, cfg)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Stop())
		}
	}()
	fmt.Fprintf(out, "AWS endpoint %s, paper broker %s\n", s.Record.URL, s.Record.BrokerURL)
	if err := s.Terraform.Init(ctx); err != nil {
		return nil, err
	}
	if err := storeBrokerKeys(ctx, s); err != nil { // the new functions try them
		return nil, err
	}
	if err := s.Terraform.Apply(ctx, applyProgress(out)); err != nil {
		return nil, err
	}
	return s, confirmMails(ctx, s)
}

// confirmMails stands in for the person who follows the link in the first mail of each topic.
func confirmMails(ctx context.Context, s *stack.Stack) error {
	mails, err := s.Record.Outbox(ctx)
	if err != nil {
		return err
	}
	client := sns.NewFromConfig(localAWS(s))
	for _, m := range mails {
		token, ok := m.Token()
		if !ok {
			continue
		}
		if _, err := client.ConfirmSubscription(ctx, &sns.ConfirmSubscriptionInput{TopicArn: &m.TopicARN, Token: &token}); err != nil {
			return fmt.Errorf("confirm the mails of %s: %w", m.TopicARN, err)
		}
	}
	return nil
}

// storeBrokerKeys stands in for the operator, who stores the real keys outside of Terraform.
func storeBrokerKeys(ctx context.Context, s *stack.Stack) error {
	_, err := ssm.NewFromConfig(localAWS(s)).PutParameter(ctx, &ssm.PutParameterInput{
		Name:      aws.String("/alchemiser/" + s.Record.Stage + "/broker"),
		Type:      ssmtypes.ParameterTypeSecureString,
		Value:     aws.String(`{"key_id":"paper","secret_key":"paper"}`),
		Overwrite: aws.Bool(true),
	})
	if err != nil {
		return fmt.Errorf("store the paper broker's keys: %w", err)
	}
	return nil
}

// applyProgress shows how far Terraform is: a bar on a terminal, a line now and then elsewhere.
func applyProgress(out io.Writer) stack.Progress {
	fmt.Fprintln(out, "Terraform applies the stack; its provider waits half a minute for the queues, as on AWS.")
	if f, ok := out.(*os.File); !ok || !term.IsTerminal(int(f.Fd())) {
		return func(done, total int, resource string) {
			if done == total || done%10 == 0 {
				fmt.Fprintf(out, "  %d of %d resources: %s\n", done, total, resource)
			}
		}
	}
	bar := progressbar.NewOptions(1,
		progressbar.OptionSetWriter(out), progressbar.OptionSetWidth(30), progressbar.OptionShowCount(),
		progressbar.OptionSetElapsedTime(true), progressbar.OptionSetPredictTime(false),
		progressbar.OptionOnCompletion(func() { fmt.Fprintln(out) }))
	return func(done, total int, resource string) {
		bar.ChangeMax(total)
		bar.Describe(fmt.Sprintf("%-50.50s", resource))
		_ = bar.Set(done) // a bar that cannot be drawn stops nothing
	}
}
