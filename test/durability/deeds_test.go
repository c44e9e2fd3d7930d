package durability_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	ddbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	schedulertypes "github.com/aws/aws-sdk-go-v2/service/scheduler/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

const (
	// open lets everybody send to a queue: who may what is not what is tested here.
	open   = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"sqs:*","Resource":"*"}]}`
	queues = "arn:aws:sqs:us-east-1:000000000000:"
	topic  = "arn:aws:sns:us-east-1:000000000000:topic"
	role   = "arn:aws:iam::000000000000:role/any"
)

// deed is something that is done to the endpoint again and again, each time with another name.
type deed struct {
	name string
	// clients do it at the same time, 0 meaning one; limit is how often each does it in a round, 0 meaning always on.
	clients, limit int
	// do returns the names of what was acknowledged, none if the endpoint is gone.
	do func(ctx context.Context, cfg aws.Config, name string) []string
	// found are the places where each of them must be found afterwards, and how often each is there.
	found map[string]func(t *testing.T, cfg aws.Config, must map[string]bool) map[string]int
}

// deeds are all that is done.
var deeds = []deed{
	{
		name: "event", clients: 4, do: putEvents,
		found: map[string]func(*testing.T, aws.Config, map[string]bool) map[string]int{
			"target": drain("taken"), "target of another bus": drain("late"), "dead letter": drain("dead"), "archive, by a replay": drain("replayed"),
		},
	},
	{name: "message to a queue", do: sendMessage, found: in("queue", drain("sent"))},
	{name: "message to a topic", do: publish, found: in("subscribed queue", drain("fanned"))},
	{name: "asynchronous invocation", do: invoke, found: in("dead letter", drain("refused"))},
	{name: "one-time schedule", limit: 100, do: schedule, found: in("target", drain("fired"))},
	{name: "item", do: putItem, found: in("table", items)},
	{name: "alarm", limit: 20, do: putAlarm, found: in("alarms", alarms)},
	{name: "metric", limit: 100, do: putMetric, found: in("statistics", statistics)},
}

func in(place string, f func(*testing.T, aws.Config, map[string]bool) map[string]int) map[string]func(*testing.T, aws.Config, map[string]bool) map[string]int {
	return map[string]func(*testing.T, aws.Config, map[string]bool) map[string]int{place: f}
}

// named is the document of what has a name.
func named(name string) *string { return aws.String(`{"name":"` + name + `"}`) }

// one is the answer of a deed that does one thing.
func one(name string, err error) []string {
	if err != nil {
		return nil
	}
	return []string{name}
}

// prepare makes what the deeds need.
func prepare(t *testing.T, cfg aws.Config) {
	t.Helper()
	ctx := t.Context()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"taken", "dead", "late", "replayed", "sent", "fanned", "refused", "fired"} {
		_, err := sqs.NewFromConfig(cfg).CreateQueue(ctx, &sqs.CreateQueueInput{
			// A message whose answer got lost on its way to the client comes again soon.
			QueueName: aws.String(name), Attributes: map[string]string{"Policy": open, "VisibilityTimeout": "5"},
		})
		must(err)
	}
	topics := sns.NewFromConfig(cfg)
	_, err := topics.CreateTopic(ctx, &sns.CreateTopicInput{Name: aws.String("topic")})
	must(err)
	_, err = topics.Subscribe(ctx, &sns.SubscribeInput{
		TopicArn: aws.String(topic), Protocol: aws.String("sqs"), Endpoint: aws.String(queues + "fanned"), Attributes: map[string]string{"RawMessageDelivery": "true"},
	})
	must(err)
	_, err = dynamodb.NewFromConfig(cfg).CreateTable(ctx, &dynamodb.CreateTableInput{
		TableName: aws.String("items"), BillingMode: ddbtypes.BillingModePayPerRequest,
		AttributeDefinitions: []ddbtypes.AttributeDefinition{{AttributeName: aws.String("name"), AttributeType: ddbtypes.ScalarAttributeTypeS}},
		KeySchema:            []ddbtypes.KeySchemaElement{{AttributeName: aws.String("name"), KeyType: ddbtypes.KeyTypeHash}},
	})
	must(err)
	must(prepareRole(ctx, iam.NewFromConfig(cfg)))
	must(prepareFunction(ctx, lambda.NewFromConfig(cfg)))
	must(prepareBus(ctx, eventbridge.NewFromConfig(cfg)))
}

// prepareRole makes a role that every service may assume and that may do everything.
func prepareRole(ctx context.Context, roles *iam.Client) error {
	if _, err := roles.CreateRole(ctx, &iam.CreateRoleInput{RoleName: aws.String("any"), AssumeRolePolicyDocument: aws.String(
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"Service":["lambda.amazonaws.com","events.amazonaws.com","scheduler.amazonaws.com"]}}]}`,
	)}); err != nil {
		return err
	}
	_, err := roles.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: aws.String("any"), PolicyName: aws.String("all"), PolicyDocument: aws.String(
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`,
	)})
	return err
}

// prepareFunction makes a function that may not run at all: what it is invoked with becomes a dead letter.
func prepareFunction(ctx context.Context, functions *lambda.Client) error {
	var code bytes.Buffer
	z := zip.NewWriter(&code)
	if _, err := z.Create("bootstrap"); err != nil {
		return err
	}
	if err := z.Close(); err != nil {
		return err
	}
	if _, err := functions.CreateFunction(ctx, &lambda.CreateFunctionInput{
		FunctionName: aws.String("f"), Role: aws.String(role), Runtime: lambdatypes.RuntimeProvidedal2023, Handler: aws.String("bootstrap"),
		Code: &lambdatypes.FunctionCode{ZipFile: code.Bytes()}, DeadLetterConfig: &lambdatypes.DeadLetterConfig{TargetArn: aws.String(queues + "refused")},
	}); err != nil {
		return err
	}
	_, err := functions.PutFunctionConcurrency(ctx, &lambda.PutFunctionConcurrencyInput{FunctionName: aws.String("f"), ReservedConcurrentExecutions: aws.Int32(0)})
	return err
}

// prepareBus makes a bus whose events go to the queue "taken", to another bus and from there to "late", to a queue that does not
// exist, with "dead" for its dead letters, and to an archive, which is replayed to "replayed".
func prepareBus(ctx context.Context, events *eventbridge.Client) error {
	for _, bus := range []string{"bus", "next"} {
		if _, err := events.CreateEventBus(ctx, &eventbridge.CreateEventBusInput{Name: aws.String(bus)}); err != nil {
			return err
		}
	}
	for _, rule := range []struct {
		name, bus, pattern string
		targets            []ebtypes.Target
	}{
		{"all", "bus", `{"source":["load"],"replay-name":[{"exists":false}]}`, []ebtypes.Target{
			{Id: aws.String("taken"), Arn: aws.String(queues + "taken")},
			{Id: aws.String("next"), Arn: aws.String("arn:aws:events:us-east-1:000000000000:event-bus/next"), RoleArn: aws.String(role)},
			{Id: aws.String("missing"), Arn: aws.String(queues + "missing"), DeadLetterConfig: &ebtypes.DeadLetterConfig{Arn: aws.String(queues + "dead")}},
		}},
		{"replayed", "bus", `{"replay-name":["again"]}`, []ebtypes.Target{{Id: aws.String("replayed"), Arn: aws.String(queues + "replayed")}}},
		{"late", "next", `{"source":["load"]}`, []ebtypes.Target{{Id: aws.String("late"), Arn: aws.String(queues + "late")}}},
	} {
		if _, err := events.PutRule(ctx, &eventbridge.PutRuleInput{Name: &rule.name, EventBusName: &rule.bus, EventPattern: &rule.pattern}); err != nil {
			return err
		}
		if _, err := events.PutTargets(ctx, &eventbridge.PutTargetsInput{Rule: &rule.name, EventBusName: &rule.bus, Targets: rule.targets}); err != nil {
			return err
		}
	}
	_, err := events.CreateArchive(ctx, &eventbridge.CreateArchiveInput{
		ArchiveName: aws.String("kept"), EventSourceArn: aws.String("arn:aws:events:us-east-1:000000000000:event-bus/bus"),
	})
	return err
}

// putEvents puts five events.
func putEvents(ctx context.Context, cfg aws.Config, name string) (names []string) {
	var in eventbridge.PutEventsInput
	for i := range 5 {
		in.Entries = append(in.Entries, ebtypes.PutEventsRequestEntry{
			EventBusName: aws.String("bus"), Source: aws.String("load"), DetailType: aws.String("Load"), Detail: named(fmt.Sprintf("%s-%d", name, i)),
		})
	}
	out, err := eventbridge.NewFromConfig(cfg).PutEvents(ctx, &in)
	if err != nil {
		return nil
	}
	for i, e := range out.Entries {
		if e.EventId != nil {
			names = append(names, fmt.Sprintf("%s-%d", name, i))
		}
	}
	return names
}

func sendMessage(ctx context.Context, cfg aws.Config, name string) []string {
	_, err := sqs.NewFromConfig(cfg).SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: url(cfg, "sent"), MessageBody: named(name)})
	return one(name, err)
}

func publish(ctx context.Context, cfg aws.Config, name string) []string {
	_, err := sns.NewFromConfig(cfg).Publish(ctx, &sns.PublishInput{TopicArn: aws.String(topic), Message: named(name)})
	return one(name, err)
}

func invoke(ctx context.Context, cfg aws.Config, name string) []string {
	_, err := lambda.NewFromConfig(cfg).Invoke(ctx, &lambda.InvokeInput{
		FunctionName: aws.String("f"), InvocationType: lambdatypes.InvocationTypeEvent, Payload: []byte(*named(name)),
	})
	return one(name, err)
}

// schedule makes a schedule that fires in two seconds: some while the endpoint is down.
func schedule(ctx context.Context, cfg aws.Config, name string) []string {
	_, err := scheduler.NewFromConfig(cfg).CreateSchedule(ctx, &scheduler.CreateScheduleInput{
		Name: aws.String(name), ScheduleExpression: aws.String(time.Now().Add(2 * time.Second).UTC().Format("at(2006-01-02T15:04:05)")),
		FlexibleTimeWindow:    &schedulertypes.FlexibleTimeWindow{Mode: schedulertypes.FlexibleTimeWindowModeOff},
		ActionAfterCompletion: schedulertypes.ActionAfterCompletionDelete,
		Target:                &schedulertypes.Target{Arn: aws.String(queues + "fired"), RoleArn: aws.String(role), Input: named(name)},
	})
	return one(name, err)
}

func putItem(ctx context.Context, cfg aws.Config, name string) []string {
	_, err := dynamodb.NewFromConfig(cfg).PutItem(ctx, &dynamodb.PutItemInput{
		TableName: aws.String("items"), Item: map[string]ddbtypes.AttributeValue{"name": &ddbtypes.AttributeValueMemberS{Value: name}},
	})
	return one(name, err)
}

func putAlarm(ctx context.Context, cfg aws.Config, name string) []string {
	_, err := cloudwatch.NewFromConfig(cfg).PutMetricAlarm(ctx, &cloudwatch.PutMetricAlarmInput{
		AlarmName: aws.String(name), Namespace: aws.String("Load"), MetricName: aws.String("alarmed"), Statistic: cwtypes.StatisticSum,
		Period: aws.Int32(60), EvaluationPeriods: aws.Int32(1), Threshold: aws.Float64(1), ComparisonOperator: cwtypes.ComparisonOperatorGreaterThanThreshold,
	})
	return one(name, err)
}

func putMetric(ctx context.Context, cfg aws.Config, name string) []string {
	_, err := cloudwatch.NewFromConfig(cfg).PutMetricData(ctx, &cloudwatch.PutMetricDataInput{
		Namespace: aws.String("Load"), MetricData: []cwtypes.MetricDatum{{MetricName: aws.String(name), Value: aws.Float64(1)}},
	})
	return one(name, err)
}

func url(cfg aws.Config, queue string) *string {
	return aws.String(*cfg.BaseEndpoint + "/000000000000/" + queue)
}

// depth is how many messages a queue has.
func depth(t *testing.T, cfg aws.Config, queue string) int {
	t.Helper()
	out, err := sqs.NewFromConfig(cfg).GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{
		QueueUrl: url(cfg, queue), AttributeNames: []sqstypes.QueueAttributeName{sqstypes.QueueAttributeNameApproximateNumberOfMessages},
	})
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(out.Attributes["ApproximateNumberOfMessages"])
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// drain receives everything from a queue until all names that must come have come, and counts them.
func drain(queue string) func(*testing.T, aws.Config, map[string]bool) map[string]int {
	return func(t *testing.T, cfg aws.Config, must map[string]bool) map[string]int {
		t.Helper()
		client := sqs.NewFromConfig(cfg, func(o *sqs.Options) { o.RetryMaxAttempts = 5 })
		got, missing := map[string]int{}, len(must)
		for silent := 0; missing > 0 && silent < 4; silent++ {
			out, err := client.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: url(cfg, queue), MaxNumberOfMessages: 10, WaitTimeSeconds: 5})
			if err != nil {
				t.Fatal(err)
			}
			if len(out.Messages) == 0 {
				continue // nothing has come for five seconds
			}
			silent = 0
			var gone []sqstypes.DeleteMessageBatchRequestEntry
			for i, m := range out.Messages {
				var document struct {
					Name   string
					Detail struct{ Name string }
				}
				if err := json.Unmarshal([]byte(*m.Body), &document); err != nil {
					t.Fatal(err)
				}
				name := document.Name + document.Detail.Name
				if got[name]++; got[name] == 1 && must[name] {
					missing--
				}
				gone = append(gone, sqstypes.DeleteMessageBatchRequestEntry{Id: aws.String(strconv.Itoa(i)), ReceiptHandle: m.ReceiptHandle})
			}
			if _, err := client.DeleteMessageBatch(t.Context(), &sqs.DeleteMessageBatchInput{QueueUrl: url(cfg, queue), Entries: gone}); err != nil {
				t.Fatal(err)
			}
		}
		return got
	}
}

func items(t *testing.T, cfg aws.Config, _ map[string]bool) map[string]int {
	t.Helper()
	got := map[string]int{}
	pages := dynamodb.NewScanPaginator(dynamodb.NewFromConfig(cfg), &dynamodb.ScanInput{TableName: aws.String("items")})
	for pages.HasMorePages() {
		out, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range out.Items {
			if name, ok := item["name"].(*ddbtypes.AttributeValueMemberS); ok {
				got[name.Value]++
			}
		}
	}
	return got
}

func alarms(t *testing.T, cfg aws.Config, _ map[string]bool) map[string]int {
	t.Helper()
	got := map[string]int{}
	pages := cloudwatch.NewDescribeAlarmsPaginator(cloudwatch.NewFromConfig(cfg), &cloudwatch.DescribeAlarmsInput{})
	for pages.HasMorePages() {
		out, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range out.MetricAlarms {
			got[*a.AlarmName]++
		}
	}
	return got
}

// statistics asks for the sum of each metric: what was acknowledged counts once.
func statistics(t *testing.T, cfg aws.Config, must map[string]bool) map[string]int {
	t.Helper()
	got := map[string]int{}
	client := cloudwatch.NewFromConfig(cfg)
	for name := range must {
		out, err := client.GetMetricStatistics(t.Context(), &cloudwatch.GetMetricStatisticsInput{
			Namespace: aws.String("Load"), MetricName: aws.String(name), Period: aws.Int32(3600), Statistics: []cwtypes.Statistic{cwtypes.StatisticSum},
			StartTime: aws.Time(time.Now().Add(-time.Hour)), EndTime: aws.Time(time.Now().Add(time.Minute)),
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range out.Datapoints {
			got[name] += int(*d.Sum)
		}
	}
	return got
}
