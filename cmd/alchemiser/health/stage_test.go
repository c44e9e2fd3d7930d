package health_test

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamotypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	eventtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	schedulertypes "github.com/aws/aws-sdk-go-v2/service/scheduler/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"github.com/the-alchemiser/alchemiser/cmd/alchemiser/health"
	"github.com/the-alchemiser/alchemiser/internal/localaws"
	"github.com/the-alchemiser/alchemiser/internal/naming"
)

const (
	stage   = naming.Stage("test")
	account = "000000000000"
)

// deployment is a stage on the in-process endpoint, as sound as Terraform makes it, with clients to break it.
type deployment struct {
	t         *testing.T
	cfg       aws.Config
	events    *eventbridge.Client
	lambda    *lambda.Client
	scheduler *scheduler.Client
	sqs       *sqs.Client
	sns       *sns.Client
	ssm       *ssm.Client
	logs      *cloudwatchlogs.Client
	metrics   *cloudwatch.Client
	table     *dynamodb.Client
}

func newDeployment(t *testing.T) *deployment {
	t.Helper()
	server, err := localaws.New(localaws.Config{Log: t.Output()})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- server.Serve(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	cfg := aws.Config{
		Region: "us-east-1", BaseEndpoint: aws.String(server.URL()), Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	}
	d := &deployment{
		t: t, cfg: cfg, events: eventbridge.NewFromConfig(cfg), lambda: lambda.NewFromConfig(cfg), scheduler: scheduler.NewFromConfig(cfg),
		sqs: sqs.NewFromConfig(cfg), sns: sns.NewFromConfig(cfg), ssm: ssm.NewFromConfig(cfg), logs: cloudwatchlogs.NewFromConfig(cfg),
		metrics: cloudwatch.NewFromConfig(cfg), table: dynamodb.NewFromConfig(cfg),
	}
	d.state()
	d.bus()
	for _, f := range naming.Functions() {
		d.function(f)
	}
	d.watch()
	d.schedules()
	return d
}

// must fails the test if a call has failed.
func (d *deployment) must(_ any, err error) {
	d.t.Helper()
	if err != nil {
		d.t.Fatal(err)
	}
}

func arn(service, resource string) string {
	return "arn:aws:" + service + ":us-east-1:" + account + ":" + resource
}

func (d *deployment) state() {
	key := func(name string, kind dynamotypes.KeyType) dynamotypes.KeySchemaElement {
		return dynamotypes.KeySchemaElement{AttributeName: &name, KeyType: kind}
	}
	text := func(name string) dynamotypes.AttributeDefinition {
		return dynamotypes.AttributeDefinition{AttributeName: &name, AttributeType: dynamotypes.ScalarAttributeTypeS}
	}
	ctx, table := d.t.Context(), aws.String(stage.Table())
	d.must(d.table.CreateTable(ctx, &dynamodb.CreateTableInput{
		TableName: table, BillingMode: dynamotypes.BillingModePayPerRequest,
		KeySchema:            []dynamotypes.KeySchemaElement{key("pk", dynamotypes.KeyTypeHash), key("sk", dynamotypes.KeyTypeRange)},
		AttributeDefinitions: []dynamotypes.AttributeDefinition{text("pk"), text("sk")},
	}))
	d.must(d.table.UpdateTimeToLive(ctx, &dynamodb.UpdateTimeToLiveInput{
		TableName: table, TimeToLiveSpecification: &dynamotypes.TimeToLiveSpecification{AttributeName: aws.String("ttl"), Enabled: aws.Bool(true)},
	}))
	d.must(d.table.UpdateContinuousBackups(ctx, &dynamodb.UpdateContinuousBackupsInput{
		TableName: table, PointInTimeRecoverySpecification: &dynamotypes.PointInTimeRecoverySpecification{PointInTimeRecoveryEnabled: aws.Bool(true)},
	}))
	d.parameter(stage.TradingSwitch(), "true", ssmtypes.ParameterTypeString)
	d.parameter(stage.RulesOff(), "none", ssmtypes.ParameterTypeString)
	d.parameter(stage.BrokerKeys(), `{"key_id":"k","secret_key":"s"}`, ssmtypes.ParameterTypeSecureString)
}

func (d *deployment) parameter(name, value string, kind ssmtypes.ParameterType) {
	d.must(d.ssm.PutParameter(d.t.Context(), &ssm.PutParameterInput{Name: &name, Value: &value, Type: kind, Overwrite: aws.Bool(true)}))
}

func (d *deployment) bus() {
	bus, err := d.events.CreateEventBus(d.t.Context(), &eventbridge.CreateEventBusInput{Name: aws.String(stage.Bus())})
	d.must(bus, err)
	d.must(d.events.CreateArchive(d.t.Context(), &eventbridge.CreateArchiveInput{
		ArchiveName: aws.String(stage.Archive()), EventSourceArn: bus.EventBusArn, RetentionDays: aws.Int32(365),
	}))
	d.queue(stage.EventDeadLetters(), stage.TradesRule())
	d.rule(stage.TradesRule(), eventtypes.RuleStateEnabled)
}

// queue makes a dead letter queue for a rule.
func (d *deployment) queue(name, rule string) {
	d.must(d.sqs.CreateQueue(d.t.Context(), &sqs.CreateQueueInput{QueueName: &name, Attributes: map[string]string{
		"MessageRetentionPeriod": "1209600",
		"Policy": fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"events.amazonaws.com"},"Action":"sqs:SendMessage",
			"Resource":%q,"Condition":{"ArnEquals":{"aws:SourceArn":%q}}}]}`, arn("sqs", name), arn("events", "rule/"+stage.Bus()+"/"+rule)),
	}}))
}

func (d *deployment) rule(name string, state eventtypes.RuleState) {
	d.must(d.events.PutRule(d.t.Context(), &eventbridge.PutRuleInput{
		Name: &name, EventBusName: aws.String(stage.Bus()), State: state, EventPattern: aws.String(`{"source": [{"prefix": "alchemiser."}]}`),
	}))
}

func (d *deployment) function(f naming.Function) {
	ctx, name, live := d.t.Context(), aws.String(stage.Function(f)), aws.String(naming.Live)
	role, err := iam.NewFromConfig(d.cfg).CreateRole(ctx, &iam.CreateRoleInput{RoleName: name, AssumeRolePolicyDocument: aws.String(
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":["lambda.amazonaws.com","scheduler.amazonaws.com"]},"Action":"sts:AssumeRole"}]}`)})
	d.must(role, err)
	d.queue(stage.DeadLetters(f), stage.Rule(f))
	d.logGroup(stage.FunctionLog(f))
	d.must(iam.NewFromConfig(d.cfg).PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: name, PolicyName: name, PolicyDocument: aws.String(
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["sqs:SendMessage"],"Resource":"*"}]}`)}))
	made, err := d.lambda.CreateFunction(ctx, &lambda.CreateFunctionInput{
		FunctionName: name, Role: role.Role.Arn, Runtime: lambdatypes.RuntimeProvidedal2023, Handler: aws.String("bootstrap"), Timeout: aws.Int32(60), Publish: true,
		Code: &lambdatypes.FunctionCode{ZipFile: script(d.t)},
		Environment: &lambdatypes.Environment{Variables: map[string]string{
			"EVENTBRIDGE__EVENT_BUS_NAME": stage.Bus(), "MODE": "live",
		}},
	})
	d.must(made, err)
	d.must(d.lambda.CreateAlias(ctx, &lambda.CreateAliasInput{FunctionName: name, Name: live, FunctionVersion: made.Version}))
	d.rule(stage.Rule(f), eventtypes.RuleStateEnabled)
	d.must(d.lambda.AddPermission(ctx, &lambda.AddPermissionInput{
		FunctionName: name, Qualifier: live, StatementId: aws.String("EventBridge"), Action: aws.String("lambda:InvokeFunction"),
		Principal: aws.String("events.amazonaws.com"), SourceArn: aws.String(arn("events", "rule/"+stage.Bus()+"/"+stage.Rule(f))),
	}))
	d.must(d.lambda.PutFunctionEventInvokeConfig(ctx, &lambda.PutFunctionEventInvokeConfigInput{
		FunctionName: name, Qualifier: live, MaximumRetryAttempts: aws.Int32(2), MaximumEventAgeInSeconds: aws.Int32(360),
		DestinationConfig: &lambdatypes.DestinationConfig{OnFailure: &lambdatypes.OnFailure{Destination: aws.String(arn("sqs", stage.DeadLetters(f)))}},
	}))
	d.target(f, &eventtypes.DeadLetterConfig{Arn: aws.String(arn("sqs", stage.DeadLetters(f)))}, &eventtypes.RetryPolicy{MaximumRetryAttempts: aws.Int32(3)})
	for _, about := range []string{"dead-letters", "undelivered", "destination-failures", "dropped-events", "errors", "throttles", "slow"} {
		d.alarm(string(f)+"-"+about, "FunctionName", stage.Function(f), "arn:aws:sns:us-east-1:000000000000:"+stage.AlarmsTopic())
	}
}

func (d *deployment) target(f naming.Function, letters *eventtypes.DeadLetterConfig, retries *eventtypes.RetryPolicy) {
	d.must(d.events.PutTargets(d.t.Context(), &eventbridge.PutTargetsInput{
		Rule: aws.String(stage.Rule(f)), EventBusName: aws.String(stage.Bus()), Targets: []eventtypes.Target{{
			Id: aws.String(string(f)), Arn: aws.String(alias(f)), DeadLetterConfig: letters, RetryPolicy: retries,
		}},
	}))
}

func alias(f naming.Function) string {
	return arn("lambda", "function:"+stage.Function(f)+":"+naming.Live)
}

// script is a zip with code that never runs here.
func script(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	header := &zip.FileHeader{Name: "bootstrap"}
	header.SetMode(0o755)
	f, err := w.CreateHeader(header)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write([]byte("#!/bin/sh\nexit 1\n")); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func (d *deployment) logGroup(name string) {
	d.must(d.logs.CreateLogGroup(d.t.Context(), &cloudwatchlogs.CreateLogGroupInput{LogGroupName: &name}))
	d.must(d.logs.PutRetentionPolicy(d.t.Context(), &cloudwatchlogs.PutRetentionPolicyInput{LogGroupName: &name, RetentionInDays: aws.Int32(90)}))
}

func (d *deployment) alarm(name, dimension, value string, actions ...string) {
	d.must(d.metrics.PutMetricAlarm(d.t.Context(), &cloudwatch.PutMetricAlarmInput{
		AlarmName: aws.String(stage.AlarmPrefix() + name), Namespace: aws.String("Test"), MetricName: aws.String("M"), Period: aws.Int32(60),
		Dimensions:        []cwtypes.Dimension{{Name: &dimension, Value: &value}},
		EvaluationPeriods: aws.Int32(1), Threshold: aws.Float64(0), ComparisonOperator: cwtypes.ComparisonOperatorGreaterThanThreshold,
		Statistic: cwtypes.StatisticSum, AlarmActions: actions, TreatMissingData: aws.String("ignore"),
	}))
}

func (d *deployment) watch() {
	d.logGroup(stage.EventLog())
	for _, topic := range []string{stage.DigestTopic(), stage.AlarmsTopic()} {
		made, err := d.sns.CreateTopic(d.t.Context(), &sns.CreateTopicInput{Name: &topic})
		d.must(made, err)
		d.must(d.sns.Subscribe(d.t.Context(), &sns.SubscribeInput{TopicArn: made.TopicArn, Protocol: aws.String("sqs"), Endpoint: aws.String(arn("sqs", stage.EventDeadLetters()))}))
	}
	for _, name := range []string{"workflow-failed", "workflow-stalled", "event-dead-letters", "rebalance-overdue"} {
		d.alarm(name, "Stage", string(stage), arn("sns", stage.AlarmsTopic()))
	}
	// A stage whose name begins like ours has alarms of its own.
	d.must(d.metrics.PutMetricAlarm(d.t.Context(), &cloudwatch.PutMetricAlarmInput{
		AlarmName: aws.String("alchemiser-test-2-workflow-failed"), Namespace: aws.String("Alchemiser"), MetricName: aws.String("M"), Period: aws.Int32(60),
		Dimensions:        []cwtypes.Dimension{{Name: aws.String("Stage"), Value: aws.String("test-2")}},
		EvaluationPeriods: aws.Int32(1), Threshold: aws.Float64(0), ComparisonOperator: cwtypes.ComparisonOperatorGreaterThanThreshold, Statistic: cwtypes.StatisticSum,
	}))
}

func (d *deployment) schedules() {
	d.must(d.scheduler.CreateScheduleGroup(d.t.Context(), &scheduler.CreateScheduleGroupInput{Name: aws.String(stage.ScheduleGroup())}))
	bus := schedulertypes.Target{
		Arn: aws.String(arn("events", "event-bus/"+stage.Bus())), RoleArn: aws.String("arn:aws:iam::" + account + ":role/" + stage.Function(naming.Monitor)),
		Input:                 aws.String("{}"),
		EventBridgeParameters: &schedulertypes.EventBridgeParameters{DetailType: aws.String("WorkflowStarted"), Source: aws.String("alchemiser.scheduler")},
		DeadLetterConfig:      &schedulertypes.DeadLetterConfig{Arn: aws.String(arn("sqs", stage.EventDeadLetters()))},
	}
	monitor := bus
	monitor.Arn, monitor.EventBridgeParameters = aws.String(alias(naming.Monitor)), nil
	for purpose, s := range map[string]struct {
		when   string
		target schedulertypes.Target
	}{
		"start-regular": {"cron(45 15 ? * MON-FRI *)", bus}, "start-early-close": {"cron(45 12 ? * MON-FRI *)", bus}, "watchdog": {"rate(1 hour)", monitor},
	} {
		d.must(d.scheduler.CreateSchedule(d.t.Context(), &scheduler.CreateScheduleInput{
			Name: aws.String(stage.Schedule(purpose)), GroupName: aws.String(stage.ScheduleGroup()), ScheduleExpression: aws.String(s.when),
			ScheduleExpressionTimezone: aws.String("America/New_York"), Target: &s.target,
			FlexibleTimeWindow: &schedulertypes.FlexibleTimeWindow{Mode: schedulertypes.FlexibleTimeWindowModeOff},
		}))
	}
}

// schedule changes the deployed schedule.
func (d *deployment) schedule(purpose string, change func(*scheduler.UpdateScheduleInput)) {
	name, group := aws.String(stage.Schedule(purpose)), aws.String(stage.ScheduleGroup())
	got, err := d.scheduler.GetSchedule(d.t.Context(), &scheduler.GetScheduleInput{Name: name, GroupName: group})
	d.must(got, err)
	in := &scheduler.UpdateScheduleInput{
		Name: name, GroupName: group, ScheduleExpression: got.ScheduleExpression, ScheduleExpressionTimezone: got.ScheduleExpressionTimezone,
		Target: got.Target, FlexibleTimeWindow: got.FlexibleTimeWindow, State: got.State,
	}
	change(in)
	d.must(d.scheduler.UpdateSchedule(d.t.Context(), in))
}

func (d *deployment) reader(now time.Time) *health.Reader {
	return health.NewReader(d.cfg, stage, account, func() time.Time { return now })
}
