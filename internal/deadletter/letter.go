package deadletter

import (
	"cmp"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/the-alchemiser/alchemiser/pkg/fault"
)

// Shape is how a message came into the queue.
type Shape string

// The shapes.
const (
	// ShapeUndelivered is an event that EventBridge could not hand to Lambda: no permission, no function, throttled for
	// too long. https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html
	ShapeUndelivered Shape = "undelivered"
	// ShapeFailed is the record of an invocation that failed on every attempt.
	// https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
	ShapeFailed Shape = "failed"
	// ShapeRefused is an event that can never be handled, sent by the consumer.
	ShapeRefused Shape = "refused"
)

// Letter is a message of a dead letter queue, whatever its shape.
type Letter struct {
	Shape Shape
	// EventID is empty if the event does not tell.
	EventID string
	// RequestID names the delivery that failed on every attempt, and so is dead; it is empty for the other shapes.
	RequestID string
	// Reason says why the event is here, as far as the message does.
	Reason string
	// Attempts is how often the function was invoked; 0 if the message does not tell.
	Attempts int
	// Event is what the function was to handle, unchanged.
	Event []byte
}

// record is what Lambda sends to an on-failure destination.
type record struct {
	Version         string          `json:"version"`
	RequestContext  *requestContext `json:"requestContext"`
	RequestPayload  jsontext.Value  `json:"requestPayload"`
	ResponsePayload struct {
		ErrorMessage string `json:"errorMessage"`
	} `json:"responsePayload"`
}

type requestContext struct {
	RequestID              string `json:"requestId"`
	Condition              string `json:"condition"`
	ApproximateInvokeCount int    `json:"approximateInvokeCount"`
}

// Parse reads a message by its body and its attributes of type String. It returns a fault.Invalid error for a message
// of no known shape.
func Parse(body []byte, attributes map[string]string) (Letter, error) {
	if reason, ok := attributes[attributeReason]; ok {
		return Letter{Shape: ShapeRefused, EventID: attributes[attributeEventID], Reason: reason, Event: body}, nil
	}
	if code, ok := attributes["ERROR_CODE"]; ok {
		reason := code
		if message := attributes["ERROR_MESSAGE"]; message != "" {
			reason += ": " + message
		}
		return Letter{Shape: ShapeUndelivered, EventID: eventID(body), Reason: reason, Event: body}, nil
	}
	var r record
	if err := json.Unmarshal(body, &r); err != nil {
		return Letter{}, fault.New(fault.Invalid, "dead letter: neither attributes nor a record of Lambda: %w", err)
	}
	if r.RequestContext == nil || len(r.RequestPayload) == 0 {
		return Letter{}, fault.New(fault.Invalid, "dead letter: neither attributes nor a record of Lambda: it has no requestContext and requestPayload")
	}
	return Letter{
		Shape: ShapeFailed, EventID: eventID(r.RequestPayload), RequestID: r.RequestContext.RequestID, Attempts: r.RequestContext.ApproximateInvokeCount, Event: r.RequestPayload,
		Reason: cmp.Or(r.ResponsePayload.ErrorMessage, r.RequestContext.Condition),
	}, nil
}

// eventID returns the id of the event in an envelope, or "".
func eventID(envelope []byte) string {
	var e struct {
		Detail struct {
			EventID string `json:"event_id"`
		} `json:"detail"`
	}
	if json.Unmarshal(envelope, &e) != nil {
		return ""
	}
	return e.Detail.EventID
}
