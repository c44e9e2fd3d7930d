package health

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	schedulertypes "github.com/aws/aws-sdk-go-v2/service/scheduler/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/the-alchemiser/alchemiser/cmd/alchemiser/deployed"
	"github.com/the-alchemiser/alchemiser/cmd/alchemiser/rules"
	"github.com/the-alchemiser/alchemiser/internal/localaws/policy"
	"github.com/the-alchemiser/alchemiser/internal/naming"
)

// eventBridge is EventBridge as a principal.
const eventBridge = "events.amazonaws.com"

// busName finds functions that publish elsewhere: PutEvents to a bus that does not exist succeeds and drops.
func (p *patient) busName(context.Context) ([]Problem, error) {
	return p.each(func(f naming.Function, d deployed.Function) ([]Problem, error) {
		if got := d.Environment["EVENTBRIDGE__EVENT_BUS_NAME"]; got != p.stage.Bus() {
			return []Problem{wrong(apply, "%s publishes to bus %q, which is not %s: EventBridge accepts its events and drops them", f, got, p.stage.Bus())}, nil
		}
		return nil, nil
	})
}

// ruleStates compares the rules with what an operator has asked for.
func (p *patient) ruleStates(context.Context) ([]Problem, error) {
	var all []Problem
	for _, name := range p.ruleNames() {
		i := slices.IndexFunc(p.rules, func(r rules.Rule) bool { return r.Name == name })
		if i < 0 {
			if name == p.stage.TradesRule() {
				all = append(all, warning("set observability=true if machines are to hear of trades", "%s is not there", name))
			} else {
				all = append(all, wrong(apply, "%s is not there: its function gets no events", name))
			}
			continue
		}
		rule := p.rules[i]
		hosted := p.mode == "hosted" && name != p.stage.Rule(naming.Monitor) && name != p.stage.TradesRule()
		enable := "`alchemiser rules enable " + name + "`"
		switch {
		case hosted && rule.Enabled:
			all = append(all, wrong(apply, "%s is on although a process hosts its function", name))
		case hosted:
		case rule.Enabled && rule.KeptOff:
			all = append(all, warning(enable, "%s is on, but the next apply switches it off", name))
		case !rule.Enabled && rule.KeptOff:
			all = append(all, warning(enable, "%s was switched off by an operator", name))
		case !rule.Enabled:
			all = append(all, wrong(enable, "%s is off, and no operator has asked for that: its events are in the archive only", name))
		}
	}
	return all, nil
}

func (p *patient) ruleNames() []string {
	var names []string
	for _, f := range naming.Functions() {
		names = append(names, p.stage.Rule(f))
	}
	return append(names, p.stage.TradesRule())
}

// targets finds rules that bring events to another place than the alias, or without a net below.
func (p *patient) targets(ctx context.Context) ([]Problem, error) {
	client := eventbridge.NewFromConfig(p.cfg)
	return p.each(func(f naming.Function, _ deployed.Function) ([]Problem, error) {
		got, err := client.ListTargetsByRule(ctx, &eventbridge.ListTargetsByRuleInput{Rule: aws.String(p.stage.Rule(f)), EventBusName: aws.String(p.stage.Bus())})
		var none *types.ResourceNotFoundException
		if errors.As(err, &none) {
			return nil, nil // the check of the rules says so
		}
		if err != nil {
			return nil, fmt.Errorf("read the targets of %s: %w", p.stage.Rule(f), err)
		}
		alias := p.alias(f)
		i := slices.IndexFunc(got.Targets, func(t types.Target) bool { return aws.ToString(t.Arn) == alias })
		if i < 0 {
			return []Problem{wrong(apply, "%s has no target %s: the function gets no events", p.stage.Rule(f), alias)}, nil
		}
		var problems []Problem
		for _, t := range got.Targets {
			if t.DeadLetterConfig == nil || aws.ToString(t.DeadLetterConfig.Arn) == "" {
				problems = append(problems, wrong(apply, "target %s of %s has no dead letter queue: what it does not take is lost", aws.ToString(t.Id), p.stage.Rule(f)))
			}
			if t.RetryPolicy == nil || aws.ToInt32(t.RetryPolicy.MaximumRetryAttempts) == 0 {
				problems = append(problems, wrong(apply, "target %s of %s has no retry policy", aws.ToString(t.Id), p.stage.Rule(f)))
			}
		}
		if letters := got.Targets[i].DeadLetterConfig; letters != nil && aws.ToString(letters.Arn) != p.arn("sqs", p.stage.DeadLetters(f)) {
			problems = append(problems, wrong(apply, "the dead letters of %s go to %s: no command looks there", p.stage.Rule(f), aws.ToString(letters.Arn)))
		}
		return problems, nil
	})
}

// alias returns the ARN by which f is invoked.
func (p *patient) alias(f naming.Function) string {
	return p.arn("lambda", "function:"+p.stage.Function(f)+":"+naming.Live)
}

// permissions asks the policy of each alias whether the rule may invoke it: without that, events are dead letters at once.
func (p *patient) permissions(ctx context.Context) ([]Problem, error) {
	client := lambda.NewFromConfig(p.cfg)
	return p.each(func(f naming.Function, _ deployed.Function) ([]Problem, error) {
		text := ""
		got, err := client.GetPolicy(ctx, &lambda.GetPolicyInput{FunctionName: aws.String(p.stage.Function(f)), Qualifier: aws.String(naming.Live)})
		var none *lambdatypes.ResourceNotFoundException
		switch {
		case errors.As(err, &none):
		case err != nil:
			return nil, fmt.Errorf("read the policy of %s: %w", f, err)
		default:
			text = aws.ToString(got.Policy)
		}
		if !p.allows(text, "lambda:InvokeFunction", p.alias(f), p.rule(f)) {
			return []Problem{wrong(apply, "%s may not invoke %s by its alias: its events are dead letters at once", p.stage.Rule(f), f)}, nil
		}
		return nil, nil
	})
}

// rule returns the ARN of the rule of f.
func (p *patient) rule(f naming.Function) string {
	return p.arn("events", "rule/"+p.stage.Bus()+"/"+p.stage.Rule(f))
}

// allows says whether a resource's policy lets EventBridge do something on behalf of a rule.
func (p *patient) allows(document, action, resource, rule string) bool {
	parsed, err := policy.Parse(policy.Resource, document)
	return err == nil && policy.Evaluate([]policy.Document{parsed}, policy.ServiceRequest(eventBridge, action, resource, rule, p.account)) == policy.Allow
}

// deadLetterQueues finds queues that are not there, do not let dead letters in, or forget them soon.
func (p *patient) deadLetterQueues(ctx context.Context) ([]Problem, error) {
	letInto := map[string]string{p.stage.EventDeadLetters(): p.arn("events", "rule/"+p.stage.Bus()+"/"+p.stage.TradesRule())}
	for _, f := range naming.Functions() {
		letInto[p.stage.DeadLetters(f)] = p.rule(f)
	}
	client := sqs.NewFromConfig(p.cfg)
	var all []Problem
	for _, name := range slices.Sorted(maps.Keys(letInto)) {
		url, err := client.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: &name})
		var none *sqstypes.QueueDoesNotExist
		if errors.As(err, &none) {
			all = append(all, wrong(apply, "%s is not there: what fails is lost", name))
			continue
		}
		if err != nil {
			return all, fmt.Errorf("find queue %s: %w", name, err)
		}
		got, err := client.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: url.QueueUrl, AttributeNames: []sqstypes.QueueAttributeName{
			sqstypes.QueueAttributeNamePolicy, sqstypes.QueueAttributeNameMessageRetentionPeriod,
		}})
		if err != nil {
			return all, fmt.Errorf("read queue %s: %w", name, err)
		}
		if !p.allows(got.Attributes["Policy"], "sqs:SendMessage", p.arn("sqs", name), letInto[name]) {
			all = append(all, wrong(apply, "%s does not let EventBridge in: what it cannot deliver is lost", name))
		}
		if got.Attributes["MessageRetentionPeriod"] != "1209600" {
			all = append(all, warning(apply, "%s forgets messages after %s s, not after 14 days", name, got.Attributes["MessageRetentionPeriod"]))
		}
	}
	return all, nil
}

func (p *patient) archive(ctx context.Context) ([]Problem, error) {
	name := p.stage.Archive()
	got, err := eventbridge.NewFromConfig(p.cfg).DescribeArchive(ctx, &eventbridge.DescribeArchiveInput{ArchiveName: &name})
	var none *types.ResourceNotFoundException
	switch {
	case errors.As(err, &none):
		return []Problem{wrong(apply, "%s is not there: nothing can be replayed", name)}, nil
	case err != nil:
		return nil, fmt.Errorf("read archive %s: %w", name, err)
	case got.State != types.ArchiveStateEnabled:
		return []Problem{wrong(apply, "%s is %s: %s", name, got.State, aws.ToString(got.StateReason))}, nil
	case aws.ToInt32(got.RetentionDays) == 0:
		return []Problem{warning(apply, "%s keeps events for ever, and grows for ever", name)}, nil
	}
	return nil, nil
}

// schedules finds starts and a watchdog that do not come, or not when the exchange thinks.
func (p *patient) schedules(ctx context.Context) ([]Problem, error) {
	client := scheduler.NewFromConfig(p.cfg)
	var all []Problem
	for _, purpose := range append(starts(), "watchdog") {
		name := p.stage.Schedule(purpose)
		got, err := client.GetSchedule(ctx, &scheduler.GetScheduleInput{Name: &name, GroupName: aws.String(p.stage.ScheduleGroup())})
		var none *schedulertypes.ResourceNotFoundException
		if errors.As(err, &none) {
			all = append(all, wrong(apply, "%s is not there", name))
			continue
		}
		if err != nil {
			return all, fmt.Errorf("read schedule %s: %w", name, err)
		}
		if got.State == schedulertypes.ScheduleStateDisabled && p.mode != "shadow" {
			all = append(all, warning("set schedules_enabled=true", "%s is off: nothing starts by itself", name))
		}
		target, want := got.Target, p.arn("events", "event-bus/"+p.stage.Bus())
		if purpose == "watchdog" {
			want = p.alias(naming.Monitor)
		} else if zone := aws.ToString(got.ScheduleExpressionTimezone); zone != "America/New_York" {
			all = append(all, wrong(apply, "%s follows the clock of %s, not that of the exchange", name, zone))
		}
		if aws.ToString(target.Arn) != want {
			all = append(all, wrong(apply, "%s goes to %s, want %s", name, aws.ToString(target.Arn), want))
		}
		if target.DeadLetterConfig == nil || aws.ToString(target.DeadLetterConfig.Arn) != p.arn("sqs", p.stage.EventDeadLetters()) {
			all = append(all, wrong(apply, "%s has not %s as its dead letter queue: a start that is not delivered is lost", name, p.stage.EventDeadLetters()))
		}
		if aws.ToString(target.RoleArn) == "" {
			all = append(all, wrong(apply, "%s has no role", name))
		}
	}
	return all, nil
}
