package lambda

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/the-alchemiser/alchemiser/internal/localaws/arn"
	"github.com/the-alchemiser/alchemiser/internal/localaws/delivery"
)

const (
	conditionSuccess   = "Success"
	conditionAge       = "EventAgeExceeded"
	conditionExhausted = "RetriesExhausted"
	principal          = "lambda.amazonaws.com"
)

// ending is how an event ends; result is nil if the function did not run in its last attempt.
type ending struct {
	condition string
	result    *result
}

// outgoing is a record on its way to a destination or a dead letter queue.
type outgoing struct {
	ARN                 string
	Body                []byte
	Attributes, Numbers map[string]string
	Trace               string
	RoleARN             string
	Function            string
}

// invocationRecord is what a destination gets.
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
type invocationRecord struct {
	Version         string           `json:"version"`
	Timestamp       string           `json:"timestamp"`
	RequestContext  requestContext   `json:"requestContext"`
	RequestPayload  json.RawMessage  `json:"requestPayload"`
	ResponseContext *responseContext `json:"responseContext,omitempty"`
	ResponsePayload json.RawMessage  `json:"responsePayload,omitempty"`
}

type requestContext struct {
	RequestID              string `json:"requestId"`
	FunctionARN            string `json:"functionArn"`
	Condition              string `json:"condition"`
	ApproximateInvokeCount int    `json:"approximateInvokeCount"`
}

type responseContext struct {
	StatusCode      int    `json:"statusCode"`
	ExecutedVersion string `json:"executedVersion"`
	FunctionError   string `json:"functionError,omitempty"`
}

// conclude ends an event: its records go out, then it leaves the queue.
func (s *Service) conclude(ctx context.Context, c call, e *queuedEvent, conf invokeConfig, end ending) error {
	s.traceEvent(c, e, false)
	records, err := s.recordsOf(c, e, conf, end)
	if err != nil {
		return err
	}
	if e.Records = records; len(records) > 0 {
		if err := s.queue.keep(e); err != nil { // what was decided stands, even if a receiver brings the endpoint down
			return err
		}
	}
	if end.condition != conditionSuccess {
		s.measure(e.Function, "AsyncEventsDropped", 1, "Count")
	}
	return s.sendRecords(ctx, e, conf)
}

// recordsOf returns what an ending sends: to the destination, and on failure to the function's dead letter queue too.
func (s *Service) recordsOf(c call, e *queuedEvent, conf invokeConfig, end ending) ([]outgoing, error) {
	target := conf.OnFailure
	if end.condition == conditionSuccess {
		target = conf.OnSuccess
	}
	base := outgoing{Trace: c.trace.header(), RoleARN: c.cfg.Role, Function: functionARN(c.f.Name, "")}
	var all []outgoing
	if target != "" {
		body, err := s.body(c, e, end, target)
		if err != nil {
			return nil, fmt.Errorf("record of event %s: %w", e.RequestID, err)
		}
		o := base
		o.ARN, o.Body = target, body
		all = append(all, o)
	}
	if d := c.cfg.DeadLetterConfig; d != nil && end.condition != conditionSuccess {
		o := base
		o.ARN, o.Body = *d.TargetArn, e.Payload
		o.Attributes = map[string]string{"RequestID": e.RequestID, "ErrorMessage": end.message()}
		o.Numbers = map[string]string{"ErrorCode": "200"}
		all = append(all, o)
	}
	return all, nil
}

// body returns the record as its target takes it: a bus gets an event that contains it.
func (s *Service) body(c call, e *queuedEvent, end ending, target string) ([]byte, error) {
	record := invocationRecord{
		Version: "1.0", Timestamp: s.cfg.Clock.Now().UTC().Format("2006-01-02T15:04:05.000Z"),
		RequestContext: requestContext{
			RequestID: e.RequestID, FunctionARN: ref{c.f.Name, c.qualifier}.orLatest().arn(),
			Condition: end.condition, ApproximateInvokeCount: e.Invoked,
		},
		RequestPayload: e.Payload,
	}
	if len(record.RequestPayload) == 0 {
		record.RequestPayload = json.RawMessage("{}")
	}
	if r := end.result; r != nil {
		record.ResponseContext = &responseContext{StatusCode: 200, ExecutedVersion: r.version}
		if r.failed() {
			record.ResponseContext.FunctionError = "Unhandled"
		}
		record.ResponsePayload = r.Payload
		if !json.Valid(r.Payload) { // a function may answer with any bytes
			text, err := json.Marshal(string(r.Payload))
			if err != nil {
				return nil, err
			}
			record.ResponsePayload = text
		}
	}
	raw, err := json.Marshal(record)
	if a, _ := arn.Parse(target); err != nil || a.Service != "events" {
		return raw, err
	}
	outcome := "Failure"
	if end.condition == conditionSuccess {
		outcome = "Success"
	}
	return json.Marshal(map[string]any{
		"version": "0", "id": uuid.NewString(), "source": "lambda",
		"detail-type": "Lambda Function Invocation Result - " + outcome,
		"account":     arn.Account, "region": arn.Region, "time": s.cfg.Clock.Now().UTC().Format(time.RFC3339),
		"resources": []string{target, record.RequestContext.FunctionARN}, "detail": record,
	})
}

// message is the ErrorMessage of a dead letter: the function's own, cut to a kilobyte.
func (e ending) message() string {
	if e.result == nil {
		return e.condition
	}
	var doc struct {
		Message string `json:"errorMessage"`
	}
	if err := json.Unmarshal(e.result.Payload, &doc); err != nil {
		doc.Message = string(e.result.Payload)
	}
	return strings.ToValidUTF8(doc.Message[:min(len(doc.Message), 1024)], "")
}

// sendRecords sends what is left of an event's records. Those that a receiver refuses for good are lost, as on AWS;
// those that may be accepted later wait in the queue, as long as the event may be old.
func (s *Service) sendRecords(ctx context.Context, e *queuedEvent, conf invokeConfig) error {
	var left []outgoing
	for _, o := range e.Records {
		err := s.cfg.Sender.Send(ctx, o.ARN, delivery.Message{
			Body: o.Body, Principal: principal, SourceARN: o.Function, SourceAccount: arn.Account, RoleARN: o.RoleARN,
			TraceHeader: o.Trace, Attributes: o.Attributes, Numbers: o.Numbers,
		})
		var refusal *delivery.Error
		if errors.As(err, &refusal) && !refusal.Retryable {
			s.measureUndelivered(e.Function, o)
			continue
		}
		if err != nil {
			left = append(left, o)
		}
	}
	e.Records = left
	now := s.cfg.Clock.Now()
	if len(left) == 0 || e.age(now) > conf.eventAge() {
		for _, o := range left {
			s.measureUndelivered(e.Function, o)
		}
		return s.queue.remove(e)
	}
	wait := min(firstBackoff<<min(e.Refused, 20), lastBackoff)
	e.Refused++
	s.wait(e, now, wait)
	return s.queue.put(e)
}
