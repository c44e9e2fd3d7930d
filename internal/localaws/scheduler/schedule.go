package scheduler

import (
	"encoding/json"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/the-alchemiser/alchemiser/internal/localaws/arn"
	"github.com/the-alchemiser/alchemiser/internal/localaws/scheduler/expression"
	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

// Defaults and limits. https://docs.aws.amazon.com/scheduler/latest/APIReference/API_RetryPolicy.html
const (
	maxAttempts   = 185
	minAge        = 60
	maxAge        = 86400
	maxWindow     = 1440 // minutes
	enabled       = "ENABLED"
	disabled      = "DISABLED"
	keep          = "NONE"
	remove        = "DELETE"
	utc           = "UTC"
	windowOff     = "OFF"
	windowOn      = "FLEXIBLE"
	maxPastStart  = 5 * time.Minute
	maxExpression = 256
	maxDetailType = 128
)

// Spec is what a schedule consists of, as the API takes and shows it.
type Spec struct {
	ActionAfterCompletion      string     `json:",omitempty"`
	Description                string     `json:",omitempty"`
	EndDate                    *wire.Time `json:",omitempty"`
	FlexibleTimeWindow         Window
	KmsKeyArn                  string `json:",omitempty"`
	ScheduleExpression         string
	ScheduleExpressionTimezone string     `json:",omitempty"`
	StartDate                  *wire.Time `json:",omitempty"`
	State                      string     `json:",omitempty"`
	Target                     Target
}

// Window is how much later than due a schedule may fire.
type Window struct {
	Mode                   string
	MaximumWindowInMinutes *int `json:",omitempty"`
}

// Target is what a schedule invokes.
type Target struct {
	Arn, RoleArn          string
	Input                 string           `json:",omitempty"`
	RetryPolicy           *RetryPolicy     `json:",omitempty"`
	DeadLetterConfig      *DeadLetter      `json:",omitempty"`
	EventBridgeParameters *EventParameters `json:",omitempty"`
	SqsParameters         *QueueParameters `json:",omitempty"`
	// What kinds of targets need that the endpoint does not have; refused when given.
	EcsParameters               json.RawMessage `json:",omitempty"`
	KinesisParameters           json.RawMessage `json:",omitempty"`
	SageMakerPipelineParameters json.RawMessage `json:",omitempty"`
}

// RetryPolicy limits the attempts to reach a target.
type RetryPolicy struct {
	MaximumEventAgeInSeconds *int `json:",omitempty"`
	MaximumRetryAttempts     *int `json:",omitempty"`
}

// DeadLetter names a queue.
type DeadLetter struct {
	Arn string `json:",omitempty"`
}

// EventParameters are those of a target that is an event bus.
type EventParameters struct{ DetailType, Source string }

// QueueParameters are those of a target that is a FIFO queue.
type QueueParameters struct {
	MessageGroupID string `json:"MessageGroupId,omitempty"`
}

// schedule is a schedule as it is stored.
type schedule struct {
	Name, Group       string
	Created, Modified time.Time
	// Request tells the request that made the schedule from others.
	Request string
	Spec    Spec
	// Scheduled is the next occurrence, Due when it fires, a flexible window included; zero if there is none.
	Scheduled, Due time.Time
}

func (sc schedule) key() string { return sc.Group + "/" + sc.Name }

func (sc schedule) arn() string { return arn.New("scheduler", "schedule/"+sc.Group+"/"+sc.Name) }

// complete fills in what AWS assumes.
func (in *Spec) complete() {
	or := func(s *string, otherwise string) {
		if *s == "" {
			*s = otherwise
		}
	}
	or(&in.ActionAfterCompletion, keep)
	or(&in.ScheduleExpressionTimezone, utc)
	or(&in.State, enabled)
	age, retries := maxAge, maxAttempts
	policy := RetryPolicy{&age, &retries}
	if p := in.Target.RetryPolicy; p != nil {
		if p.MaximumEventAgeInSeconds != nil {
			policy.MaximumEventAgeInSeconds = p.MaximumEventAgeInSeconds
		}
		if p.MaximumRetryAttempts != nil {
			policy.MaximumRetryAttempts = p.MaximumRetryAttempts
		}
	}
	in.Target.RetryPolicy = &policy
}

// check refuses what AWS refuses and what the endpoint does not have. in is complete.
func (in *Spec) check(now time.Time) error {
	if _, err := expression.Parse(in.ScheduleExpression); err != nil || len(in.ScheduleExpression) > maxExpression {
		return invalid("Invalid Schedule Expression %s.", in.ScheduleExpression)
	}
	if _, err := time.LoadLocation(in.ScheduleExpressionTimezone); err != nil || in.ScheduleExpressionTimezone == "Local" {
		return invalid("Invalid Schedule Expression Timezone %s.", in.ScheduleExpressionTimezone)
	}
	if in.KmsKeyArn != "" {
		return invalid("KmsKeyArn is not implemented by the local endpoint.")
	}
	for _, e := range []struct {
		value, member string
		allowed       []string
	}{
		{in.State, "state", []string{enabled, disabled}},
		{in.ActionAfterCompletion, "actionAfterCompletion", []string{keep, remove}},
		{in.FlexibleTimeWindow.Mode, "flexibleTimeWindow.mode", []string{windowOff, windowOn}},
	} {
		if err := checkEnum(e.value, e.member, e.allowed...); err != nil {
			return err
		}
	}
	if err := checkRange(in.FlexibleTimeWindow.MaximumWindowInMinutes, "flexibleTimeWindow.maximumWindowInMinutes", 1, maxWindow); err != nil {
		return err
	}
	if (in.FlexibleTimeWindow.Mode == windowOn) != (in.FlexibleTimeWindow.MaximumWindowInMinutes != nil) {
		return invalid("FlexibleTimeWindow needs MaximumWindowInMinutes if its Mode is FLEXIBLE, and only then.")
	}
	if in.StartDate != nil && in.StartDate.Before(now.Add(-maxPastStart)) {
		return invalid("The StartDate you specify cannot be earlier than 5 minutes ago.")
	}
	if in.StartDate != nil && in.EndDate != nil && !in.StartDate.Before(in.EndDate.Time) {
		return invalid("The StartDate must be before the EndDate.")
	}
	return in.Target.check()
}

// eventSource is what an event may come from; what begins with "aws." belongs to AWS.
// https://docs.aws.amazon.com/scheduler/latest/APIReference/API_EventBridgeParameters.html
var eventSource = regexp.MustCompile(`^[/.\-_A-Za-z0-9]{1,256}$`)

func (t Target) check() error {
	a, ok := arn.Parse(t.Arn)
	if !ok {
		return invalid("Provided Arn is not in correct format: %s.", t.Arn)
	}
	isBus := a.Service == "events" && strings.HasPrefix(a.Resource, "event-bus/")
	if !isBus && !slices.Contains([]string{"lambda", "sqs", "sns"}, a.Service) {
		return invalid("The target %s is not implemented by the local endpoint.", t.Arn)
	}
	const role = `^arn:aws(-[a-z]+)?:iam::\d{12}:role\/[\w+=,.@\/-]+$`
	if !regexp.MustCompile(role).MatchString(t.RoleArn) {
		return constraint(t.RoleArn, "target.roleArn", "satisfy regular expression pattern: %s", role)
	}
	for name, raw := range map[string]json.RawMessage{
		"EcsParameters": t.EcsParameters, "KinesisParameters": t.KinesisParameters,
		"SageMakerPipelineParameters": t.SageMakerPipelineParameters,
	} {
		if raw != nil {
			return invalid("%s are not implemented by the local endpoint.", name)
		}
	}
	switch {
	case a.Service != "sqs" && t.SqsParameters != nil:
		return invalid("SqsParameters do not belong to the target %s.", t.Arn)
	case a.Service == "sqs" && strings.HasSuffix(a.Resource, ".fifo") && (t.SqsParameters == nil || t.SqsParameters.MessageGroupID == ""):
		return invalid("SqsParameters with a MessageGroupId must be provided for the target %s.", t.Arn)
	case isBus && t.EventBridgeParameters == nil:
		return invalid("EventBridgeParameters must be provided for the target %s.", t.Arn)
	case !isBus && t.EventBridgeParameters != nil:
		return invalid("EventBridgeParameters do not belong to the target %s.", t.Arn)
	case isBus && (strings.HasPrefix(t.EventBridgeParameters.Source, "aws.") || !eventSource.MatchString(t.EventBridgeParameters.Source)):
		return constraint(t.EventBridgeParameters.Source, "target.eventBridgeParameters.source",
			`satisfy regular expression pattern: (?=[/\.\-_A-Za-z0-9]+)((?!aws\.).*)`)
	case isBus && (t.EventBridgeParameters.DetailType == "" || len(t.EventBridgeParameters.DetailType) > maxDetailType):
		return constraint(t.EventBridgeParameters.DetailType, "target.eventBridgeParameters.detailType",
			"have length between 1 and %d", maxDetailType)
	case isBus && t.Input != "" && !json.Valid([]byte(invocation{Target: t}.input(""))):
		return invalid("The Input of the target %s must be valid JSON.", t.Arn)
	}
	if d := t.DeadLetterConfig; d != nil && d.Arn != "" {
		if a, ok := arn.Parse(d.Arn); !ok || a.Service != "sqs" || strings.HasSuffix(a.Resource, ".fifo") {
			return constraint(d.Arn, "target.deadLetterConfig.arn", "be the ARN of a standard SQS queue")
		}
	}
	if err := checkRange(t.RetryPolicy.MaximumEventAgeInSeconds, "target.retryPolicy.maximumEventAgeInSeconds", minAge, maxAge); err != nil {
		return err
	}
	return checkRange(t.RetryPolicy.MaximumRetryAttempts, "target.retryPolicy.maximumRetryAttempts", 0, maxAttempts)
}

// plan sets the next occurrence after after.
func (sc *schedule) plan(after time.Time) {
	sc.Scheduled, sc.Due = time.Time{}, time.Time{}
	e, err := expression.Parse(sc.Spec.ScheduleExpression)
	zone, zoneErr := time.LoadLocation(sc.Spec.ScheduleExpressionTimezone)
	if err != nil || zoneErr != nil {
		return // checked when the schedule was made
	}
	start := sc.Created
	if sc.Spec.StartDate != nil && !e.Once() { // one-time schedules ignore both dates
		start = sc.Spec.StartDate.Time
		if start.After(after) {
			after = start.Add(-time.Nanosecond)
		}
	}
	next, ok := e.Next(after, start, zone)
	if !ok || !e.Once() && sc.Spec.EndDate != nil && next.After(sc.Spec.EndDate.Time) {
		return
	}
	sc.Scheduled, sc.Due = next.UTC(), next.UTC()
	if n := sc.Spec.FlexibleTimeWindow.MaximumWindowInMinutes; n != nil {
		sc.Due = sc.Due.Add(time.Duration(rand.Int64N(int64(*n) * int64(time.Minute)))) //nolint:gosec // spreads load, no secret
	}
}
