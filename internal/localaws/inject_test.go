package localaws_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"

	"github.com/the-alchemiser/alchemiser/internal/localaws"
	"github.com/the-alchemiser/alchemiser/internal/localaws/faults"
)

func TestRequestsAreThrottledInTheWordsOfTheirService(t *testing.T) {
	e := start(t, localaws.Config{Faults: faults.Plan{Rules: []faults.Rule{{Fault: faults.Throttle}}}})
	_, dynamo := dynamodb.NewFromConfig(e.cfg).ListTables(t.Context(), nil)
	_, queue := sqs.NewFromConfig(e.cfg).ListQueues(t.Context(), nil)
	_, bus := eventbridge.NewFromConfig(e.cfg).ListRules(t.Context(), nil)
	for want, err := range map[string]error{
		"ProvisionedThroughputExceededException": dynamo, "RequestThrottled": queue, "ThrottlingException": bus,
	} {
		var api smithy.APIError
		if !errors.As(err, &api) || api.ErrorCode() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

func TestLostAnswerIsOfARequestThatWasCarriedOut(t *testing.T) {
	e := start(t, localaws.Config{})
	e.control(t, http.MethodPost, "faults", `{"rules":[{"fault":"lose","service":"sns","operation":"CreateTopic","times":1}]}`, http.StatusOK, nil)
	client := sns.NewFromConfig(e.cfg)
	if _, err := client.CreateTopic(t.Context(), &sns.CreateTopicInput{Name: aws.String("t")}); !errors.Is(err, io.EOF) {
		t.Errorf("error %v, want a connection that ends", err)
	}
	if got := e.inventory(t); len(got) != 1 || !strings.HasSuffix(got[0], ":t") {
		t.Errorf("inventory %v, want the topic", got)
	}
	var out struct{ Rules []faults.Count }
	e.control(t, http.MethodGet, "faults", "", http.StatusOK, &out)
	if len(out.Rules) != 1 || out.Rules[0].Injected != 1 || out.Rules[0].Fault != faults.Lose {
		t.Errorf("counts %+v", out.Rules)
	}
}

func TestFailedRequestIsNotCarriedOut(t *testing.T) {
	e := start(t, localaws.Config{Faults: faults.Plan{Rules: []faults.Rule{{Fault: faults.Fail, Operation: "CreateTopic"}}}})
	_, err := sns.NewFromConfig(e.cfg).CreateTopic(t.Context(), &sns.CreateTopicInput{Name: aws.String("t")})
	var api smithy.APIError
	if !errors.As(err, &api) || api.ErrorCode() != "InternalFailure" {
		t.Errorf("error %v", err)
	}
	if got := e.inventory(t); len(got) > 0 {
		t.Errorf("inventory %v", got)
	}
}

func TestOneEntryOfManyIsRefused(t *testing.T) {
	e := start(t, localaws.Config{Faults: faults.Plan{Rules: []faults.Rule{{Fault: faults.Refuse, DetailType: "B"}}}})
	entry := func(detailType string) ebtypes.PutEventsRequestEntry {
		return ebtypes.PutEventsRequestEntry{Source: aws.String("s"), DetailType: aws.String(detailType), Detail: aws.String("{}")}
	}
	out, err := eventbridge.NewFromConfig(e.cfg).PutEvents(t.Context(), &eventbridge.PutEventsInput{
		Entries: []ebtypes.PutEventsRequestEntry{entry("A"), entry("B"), entry("C")},
	})
	if err != nil || out.FailedEntryCount != 1 || aws.ToString(out.Entries[1].ErrorCode) != "InternalFailure" || out.Entries[2].EventId == nil {
		t.Errorf("%+v, %v", out, err)
	}
}

func TestDeliveriesAreDuplicatedAndDelayed(t *testing.T) {
	e := start(t, localaws.Config{Faults: faults.Plan{Rules: []faults.Rule{
		{Fault: faults.Duplicate, Times: 1}, {Fault: faults.Delay, After: 1, Times: 1},
	}}})
	url := e.queue(t, "q", letRuleIn("q"))
	target := ebtypes.Target{Id: aws.String("t"), Arn: aws.String(queueARN + "q")}
	body := func(m sqstypes.Message) string { return aws.ToString(m.Body) }
	next := func() string {
		m := e.receive(t, url)
		if _, err := sqs.NewFromConfig(e.cfg).DeleteMessage(t.Context(), &sqs.DeleteMessageInput{QueueUrl: &url, ReceiptHandle: m.ReceiptHandle}); err != nil {
			t.Fatal(err)
		}
		return body(m)
	}
	e.rule(t, target)
	if first, second := next(), next(); first != second {
		t.Errorf("two deliveries of one event differ: %s, %s", first, second)
	}
	e.rule(t, target)
	next()
	var out struct{ Rules []faults.Count }
	e.control(t, http.MethodGet, "faults", "", http.StatusOK, &out)
	if out.Rules[0].Injected != 1 || out.Rules[1].Injected != 1 {
		t.Errorf("counts %+v", out.Rules)
	}
}

func TestBadPlanLeavesTheOldOne(t *testing.T) {
	e := start(t, localaws.Config{Faults: faults.Plan{Rules: []faults.Rule{{Fault: faults.Fail, Service: "none"}}}})
	e.control(t, http.MethodPost, "faults", `{"rules":[{"fault":"explode"}]}`, http.StatusBadRequest, nil)
	var out struct{ Rules []faults.Count }
	e.control(t, http.MethodGet, "faults", "", http.StatusOK, &out)
	if len(out.Rules) != 1 || out.Rules[0].Service != "none" {
		t.Errorf("rules %+v", out.Rules)
	}
}
