package localaws_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"github.com/the-alchemiser/alchemiser/internal/localaws"
)

// endpoint is a running endpoint.
type endpoint struct {
	url   string
	cfg   aws.Config
	log   *bytes.Buffer
	stop  context.CancelFunc
	ended chan error
}

func start(t *testing.T, cfg localaws.Config) *endpoint {
	t.Helper()
	e := &endpoint{log: &bytes.Buffer{}, ended: make(chan error, 1)}
	cfg.Log = e.log
	server, err := localaws.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	var ctx context.Context
	ctx, e.stop = context.WithCancel(context.Background())
	go func() { e.ended <- server.Serve(ctx) }()
	e.url = server.URL()
	e.cfg = aws.Config{
		Region: "us-east-1", BaseEndpoint: aws.String(e.url), RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider(localaws.OperatorKey, localaws.OperatorKey, ""),
	}
	t.Cleanup(func() { e.end(t) })
	return e
}

// end ends the endpoint; a second call does nothing.
func (e *endpoint) end(t *testing.T) {
	t.Helper()
	if e.stop == nil {
		return
	}
	e.stop()
	e.stop = nil
	if err := <-e.ended; err != nil {
		t.Errorf("the endpoint ended with %v", err)
	}
	if e.log.Len() > 0 {
		t.Errorf("the endpoint logged:\n%s", e.log)
	}
}

func (e *endpoint) inventory(t *testing.T) []string {
	t.Helper()
	var out struct{ Resources []string }
	e.control(t, http.MethodGet, "inventory", "", http.StatusOK, &out)
	return out.Resources
}

// control calls the control API and decodes the answer into out, if there is any.
func (e *endpoint) control(t *testing.T, method, name, body string, status int, out any) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, e.url+"/_alchemiser/"+name, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != status {
		t.Fatalf("%s %s: %s, want %d", method, name, res.Status, status)
	}
	if out == nil {
		return
	}
	if err := json.NewDecoder(res.Body).Decode(out); err != nil {
		t.Fatal(err)
	}
}

const (
	queueARN = "arn:aws:sqs:us-east-1:000000000000:"
	ruleARN  = "arn:aws:events:us-east-1:000000000000:rule/r"
)

func (e *endpoint) queue(t *testing.T, name, policy string) string {
	t.Helper()
	in := &sqs.CreateQueueInput{QueueName: aws.String(name)}
	if policy != "" {
		in.Attributes = map[string]string{"Policy": policy}
	}
	out, err := sqs.NewFromConfig(e.cfg).CreateQueue(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return aws.ToString(out.QueueUrl)
}

func letRuleIn(queue string) string {
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"events.amazonaws.com"},"Action":"sqs:SendMessage",
		"Resource":"` + queueARN + queue + `","Condition":{"ArnEquals":{"aws:SourceArn":"` + ruleARN + `"}}}]}`
}

// receive waits for one message.
func (e *endpoint) receive(t *testing.T, url string) sqstypes.Message {
	t.Helper()
	out, err := sqs.NewFromConfig(e.cfg).ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{
		QueueUrl: aws.String(url), WaitTimeSeconds: 20, MessageAttributeNames: []string{"All"},
	})
	if err != nil || len(out.Messages) != 1 {
		t.Fatalf("receive from %s: %+v, %v", url, out, err)
	}
	return out.Messages[0]
}

func (e *endpoint) rule(t *testing.T, target ebtypes.Target) {
	t.Helper()
	client := eventbridge.NewFromConfig(e.cfg)
	if _, err := client.PutRule(t.Context(), &eventbridge.PutRuleInput{Name: aws.String("r"), EventPattern: aws.String(`{"source":["test"]}`)}); err != nil {
		t.Fatal(err)
	}
	if out, err := client.PutTargets(t.Context(), &eventbridge.PutTargetsInput{Rule: aws.String("r"), Targets: []ebtypes.Target{target}}); err != nil || out.FailedEntryCount > 0 {
		t.Fatalf("%+v, %v", out, err)
	}
	out, err := client.PutEvents(t.Context(), &eventbridge.PutEventsInput{Entries: []ebtypes.PutEventsRequestEntry{
		{Source: aws.String("test"), DetailType: aws.String("Happened"), Detail: aws.String(`{"n":1}`)},
	}})
	if err != nil || out.FailedEntryCount > 0 {
		t.Fatalf("%+v, %v", out, err)
	}
}

func TestServicesDeliverToOneAnotherUnderTheReceiversPolicy(t *testing.T) {
	e := start(t, localaws.Config{})
	open, closed, dead := e.queue(t, "open", letRuleIn("open")), e.queue(t, "closed", ""), e.queue(t, "dead", letRuleIn("dead"))
	e.rule(t, ebtypes.Target{Id: aws.String("t"), Arn: aws.String(queueARN + "open")})
	if got := aws.ToString(e.receive(t, open).Body); !strings.Contains(got, `"detail":{"n":1}`) {
		t.Errorf("the queue got %s", got)
	}
	e.rule(t, ebtypes.Target{
		Id: aws.String("t"), Arn: aws.String(queueARN + "closed"), DeadLetterConfig: &ebtypes.DeadLetterConfig{Arn: aws.String(queueARN + "dead")},
	})
	letter := e.receive(t, dead)
	if got := aws.ToString(letter.MessageAttributes["ERROR_CODE"].StringValue); got != "NO_PERMISSIONS" {
		t.Errorf("a queue without a policy refuses with %q", got)
	}
	for _, q := range []string{open, closed, dead} {
		if _, err := sqs.NewFromConfig(e.cfg).DeleteQueue(t.Context(), &sqs.DeleteQueueInput{QueueUrl: aws.String(q)}); err != nil {
			t.Error(err)
		}
	}
	if got := e.inventory(t); !slices.Equal(got, []string{ruleARN}) {
		t.Errorf("inventory %v, want the rule alone", got)
	}
}

func TestInventoryAndOutboxOfTheControlAPI(t *testing.T) {
	e := start(t, localaws.Config{})
	if got := e.inventory(t); got == nil || len(got) > 0 {
		t.Errorf("a new endpoint has %#v, want an empty list", got)
	}
	topic, err := sns.NewFromConfig(e.cfg).CreateTopic(t.Context(), &sns.CreateTopicInput{Name: aws.String("t")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := sns.NewFromConfig(e.cfg).Subscribe(t.Context(), &sns.SubscribeInput{
		TopicArn: topic.TopicArn, Protocol: aws.String("email"), Endpoint: aws.String("a@example.com"),
	}); err != nil {
		t.Fatal(err)
	}
	e.queue(t, "q", "")
	got := e.inventory(t)
	if len(got) != 3 || !slices.IsSorted(got) || !slices.Contains(got, queueARN+"q") || !slices.Contains(got, aws.ToString(topic.TopicArn)) {
		t.Errorf("inventory %v", got)
	}
	var out struct{ Mails []struct{ To string } }
	e.control(t, http.MethodGet, "outbox", "", http.StatusOK, &out)
	if len(out.Mails) != 1 || out.Mails[0].To != "a@example.com" {
		t.Errorf("outbox %+v", out)
	}
}

func TestClockIsMoved(t *testing.T) {
	e := start(t, localaws.Config{})
	at := time.Date(2031, 3, 2, 20, 45, 0, 0, time.UTC)
	var now struct{ Now time.Time }
	e.control(t, http.MethodPost, "clock", `{"now":"`+at.Format(time.RFC3339)+`"}`, http.StatusOK, &now)
	e.control(t, http.MethodGet, "clock", "", http.StatusOK, &now)
	if now.Now.Year() != 2031 {
		t.Errorf("the clock shows %s", now.Now)
	}
	client := ssm.NewFromConfig(e.cfg)
	if _, err := client.PutParameter(t.Context(), &ssm.PutParameterInput{Name: aws.String("p"), Value: aws.String("v"), Type: ssmtypes.ParameterTypeString}); err != nil {
		t.Fatal(err)
	}
	got, err := client.GetParameter(t.Context(), &ssm.GetParameterInput{Name: aws.String("p")})
	if err != nil || got.Parameter.LastModifiedDate.Year() != 2031 {
		t.Errorf("written at %v, %v", got, err)
	}
	e.control(t, http.MethodPost, "clock", `{"now":"soon"}`, http.StatusBadRequest, nil)
	e.control(t, http.MethodGet, "weather", "", http.StatusNotFound, nil)
}

func TestStateSurvivesARestartInAFolder(t *testing.T) {
	dir := t.TempDir()
	e := start(t, localaws.Config{DataDir: dir})
	e.queue(t, "q", "")
	want := e.inventory(t)
	e.end(t)
	again := start(t, localaws.Config{DataDir: dir})
	if got := again.inventory(t); len(got) != 1 || !slices.Equal(got, want) {
		t.Errorf("after a restart there is %v, want %v", got, want)
	}
}

func TestTakenPortIsSaid(t *testing.T) {
	e := start(t, localaws.Config{})
	port := 0
	for _, digit := range e.url[strings.LastIndexByte(e.url, ':')+1:] {
		port = port*10 + int(digit-'0')
	}
	if _, err := localaws.New(localaws.Config{Port: port}); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("the port is taken, but: %v", err)
	}
	if _, err := localaws.New(localaws.Config{RetryScale: -1}); err == nil || !strings.Contains(err.Error(), "retry scale") {
		t.Errorf("a negative retry scale: %v", err)
	}
}

func TestLongPollsEndWithTheEndpoint(t *testing.T) {
	e := start(t, localaws.Config{})
	url := e.queue(t, "q", "")
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		_, _ = sqs.NewFromConfig(e.cfg).ReceiveMessage(context.WithoutCancel(t.Context()), &sqs.ReceiveMessageInput{QueueUrl: aws.String(url), WaitTimeSeconds: 20})
	}()
	e.end(t)
	<-answered
}

func TestUnknownKeysAreRefused(t *testing.T) {
	e := start(t, localaws.Config{})
	e.cfg.Credentials = credentials.NewStaticCredentialsProvider("AKIAREAL", "secret", "")
	_, err := ssm.NewFromConfig(e.cfg).DescribeParameters(t.Context(), nil)
	if err == nil || !strings.Contains(err.Error(), "UnrecognizedClientException") || !strings.Contains(err.Error(), "AKIAREAL") {
		t.Errorf("an account's own key: %v", err)
	}
}
