package events

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/the-alchemiser/alchemiser/internal/localaws/arn"
	"github.com/the-alchemiser/alchemiser/internal/localaws/events/transform"
)

// Limits of targets. https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html
// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_RetryPolicy.html
const (
	maxTargets      = 5
	maxTargetName   = 64
	maxInput        = 8192
	maxInputPath    = 256
	defaultAttempts = 185
	maxAttempts     = 185
	defaultAge      = 86400
	minAge, maxAge  = 60, 86400
)

// Target is where a rule sends events, as the API shows it and as it is stored.
type Target struct {
	Id, Arn          string
	RoleArn          string            `json:",omitempty"`
	Input            string            `json:",omitempty"`
	InputPath        string            `json:",omitempty"`
	InputTransformer *InputTransformer `json:",omitempty"`
	RetryPolicy      *RetryPolicy      `json:",omitempty"`
	DeadLetterConfig *DeadLetterConfig `json:",omitempty"`
	// What kinds of targets need that the endpoint does not have; refused when given.
	SqsParameters               json.RawMessage `json:",omitempty"`
	EcsParameters               json.RawMessage `json:",omitempty"`
	HttpParameters              json.RawMessage `json:",omitempty"`
	BatchParameters             json.RawMessage `json:",omitempty"`
	KinesisParameters           json.RawMessage `json:",omitempty"`
	AppSyncParameters           json.RawMessage `json:",omitempty"`
	RunCommandParameters        json.RawMessage `json:",omitempty"`
	RedshiftDataParameters      json.RawMessage `json:",omitempty"`
	SageMakerPipelineParameters json.RawMessage `json:",omitempty"`
}

// InputTransformer makes the input of a target from parts of the event.
type InputTransformer struct {
	InputPathsMap map[string]string `json:",omitempty"`
	InputTemplate string
}

// RetryPolicy limits the attempts to reach a target.
type RetryPolicy struct {
	MaximumRetryAttempts     *int `json:",omitempty"`
	MaximumEventAgeInSeconds *int `json:",omitempty"`
}

// limits returns the policy's limits or the defaults.
func (p *RetryPolicy) limits() (attempts, age int) {
	attempts, age = defaultAttempts, defaultAge
	if p != nil && p.MaximumRetryAttempts != nil {
		attempts = *p.MaximumRetryAttempts
	}
	if p != nil && p.MaximumEventAgeInSeconds != nil {
		age = *p.MaximumEventAgeInSeconds
	}
	return attempts, age
}

type compiledTarget struct {
	Target
	transform *transform.Transform
}

func (t Target) compile() (compiledTarget, error) {
	spec := transform.Spec{Input: t.Input, InputPath: t.InputPath}
	if t.InputTransformer != nil {
		spec.Template, spec.Paths = t.InputTransformer.InputTemplate, t.InputTransformer.InputPathsMap
	}
	compiled, err := transform.Compile(spec)
	return compiledTarget{t, compiled}, err
}

// check refuses what AWS refuses. position counts from 1.
func (t Target) check(position string) error {
	member := func(name string) string { return "targets." + position + ".member." + name }
	if err := checkName(t.Id, member("id"), maxTargetName); err != nil {
		return err
	}
	for name, m := range map[string]struct {
		value string
		most  int
	}{
		"input": {t.Input, maxInput}, "inputPath": {t.InputPath, maxInputPath},
	} {
		if len(m.value) > m.most {
			return constraint(m.value, member(name), "have length less than or equal to %d", m.most)
		}
	}
	if err := t.checkRetries(member); err != nil {
		return err
	}
	if err := t.checkPlace(); err != nil {
		return err
	}
	return t.checkInput(member)
}

func (t Target) checkRetries(member func(string) string) error {
	p := t.RetryPolicy
	if p == nil {
		return nil
	}
	if n := p.MaximumRetryAttempts; n != nil && *n > maxAttempts {
		return constraint(*n, member("retryPolicy.maximumRetryAttempts"), "have value less than or equal to %d", maxAttempts)
	} else if n != nil && *n < 0 {
		return constraint(*n, member("retryPolicy.maximumRetryAttempts"), "have value greater than or equal to 0")
	}
	if n := p.MaximumEventAgeInSeconds; n != nil && *n > maxAge {
		return constraint(*n, member("retryPolicy.maximumEventAgeInSeconds"), "have value less than or equal to %d", maxAge)
	} else if n != nil && *n < minAge {
		return constraint(*n, member("retryPolicy.maximumEventAgeInSeconds"), "have value greater than or equal to %d", minAge)
	}
	return nil
}

// checkPlace refuses targets that do not exist in the endpoint.
func (t Target) checkPlace() error {
	a, ok := arn.Parse(t.Arn)
	if !ok {
		return invalid("Parameter %s is not valid. Reason: Provided Arn is not in correct format.", t.Arn)
	}
	if !slices.Contains([]string{"lambda", "sqs", "sns", "logs", "events"}, a.Service) {
		return invalid("Parameter %s is not valid. Reason: targets of %s are not implemented by the local endpoint.", t.Arn, a.Service)
	}
	if a.Service == "sqs" && strings.HasSuffix(a.Resource, ".fifo") {
		if t.SqsParameters == nil {
			return invalid("Parameter(s) SqsParameters must be specified for target: %s.", t.Id)
		}
		return invalid("FIFO queues are not implemented by the local endpoint: target %s.", t.Id)
	}
	for name, raw := range map[string]json.RawMessage{
		"SqsParameters": t.SqsParameters, "EcsParameters": t.EcsParameters, "HttpParameters": t.HttpParameters,
		"BatchParameters": t.BatchParameters, "KinesisParameters": t.KinesisParameters,
		"AppSyncParameters": t.AppSyncParameters, "RunCommandParameters": t.RunCommandParameters,
		"RedshiftDataParameters": t.RedshiftDataParameters, "SageMakerPipelineParameters": t.SageMakerPipelineParameters,
	} {
		if raw != nil {
			return invalid("%s are not implemented by the local endpoint: target %s.", name, t.Id)
		}
	}
	if d := t.DeadLetterConfig; d != nil && d.Arn != "" {
		if a, ok := arn.Parse(d.Arn); !ok || a.Service != "sqs" || strings.HasSuffix(a.Resource, ".fifo") {
			return invalid("Parameter DeadLetterConfig.Arn is not valid. Reason: must be the ARN of a standard SQS queue.")
		}
	}
	return nil
}

func (t Target) checkInput(member func(string) string) error {
	given := 0
	for _, is := range []bool{t.Input != "", t.InputPath != "", t.InputTransformer != nil} {
		if is {
			given++
		}
	}
	if given > 1 {
		return invalid("Only one of Input, InputPath, or InputTransformer must be provided for target %s.", t.Id)
	}
	if t.Input != "" && !json.Valid([]byte(t.Input)) {
		return invalid("JSON syntax error in input for target %s.", t.Id)
	}
	if i := t.InputTransformer; i != nil {
		switch n := len(i.InputTemplate); {
		case n == 0:
			return constraint(i.InputTemplate, member("inputTransformer.inputTemplate"), "have length greater than or equal to 1")
		case n > maxInput:
			return constraint(i.InputTemplate, member("inputTransformer.inputTemplate"), "have length less than or equal to %d", maxInput)
		}
	}
	_, err := t.compile()
	var placeholder *transform.PlaceholderError
	switch {
	case errors.As(err, &placeholder):
		return invalid("InputTemplate for target %s contains %s.", t.Id, placeholder)
	case err != nil:
		return invalid("Invalid path for target %s: %s.", t.Id, err)
	}
	return nil
}

// TargetsInput is the input of PutTargets, RemoveTargets and ListTargetsByRule.
type TargetsInput struct {
	Page
	Rule, EventBusName string
	Targets            []Target
	Ids                []string
	Force              bool
}

// TargetsResult answers PutTargets and RemoveTargets.
type TargetsResult struct {
	FailedEntries    []struct{}
	FailedEntryCount int
}

func (s *Service) putTargets(_ context.Context, in TargetsInput) (TargetsResult, error) {
	done := TargetsResult{FailedEntries: []struct{}{}}
	if len(in.Targets) == 0 {
		return done, constraint("[]", "targets", "have length greater than or equal to 1")
	}
	for i, t := range in.Targets {
		if err := t.check(strconv.Itoa(i + 1)); err != nil {
			return done, err
		}
	}
	return done, s.changeTargets(in, func(targets []Target) ([]Target, error) {
		for _, t := range in.Targets {
			i := slices.IndexFunc(targets, func(old Target) bool { return old.Id == t.Id })
			if i < 0 {
				targets = append(targets, t)
				continue
			}
			targets[i] = t
		}
		if len(targets) > maxTargets {
			return nil, limitExceeded()
		}
		return targets, nil
	})
}

func (s *Service) removeTargets(_ context.Context, in TargetsInput) (TargetsResult, error) {
	return TargetsResult{FailedEntries: []struct{}{}}, s.changeTargets(in, func(targets []Target) ([]Target, error) {
		return slices.DeleteFunc(targets, func(t Target) bool { return slices.Contains(in.Ids, t.Id) }), nil
	})
}

func (s *Service) changeTargets(in TargetsInput, change func([]Target) ([]Target, error)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, refused := s.rule(in.EventBusName, in.Rule)
	if refused != nil {
		return refused
	}
	if err := r.unmanaged(); err != nil {
		return err
	}
	changed := r.rule
	var err error
	if changed.Targets, err = change(slices.Clone(r.Targets)); err != nil {
		return err
	}
	return s.putStoredRule(changed)
}

// TargetList answers ListTargetsByRule.
type TargetList struct {
	Targets   []Target
	NextToken string `json:",omitempty"`
}

func (s *Service) listTargetsByRule(_ context.Context, in TargetsInput) (TargetList, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	r, refused := s.rule(in.EventBusName, in.Rule)
	if refused != nil {
		return TargetList{}, refused
	}
	byID := map[string]Target{}
	for _, t := range r.Targets {
		byID[t.Id] = t
	}
	ids, next, err := in.cut(slices.Collect(maps.Keys(byID)), "")
	if err != nil {
		return TargetList{}, err
	}
	out := TargetList{Targets: []Target{}, NextToken: next}
	for _, id := range ids {
		out.Targets = append(out.Targets, byID[id])
	}
	return out, nil
}
