// Package delivery is how one service of the endpoint hands something to another: EventBridge to Lambda, Lambda to a
// dead letter queue, Scheduler to EventBridge. The services know this package, not one another.
package delivery

import (
	"context"
	"fmt"
)

// Message is what one service hands to another.
type Message struct {
	Body []byte
	// Principal is the service that delivers, such as "events.amazonaws.com". The receiver evaluates its resource
	// policy against it, with SourceARN and SourceAccount as aws:SourceArn and aws:SourceAccount.
	Principal     string
	SourceARN     string
	SourceAccount string
	// RoleARN, if set, is the role that the service assumes: its policies decide instead of the receiver's.
	RoleARN string
	// TraceHeader is an X-Amzn-Trace-Id value or empty.
	TraceHeader string
	// Attributes are string message attributes (SQS), Numbers those of the type Number.
	Attributes, Numbers map[string]string
	// MessageGroupID is the group within a queue (SQS).
	MessageGroupID string
	// Subject is for e-mail (SNS); so is Mail, the text where it differs from Body.
	Subject, Mail string
}

// Sender hands a message to the resource arn. It returns nil once the receiver has it in the store, before anything that is
// committed later, or an *Error. A sender that keeps the message in the store until then and removes it afterwards loses
// nothing, whatever happens. It is safe for concurrent use.
type Sender interface {
	Send(ctx context.Context, arn string, m Message) error
}

// Receiver accepts messages for the resources of one service.
type Receiver interface {
	Receive(ctx context.Context, arn string, m Message) error
}

// Error is a delivery that the receiver did not accept.
type Error struct {
	// Code is EventBridge's: NO_PERMISSIONS, NO_RESOURCE, THROTTLING, TIMEOUT, ERROR_FROM_TARGET, SDK_CLIENT_ERROR, …
	// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html
	Code    string
	Message string
	// Retryable says whether the same delivery may succeed later.
	Retryable bool
}

// Errorf returns an Error that must not be retried.
func Errorf(code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// Error returns code and message.
func (e *Error) Error() string { return e.Code + ": " + e.Message }
