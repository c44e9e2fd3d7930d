package e2e_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	eventbridgetypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

func (d *deployment) testInvalidEvent(t *testing.T) {
	id := "invalid-1"
	d.put(t, "alchemiser.strategy", "SignalGenerated", fmt.Sprintf(`{"event_id":%q,"event_type":"SignalGenerated","schema_version":"1.0",
		"correlation_id":"run-invalid","causation_id":"c","timestamp":"2026-03-02T20:45:00Z","source_module":"strategy","source_component":"test",
		"metadata":{}}`, id))
	m := d.takeDeadLetter(t, "portfolio")
	if !strings.Contains(aws.ToString(m.Body), id) {
		t.Errorf("the dead letter is not the event: %s", aws.ToString(m.Body))
	}
	if got := attribute(m, "EVENT_ID"); got != id {
		t.Errorf("EVENT_ID = %q, want %q", got, id)
	}
	if reason := attribute(m, "REASON"); !strings.Contains(reason, "$.portfolio_id") {
		t.Errorf("REASON = %q, want the JSON path of what is missing", reason)
	}
}

func (d *deployment) testMissingPermission(t *testing.T) {
	client := lambda.NewFromConfig(d.aws)
	function, qualifier := aws.String("alchemiser-portfolio-"+stage), aws.String("live")
	if _, err := client.RemovePermission(t.Context(), &lambda.RemovePermissionInput{
		FunctionName: function, Qualifier: qualifier, StatementId: aws.String("EventBridge"),
	}); err != nil {
		t.Fatal(err)
	}
	d.put(t, "alchemiser.strategy", "SignalGenerated", `{"event_id":"forbidden-1"}`)
	m := d.takeDeadLetter(t, "portfolio")
	for name, want := range map[string]string{"ERROR_CODE": "NO_PERMISSIONS", "RULE_ARN": "signal-generated", "TARGET_ARN": "portfolio"} {
		if got := attribute(m, name); !strings.Contains(got, want) {
			t.Errorf("%s = %q, want %s in it", name, got, want)
		}
	}
	if _, err := client.AddPermission(t.Context(), &lambda.AddPermissionInput{
		FunctionName: function, Qualifier: qualifier, StatementId: aws.String("EventBridge"),
		Action: aws.String("lambda:InvokeFunction"), Principal: aws.String("events.amazonaws.com"),
		SourceArn: aws.String("arn:aws:events:us-east-1:000000000000:rule/alchemiser-trading-events-" + stage + "/alchemiser-signal-generated-" + stage),
	}); err != nil {
		t.Fatal(err)
	}
}

func (d *deployment) testFailingHandler(t *testing.T) {
	// The broker answers nothing but errors: every attempt of the strategy fails, and trying again may help.
	d.breakBroker(t)
	mend := func() { d.request(t, http.MethodDelete, d.stack.Record.BrokerURL+"/_control/faults", "") }
	defer mend()
	id := fmt.Sprintf("failing-%d", time.Now().UnixNano())
	now := time.Now().UTC().Format(time.RFC3339)
	d.put(t, "alchemiser.scheduler", "WorkflowStarted", fmt.Sprintf(`{"event_id":%q,"event_type":"WorkflowStarted","schema_version":"1.0",
		"correlation_id":%[1]q,"causation_id":%[1]q,"timestamp":%q,"source_module":"scheduler","source_component":"test","metadata":{},
		"portfolio_id":"main-failing"}`, id, now))
	m := d.takeDeadLetter(t, "strategy")
	var record struct {
		RequestContext struct {
			Condition              string
			ApproximateInvokeCount int
		}
		RequestPayload struct {
			Detail struct {
				EventID string `json:"event_id"`
			}
		}
	}
	if err := json.Unmarshal([]byte(aws.ToString(m.Body)), &record); err != nil {
		t.Fatalf("not a destination record: %s: %v", aws.ToString(m.Body), err)
	}
	if c := record.RequestContext; c.Condition != "RetriesExhausted" || c.ApproximateInvokeCount != 3 {
		t.Errorf("condition %q after %d attempts, want RetriesExhausted after 3", c.Condition, c.ApproximateInvokeCount)
	}
	if got := record.RequestPayload.Detail.EventID; got != id {
		t.Errorf("the record is of event %q, want %q", got, id)
	}
	if attribute(m, "ERROR_CODE") != "" {
		t.Error("the message has a target dead letter's attributes: EventBridge had delivered it")
	}
	if n := d.deadLetters(t, "strategy"); n != 0 {
		t.Errorf("%d further dead letters: the path to the target must stay clean", n)
	}
	mend()
	t.Run("and is redriven", func(t *testing.T) { d.testRedrive(t, aws.ToString(m.Body), id) })
}

// breakBroker makes every further request to the broker's account fail.
func (d *deployment) breakBroker(t *testing.T) {
	t.Helper()
	body := strings.NewReader(`{"route":"GET /v2/account","kind":"status","status":503,"times":1000}`)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, d.stack.Record.BrokerURL+"/_control/faults", body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode/100 != 2 {
		t.Fatalf("the broker's control API answered %s", res.Status)
	}
}

// put publishes one event.
func (d *deployment) put(t *testing.T, source, detailType, detail string) {
	t.Helper()
	if err := d.tryPut(t.Context(), source, detailType, detail); err != nil {
		t.Fatal(err)
	}
}

func (d *deployment) tryPut(ctx context.Context, source, detailType, detail string) error {
	out, err := eventbridge.NewFromConfig(d.aws).PutEvents(ctx, &eventbridge.PutEventsInput{
		Entries: []eventbridgetypes.PutEventsRequestEntry{{
			EventBusName: aws.String("alchemiser-trading-events-" + stage),
			Source:       aws.String(source), DetailType: aws.String(detailType), Detail: aws.String(detail),
		}},
	})
	if err == nil && out.FailedEntryCount > 0 {
		err = fmt.Errorf("the event was not accepted: %s", aws.ToString(out.Entries[0].ErrorMessage))
	}
	return err
}

// takeDeadLetter waits for the next dead letter of a function and takes it from the queue.
func (d *deployment) takeDeadLetter(t *testing.T, function string) sqstypes.Message {
	t.Helper()
	client := sqs.NewFromConfig(d.aws)
	queue, err := client.GetQueueUrl(t.Context(), &sqs.GetQueueUrlInput{QueueName: aws.String("alchemiser-" + function + "-dlq-" + stage)})
	if err != nil {
		t.Fatal(err)
	}
	for range 4 {
		got, err := client.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{
			QueueUrl: queue.QueueUrl, WaitTimeSeconds: 20, MessageAttributeNames: []string{"All"},
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range got.Messages {
			if _, err := client.DeleteMessage(t.Context(), &sqs.DeleteMessageInput{QueueUrl: queue.QueueUrl, ReceiptHandle: m.ReceiptHandle}); err != nil {
				t.Fatal(err)
			}
			return m
		}
	}
	t.Fatalf("no dead letter of %s came", function)
	return sqstypes.Message{}
}

func attribute(m sqstypes.Message, name string) string {
	return aws.ToString(m.MessageAttributes[name].StringValue)
}
