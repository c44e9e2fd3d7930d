package health_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamotypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	eventtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	schedulertypes "github.com/aws/aws-sdk-go-v2/service/scheduler/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/google/go-cmp/cmp"

	"github.com/the-alchemiser/alchemiser/cmd/alchemiser/health"
	"github.com/the-alchemiser/alchemiser/internal/naming"
)

func TestASoundStageHasNoProblems(t *testing.T) {
	t.Parallel()
	got, err := newDeployment(t).reader(time.Now()).Diagnose(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range got.Checks {
		if len(c.Problems) > 0 {
			t.Errorf("%s: %+v", c.Name, c.Problems)
		}
	}
}

// Each case breaks one thing; exactly one check must say so, with level and words.
func TestEachMisconfigurationIsNamed(t *testing.T) {
	t.Parallel()
	function := func(f naming.Function) *string { return aws.String(stage.Function(f)) }
	live, bus := aws.String(naming.Live), aws.String(stage.Bus())
	for name, c := range map[string]struct {
		do          func(d *deployment)
		check, want string
		level       health.Level
	}{
		"a function publishes to another bus": {func(d *deployment) {
			d.must(d.lambda.UpdateFunctionConfiguration(t.Context(), &lambda.UpdateFunctionConfigurationInput{
				FunctionName: function(naming.Portfolio), Environment: &lambdatypes.Environment{Variables: map[string]string{"EVENTBRIDGE__EVENT_BUS_NAME": "other", "MODE": "live"}},
			}))
			made, err := d.lambda.PublishVersion(t.Context(), &lambda.PublishVersionInput{FunctionName: function(naming.Portfolio)})
			d.must(made, err)
			d.must(d.lambda.UpdateAlias(t.Context(), &lambda.UpdateAliasInput{FunctionName: function(naming.Portfolio), Name: live, FunctionVersion: made.Version}))
		}, "bus name of functions", `portfolio publishes to bus "other"`, health.Wrong},
		"a variable is changed, but not published": {func(d *deployment) {
			d.must(d.lambda.UpdateFunctionConfiguration(t.Context(), &lambda.UpdateFunctionConfigurationInput{
				FunctionName: function(naming.Portfolio), Environment: &lambdatypes.Environment{Variables: map[string]string{"EVENTBRIDGE__EVENT_BUS_NAME": stage.Bus(), "MODE": "shadow"}},
			}))
		}, "live versions", "portfolio runs version 1, whose environment", health.Warning},
		"claims do not expire": {func(d *deployment) {
			d.must(d.table.UpdateTimeToLive(t.Context(), &dynamodb.UpdateTimeToLiveInput{
				TableName: aws.String(stage.Table()), TimeToLiveSpecification: &dynamotypes.TimeToLiveSpecification{AttributeName: aws.String("ttl"), Enabled: aws.Bool(false)},
			}))
		}, "state table", "no time to live", health.Wrong},
		"a rule is off": {
			func(d *deployment) { d.rule(stage.Rule(naming.Execution), eventtypes.RuleStateDisabled) },
			"rules", stage.Rule(naming.Execution) + " is off, and no operator", health.Wrong,
		},
		"an operator has switched a rule off": {func(d *deployment) {
			d.rule(stage.Rule(naming.Execution), eventtypes.RuleStateDisabled)
			d.parameter(stage.RulesOff(), stage.Rule(naming.Execution), ssmtypes.ParameterTypeString)
		}, "rules", "was switched off by an operator", health.Warning},
		"a rule is on, but not to stay": {
			func(d *deployment) {
				d.parameter(stage.RulesOff(), stage.Rule(naming.Execution), ssmtypes.ParameterTypeString)
			},
			"rules", "the next apply switches it off", health.Warning,
		},
		"a rule without its target": {func(d *deployment) {
			d.must(d.events.RemoveTargets(t.Context(), &eventbridge.RemoveTargetsInput{Rule: aws.String(stage.Rule(naming.Strategy)), EventBusName: bus, Ids: []string{"strategy"}}))
		}, "targets", "gets no events", health.Wrong},
		"a target without dead letter queue": {
			func(d *deployment) {
				d.target(naming.Strategy, nil, &eventtypes.RetryPolicy{MaximumRetryAttempts: aws.Int32(3)})
			},
			"targets", "has no dead letter queue", health.Wrong,
		},
		"a target with another dead letter queue": {func(d *deployment) {
			d.target(naming.Strategy, &eventtypes.DeadLetterConfig{Arn: aws.String(arn("sqs", stage.EventDeadLetters()))}, &eventtypes.RetryPolicy{MaximumRetryAttempts: aws.Int32(3)})
		}, "targets", "no command looks there", health.Wrong},
		"the rule may not invoke the function": {func(d *deployment) {
			d.must(d.lambda.RemovePermission(t.Context(), &lambda.RemovePermissionInput{FunctionName: function(naming.Strategy), Qualifier: live, StatementId: aws.String("EventBridge")}))
		}, "permissions of rules", "may not invoke strategy", health.Wrong},
		"no configuration on the alias": {func(d *deployment) {
			d.must(d.lambda.DeleteFunctionEventInvokeConfig(t.Context(), &lambda.DeleteFunctionEventInvokeConfigInput{FunctionName: function(naming.Monitor), Qualifier: live}))
		}, "asynchronous retries", "alias live of monitor has no configuration", health.Wrong},
		"too few attempts": {func(d *deployment) {
			d.must(d.lambda.UpdateFunctionEventInvokeConfig(t.Context(), &lambda.UpdateFunctionEventInvokeConfigInput{FunctionName: function(naming.Monitor), Qualifier: live, MaximumRetryAttempts: aws.Int32(0)}))
		}, "asynchronous retries", "tries monitor again 0 times", health.Wrong},
		"events are given up early": {func(d *deployment) {
			d.must(d.lambda.UpdateFunctionEventInvokeConfig(t.Context(), &lambda.UpdateFunctionEventInvokeConfigInput{FunctionName: function(naming.Monitor), Qualifier: live, MaximumEventAgeInSeconds: aws.Int32(60)}))
		}, "asynchronous retries", "three attempts need 6m0s", health.Wrong},
		"a closed dead letter queue": {func(d *deployment) {
			d.must(d.sqs.SetQueueAttributes(t.Context(), &sqs.SetQueueAttributesInput{
				QueueUrl: d.queueURL(stage.DeadLetters(naming.Monitor)), Attributes: map[string]string{"Policy": ""},
			}))
		}, "dead letter queues", "does not let EventBridge in", health.Wrong},
		"a forgetful dead letter queue": {func(d *deployment) {
			d.must(d.sqs.SetQueueAttributes(t.Context(), &sqs.SetQueueAttributesInput{
				QueueUrl: d.queueURL(stage.DeadLetters(naming.Monitor)), Attributes: map[string]string{"MessageRetentionPeriod": "3600"},
			}))
		}, "dead letter queues", "forgets messages after 3600 s", health.Warning},
		"no archive": {func(d *deployment) {
			d.must(d.events.DeleteArchive(t.Context(), &eventbridge.DeleteArchiveInput{ArchiveName: aws.String(stage.Archive())}))
		}, "archive", "nothing can be replayed", health.Wrong},
		"an endless archive": {func(d *deployment) {
			d.must(d.events.UpdateArchive(t.Context(), &eventbridge.UpdateArchiveInput{ArchiveName: aws.String(stage.Archive()), RetentionDays: aws.Int32(0)}))
		}, "archive", "for ever", health.Warning},
		"a schedule is off": {func(d *deployment) {
			d.schedule("start-regular", func(s *scheduler.UpdateScheduleInput) { s.State = schedulertypes.ScheduleStateDisabled })
		}, "schedules", "is off", health.Warning},
		"another clock": {func(d *deployment) {
			d.schedule("start-regular", func(s *scheduler.UpdateScheduleInput) { s.ScheduleExpressionTimezone = aws.String("Europe/Berlin") })
		}, "schedules", "clock of Europe/Berlin", health.Wrong},
		"a start that may be lost": {func(d *deployment) {
			d.schedule("start-early-close", func(s *scheduler.UpdateScheduleInput) { s.Target.DeadLetterConfig = nil })
		}, "schedules", "a start that is not delivered is lost", health.Wrong},
		"no broker keys": {func(d *deployment) {
			d.must(d.ssm.DeleteParameter(t.Context(), &ssm.DeleteParameterInput{Name: aws.String(stage.BrokerKeys())}))
		}, "broker keys", "no function can talk to the broker", health.Wrong},
		"trading is off":        {func(d *deployment) { d.parameter(stage.TradingSwitch(), "false", ssmtypes.ParameterTypeString) }, "trading switch", "trading is off", health.Warning},
		"the switch is neither": {func(d *deployment) { d.parameter(stage.TradingSwitch(), "yes", ssmtypes.ParameterTypeString) }, "trading switch", `is "yes"`, health.Wrong},
		"a log that grows forever": {func(d *deployment) {
			d.must(d.logs.DeleteRetentionPolicy(t.Context(), &cloudwatchlogs.DeleteRetentionPolicyInput{LogGroupName: aws.String(stage.FunctionLog(naming.Strategy))}))
		}, "log retention", "grows for ever", health.Wrong},
		"no log of events": {func(d *deployment) {
			d.must(d.logs.DeleteLogGroup(t.Context(), &cloudwatchlogs.DeleteLogGroupInput{LogGroupName: aws.String(stage.EventLog())}))
		}, "log retention", "no record of the events", health.Warning},
		"an alarm that is not there": {func(d *deployment) {
			d.must(d.metrics.DeleteAlarms(t.Context(), &cloudwatch.DeleteAlarmsInput{AlarmNames: []string{stage.AlarmPrefix() + "strategy-slow"}}))
		}, "alarms", "strategy-slow is not there", health.Wrong},
		"an alarm that tells nobody": {func(d *deployment) {
			d.must(d.metrics.DisableAlarmActions(t.Context(), &cloudwatch.DisableAlarmActionsInput{AlarmNames: []string{stage.AlarmPrefix() + "strategy-slow"}}))
		}, "alarms", "strategy-slow tells nobody", health.Wrong},
		"somebody has not confirmed": {func(d *deployment) {
			topic := aws.String(arn("sns", stage.AlarmsTopic()))
			d.must(d.sns.DeleteTopic(t.Context(), &sns.DeleteTopicInput{TopicArn: topic}))
			d.must(d.sns.CreateTopic(t.Context(), &sns.CreateTopicInput{Name: aws.String(stage.AlarmsTopic())}))
			d.must(d.sns.Subscribe(t.Context(), &sns.SubscribeInput{TopicArn: topic, Protocol: aws.String("email"), Endpoint: aws.String("trader@example.com")}))
		}, "notifications", "nobody is told by " + stage.AlarmsTopic() + ": trader@example.com has not confirmed", health.Wrong},
		"nobody reads the digest": {func(d *deployment) {
			d.must(d.sns.DeleteTopic(t.Context(), &sns.DeleteTopicInput{TopicArn: aws.String(arn("sns", stage.DigestTopic()))}))
			d.must(d.sns.CreateTopic(t.Context(), &sns.CreateTopicInput{Name: aws.String(stage.DigestTopic())}))
		}, "notifications", "nobody is subscribed to " + stage.DigestTopic(), health.Warning},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDeployment(t)
			c.do(d)
			got, err := d.reader(time.Now()).Diagnose(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			found := false
			for _, check := range got.Checks {
				for _, p := range check.Problems {
					if check.Name == c.check && p.Level == c.level && strings.Contains(p.What, c.want) && p.Fix != "" {
						found = true
					} else {
						t.Errorf("it also says: %s: %s: %s", p.Level, check.Name, p.What)
					}
				}
			}
			if !found {
				t.Errorf("check %s does not say %q", c.check, c.want)
			}
		})
	}
}

func (d *deployment) queueURL(name string) *string {
	got, err := d.sqs.GetQueueUrl(d.t.Context(), &sqs.GetQueueUrlInput{QueueName: &name})
	d.must(got, err)
	return got.QueueUrl
}

func TestAClockThatIsOff(t *testing.T) {
	t.Parallel()
	d := newDeployment(t)
	for off, want := range map[time.Duration]health.Level{time.Minute: health.Warning, -10 * time.Minute: health.Wrong} {
		got, err := d.reader(time.Now().Add(off)).Diagnose(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if p := got.Checks[0].Problems; len(p) != 1 || p[0].Level != want {
			t.Errorf("%s: %+v, want %s", off, p, want)
		}
	}
}

func TestAStageThatIsNotThere(t *testing.T) {
	t.Parallel()
	d := newDeployment(t)
	_, err := health.NewReader(d.cfg, "other", account, time.Now).Diagnose(t.Context())
	if err == nil || !strings.Contains(err.Error(), "stage other: its bus is not there") {
		t.Errorf("Diagnose = %v", err)
	}
}

func TestADiagnosisForPeople(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	err := health.Diagnosis{Checks: []health.Check{
		{Name: "clock"},
		{Name: "rules", Problems: []health.Problem{{Level: health.Wrong, What: "r is off", Fix: "switch it on"}, {Level: health.Warning, What: "s is on", Fix: "none"}}},
	}}.Write(&out)
	want := `ok       clock
wrong    rules: r is off
         fix: switch it on
warning  rules: s is on
         fix: none
2 checks: 1 wrong, 1 warnings.
`
	if d := cmp.Diff(want, out.String()); d != "" || err != nil {
		t.Errorf("%v, text (-want +got):\n%s", err, d)
	}
}
