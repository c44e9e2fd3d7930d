package consumer

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/the-alchemiser/alchemiser/pkg/bus"
	"github.com/the-alchemiser/alchemiser/pkg/events"
)

// Config is what a Consumer needs. Every field but Observer is required.
type Config struct {
	// Function is the name of the function; it is the module of what it publishes.
	Function string
	// Component is the part of the function that makes the events.
	Component string
	// SourcePrefix and SizeLimit are the bus's: what could not travel is refused before it is kept.
	SourcePrefix string
	SizeLimit    int
	Handler      Handler
	// Observer is a function that only looks: it handles replayed events too, and publishes nothing, not even
	// WorkflowFailed, so that an error cannot feed itself.
	Observer    bool
	Claims      Claims
	Publisher   bus.Publisher
	DeadLetters DeadLetters
	Tracer      Tracer
	Logger      Logger
	Meter       Meter
	Now         func() time.Time
	// MaxAttempts is how often whoever delivers tries: on the last attempt the failure is announced.
	MaxAttempts int
	// FlushMargin is the time before the delivery's deadline that is kept for writing down what happened.
	FlushMargin time.Duration
	// Lease is how long a delivery whose context has no deadline may take.
	Lease time.Duration
	// PollInterval is how often the claim of another living delivery is looked at.
	PollInterval time.Duration
}

// Consumer handles deliveries of one function. It is safe for concurrent use.
type Consumer struct{ cfg Config }

// New checks cfg whole.
func New(cfg Config) (*Consumer, error) {
	var faults []error
	for _, required := range []struct {
		name    string
		missing bool
	}{
		{"function", cfg.Function == ""},
		{"component", cfg.Component == ""},
		{"source prefix", cfg.SourcePrefix == ""},
		{"handler", cfg.Handler == nil},
		{"claims", cfg.Claims == nil},
		{"publisher", cfg.Publisher == nil && !cfg.Observer},
		{"dead letters", cfg.DeadLetters == nil},
		{"tracer", cfg.Tracer == nil},
		{"logger", cfg.Logger == nil},
		{"meter", cfg.Meter == nil},
		{"now", cfg.Now == nil},
		{"size limit", cfg.SizeLimit <= 0},
		{"max attempts", cfg.MaxAttempts <= 0},
		{"flush margin", cfg.FlushMargin <= 0},
		{"lease", cfg.Lease <= 0},
		{"poll interval", cfg.PollInterval <= 0},
	} {
		if required.missing {
			faults = append(faults, fmt.Errorf("%s is required", required.name))
		}
	}
	if err := errors.Join(faults...); err != nil {
		return nil, fmt.Errorf("consumer: invalid config: %w", err)
	}
	return &Consumer{cfg: cfg}, nil
}

// Handle is a bus.Handler. Nil means that the delivery needs no other attempt: the event is handled, was handled
// before, is a replay that this function ignores, or lies in the dead letter queue. Any error asks for another attempt
// with the same request id.
func (c *Consumer) Handle(ctx context.Context, d bus.Delivery) error {
	ctx = c.cfg.Logger.With(ctx, map[string]string{"request_id": d.RequestID})
	start := c.cfg.Now()
	result, err := c.deliver(ctx, d)
	if err != nil {
		result = ResultFailed
	}
	c.cfg.Meter.Delivered(ctx, Outcome{Result: result, Type: d.DetailType, Took: c.cfg.Now().Sub(start)})
	return err
}

// deliver brings d as far as it can; the result counts only without an error.
func (c *Consumer) deliver(ctx context.Context, d bus.Delivery) (result Result, err error) {
	if d.ReplayName != "" && !c.cfg.Observer {
		c.cfg.Logger.Info(ctx, "replayed event ignored: replays have no effects", glance(d).fields(map[string]string{"replay": d.ReplayName}))
		return ResultReplayed, nil
	}
	e, err := events.Decode(d.DetailType, d.Detail)
	if err != nil {
		return ResultRefused, c.refuse(ctx, d, err)
	}
	ctx = c.cfg.Logger.With(ctx, map[string]string{
		"event_id": e.ID, "event_type": string(e.Type()), "correlation_id": e.CorrelationID, "causation_id": e.CausationID,
	})
	err = c.cfg.Tracer.Trace(ctx, string(e.Type()), c.annotations(d, e), func(ctx context.Context) error {
		result, err = c.handle(ctx, d, e)
		return err
	})
	if err != nil {
		c.logFailure(ctx, err)
		return ResultFailed, fmt.Errorf("event %s: %w", e.ID, err)
	}
	return result, nil
}

// annotations are what the work can be searched by. A search for a correlation id must find the workflow's trace and no
// other; one for a workflow id finds every trace that has to do with it. A replay has a trace of its own, and so has what
// an observer sees of the start of a workflow: nobody published it under a trace. These have the workflow id only.
func (c *Consumer) annotations(d bus.Delivery, e events.Event) map[string]string {
	all := map[string]string{"workflow_id": e.CorrelationID, "event_id": e.ID, "portfolio_id": e.Payload.Portfolio()}
	if starts := e.CausationID == e.CorrelationID; d.ReplayName == "" && !(starts && c.cfg.Observer) {
		all["correlation_id"] = e.CorrelationID
	}
	if d.ReplayName != "" {
		all["replay"] = d.ReplayName
	}
	return all
}

// handle claims e and brings it as far as it can.
func (c *Consumer) handle(ctx context.Context, d bus.Delivery, e events.Event) (Result, error) {
	key := KeyOf(c.cfg.Function, e.ID, d)
	if d.ReplayName != "" {
		ctx = bus.WithReplay(ctx, d.ReplayName)
	}
	var claim Claim
	err := c.step(ctx, "claim", func(ctx context.Context) (err error) {
		claim, err = c.take(ctx, key, d.RequestID)
		return err
	})
	if err != nil {
		return ResultFailed, err
	}
	if claim.settled() {
		c.cfg.Logger.Info(ctx, "duplicate delivery ignored", map[string]string{"status": string(claim.Status), "reason": claim.Reason})
		return ResultDuplicate, nil
	}
	// Whoever dies from here on has left a line that names the invocation.
	c.cfg.Logger.Info(ctx, "claimed", map[string]string{
		"attempt": strconv.Itoa(claim.Attempts[d.RequestID]), "round": strconv.Itoa(claim.Round), "status": string(claim.Status),
	})
	j := &job{Consumer: c, delivery: d, event: e, claim: claim}
	switch claim.Status {
	case StatusRunning:
		err = j.run(ctx)
	case StatusCommitted:
		err = j.resume(ctx)
	case StatusDead:
		err = j.bury(ctx)
	case StatusDone: // settled above
	}
	if j.claim.Status == StatusDead {
		return ResultRefused, err
	}
	return ResultHandled, err
}

// step does a part of the work in a subsegment of its own.
func (c *Consumer) step(ctx context.Context, name string, f func(context.Context) error) error {
	return c.cfg.Tracer.Trace(ctx, name, nil, f)
}

// refuse puts what cannot be decoded into the dead letter queue. There is nothing in it to claim or to announce by.
func (c *Consumer) refuse(ctx context.Context, d bus.Delivery, reason error) error {
	ids := glance(d)
	ctx = c.cfg.Logger.With(ctx, ids.fields(map[string]string{"event_type": d.DetailType}))
	ctx, cancel := c.recording(ctx)
	defer cancel()
	if err := c.cfg.DeadLetters.Send(ctx, DeadLetter{EventID: ids.EventID, Reason: reason.Error(), Raw: d.Raw}); err != nil {
		err = fmt.Errorf("send %s to the dead letter queue: %w", ids.EventID, err)
		c.logFailure(ctx, err)
		return err
	}
	c.cfg.Logger.Error(ctx, "undecodable event is in the dead letter queue", reason, nil)
	return nil
}

// glimpse is what can be read of an event that was not decoded.
type glimpse struct {
	EventID       string `json:"event_id"`
	CorrelationID string `json:"correlation_id"`
}

func glance(d bus.Delivery) glimpse {
	var g glimpse
	_ = json.Unmarshal(d.Detail, &g) // what cannot be read is named so below
	if g.EventID == "" {
		g.EventID = "unknown"
	}
	return g
}

// fields adds the ids to the fields of a log line.
func (g glimpse) fields(more map[string]string) map[string]string {
	more["event_id"], more["correlation_id"] = g.EventID, g.CorrelationID
	return more
}

func (c *Consumer) logFailure(ctx context.Context, err error) {
	var fields map[string]string
	var panicked *PanicError
	if errors.As(err, &panicked) {
		fields = map[string]string{"stack": string(panicked.Stack)}
	}
	c.cfg.Logger.Error(ctx, "attempt failed", err, fields)
}

// recording returns a context for writing down what has happened: it outlives a cancelled ctx, and ends with the
// delivery, but not before the flush margin has passed.
func (c *Consumer) recording(ctx context.Context) (context.Context, context.CancelFunc) {
	end := c.cfg.Now().Add(c.cfg.FlushMargin)
	if deadline, ok := ctx.Deadline(); !ok || deadline.After(end) {
		end = c.end(ctx)
	}
	return context.WithDeadline(context.WithoutCancel(ctx), end)
}

// end returns the moment at which the delivery is dead for certain.
func (c *Consumer) end(ctx context.Context) time.Time {
	if deadline, ok := ctx.Deadline(); ok {
		return deadline
	}
	return c.cfg.Now().Add(c.cfg.Lease)
}
