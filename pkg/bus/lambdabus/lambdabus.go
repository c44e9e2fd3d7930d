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
	commands      Commands
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

// Commands answer constant JSON that is no event. Nil refuses it.
type Commands struct {
	// Watchdog answers {"watchdog": true}, which the schedule sends.
	Watchdog func(context.Context) error
	// Smoke answers {"smoke": true}, which a deployment sends to a new version before events come to it. What it returns is
	// the answer of the invocation, as JSON.
	Smoke func(context.Context) (any, error)
}

// New returns an entry without subscriptions.
func New(commands Commands) *Entry { return &Entry{commands: commands} }

// Subscribe implements bus.Subscriber.
func (e *Entry) Subscribe(function string, h bus.Handler, types ...events.Type) {
	e.subscriptions = append(e.subscriptions, subscription{function: function, handler: h, types: types})
}

// InvokeError is the one error that an invocation ends with. Lambda reports the outermost Go type as errorType, so
// alarms and dead letters show "InvokeError", with what failed in the message.
type InvokeError struct {
	// What was handled: a detail-type, "watchdog" or "smoke"; empty if the payload is none of them.
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
	var err error
	what, answer := command(payload), any(nil)
	switch what {
	case watchdog:
		err = e.watch(ctx)
	case smoke:
		answer, err = e.smoke(ctx)
	default:
		what, err = e.route(ctx, payload)
	}
	if err != nil {
		return nil, &InvokeError{What: what, Err: err}
	}
	return json.Marshal(answer)
}

func (e *Entry) watch(ctx context.Context) error {
	if e.commands.Watchdog == nil {
		return fault.New(fault.Invalid, "this function has no watchdog: its schedule belongs to the monitor")
	}
	return e.commands.Watchdog(ctx)
}

func (e *Entry) smoke(ctx context.Context) (any, error) {
	if e.commands.Smoke == nil {
		return nil, fault.New(fault.Invalid, "this function has no smoke test")
	}
	return e.commands.Smoke(ctx)
}

func (e *Entry) route(ctx context.Context, payload []byte) (what string, err error) {
	envelope, err := bus.ParseEnvelope(payload)
	if err != nil {
		return "", fmt.Errorf("want an event of EventBridge, {\"watchdog\": true} or {\"smoke\": true}: %w", err)
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

// The commands, as they stand in their constant JSON.
const (
	watchdog = "watchdog"
	smoke    = "smoke"
)

// command returns which of the commands payload is, or "".
func command(payload []byte) string {
	var m map[string]bool
	if json.Unmarshal(payload, &m) != nil || len(m) != 1 {
		return ""
	}
	for _, name := range []string{watchdog, smoke} {
		if m[name] {
			return name
		}
	}
	return ""
}
