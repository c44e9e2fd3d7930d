package conformance_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	eventstypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/the-alchemiser/alchemiser/pkg/bus"
	"github.com/the-alchemiser/alchemiser/pkg/bus/bustest"
	"github.com/the-alchemiser/alchemiser/pkg/bus/ebbus"
	"github.com/the-alchemiser/alchemiser/pkg/bus/lambdabus"
	"github.com/the-alchemiser/alchemiser/pkg/events"
)

// The same suite as the bus in memory passes, over EventBridge, Lambda and SQS: PutEvents, a rule and a function for each
// subscription, Lambda's asynchronous queue with its retries, and the function's on-failure destination.
func TestEventBridgeIsABus(t *testing.T) {
	account := newAccount(t)
	var deployed atomic.Int32
	bustest.Run(t, func(t *testing.T) bustest.Harness {
		t.Helper()
		d := &deployment{account: account, name: fmt.Sprintf("suite-%d", deployed.Add(1))}
		d.createBus(t)
		publisher, err := ebbus.New(ebbus.Config{Client: account.events, BusName: d.name, SourcePrefix: "alchemiser", MaxRetries: 3})
		if err != nil {
			t.Fatal(err)
		}
		return bustest.Harness{
			Publisher: publisher, Subscriber: d, Start: func() { d.start(t) }, Attempts: 3, Patience: 2 * time.Minute,
			DeadLetters: func(function string) []string { return d.deadLetters(t, function) },
			Replay:      func(name, function string) { d.replay(t, name, function) },
		}
	})
}

// deployment is one bus with the functions that subscribe to it.
type deployment struct {
	*account
	name          string
	busARN        string
	archiveARN    string
	subscriptions []*subscription
}

type subscription struct {
	function string
	entry    *lambdabus.Entry
	types    []events.Type
	ruleARN  string
	queueURL string
	dead     []string
}

// Subscribe implements bus.Subscriber.
func (d *deployment) Subscribe(function string, h bus.Handler, types ...events.Type) {
	s := &subscription{function: function, entry: lambdabus.New(lambdabus.Commands{}), types: types}
	s.entry.Subscribe(function, h, types...)
	d.subscriptions = append(d.subscriptions, s)
}

func (d *deployment) createBus(t *testing.T) {
	t.Helper()
	created, err := d.events.CreateEventBus(t.Context(), &eventbridge.CreateEventBusInput{Name: &d.name})
	must(t, err)
	d.busARN = *created.EventBusArn
	archive, err := d.events.CreateArchive(t.Context(), &eventbridge.CreateArchiveInput{ArchiveName: &d.name, EventSourceArn: &d.busARN})
	must(t, err)
	d.archiveARN = *archive.ArchiveArn
}

func (d *deployment) start(t *testing.T) {
	t.Helper()
	for _, s := range d.subscriptions {
		name := d.name + "-" + s.function
		functionARN := d.createFunction(t, name, s)
		d.createRule(t, name, functionARN, s)
	}
}

// createFunction deploys the forwarder under name, in front of s in this process.
func (d *deployment) createFunction(t *testing.T, name string, s *subscription) (arn string) {
	t.Helper()
	ctx := t.Context()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		payload, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		invocation := lambdacontext.NewContext(r.Context(), &lambdacontext.LambdaContext{AwsRequestID: r.Header.Get("Request-Id")})
		out, err := s.entry.Invoke(invocation, payload)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		_, _ = w.Write(out)
	}))
	t.Cleanup(server.Close)
	queue, err := d.sqs.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String(name + "-dlq")})
	must(t, err)
	s.queueURL = *queue.QueueUrl
	attributes, err := d.sqs.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
		QueueUrl: queue.QueueUrl, AttributeNames: []sqstypes.QueueAttributeName{sqstypes.QueueAttributeNameQueueArn},
	})
	must(t, err)
	function, err := d.lambda.CreateFunction(ctx, &lambda.CreateFunctionInput{
		FunctionName: &name, Role: &d.roleARN, Runtime: lambdatypes.RuntimeProvidedal2023, Handler: aws.String("bootstrap"),
		Architectures: []lambdatypes.Architecture{d.architecture}, Code: &lambdatypes.FunctionCode{ZipFile: d.zip},
		Timeout: aws.Int32(60), Environment: &lambdatypes.Environment{Variables: map[string]string{"FORWARD_URL": server.URL}},
	})
	must(t, err)
	_, err = d.lambda.PutFunctionEventInvokeConfig(ctx, &lambda.PutFunctionEventInvokeConfigInput{
		FunctionName: &name, MaximumRetryAttempts: aws.Int32(2), MaximumEventAgeInSeconds: aws.Int32(3600),
		DestinationConfig: &lambdatypes.DestinationConfig{OnFailure: &lambdatypes.OnFailure{
			Destination: aws.String(attributes.Attributes[string(sqstypes.QueueAttributeNameQueueArn)]),
		}},
	})
	must(t, err)
	return *function.FunctionArn
}

func (d *deployment) createRule(t *testing.T, name, functionARN string, s *subscription) {
	t.Helper()
	ctx := t.Context()
	pattern := map[string]any{"source": []any{map[string]string{"prefix": "alchemiser."}}}
	if len(s.types) > 0 {
		pattern["detail-type"] = s.types
	}
	text, err := json.Marshal(pattern)
	must(t, err)
	rule, err := d.events.PutRule(ctx, &eventbridge.PutRuleInput{Name: &name, EventBusName: &d.name, EventPattern: aws.String(string(text))})
	must(t, err)
	s.ruleARN = *rule.RuleArn
	_, err = d.lambda.AddPermission(ctx, &lambda.AddPermissionInput{
		FunctionName: &name, StatementId: aws.String("bus"), Action: aws.String("lambda:InvokeFunction"),
		Principal: aws.String("events.amazonaws.com"), SourceArn: rule.RuleArn,
	})
	must(t, err)
	targets, err := d.events.PutTargets(ctx, &eventbridge.PutTargetsInput{
		Rule: &name, EventBusName: &d.name, Targets: []eventstypes.Target{{Id: aws.String("function"), Arn: &functionARN}},
	})
	must(t, err)
	if targets.FailedEntryCount != 0 {
		t.Fatalf("targets of %s were refused: %+v", name, targets.FailedEntries)
	}
}

// deadLetters takes what arrived in the function's dead letter queue since and returns all that ever did.
func (d *deployment) deadLetters(t *testing.T, function string) []string {
	t.Helper()
	i := slices.IndexFunc(d.subscriptions, func(s *subscription) bool { return s.function == function })
	s := d.subscriptions[i]
	got, err := d.sqs.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &s.queueURL, MaxNumberOfMessages: 10})
	must(t, err)
	for _, m := range got.Messages {
		s.dead = append(s.dead, eventOf(t, *m.Body))
		_, err := d.sqs.DeleteMessage(t.Context(), &sqs.DeleteMessageInput{QueueUrl: &s.queueURL, ReceiptHandle: m.ReceiptHandle})
		must(t, err)
	}
	return slices.Clone(s.dead)
}

// eventOf returns the id of the event in a Lambda destination record.
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
func eventOf(t *testing.T, record string) string {
	t.Helper()
	var r struct {
		RequestContext struct {
			Condition              string `json:"condition"`
			ApproximateInvokeCount int    `json:"approximateInvokeCount"`
		} `json:"requestContext"`
		RequestPayload  json.RawMessage `json:"requestPayload"`
		ResponsePayload struct {
			ErrorMessage string `json:"errorMessage"`
		} `json:"responsePayload"`
	}
	must(t, json.Unmarshal([]byte(record), &r))
	if r.RequestContext.Condition != "RetriesExhausted" || r.RequestContext.ApproximateInvokeCount != 3 || r.ResponsePayload.ErrorMessage == "" {
		t.Errorf("destination record is %s, want retries exhausted after 3 attempts with the last error", record)
	}
	envelope, err := bus.ParseEnvelope(r.RequestPayload)
	must(t, err)
	e, err := events.Decode(envelope.DetailType, envelope.Detail)
	must(t, err)
	return e.ID
}

func (d *deployment) replay(t *testing.T, name, function string) {
	t.Helper()
	i := slices.IndexFunc(d.subscriptions, func(s *subscription) bool { return s.function == function })
	day := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC) // of the suite's events
	_, err := d.events.StartReplay(t.Context(), &eventbridge.StartReplayInput{
		ReplayName: &name, EventSourceArn: &d.archiveARN, EventStartTime: &day, EventEndTime: aws.Time(day.AddDate(0, 0, 1)),
		Destination: &eventstypes.ReplayDestination{Arn: &d.busARN, FilterArns: []string{d.subscriptions[i].ruleARN}},
	})
	must(t, err)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
