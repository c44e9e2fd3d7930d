package health

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/the-alchemiser/alchemiser/cmd/alchemiser/deployed"
	"github.com/the-alchemiser/alchemiser/internal/naming"
)

// asynchronous finds aliases whose failures Lambda does not retry, or does not keep. A configuration on $LATEST does not
// count for the alias.
func (p *patient) asynchronous(ctx context.Context) ([]Problem, error) {
	client := lambda.NewFromConfig(p.cfg)
	return p.each(func(f naming.Function, d deployed.Function) ([]Problem, error) {
		got, err := client.GetFunctionEventInvokeConfig(ctx, &lambda.GetFunctionEventInvokeConfigInput{
			FunctionName: aws.String(p.stage.Function(f)), Qualifier: aws.String(naming.Live),
		})
		var none *types.ResourceNotFoundException
		if errors.As(err, &none) {
			return []Problem{wrong(apply, "alias live of %s has no configuration: an event that it fails on is lost", f)}, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read how %s is invoked: %w", f, err)
		}
		var problems []Problem
		letters := p.arn("sqs", p.stage.DeadLetters(f))
		if got.DestinationConfig == nil || got.DestinationConfig.OnFailure == nil || aws.ToString(got.DestinationConfig.OnFailure.Destination) != letters {
			problems = append(problems, wrong(apply, "what %s fails on does not go to %s", f, p.stage.DeadLetters(f)))
		}
		if n := aws.ToInt32(got.MaximumRetryAttempts); got.MaximumRetryAttempts != nil && n != 2 {
			problems = append(problems, wrong(apply, "Lambda tries %s again %d times, not 2: the last attempt is not recognised, and no failure is announced", f, n))
		}
		age, least := time.Duration(aws.ToInt32(got.MaximumEventAgeInSeconds))*time.Second, 3*d.Timeout+3*time.Minute
		if got.MaximumEventAgeInSeconds != nil && age < least {
			problems = append(problems, wrong(apply, "Lambda gives events for %s up after %s: three attempts need %s", f, age, least))
		}
		return problems, nil
	})
}

// liveVersions finds functions whose alias does not run what was deployed last: a rollback, or a deployment that was
// interrupted.
func (p *patient) liveVersions(ctx context.Context) ([]Problem, error) {
	client := lambda.NewFromConfig(p.cfg)
	read := func(f naming.Function, qualifier string) (*lambda.GetFunctionConfigurationOutput, error) {
		got, err := client.GetFunctionConfiguration(ctx, &lambda.GetFunctionConfigurationInput{FunctionName: aws.String(p.stage.Function(f)), Qualifier: &qualifier})
		if err != nil {
			return nil, fmt.Errorf("read %s of %s: %w", qualifier, f, err)
		}
		return got, nil
	}
	return p.each(func(f naming.Function, _ deployed.Function) ([]Problem, error) {
		live, err := read(f, naming.Live)
		if err != nil {
			return nil, err
		}
		latest, err := read(f, "$LATEST")
		if err != nil {
			return nil, err
		}
		fix := fmt.Sprintf("`make deploy FUNCTION=%s STAGE=%s`, unless a rollback is meant", f, p.stage)
		switch {
		case aws.ToString(live.CodeSha256) != aws.ToString(latest.CodeSha256):
			return []Problem{warning(fix, "%s runs version %s, whose code is not what was deployed last", f, aws.ToString(live.Version))}, nil
		case !maps.Equal(environment(live), environment(latest)):
			return []Problem{warning(fix, "%s runs version %s, whose environment is not that of $LATEST: a changed variable has no effect yet", f, aws.ToString(live.Version))}, nil
		}
		return nil, nil
	})
}

func environment(f *lambda.GetFunctionConfigurationOutput) map[string]string {
	if f.Environment == nil {
		return nil
	}
	return f.Environment.Variables
}

func (p *patient) logRetention(ctx context.Context) ([]Problem, error) {
	client := cloudwatchlogs.NewFromConfig(p.cfg)
	var all []Problem
	for _, name := range p.logGroups() {
		got, err := client.DescribeLogGroups(ctx, &cloudwatchlogs.DescribeLogGroupsInput{LogGroupNamePrefix: &name})
		if err != nil {
			return all, fmt.Errorf("read log group %s: %w", name, err)
		}
		found := false
		for _, g := range got.LogGroups {
			if aws.ToString(g.LogGroupName) != name {
				continue
			}
			found = true
			if aws.ToInt32(g.RetentionInDays) == 0 {
				all = append(all, wrong(apply, "%s keeps its lines for ever, and grows for ever", name))
			}
		}
		switch {
		case found:
		case name == p.stage.EventLog():
			all = append(all, warning("set observability=true", "%s is not there: there is no record of the events that passed", name))
		default:
			all = append(all, wrong(apply, "%s is not there: the function's lines are lost", name))
		}
	}
	return all, nil
}

func (p *patient) logGroups() []string {
	names := []string{p.stage.EventLog()}
	for _, f := range naming.Functions() {
		names = append(names, p.stage.FunctionLog(f))
	}
	return names
}
