// Package lambdabus is the entry of a Lambda function into the bus: it takes what Lambda hands over, finds out what it
// is, and calls the handler that subscribed to it. Registrations are those of every other bus.
//
// It does not retry, claim or publish: Lambda's queue retries, and the rest is the consumer's part.
package lambdabus

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/go-json-experiment/json"

	"github.com/the-alchemiser/alchemiser/pkg/bus"
	"github.com/the-alchemiser/alchemiser/pkg/events"
	"github.com/the-alchemiser/alchemiser/pkg/fault"
)

// Entry routes invocations to handlers. Subscribe first, then give it to lambda.Start; from then on it is safe for
// concurrent use.
type Entry struct {
	watchdog      func(context.Context) error
	subscriptions []subscription
}

type subscription struct {
	function string
	handler  bus.Handler
	types    []events.Type
}

var (
	_ lambda.Handler = (*Entry)(nil)
	_ bus.Subscriber = (*Entry)(nil)
)

// New returns an entry without subscriptions. watchdog answers the constant JSON {"watchdog": true}, which the schedule
// sends; nil refuses it.
func New(watchdog func(context.Context) error) *Entry { return &Entry{watchdog: watchdog} }

// Subscribe implements bus.Subscriber.
func (e *Entry) Subscribe(function string, h bus.Handler, types ...events.Type) {
	e.subscriptions = append(e.subscriptions, subscription{function: function, handler: h, types: types})
}

// InvokeError is the one error that an invocation ends with. Lambda reports the outermost Go type as errorType, so
// alarms and dead letters show "InvokeError", with what failed in the message.
type InvokeError struct {
	// What was handled: a detail-type or "watchdog"; empty if the payload is neither.
	What string
	Err  error
}

// Error names what failed and what the error asks for.
func (e *InvokeError) Error() string {
	if e.What == "" {
		return fmt.Sprintf("%s: %v", fault.CodeOf(e.Err), e.Err)
	}
	return fmt.Sprintf("%s: %s: %v", fault.CodeOf(e.Err), e.What, e.Err)
}

// Unwrap returns the error behind it.
func (e *InvokeError) Unwrap() error { return e.Err }

// Invoke implements lambda.Handler. It returns nil once every handler that subscribed to the event's type has returned
// nil, and otherwise an *InvokeError, which makes Lambda invoke the function again. An event that nobody subscribed to
// is an error: the rule and the function disagree, and the event must not be lost.
func (e *Entry) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	what, err := e.route(ctx, payload)
	if err != nil {
		return nil, &InvokeError{What: what, Err: err}
	}
	return []byte("null"), nil
}

func (e *Entry) route(ctx context.Context, payload []byte) (what string, err error) {
	if isWatchdog(payload) {
		if e.watchdog == nil {
			return "watchdog", fault.New(fault.Invalid, "this function has no watchdog: its schedule belongs to the monitor")
		}
		return "watchdog", e.watchdog(ctx)
	}
	envelope, err := bus.ParseEnvelope(payload)
	if err != nil {
		return "", fmt.Errorf("want an event of EventBridge or {\"watchdog\": true}: %w", err)
	}
	invocation, ok := lambdacontext.FromContext(ctx)
	if !ok || invocation.AwsRequestID == "" {
		return envelope.DetailType, fault.New(fault.Internal, "the context has no request id: Invoke is for the Lambda runtime")
	}
	return envelope.DetailType, e.deliver(ctx, envelope.Delivery(invocation.AwsRequestID, payload))
}

func (e *Entry) deliver(ctx context.Context, d bus.Delivery) error {
	var errs []error
	found := false
	for _, s := range e.subscriptions {
		if len(s.types) > 0 && !slices.Contains(s.types, events.Type(d.DetailType)) {
			continue
		}
		found = true
		if err := s.handler(ctx, d); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", s.function, err))
		}
	}
	if !found {
		return fault.New(fault.Invalid, "nobody here handles it, only %s: compare the rule's pattern with the function", e.handled())
	}
	return errors.Join(errs...)
}

// handled lists the types that have a handler.
func (e *Entry) handled() string {
	var types []string
	for _, s := range e.subscriptions {
		for _, t := range s.types {
			types = append(types, string(t))
		}
	}
	slices.Sort(types)
	return strings.Join(slices.Compact(types), ", ")
}

func isWatchdog(payload []byte) bool {
	var m map[string]bool
	return json.Unmarshal(payload, &m) == nil && len(m) == 1 && m["watchdog"]
}
