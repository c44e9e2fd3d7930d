// Package deployed reads what is deployed on a stage: the functions with their environment, and the state of their rules.
// It asks AWS, so it works on AWS and on the local endpoint alike.
package deployed

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	eventtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/the-alchemiser/alchemiser/internal/naming"
)

// Function is a deployed function.
type Function struct {
	Name string
	// Version is the one behind the alias.
	Version string
	// Environment holds the function's own variables.
	Environment map[string]string
	Timeout     time.Duration
	// Rule is the name of the rule that brings events to it.
	Rule        string
	RuleEnabled bool
}

// ErrNone says that the stage has no functions.
var ErrNone = errors.New("no functions are deployed")

// Functions returns the functions of a stage as their alias live points at them, in the order of a workflow, or ErrNone.
func Functions(ctx context.Context, cfg aws.Config, stage naming.Stage) ([]Function, error) {
	var all []Function
	for _, name := range naming.Functions() {
		f := Function{Name: string(name), Rule: stage.Rule(name)}
		if err := f.read(ctx, cfg, stage, stage.Function(name)); err != nil {
			return nil, err
		}
		all = append(all, f)
	}
	return all, nil
}

func (f *Function) read(ctx context.Context, cfg aws.Config, stage naming.Stage, name string) error {
	got, err := lambda.NewFromConfig(cfg).GetFunctionConfiguration(ctx, &lambda.GetFunctionConfigurationInput{
		FunctionName: &name, Qualifier: aws.String(naming.Live),
	})
	var none *lambdatypes.ResourceNotFoundException
	if errors.As(err, &none) {
		return fmt.Errorf("stage %s: %w: %s is not there", stage, ErrNone, name)
	}
	if err != nil {
		return fmt.Errorf("read function %s: %w", name, err)
	}
	if got.Environment != nil {
		f.Environment = got.Environment.Variables
	}
	f.Version = aws.ToString(got.Version)
	f.Timeout = time.Duration(aws.ToInt32(got.Timeout)) * time.Second
	rule, err := eventbridge.NewFromConfig(cfg).DescribeRule(ctx, &eventbridge.DescribeRuleInput{
		Name: &f.Rule, EventBusName: aws.String(stage.Bus()),
	})
	if err != nil {
		return fmt.Errorf("read rule %s: %w", f.Rule, err)
	}
	f.RuleEnabled = rule.State != eventtypes.RuleStateDisabled
	return nil
}
