package consumer

import (
	"context"
	"time"

	"github.com/the-alchemiser/alchemiser/pkg/events"
)

// Handler is what a function does with one event. It returns the payloads of the events that follow; their ids,
// causation and timestamps are the consumer's part. It may run more than once for the same event, so its own effects
// must be idempotent. The code of its error decides what happens next: see package fault. An Ambiguous error means that
// the handler will settle the matter by asking when it runs again.
type Handler func(ctx context.Context, in events.Event) ([]events.Payload, error)

// Claims keeps who handles which event. Its methods are single conditional writes and consistent reads; what a claim
// may become is decided in this package. Errors carry fault.Transient if trying again may help. It is safe for
// concurrent use.
type Claims interface {
	// Get returns the claim of key, if there is one.
	Get(ctx context.Context, key Key) (c Claim, found bool, err error)
	// Swap stores next in place of the claim of next.Key whose token is prev, "" meaning that there is none, and
	// together with it, in one transaction, the events of outbox. It returns the claim that is stored afterwards: it has
	// next.Token if the swap happened, and that also if the reply of an earlier try was lost; otherwise nothing changed.
	// The outbox of a key is written once and never replaced.
	Swap(ctx context.Context, prev string, next Claim, outbox []events.Event) (stored Claim, err error)
	// Outbox returns the events that were stored with the claim of key, in their order.
	Outbox(ctx context.Context, key Key) ([]events.Event, error)
}

// DeadLetter is an event that can never be handled.
type DeadLetter struct {
	// EventID is the event's own id, or the best name there is for what cannot be read. It is never empty.
	EventID string
	// Reason says what is wrong.
	Reason string
	// Raw is what arrived, unchanged.
	Raw []byte
}

// DeadLetters is the function's own dead letter queue. It is safe for concurrent use.
type DeadLetters interface {
	// Send returns nil once the queue has d.
	Send(ctx context.Context, d DeadLetter) error
}

// Tracer joins the work to the trace that the delivery belongs to. It is safe for concurrent use, and its own troubles
// never fail the work.
type Tracer interface {
	// Trace runs f in a subsegment of ctx's trace and returns f's error, with which the subsegment ends. Annotations
	// can be searched for.
	Trace(ctx context.Context, name string, annotations map[string]string, f func(context.Context) error) error
}

// Result is what became of a delivery.
type Result string

// The results.
const (
	// ResultHandled is an event that was handled and what follows published.
	ResultHandled Result = "handled"
	// ResultDuplicate is an event that had been dealt with before.
	ResultDuplicate Result = "duplicate"
	// ResultReplayed is a replayed event, which the function ignores.
	ResultReplayed Result = "replayed"
	// ResultRefused is an event that can never be handled: it is in the dead letter queue.
	ResultRefused Result = "refused"
	// ResultFailed is a delivery that asks for another attempt.
	ResultFailed Result = "failed"
)

// Outcome is what became of a delivery, and how long that took.
type Outcome struct {
	Result Result
	Type   string
	Took   time.Duration
}

// Meter takes outcomes as figures. It is safe for concurrent use and does not block.
type Meter interface {
	Delivered(ctx context.Context, o Outcome)
}

// Logger writes structured lines. It is safe for concurrent use.
type Logger interface {
	// With returns a context whose lines all carry fields besides those that ctx's carry.
	With(ctx context.Context, fields map[string]string) context.Context
	// Info says what was done.
	Info(ctx context.Context, message string, fields map[string]string)
	// Error says what went wrong.
	Error(ctx context.Context, message string, err error, fields map[string]string)
}
