package sns_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awssns "github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/aws/smithy-go"

	"github.com/the-alchemiser/alchemiser/internal/localaws/clock"
	"github.com/the-alchemiser/alchemiser/internal/localaws/delivery"
	"github.com/the-alchemiser/alchemiser/internal/localaws/sns"
	"github.com/the-alchemiser/alchemiser/internal/localaws/state"
	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

const (
	topicARN = "arn:aws:sns:us-east-1:000000000000:t"
	queueARN = "arn:aws:sqs:us-east-1:000000000000:q"
	deadARN  = "arn:aws:sqs:us-east-1:000000000000:dead"
	ruleARN  = "arn:aws:events:us-east-1:000000000000:rule/r"
)

// sent is what the service handed to another one.
type sent struct {
	target string
	delivery.Message
}

// bench is SNS behind HTTP, with the receivers played by the test.
type bench struct {
	*awssns.Client
	service *sns.Service
	store   *state.Store
	clock   *clock.Clock
	sent    chan sent
	url     string
	// answer is what receivers say.
	answer func(target string) error
	// stop ends the background work; a second call does nothing.
	stop func()
}

func (b *bench) Send(_ context.Context, target string, m delivery.Message) error {
	err := b.answer(target)
	b.sent <- sent{target, m}
	return err
}

func newBench(t *testing.T) *bench {
	t.Helper()
	return newLimitedBench(t, 0, 0)
}

func newLimitedBench(t *testing.T, maxWaiting, maxBytes int64) *bench {
	t.Helper()
	store, err := state.Open("")
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{store: store, clock: clock.New(), sent: make(chan sent, 100), answer: func(string) error { return nil }}
	if b.service, err = sns.New(sns.Config{Store: store, Clock: b.clock, Sender: b, URL: func() string { return b.url }, MaxWaiting: maxWaiting, MaxWaitingBytes: maxBytes}); err != nil {
		t.Fatal(err)
	}
	operator := func(_ context.Context, key string) (wire.Caller, bool) { return wire.Caller{AccessKeyID: key}, true }
	server := httptest.NewServer(wire.NewHandler([]wire.Service{b.service.API()}, operator, log.New(io.Discard, "", 0)))
	b.Client = awssns.New(awssns.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(server.URL), RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	})
	b.url = server.URL
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	b.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() {
		server.Close()
		b.stop()
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	go func() { ended <- b.service.Run(ctx) }()
	return b
}

func (b *bench) topic(t *testing.T) {
	t.Helper()
	if _, err := b.CreateTopic(t.Context(), &awssns.CreateTopicInput{Name: aws.String("t")}); err != nil {
		t.Fatal(err)
	}
}

func (b *bench) subscribe(t *testing.T, protocol, endpoint string, attributes map[string]string) string {
	t.Helper()
	out, err := b.Subscribe(t.Context(), &awssns.SubscribeInput{
		TopicArn: aws.String(topicARN), Protocol: aws.String(protocol), Endpoint: aws.String(endpoint), Attributes: attributes, ReturnSubscriptionArn: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	return aws.ToString(out.SubscriptionArn)
}

func (b *bench) attributes(t *testing.T) map[string]string {
	t.Helper()
	out, err := b.GetTopicAttributes(t.Context(), &awssns.GetTopicAttributesInput{TopicArn: aws.String(topicARN)})
	if err != nil {
		t.Fatal(err)
	}
	return out.Attributes
}

func (b *bench) setAttribute(t *testing.T, name, value string) {
	t.Helper()
	if _, err := b.SetTopicAttributes(t.Context(), &awssns.SetTopicAttributesInput{
		TopicArn: aws.String(topicARN), AttributeName: aws.String(name), AttributeValue: aws.String(value),
	}); err != nil {
		t.Fatal(err)
	}
}

// next waits for what the service hands over next.
func (b *bench) next(t *testing.T) sent {
	t.Helper()
	select {
	case s := <-b.sent:
		return s
	case <-t.Context().Done():
		t.Fatal("nothing was delivered")
	case <-time.After(time.Minute):
		t.Fatal("nothing was delivered within a minute")
	}
	return sent{}
}

func code(err error) string {
	var refused smithy.APIError
	if errors.As(err, &refused) {
		return refused.ErrorCode()
	}
	return ""
}

// Terraform's provider fails or plans a change for ever where one of these is missing.
func TestTopicHasWhatTerraformInsistsOn(t *testing.T) {
	b := newBench(t)
	out, err := b.CreateTopic(t.Context(), &awssns.CreateTopicInput{
		Name: aws.String("t"), Tags: []types.Tag{{Key: aws.String("k"), Value: aws.String("v")}},
	})
	if err != nil || aws.ToString(out.TopicArn) != topicARN {
		t.Fatalf("%+v, %v", out, err)
	}
	var policy struct{ Statement []any }
	if err := json.Unmarshal([]byte(b.attributes(t)["Policy"]), &policy); err != nil || len(policy.Statement) != 1 {
		t.Errorf("a new topic has the policy %q: %v", b.attributes(t)["Policy"], err)
	}
	b.setAttribute(t, "DisplayName", "d")
	b.setAttribute(t, "KmsMasterKeyId", "")
	for _, protocol := range []string{"Application", "Firehose", "HTTP", "Lambda", "SQS"} {
		b.setAttribute(t, protocol+"SuccessFeedbackSampleRate", "0")
	}
	got := b.attributes(t)
	if got["TopicArn"] != topicARN || got["Owner"] != "000000000000" || got["DisplayName"] != "d" || got["SQSSuccessFeedbackSampleRate"] != "0" {
		t.Errorf("attributes %v", got)
	}
	if _, err := b.UntagResource(t.Context(), &awssns.UntagResourceInput{ResourceArn: aws.String(topicARN), TagKeys: []string{"k"}}); err != nil {
		t.Errorf("UntagResource needs its empty result: %v", err)
	}
	if _, err := b.TagResource(t.Context(), &awssns.TagResourceInput{ResourceArn: aws.String(topicARN), Tags: []types.Tag{{Key: aws.String("n"), Value: aws.String("w")}}}); err != nil {
		t.Errorf("TagResource needs its empty result: %v", err)
	}
	tags, err := b.ListTagsForResource(t.Context(), &awssns.ListTagsForResourceInput{ResourceArn: aws.String(topicARN)})
	if err != nil || len(tags.Tags) != 1 || aws.ToString(tags.Tags[0].Key) != "n" {
		t.Errorf("tags %+v, %v", tags, err)
	}
	_, err = b.GetTopicAttributes(t.Context(), &awssns.GetTopicAttributesInput{TopicArn: aws.String(topicARN + "2")})
	if code(err) != "NotFound" {
		t.Errorf("a missing topic: %v", err)
	}
}

func TestSubscriptionHasWhatTerraformInsistsOn(t *testing.T) {
	b := newBench(t)
	b.topic(t)
	toQueue := b.subscribe(t, "sqs", queueARN, nil)
	toPerson := b.subscribe(t, "email", "a@example.com", nil)
	if again := b.subscribe(t, "sqs", queueARN, nil); again != toQueue {
		t.Errorf("subscribed twice: %s and %s", toQueue, again)
	}
	for arn, pending := range map[string]string{toQueue: "false", toPerson: "true"} {
		out, err := b.GetSubscriptionAttributes(t.Context(), &awssns.GetSubscriptionAttributesInput{SubscriptionArn: aws.String(arn)})
		if err != nil || out.Attributes["PendingConfirmation"] != pending || out.Attributes["TopicArn"] != topicARN || out.Attributes["RawMessageDelivery"] != "false" {
			t.Errorf("%s: %+v, %v", arn, out, err)
		}
	}
	list, err := b.ListSubscriptionsByTopic(t.Context(), &awssns.ListSubscriptionsByTopicInput{TopicArn: aws.String(topicARN)})
	if err != nil {
		t.Fatal(err)
	}
	var arns []string
	for _, s := range list.Subscriptions {
		arns = append(arns, aws.ToString(s.SubscriptionArn))
	}
	slices.Sort(arns)
	if want := []string{"PendingConfirmation", toQueue}; !slices.Equal(arns, want) {
		t.Errorf("listed %v, want %v", arns, want)
	}
	if got := b.attributes(t); got["SubscriptionsConfirmed"] != "1" || got["SubscriptionsPending"] != "1" {
		t.Errorf("counts %v", got)
	}
	if _, err := b.Unsubscribe(t.Context(), &awssns.UnsubscribeInput{SubscriptionArn: aws.String(toQueue)}); err != nil {
		t.Fatal(err)
	}
	_, err = b.GetSubscriptionAttributes(t.Context(), &awssns.GetSubscriptionAttributesInput{SubscriptionArn: aws.String(toQueue)})
	if code(err) != "NotFound" {
		t.Errorf("after Unsubscribe: %v", err)
	}
	if _, err := b.DeleteTopic(t.Context(), &awssns.DeleteTopicInput{TopicArn: aws.String(topicARN)}); err != nil {
		t.Fatal(err)
	}
	if left, err := b.service.Inventory(); err != nil || len(left) != 0 {
		t.Errorf("left over: %v, %v", left, err)
	}
}

func TestMessagesReachQueuesAndFunctions(t *testing.T) {
	b := newBench(t)
	b.topic(t)
	function := "arn:aws:lambda:us-east-1:000000000000:function:f"
	b.subscribe(t, "sqs", queueARN, nil)
	b.subscribe(t, "sqs", queueARN+"-raw", map[string]string{"RawMessageDelivery": "true"})
	b.subscribe(t, "lambda", function, nil)
	out, err := b.Publish(t.Context(), &awssns.PublishInput{
		TopicArn: aws.String(topicARN), Subject: aws.String("s"), MessageStructure: aws.String("json"),
		Message: aws.String(`{"default":"for all <&>","lambda":"for functions"}`),
		MessageAttributes: map[string]types.MessageAttributeValue{
			"kind": {DataType: aws.String("String"), StringValue: aws.String("k")},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]sent{}
	for range 3 {
		s := b.next(t)
		got[s.target] = s
		if s.Principal != "sns.amazonaws.com" || s.SourceARN != topicARN || s.SourceAccount != "000000000000" {
			t.Errorf("%s was sent to by %q for %q", s.target, s.Principal, s.SourceARN)
		}
	}
	var envelope struct {
		Type, MessageId, TopicArn, Subject, Message, Timestamp string
		MessageAttributes                                      map[string]struct{ Type, Value string }
	}
	if err := json.Unmarshal(got[queueARN].Body, &envelope); err != nil {
		t.Fatal(err)
	}
	if envelope.Type != "Notification" || envelope.MessageId != aws.ToString(out.MessageId) || envelope.Message != "for all <&>" ||
		envelope.Subject != "s" || envelope.MessageAttributes["kind"].Value != "k" || envelope.TopicArn != topicARN {
		t.Errorf("the queue got %+v", envelope)
	}
	raw := got[queueARN+"-raw"]
	if string(raw.Body) != "for all <&>" || raw.Attributes["kind"] != "k" {
		t.Errorf("raw: %s %v", raw.Body, raw.Attributes)
	}
	var records struct {
		Records []struct {
			EventSource string
			Sns         struct{ Message, Subject string }
		}
	}
	if err := json.Unmarshal(got[function].Body, &records); err != nil || len(records.Records) != 1 ||
		records.Records[0].EventSource != "aws:sns" || records.Records[0].Sns.Message != "for functions" {
		t.Errorf("the function got %s, %v", got[function].Body, err)
	}
}

func TestDeliveryIsRetriedThenGivenUp(t *testing.T) {
	b := newBench(t)
	b.topic(t)
	b.subscribe(t, "sqs", queueARN, map[string]string{"RedrivePolicy": `{"deadLetterTargetArn":"` + deadARN + `"}`})
	answers := []error{
		&delivery.Error{Code: "THROTTLING", Message: "later", Retryable: true},
		delivery.Errorf("NO_RESOURCE", "gone"),
	}
	b.answer = func(target string) error {
		if target == deadARN {
			return nil
		}
		err := answers[0]
		answers = answers[1:]
		return err
	}
	if _, err := b.Publish(t.Context(), &awssns.PublishInput{TopicArn: aws.String(topicARN), Message: aws.String("m")}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{queueARN, queueARN, deadARN} {
		if got := b.next(t); got.target != want {
			t.Errorf("sent to %s, want %s", got.target, want)
		} else if want == deadARN && got.Attributes["ErrorCode"] != "NO_RESOURCE" {
			t.Errorf("the dead letter says %v", got.Attributes)
		}
	}
}

func TestADeadLetterQueueThatIsBusyIsAskedAgain(t *testing.T) {
	b := newBench(t)
	b.topic(t)
	b.subscribe(t, "sqs", queueARN, map[string]string{"RedrivePolicy": `{"deadLetterTargetArn":"` + deadARN + `"}`})
	busy := true
	b.answer = func(target string) error {
		if target == deadARN && busy {
			busy = false
			return &delivery.Error{Code: "THROTTLING", Message: "later", Retryable: true}
		}
		if target == deadARN {
			return nil
		}
		return delivery.Errorf("NO_RESOURCE", "gone")
	}
	if _, err := b.Publish(t.Context(), &awssns.PublishInput{TopicArn: aws.String(topicARN), Message: aws.String("m")}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{queueARN, deadARN, queueARN, deadARN} {
		if got := b.next(t); got.target != want {
			t.Errorf("sent to %s, want %s", got.target, want)
		}
	}
}

func TestMailGoesToTheOutboxOnceConfirmed(t *testing.T) {
	b := newBench(t)
	b.topic(t)
	arn := b.subscribe(t, "email", "a@example.com", nil)
	publish := func() {
		t.Helper()
		if _, err := b.Publish(t.Context(), &awssns.PublishInput{TopicArn: aws.String(topicARN), Subject: aws.String("digest"), Message: aws.String("m")}); err != nil {
			t.Fatal(err)
		}
	}
	publish() // nobody has confirmed yet
	mails, err := b.service.Outbox()
	if err != nil || len(mails) != 1 {
		t.Fatalf("the outbox has %v, %v: want the confirmation alone", mails, err)
	}
	token := regexp.MustCompile(`--token (\S+)`).FindStringSubmatch(mails[0].Body)[1]
	if _, err := b.ConfirmSubscription(t.Context(), &awssns.ConfirmSubscriptionInput{TopicArn: aws.String(topicARN), Token: aws.String(token + "x")}); code(err) != "InvalidParameter" {
		t.Errorf("a wrong token: %v", err)
	}
	out, err := b.ConfirmSubscription(t.Context(), &awssns.ConfirmSubscriptionInput{TopicArn: aws.String(topicARN), Token: aws.String(token)})
	if err != nil || aws.ToString(out.SubscriptionArn) != arn {
		t.Fatalf("%+v, %v", out, err)
	}
	publish()
	mails, err = b.service.Outbox()
	if err != nil || len(mails) != 2 || mails[1].To != "a@example.com" || mails[1].Subject != "digest" || mails[1].Body != "m" {
		t.Errorf("the outbox has %+v, %v", mails, err)
	}
}

// An alarm needs no policy but the one that every topic has, and people get its own words instead of JSON.
func TestAlarmsPublishToATopicAsItIs(t *testing.T) {
	b := newBench(t)
	b.topic(t)
	b.subscribe(t, "email", "a@example.com", nil)
	mails, err := b.service.Outbox()
	if err != nil {
		t.Fatal(err)
	}
	token := regexp.MustCompile(`--token (\S+)`).FindStringSubmatch(mails[0].Body)[1]
	if _, err := b.ConfirmSubscription(t.Context(), &awssns.ConfirmSubscriptionInput{TopicArn: aws.String(topicARN), Token: aws.String(token)}); err != nil {
		t.Fatal(err)
	}
	err = b.service.Receive(t.Context(), topicARN, delivery.Message{
		Body: []byte(`{"AlarmName":"a"}`), Mail: "Alarm a rings.", Subject: "ALARM", Principal: "cloudwatch.amazonaws.com",
		SourceARN: "arn:aws:cloudwatch:us-east-1:000000000000:alarm:a", SourceAccount: "000000000000",
	})
	if err != nil {
		t.Fatal(err)
	}
	mails, err = b.service.Outbox()
	if err != nil || len(mails) != 2 || mails[1].Body != "Alarm a rings." {
		t.Errorf("the outbox has %+v, %v", mails, err)
	}
}

func TestServicesPublishWhereThePolicyAllows(t *testing.T) {
	b := newBench(t)
	b.topic(t)
	b.subscribe(t, "sqs", queueARN, nil)
	m := delivery.Message{Body: []byte("event"), Principal: "events.amazonaws.com", SourceARN: ruleARN, SourceAccount: "000000000000"}
	refusal := func(target string) string {
		var refused *delivery.Error
		if err := b.service.Receive(t.Context(), target, m); errors.As(err, &refused) && !refused.Retryable {
			return refused.Code
		} else if err != nil {
			return err.Error()
		}
		return ""
	}
	if got := refusal(topicARN); got != "NO_PERMISSIONS" {
		t.Errorf("the default policy lets EventBridge in: %q", got)
	}
	b.setAttribute(t, "Policy", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"events.amazonaws.com"},"Action":"sns:Publish",
		"Resource":"`+topicARN+`","Condition":{"ArnEquals":{"aws:SourceArn":"`+ruleARN+`"}}}]}`)
	if got := refusal(topicARN); got != "" {
		t.Errorf("the policy allows it, but: %s", got)
	}
	if got := b.next(t); got.target != queueARN || !strings.Contains(string(got.Body), `"Message":"event"`) {
		t.Errorf("the queue got %s", got.Body)
	}
	if got := refusal(topicARN + "2"); got != "NO_RESOURCE" {
		t.Errorf("a missing topic: %q", got)
	}
	m.SourceARN += "2"
	if got := refusal(topicARN); got != "NO_PERMISSIONS" {
		t.Errorf("another rule: %q", got)
	}
	m.RoleARN = "arn:aws:iam::000000000000:role/r"
	if got := refusal(topicARN); got != "" {
		t.Errorf("under a role, which the sender has checked: %s", got)
	}
}

func TestWhatIsNotThereIsRefused(t *testing.T) {
	b := newBench(t)
	b.topic(t)
	_, fifo := b.CreateTopic(t.Context(), &awssns.CreateTopicInput{Name: aws.String("t.fifo")})
	_, name := b.CreateTopic(t.Context(), &awssns.CreateTopicInput{Name: aws.String("a b")})
	subscribe := func(protocol, endpoint string, attributes map[string]string) error {
		_, err := b.Subscribe(t.Context(), &awssns.SubscribeInput{TopicArn: aws.String(topicARN), Protocol: aws.String(protocol), Endpoint: aws.String(endpoint), Attributes: attributes})
		return err
	}
	set := func(name, value string) error {
		_, err := b.SetTopicAttributes(t.Context(), &awssns.SetTopicAttributesInput{TopicArn: aws.String(topicARN), AttributeName: aws.String(name), AttributeValue: aws.String(value)})
		return err
	}
	publish := func(subject, message string) error {
		_, err := b.Publish(t.Context(), &awssns.PublishInput{TopicArn: aws.String(topicARN), Subject: aws.String(subject), Message: aws.String(message)})
		return err
	}
	for what, err := range map[string]error{
		"a FIFO topic": fifo, "a name with a space": name,
		"SMS": subscribe("sms", "+1", nil), "a queue that is none": subscribe("sqs", topicARN, nil),
		"a bad filter policy":  subscribe("sqs", queueARN, map[string]string{"FilterPolicy": `{"a":"b"}`}),
		"a bad scope":          subscribe("sqs", queueARN, map[string]string{"FilterPolicyScope": "Subject"}),
		"a wrong policy":       set("Policy", `{"Statement":[]}`),
		"an unknown attribute": set("Colour", "red"),
		"a subject of lines":   publish("a\nb", "m"), "no message": publish("s", ""),
		"a message too long": publish("s", strings.Repeat("m", 256<<10+1)),
	} {
		if code(err) != "InvalidParameter" {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestMessagesSurviveARestart(t *testing.T) {
	b := newBench(t)
	b.topic(t)
	b.subscribe(t, "sqs", queueARN, nil)
	b.answer = func(string) error { return &delivery.Error{Code: "THROTTLING", Retryable: true} }
	if _, err := b.Publish(t.Context(), &awssns.PublishInput{TopicArn: aws.String(topicARN), Message: aws.String("m")}); err != nil {
		t.Fatal(err)
	}
	b.next(t)
	b.stop()
	other := &bench{sent: make(chan sent, 100), answer: func(string) error { return nil }}
	again, err := sns.New(sns.Config{URL: func() string { return "" }, Store: b.store, Clock: b.clock, Sender: other})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- again.Run(ctx) }()
	b.clock.Set(b.clock.Now().Add(time.Hour))
	if got := other.next(t); got.target != queueARN {
		t.Errorf("delivered to %s", got.target)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// What waits has a limit: publishers are pushed back, and what was accepted is not dropped.
func TestPublishersArePushedBack(t *testing.T) {
	t.Run("by number", func(t *testing.T) { pushedBack(t, newLimitedBench(t, 2, 0), "m") })
	t.Run("by bytes", func(t *testing.T) { pushedBack(t, newLimitedBench(t, 0, 25_000), strings.Repeat("m", 10_000)) })
}

// pushedBack publishes to a service that has room for two messages.
func pushedBack(t *testing.T, b *bench, message string) {
	t.Helper()
	b.topic(t)
	b.subscribe(t, "sqs", queueARN, nil)
	blocked := make(chan struct{})
	b.answer = func(string) error { <-blocked; return nil }
	publish := func() error {
		_, err := b.Publish(t.Context(), &awssns.PublishInput{TopicArn: aws.String(topicARN), Message: aws.String(message)})
		return err
	}
	for range 2 {
		if err := publish(); err != nil {
			t.Fatal(err)
		}
	}
	if err := publish(); code(err) != "Throttled" {
		t.Errorf("the third message: %v, want Throttled", err)
	}
	err := b.service.Receive(t.Context(), topicARN, delivery.Message{Body: []byte(message), RoleARN: "arn:aws:iam::000000000000:role/r"})
	var refused *delivery.Error
	if !errors.As(err, &refused) || !refused.Retryable {
		t.Errorf("another service is told %v, want to try again", err)
	}
	close(blocked)
	b.next(t)
	b.next(t)
	for publish() != nil { // until both are settled
	}
	b.next(t)
}
