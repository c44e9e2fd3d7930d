package sqs_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	client "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"

	"github.com/the-alchemiser/alchemiser/internal/localaws/clock"
	"github.com/the-alchemiser/alchemiser/internal/localaws/delivery"
	"github.com/the-alchemiser/alchemiser/internal/localaws/sqs"
	"github.com/the-alchemiser/alchemiser/internal/localaws/state"
	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

// endpoint is SQS on a port of its own with a client of the real SDK.
type endpoint struct {
	*client.Client
	service *sqs.Service
	clock   *clock.Clock
}

func serve(t testing.TB, store *state.Store) endpoint {
	t.Helper()
	return serveLimited(t, store, 0)
}

// serveLimited serves queues that hold so many messages.
func serveLimited(t testing.TB, store *state.Store, limit int) endpoint {
	t.Helper()
	e := endpoint{clock: clock.New()}
	var url string
	s, err := sqs.New(sqs.Config{Store: store, Clock: e.clock, URL: func() string { return url }, MaxMessages: limit})
	if err != nil {
		t.Fatal(err)
	}
	root := func(context.Context, string) (wire.Caller, bool) { return wire.Caller{AccessKeyID: "test"}, true }
	server := httptest.NewServer(wire.NewHandler([]wire.Service{s.API()}, root, log.New(t.Output(), "", 0)))
	t.Cleanup(server.Close)
	url = server.URL
	e.service = s
	e.Client = client.New(client.Options{
		BaseEndpoint: &url, Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
		RetryMaxAttempts: 1,
	})
	return e
}

func memory(t testing.TB) *state.Store {
	t.Helper()
	store, err := state.Open("")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return store
}

func (e endpoint) create(t testing.TB, name string, attributes map[string]string) *string {
	t.Helper()
	out, err := e.CreateQueue(t.Context(), &client.CreateQueueInput{QueueName: &name, Attributes: attributes})
	if err != nil {
		t.Fatal(err)
	}
	return out.QueueUrl
}

func (e endpoint) send(t testing.TB, queue *string, body string) {
	t.Helper()
	if _, err := e.SendMessage(t.Context(), &client.SendMessageInput{QueueUrl: queue, MessageBody: &body}); err != nil {
		t.Fatal(err)
	}
}

func (e endpoint) receive(t testing.TB, queue *string) []types.Message {
	t.Helper()
	out, err := e.ReceiveMessage(t.Context(), &client.ReceiveMessageInput{
		QueueUrl: queue, MaxNumberOfMessages: 10, MessageSystemAttributeNames: []types.MessageSystemAttributeName{"All"},
		MessageAttributeNames: []string{"All"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return out.Messages
}

func refused(t *testing.T, err error, code, message string) {
	t.Helper()
	var e smithy.APIError
	if !errors.As(err, &e) || e.ErrorCode() != code || !strings.Contains(e.ErrorMessage(), message) {
		t.Errorf("got %v, want %s: %s", err, code, message)
	}
}

func TestAMessageIsReceivedAndDeletedOnce(t *testing.T) {
	t.Parallel()
	e := serve(t, memory(t))
	queue := e.create(t, "orders", nil)
	attributes := map[string]types.MessageAttributeValue{
		"REASON": {DataType: aws.String("String"), StringValue: aws.String("late")},
		"BLOB":   {DataType: aws.String("Binary"), BinaryValue: []byte{0, 1}},
	}
	_, err := e.SendMessage(t.Context(), &client.SendMessageInput{
		QueueUrl: queue, MessageBody: aws.String("<hällo> & \"you\""), MessageAttributes: attributes,
		MessageSystemAttributes: map[string]types.MessageSystemAttributeValue{
			"AWSTraceHeader": {DataType: aws.String("String"), StringValue: aws.String("Root=1-2-3")},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	got := e.receive(t, queue)
	if len(got) != 1 || *got[0].Body != "<hällo> & \"you\"" {
		t.Fatalf("received %+v", got)
	}
	m := got[0]
	if m.Attributes["AWSTraceHeader"] != "Root=1-2-3" || m.Attributes["ApproximateReceiveCount"] != "1" ||
		*m.MessageAttributes["REASON"].StringValue != "late" || len(m.MessageAttributes["BLOB"].BinaryValue) != 2 {
		t.Errorf("received %+v", m)
	}
	if again := e.receive(t, queue); len(again) != 0 {
		t.Errorf("a hidden message was received: %+v", again)
	}
	if _, err := e.DeleteMessage(t.Context(), &client.DeleteMessageInput{QueueUrl: queue, ReceiptHandle: m.ReceiptHandle}); err != nil {
		t.Fatal(err)
	}
	e.clock.Set(e.clock.Now().Add(time.Minute))
	if again := e.receive(t, queue); len(again) != 0 {
		t.Errorf("a deleted message was received: %+v", again)
	}
}

func TestAMessageThatIsNotDeletedComesAgainAndThenGoesToTheDeadLetterQueue(t *testing.T) {
	t.Parallel()
	e := serve(t, memory(t))
	dead := e.create(t, "dead", nil)
	queue := e.create(t, "work", map[string]string{
		"VisibilityTimeout": "10",
		"RedrivePolicy":     `{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dead","maxReceiveCount":2}`,
	})
	e.send(t, queue, "poison")
	for i := range 2 {
		if got := e.receive(t, queue); len(got) != 1 {
			t.Fatalf("receive %d: %+v", i, got)
		}
		e.clock.Set(e.clock.Now().Add(11 * time.Second))
	}
	if got := e.receive(t, queue); len(got) != 0 {
		t.Errorf("received a third time: %+v", got)
	}
	got := e.receive(t, dead)
	if len(got) != 1 || *got[0].Body != "poison" ||
		got[0].Attributes["DeadLetterQueueSourceArn"] != "arn:aws:sqs:us-east-1:000000000000:work" {
		t.Errorf("the dead letter queue holds %+v", got)
	}
	sources, err := e.ListDeadLetterSourceQueues(t.Context(), &client.ListDeadLetterSourceQueuesInput{QueueUrl: dead})
	if err != nil || len(sources.QueueUrls) != 1 || sources.QueueUrls[0] != *queue {
		t.Errorf("sources of the dead letter queue: %+v, %v", sources, err)
	}
}

func TestAnOvertakenReceiptDeletesNothing(t *testing.T) {
	t.Parallel()
	e := serve(t, memory(t))
	queue := e.create(t, "q", map[string]string{"VisibilityTimeout": "5"})
	e.send(t, queue, "x")
	first := e.receive(t, queue)[0]
	e.clock.Set(e.clock.Now().Add(6 * time.Second))
	second := e.receive(t, queue)[0]
	if _, err := e.DeleteMessage(t.Context(), &client.DeleteMessageInput{QueueUrl: queue, ReceiptHandle: first.ReceiptHandle}); err != nil {
		t.Errorf("AWS says nothing of a receipt that is overtaken: %v", err)
	}
	out, err := e.ChangeMessageVisibilityBatch(t.Context(), &client.ChangeMessageVisibilityBatchInput{
		QueueUrl: queue, Entries: []types.ChangeMessageVisibilityBatchRequestEntry{
			{Id: aws.String("old"), ReceiptHandle: first.ReceiptHandle},
			{Id: aws.String("new"), ReceiptHandle: second.ReceiptHandle, VisibilityTimeout: 0},
		},
	})
	if err != nil || len(out.Failed) != 1 || len(out.Successful) != 1 || *out.Failed[0].Code != "InvalidParameterValue" {
		t.Errorf("%+v, %v", out, err)
	}
	if got := e.receive(t, queue); len(got) != 1 || got[0].Attributes["ApproximateReceiveCount"] != "3" {
		t.Errorf("received %+v", got)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	e := serve(t, memory(t))
	ctx := t.Context()
	queue := e.create(t, "q", map[string]string{"MaximumMessageSize": "1024", "DelaySeconds": "1"})
	nowhere := aws.String(strings.Replace(*queue, "/q", "/nowhere", 1))
	for name, tt := range map[string]struct {
		call          func() error
		code, message string
	}{
		"unknown queue": {func() error {
			_, err := e.GetQueueAttributes(ctx, &client.GetQueueAttributesInput{QueueUrl: nowhere})
			return err
		}, "AWS.SimpleQueueService.NonExistentQueue", "The specified queue does not exist."},
		"FIFO": {func() error {
			_, err := e.CreateQueue(ctx, &client.CreateQueueInput{QueueName: aws.String("q.fifo")})
			return err
		}, "AWS.SimpleQueueService.UnsupportedOperation", "FIFO"},
		"other attributes": {func() error {
			_, err := e.CreateQueue(ctx, &client.CreateQueueInput{QueueName: aws.String("q"), Attributes: map[string]string{"DelaySeconds": "2"}})
			return err
		}, "QueueAlreadyExists", "different value for attribute DelaySeconds"},
		"attribute out of range": {func() error {
			_, err := e.SetQueueAttributes(ctx, &client.SetQueueAttributesInput{QueueUrl: queue, Attributes: map[string]string{"VisibilityTimeout": "43201"}})
			return err
		}, "InvalidAttributeValue", "VisibilityTimeout"},
		"unknown attribute": {func() error {
			_, err := e.SetQueueAttributes(ctx, &client.SetQueueAttributesInput{QueueUrl: queue, Attributes: map[string]string{"Nope": "1"}})
			return err
		}, "InvalidAttributeName", "Unknown Attribute Nope."},
		"missing dead letter queue": {func() error {
			_, err := e.SetQueueAttributes(ctx, &client.SetQueueAttributesInput{QueueUrl: queue, Attributes: map[string]string{
				"RedrivePolicy": `{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:gone","maxReceiveCount":"3"}`,
			}})
			return err
		}, "InvalidParameterValue", "Dead letter target does not exist."},
		"too long": {func() error {
			_, err := e.SendMessage(ctx, &client.SendMessageInput{QueueUrl: queue, MessageBody: aws.String(strings.Repeat("a", 1025))})
			return err
		}, "InvalidParameterValue", "Message must be shorter than 1024 bytes."},
		"eleven entries": {func() error {
			var entries []types.SendMessageBatchRequestEntry
			for i := range 11 {
				entries = append(entries, types.SendMessageBatchRequestEntry{Id: aws.String(fmt.Sprint(i)), MessageBody: aws.String("x")})
			}
			_, err := e.SendMessageBatch(ctx, &client.SendMessageBatchInput{QueueUrl: queue, Entries: entries})
			return err
		}, "AWS.SimpleQueueService.TooManyEntriesInBatchRequest", "You have sent 11."},
		"bad receipt": {func() error {
			_, err := e.DeleteMessage(ctx, &client.DeleteMessageInput{QueueUrl: queue, ReceiptHandle: aws.String("nonsense")})
			return err
		}, "ReceiptHandleIsInvalid", "not a valid receipt handle"},
		"control characters": {func() error {
			_, err := e.SendMessage(ctx, &client.SendMessageInput{QueueUrl: queue, MessageBody: aws.String("a\x01b")})
			return err
		}, "InvalidMessageContents", "Invalid characters"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			refused(t, tt.call(), tt.code, tt.message)
		})
	}
}

func TestAWaitingReceiveGetsTheMessageThatComes(t *testing.T) {
	t.Parallel()
	e := serve(t, memory(t))
	queue := e.create(t, "q", nil)
	got := make(chan *client.ReceiveMessageOutput, 1)
	go func() {
		out, err := e.ReceiveMessage(t.Context(), &client.ReceiveMessageInput{QueueUrl: queue, WaitTimeSeconds: 20})
		if err != nil {
			t.Error(err)
		}
		got <- out
	}()
	e.send(t, queue, "x")
	if out := <-got; len(out.Messages) != 1 {
		t.Errorf("received %+v", out)
	}
}

func TestADelayedMessageWakesWhoWaitsForIt(t *testing.T) {
	t.Parallel()
	e := serve(t, memory(t))
	queue := e.create(t, "q", nil)
	_, err := e.SendMessage(t.Context(), &client.SendMessageInput{QueueUrl: queue, MessageBody: aws.String("x"), DelaySeconds: 900})
	if err != nil {
		t.Fatal(err)
	}
	got := make(chan *client.ReceiveMessageOutput, 1)
	go func() {
		out, err := e.ReceiveMessage(t.Context(), &client.ReceiveMessageInput{QueueUrl: queue, WaitTimeSeconds: 20})
		if err != nil {
			t.Error(err)
		}
		got <- out
	}()
	e.clock.Set(e.clock.Now().Add(901 * time.Second))
	if out := <-got; len(out.Messages) != 1 {
		t.Errorf("received %+v", out)
	}
}

func TestEverythingIsThereAfterARestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	store, err := state.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	e := serve(t, store)
	queue := e.create(t, "q", map[string]string{"VisibilityTimeout": "30"})
	gone := e.create(t, "gone", nil)
	e.send(t, gone, "of a deleted queue")
	for _, body := range []string{"deleted", "in flight", "waiting"} {
		e.send(t, queue, body)
	}
	receipts := map[string]*string{}
	for range 2 {
		out, err := e.ReceiveMessage(t.Context(), &client.ReceiveMessageInput{QueueUrl: queue})
		if err != nil {
			t.Fatal(err)
		}
		receipts[*out.Messages[0].Body] = out.Messages[0].ReceiptHandle
	}
	if _, err := e.DeleteMessage(t.Context(), &client.DeleteMessageInput{QueueUrl: queue, ReceiptHandle: receipts["deleted"]}); err != nil {
		t.Fatal(err)
	}
	if _, err := e.DeleteQueue(t.Context(), &client.DeleteQueueInput{QueueUrl: gone}); err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}

	store, err = state.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close() //nolint:errcheck // nothing is written after the assertions
	e = serve(t, store)
	again := e.create(t, "gone", nil)
	if got := e.receive(t, again); len(got) != 0 {
		t.Errorf("a new queue holds messages of an old one: %+v", got)
	}
	queue = e.create(t, "q", map[string]string{"VisibilityTimeout": "30"})
	if got := e.receive(t, queue); len(got) != 1 || *got[0].Body != "waiting" {
		t.Fatalf("received %+v, want what was waiting", got)
	}
	e.clock.Set(e.clock.Now().Add(31 * time.Second))
	bodies := map[string]string{}
	for _, m := range e.receive(t, queue) {
		bodies[*m.Body] = m.Attributes["ApproximateReceiveCount"]
	}
	if len(bodies) != 2 || bodies["in flight"] != "2" || bodies["waiting"] != "2" {
		t.Errorf("after the time-out came %v", bodies)
	}
}

func TestCountsPurgeAndRetention(t *testing.T) {
	t.Parallel()
	e := serve(t, memory(t))
	queue := e.create(t, "q", map[string]string{"MessageRetentionPeriod": "60"})
	counts := func() string {
		out, err := e.GetQueueAttributes(t.Context(), &client.GetQueueAttributesInput{
			QueueUrl: queue, AttributeNames: []types.QueueAttributeName{"All"},
		})
		if err != nil {
			t.Fatal(err)
		}
		a := out.Attributes
		return a["ApproximateNumberOfMessages"] + " " + a["ApproximateNumberOfMessagesNotVisible"] + " " + a["ApproximateNumberOfMessagesDelayed"]
	}
	_, err := e.SendMessage(t.Context(), &client.SendMessageInput{QueueUrl: queue, MessageBody: aws.String("later"), DelaySeconds: 30})
	if err != nil {
		t.Fatal(err)
	}
	e.send(t, queue, "a")
	e.send(t, queue, "b")
	if _, err := e.ReceiveMessage(t.Context(), &client.ReceiveMessageInput{QueueUrl: queue}); err != nil {
		t.Fatal(err)
	}
	if got := counts(); got != "1 1 1" {
		t.Errorf("visible, in flight, delayed: %s", got)
	}
	e.clock.Set(e.clock.Now().Add(61 * time.Second))
	if got := e.receive(t, queue); len(got) != 0 {
		t.Errorf("messages beyond their retention were received: %+v", got)
	}
	e.send(t, queue, "c")
	if _, err := e.PurgeQueue(t.Context(), &client.PurgeQueueInput{QueueUrl: queue}); err != nil {
		t.Fatal(err)
	}
	if got := counts(); got != "0 0 0" {
		t.Errorf("after the purge: %s", got)
	}
	_, err = e.PurgeQueue(t.Context(), &client.PurgeQueueInput{QueueUrl: queue})
	refused(t, err, "AWS.SimpleQueueService.PurgeQueueInProgress", "Only one PurgeQueue operation on q is allowed every 60 seconds.")
}

func TestDeliveriesOfOtherServices(t *testing.T) {
	t.Parallel()
	e := serve(t, memory(t))
	queue := e.create(t, "q", map[string]string{"Policy": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow",
		"Principal":{"Service":"events.amazonaws.com"},"Action":"sqs:SendMessage","Resource":"arn:aws:sqs:us-east-1:000000000000:q"}]}`})
	err := e.service.Receive(t.Context(), "arn:aws:sqs:us-east-1:000000000000:q", delivery.Message{
		Body: []byte(`{"a":1}`), Principal: "events.amazonaws.com", TraceHeader: "Root=1", Attributes: map[string]string{"RULE_ARN": "r"},
	})
	if err != nil {
		t.Fatal(err)
	}
	got := e.receive(t, queue)
	if len(got) != 1 || *got[0].Body != `{"a":1}` || got[0].Attributes["AWSTraceHeader"] != "Root=1" ||
		*got[0].MessageAttributes["RULE_ARN"].StringValue != "r" {
		t.Errorf("received %+v", got)
	}
	e.create(t, "closed", nil)
	for arn, code := range map[string]string{
		"arn:aws:sqs:us-east-1:000000000000:gone":   "NO_RESOURCE",
		"arn:aws:sqs:us-east-1:000000000000:closed": "NO_PERMISSIONS",
	} {
		err = e.service.Receive(t.Context(), arn, delivery.Message{Body: []byte("x"), Principal: "events.amazonaws.com"})
		var refusal *delivery.Error
		if !errors.As(err, &refusal) || refusal.Code != code || refusal.Retryable {
			t.Errorf("delivery to %s: %v", arn, err)
		}
	}
}

func TestTagsPagesAndInventory(t *testing.T) {
	t.Parallel()
	e := serve(t, memory(t))
	ctx := t.Context()
	queue := e.create(t, "b-1", nil)
	e.create(t, "b-2", nil)
	e.create(t, "b-3", nil)
	e.create(t, "a", nil)
	if _, err := e.TagQueue(ctx, &client.TagQueueInput{QueueUrl: queue, Tags: map[string]string{"x": "1", "y": "2"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := e.UntagQueue(ctx, &client.UntagQueueInput{QueueUrl: queue, TagKeys: []string{"x"}}); err != nil {
		t.Fatal(err)
	}
	tags, err := e.ListQueueTags(ctx, &client.ListQueueTagsInput{QueueUrl: queue})
	if err != nil || len(tags.Tags) != 1 || tags.Tags["y"] != "2" {
		t.Errorf("tags %+v, %v", tags, err)
	}
	pages := client.NewListQueuesPaginator(e.Client, &client.ListQueuesInput{QueueNamePrefix: aws.String("b-"), MaxResults: aws.Int32(2)})
	var sizes []int
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			t.Fatal(err)
		}
		sizes = append(sizes, len(page.QueueUrls))
	}
	if fmt.Sprint(sizes) != "[2 1]" {
		t.Errorf("pages of %v queues", sizes)
	}
	arns, err := e.service.Inventory()
	if err != nil || len(arns) != 4 || arns[0] != "arn:aws:sqs:us-east-1:000000000000:a" {
		t.Errorf("inventory %v, %v", arns, err)
	}
}

func BenchmarkReceive(b *testing.B) {
	e := serve(b, memory(b))
	e.create(b, "q", map[string]string{"Policy": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow",
		"Principal":{"Service":"events.amazonaws.com"},"Action":"sqs:SendMessage","Resource":"*"}]}`})
	m := delivery.Message{Body: []byte(strings.Repeat("x", 1000)), Principal: "events.amazonaws.com"}
	for b.Loop() {
		if err := e.service.Receive(b.Context(), "arn:aws:sqs:us-east-1:000000000000:q", m); err != nil {
			b.Fatal(err)
		}
	}
}
