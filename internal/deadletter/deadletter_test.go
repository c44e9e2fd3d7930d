package deadletter_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/go-cmp/cmp"

	"github.com/the-alchemiser/alchemiser/internal/consumer"
	"github.com/the-alchemiser/alchemiser/internal/deadletter"
	"github.com/the-alchemiser/alchemiser/pkg/fault"
)

const envelope = `{"detail-type":"SignalGenerated","detail":{"event_id":"event-1"}}`

// queue keeps what is sent, or fails with err.
type queue struct {
	sent []*sqs.SendMessageInput
	err  error
}

func (q *queue) SendMessage(_ context.Context, in *sqs.SendMessageInput, _ ...func(*sqs.Options)) (*sqs.SendMessageOutput, error) {
	if q.err != nil {
		return nil, q.err
	}
	q.sent = append(q.sent, in)
	return &sqs.SendMessageOutput{}, nil
}

func TestWhatIsSentIsReadBack(t *testing.T) {
	q := &queue{}
	letters, err := deadletter.New(q, "url")
	if err != nil {
		t.Fatal(err)
	}
	if err := letters.Send(t.Context(), consumer.DeadLetter{EventID: "event-1", Reason: "$.portfolio_id is missing", Raw: []byte(envelope)}); err != nil {
		t.Fatal(err)
	}
	sent := q.sent[0]
	if aws.ToString(sent.QueueUrl) != "url" {
		t.Errorf("sent to %s", aws.ToString(sent.QueueUrl))
	}
	got, err := deadletter.Parse([]byte(aws.ToString(sent.MessageBody)), text(sent.MessageAttributes))
	want := deadletter.Letter{Shape: deadletter.ShapeRefused, EventID: "event-1", Reason: "$.portfolio_id is missing", Event: []byte(envelope)}
	if d := cmp.Diff(want, got); d != "" || err != nil {
		t.Errorf("%v, read back (-want +got):\n%s", err, d)
	}
}

func TestAttributesAreWhatSQSTakes(t *testing.T) {
	q := &queue{}
	letters, err := deadletter.New(q, "url")
	if err != nil {
		t.Fatal(err)
	}
	reason := "bad byte \xff, bell \a, no character \uffff, " + strings.Repeat("é", 10_000)
	if err := letters.Send(t.Context(), consumer.DeadLetter{EventID: "id\x00", Reason: reason, Raw: []byte("{}")}); err != nil {
		t.Fatal(err)
	}
	for name, value := range text(q.sent[0].MessageAttributes) {
		if !utf8.ValidString(value) || strings.ContainsAny(value, "\a\x00\uffff") {
			t.Errorf("%s holds what SQS refuses: %q", name, value)
		}
		if len(value) > 4200 {
			t.Errorf("%s has %d bytes", name, len(value))
		}
	}
	if got := text(q.sent[0].MessageAttributes)["REASON"]; !strings.HasSuffix(got, "more bytes)") {
		t.Errorf("the cut of the reason does not show: %q", got[len(got)-40:])
	}
}

func TestSendReturnsWhatTheErrorAsksFor(t *testing.T) {
	tests := map[string]struct {
		err  error
		want fault.Code
	}{
		"no answer":           {errors.New("connection reset"), fault.Transient},
		"throttled":           {&types.RequestThrottled{}, fault.Transient},
		"no such queue":       {&types.QueueDoesNotExist{}, fault.Internal},
		"a cancelled context": {context.Canceled, fault.Transient},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			letters, err := deadletter.New(&queue{err: tt.err}, "url")
			if err != nil {
				t.Fatal(err)
			}
			err = letters.Send(t.Context(), consumer.DeadLetter{EventID: "1", Reason: "r", Raw: []byte("{}")})
			if got := fault.CodeOf(err); got != tt.want || !errors.Is(err, tt.err) {
				t.Errorf("%v is %s, want %s", err, got, tt.want)
			}
		})
	}
}

func TestParse(t *testing.T) {
	tests := map[string]struct {
		body       string
		attributes map[string]string
		want       deadletter.Letter
	}{
		"what EventBridge could not deliver": {
			body:       envelope,
			attributes: map[string]string{"ERROR_CODE": "NO_PERMISSIONS", "ERROR_MESSAGE": "not authorised", "RULE_ARN": "arn", "TARGET_ARN": "arn"},
			want:       deadletter.Letter{Shape: deadletter.ShapeUndelivered, EventID: "event-1", Reason: "NO_PERMISSIONS: not authorised", Event: []byte(envelope)},
		},
		"what failed on every attempt": {
			body: `{"version":"1.0","timestamp":"2026-03-02T20:45:00Z","requestContext":{"requestId":"r","functionArn":"a","condition":"RetriesExhausted",
				"approximateInvokeCount":3},"requestPayload":` + envelope + `,"responseContext":{"statusCode":200,"executedVersion":"1","functionError":"Unhandled"},
				"responsePayload":{"errorType":"InvokeError","errorMessage":"transient: broker is down"}}`,
			want: deadletter.Letter{Shape: deadletter.ShapeFailed, EventID: "event-1", RequestID: "r", Reason: "transient: broker is down", Attempts: 3, Event: []byte(envelope)},
		},
		"what became too old": {
			body: `{"requestContext":{"condition":"EventAgeExceeded","approximateInvokeCount":1},"requestPayload":{"watchdog":true}}`,
			want: deadletter.Letter{Shape: deadletter.ShapeFailed, Reason: "EventAgeExceeded", Attempts: 1, Event: []byte(`{"watchdog":true}`)},
		},
		"what was refused": {
			body: "not even JSON", attributes: map[string]string{"EVENT_ID": "unknown", "REASON": "not an event"},
			want: deadletter.Letter{Shape: deadletter.ShapeRefused, EventID: "unknown", Reason: "not an event", Event: []byte("not even JSON")},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := deadletter.Parse([]byte(tt.body), tt.attributes)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("letter (-want +got):\n%s", d)
			}
		})
	}
	for _, body := range []string{"", "{}", "[]", "text", `{"requestContext":{}}`, `{"requestPayload":{}}`} {
		if _, err := deadletter.Parse([]byte(body), nil); fault.CodeOf(err) != fault.Invalid {
			t.Errorf("%q without attributes: %v, want an invalid error", body, err)
		}
	}
}

// Whatever the body is, an event is taken out of it unchanged or refused.
func FuzzParse(f *testing.F) {
	f.Add([]byte(envelope), "", "")
	f.Add([]byte(`{"requestContext":{"condition":"RetriesExhausted","approximateInvokeCount":3},"requestPayload":`+envelope+`}`), "", "")
	f.Add([]byte(envelope), "reason", "")
	f.Add([]byte(envelope), "", "NO_RESOURCE")
	f.Fuzz(func(t *testing.T, body []byte, reason, code string) {
		attributes := map[string]string{}
		if reason != "" {
			attributes["REASON"] = reason
		}
		if code != "" {
			attributes["ERROR_CODE"] = code
		}
		got, err := deadletter.Parse(body, attributes)
		switch {
		case err != nil:
			if fault.CodeOf(err) != fault.Invalid || len(attributes) > 0 {
				t.Errorf("%v", err)
			}
		case !bytes.Contains(body, got.Event):
			t.Errorf("the event %q is not in the body %q", got.Event, body)
		case got.Shape == deadletter.ShapeFailed != (len(attributes) == 0):
			t.Errorf("shape %s of a message with attributes %v", got.Shape, attributes)
		}
	})
}

func text(attributes map[string]types.MessageAttributeValue) map[string]string {
	all := map[string]string{}
	for name, value := range attributes {
		all[name] = aws.ToString(value.StringValue)
	}
	return all
}

func ExampleParse() {
	letter, err := deadletter.Parse([]byte(envelope), map[string]string{"ERROR_CODE": "NO_RESOURCE"})
	if err != nil {
		panic(err)
	}
	fmt.Println(letter.Shape, letter.EventID, letter.Reason)
	// Output: undelivered event-1 NO_RESOURCE
}
