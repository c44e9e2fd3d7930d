package scheduler

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/the-alchemiser/alchemiser/internal/localaws/arn"
	"github.com/the-alchemiser/alchemiser/internal/localaws/delivery"
)

const (
	// principal is who invokes.
	principal = "scheduler.amazonaws.com"
	// Delays between attempts: AWS says exponential back off, not how long.
	firstDelay = time.Second
	maxDelay   = 10 * time.Minute
)

// attempt invokes a target once and settles what follows: it is done, waits for the next attempt, or is given up.
func (s *Service) attempt(ctx context.Context, key string) error {
	s.mu.Lock()
	i, ok := s.invocations[key]
	s.mu.Unlock()
	if !ok {
		return nil
	}
	if i.Dead != nil {
		return s.bury(ctx, key, i)
	}
	execution := uuid.NewString()
	body, err := i.body(execution)
	if err != nil {
		return err
	}
	m := i.message(body)
	if p := i.Target.SqsParameters; p != nil {
		m.MessageGroupID = p.MessageGroupID
	}
	s.measure(i, "InvocationAttemptCount")
	err = s.cfg.Sender.Send(ctx, i.Target.Arn, m)
	if err == nil {
		return s.finish(key)
	}
	if ctx.Err() != nil {
		return nil //nolint:nilerr // it is still in the store: the next run delivers it
	}
	refused := refusal(err)
	s.measure(i, "TargetErrorCount")
	if refused.Code == "THROTTLING" {
		s.measure(i, "TargetErrorThrottledCount")
	}
	f := failure{Code: refused.Code, Message: refused.Message, Execution: execution}
	if !refused.Retryable {
		return s.giveUp(ctx, key, i, f)
	}
	i.Failures++
	i.Due = s.now().Add(s.delay(i.Failures))
	switch policy := i.Target.RetryPolicy; {
	case i.Failures > *policy.MaximumRetryAttempts:
		f.Exhausted = "MaximumRetryAttempts"
	case i.Due.Sub(i.Fired) > time.Duration(*policy.MaximumEventAgeInSeconds)*time.Second:
		f.Exhausted = "MaximumEventAgeInSeconds"
	default:
		return s.keep(key, i)
	}
	i.Failures-- // the first attempt was no retry
	return s.giveUp(ctx, key, i, f)
}

func (i invocation) message(body []byte) delivery.Message {
	return delivery.Message{
		Body: body, Principal: principal, SourceARN: i.Group, SourceAccount: arn.Account, RoleARN: i.Target.RoleArn,
	}
}

// input is the target's input with the context attributes of this attempt.
// https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html
func (i invocation) input(execution string) string {
	return strings.NewReplacer(
		"<aws.scheduler.schedule-arn>", i.Schedule,
		"<aws.scheduler.scheduled-time>", i.Scheduled.UTC().Format(time.RFC3339),
		"<aws.scheduler.execution-id>", execution,
		"<aws.scheduler.attempt-number>", strconv.Itoa(i.Failures+1),
	).Replace(i.Target.Input)
}

// notification is what a target without an input receives.
type notification struct {
	Version    string   `json:"version"`
	ID         string   `json:"id"`
	DetailType string   `json:"detail-type"`
	Source     string   `json:"source"`
	Account    string   `json:"account"`
	Time       string   `json:"time"`
	Region     string   `json:"region"`
	Resources  []string `json:"resources"`
	Detail     struct{} `json:"detail"`
}

// entry is what an event bus receives: the entry of PutEvents.
type entry struct {
	Source, DetailType, Detail string
}

// body is what the target receives.
func (i invocation) body(execution string) ([]byte, error) {
	input := i.input(execution)
	if p := i.Target.EventBridgeParameters; p != nil {
		if input == "" {
			input = "{}"
		}
		return json.Marshal(entry{Source: p.Source, DetailType: p.DetailType, Detail: input})
	}
	if input != "" {
		return []byte(input), nil
	}
	return json.Marshal(notification{
		Version: "0", ID: execution, DetailType: "Scheduled Event", Source: "aws.scheduler", Account: arn.Account,
		Time: i.Scheduled.UTC().Format(time.RFC3339), Region: arn.Region, Resources: []string{i.Schedule},
	})
}

// refusal returns what a Sender says; an error that is none of the receiver's may pass.
func refusal(err error) *delivery.Error {
	var refused *delivery.Error
	if errors.As(err, &refused) {
		return refused
	}
	return &delivery.Error{Code: "SDK_CLIENT_ERROR", Message: err.Error(), Retryable: true}
}

// delay is how long to wait after so many failures.
func (s *Service) delay(failures int) time.Duration {
	d := maxDelay
	if shift := failures - 1; shift < 20 {
		d = min(d, firstDelay<<shift)
	}
	return time.Duration(float64(d) * (0.5 + rand.Float64()/2) * s.cfg.RetryScale) //nolint:gosec // jitter is no secret
}

// keep stores the state of an invocation that goes on later.
func (s *Service) keep(key string, i invocation) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.tables.invocations.Put(key, i); err != nil {
		return fmt.Errorf("store invocation of %s: %w", i.Schedule, err)
	}
	s.invocations[key] = i
	return nil
}

// finish removes an invocation.
func (s *Service) finish(key string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.tables.invocations.Delete(key); err != nil {
		return fmt.Errorf("erase invocation: %w", err)
	}
	delete(s.invocations, key)
	return nil
}

// giveUp ends the attempts. Without a dead letter queue the invocation is lost, as on AWS.
func (s *Service) giveUp(ctx context.Context, key string, i invocation, f failure) error {
	s.measure(i, "InvocationDroppedCount")
	if d := i.Target.DeadLetterConfig; d == nil || d.Arn == "" {
		return s.finish(key)
	}
	i.Dead = &f
	if err := s.keep(key, i); err != nil {
		return err
	}
	return s.bury(ctx, key, i)
}

// bury sends the input to the dead letter queue, by the schedule's role. If the queue cannot take it now it is tried
// again for a day; if it never will, the invocation is lost, as on AWS.
func (s *Service) bury(ctx context.Context, key string, i invocation) error {
	body := i.input(i.Dead.Execution)
	if body == "" {
		body = "{}"
	}
	m := i.message([]byte(body))
	m.Attributes = map[string]string{
		"ERROR_CODE": i.Dead.Code, "ERROR_MESSAGE": i.Dead.Message, "EXECUTION_ID": i.Dead.Execution,
		"IS_PAYLOAD_TRUNCATED": "false", "RETRY_ATTEMPTS": strconv.Itoa(i.Failures),
		"SCHEDULED_TIME": i.Scheduled.UTC().Format(time.RFC3339), "SCHEDULE_ARN": i.Schedule, "TARGET_ARN": i.Target.Arn,
	}
	if i.Dead.Exhausted != "" {
		m.Attributes["EXHAUSTED_RETRY_CONDITION"] = i.Dead.Exhausted
	}
	err := s.cfg.Sender.Send(ctx, i.Target.DeadLetterConfig.Arn, m)
	if err != nil && ctx.Err() != nil {
		return nil //nolint:nilerr // it is still in the store: the next run delivers it
	}
	if err != nil && refusal(err).Retryable && s.now().Sub(i.Fired) < 2*maxAge*time.Second {
		i.Due = s.now().Add(s.delay(i.Failures + 1))
		return s.keep(key, i)
	}
	if err != nil {
		s.measure(i, "InvocationsFailedToBeSentToDeadLetterCount")
	} else {
		s.measure(i, "InvocationsSentToDeadLetterCount")
	}
	return s.finish(key)
}

// measure counts what happened to an invocation.
// https://docs.aws.amazon.com/scheduler/latest/UserGuide/monitoring-cloudwatch.html
func (s *Service) measure(i invocation, metric string) {
	dimensions := map[string]string{"ScheduleGroup": strings.TrimPrefix(i.Group, groupARN(""))}
	s.cfg.Metrics.Count("AWS/Scheduler", metric, dimensions, 1, "Count")
}
