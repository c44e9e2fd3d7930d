// Package ebbus publishes events on Amazon EventBridge.
//
// It does not create or check the bus: PutEvents to one that does not exist succeeds and drops the events, so its name
// comes from the deployment alone.
package ebbus

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/cenkalti/backoff/v5"

	"github.com/the-alchemiser/alchemiser/pkg/bus"
	"github.com/the-alchemiser/alchemiser/pkg/events"
	"github.com/the-alchemiser/alchemiser/pkg/fault"
)

// Client is the part of the EventBridge client that this package calls.
type Client interface {
	PutEvents(ctx context.Context, in *eventbridge.PutEventsInput, opts ...func(*eventbridge.Options)) (*eventbridge.PutEventsOutput, error)
}

// Config sets up a Publisher.
type Config struct {
	Client Client
	// BusName is the name or ARN of the bus.
	BusName string
	// SourcePrefix is put before the publishing function.
	SourcePrefix string
	// SizeLimit is the largest entry, as EventBridge counts it; 0 means events.DefaultSizeLimit.
	SizeLimit int
	// MaxRetries is the number of attempts after the first.
	MaxRetries int
	// FirstDelay bounds the wait before the second attempt; each further bound is twice the one before, up to MaxDelay.
	// The wait is random between 0 and the bound ("full jitter"). 0 means 50 ms and 2 s.
	FirstDelay, MaxDelay time.Duration
	// TraceHeader returns the X-Ray trace header of the context, or "". Nil means no header.
	TraceHeader func(context.Context) string
}

// Publisher implements bus.Publisher. It is safe for concurrent use.
type Publisher struct{ cfg Config }

var _ bus.Publisher = (*Publisher)(nil)

// New returns a publisher.
func New(cfg Config) (*Publisher, error) {
	var errs []error
	if cfg.Client == nil {
		errs = append(errs, errors.New("client is required"))
	}
	if cfg.BusName == "" {
		errs = append(errs, errors.New("bus name is required"))
	}
	if cfg.SourcePrefix == "" {
		errs = append(errs, errors.New("source prefix is required"))
	}
	if cfg.SizeLimit < 0 || cfg.SizeLimit > batchBytes {
		errs = append(errs, fmt.Errorf("size limit is %d, want 0 to %d", cfg.SizeLimit, batchBytes))
	}
	if cfg.MaxRetries < 0 || cfg.FirstDelay < 0 || cfg.MaxDelay < 0 {
		errs = append(errs, errors.New("retries and delays are 0 or more"))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("ebbus: invalid config: %w", err)
	}
	if cfg.SizeLimit == 0 {
		cfg.SizeLimit = events.DefaultSizeLimit
	}
	if cfg.FirstDelay == 0 {
		cfg.FirstDelay = 50 * time.Millisecond
	}
	if cfg.MaxDelay == 0 {
		cfg.MaxDelay = 2 * time.Second
	}
	return &Publisher{cfg: cfg}, nil
}

// Publish implements bus.Publisher: nil means that EventBridge has all of es. Entries that failed by throttling or an
// internal failure are sent again, and only those. An answer that was lost can make EventBridge have an event twice.
func (p *Publisher) Publish(ctx context.Context, es ...events.Event) error {
	encoded, rejected := bus.Encode(es, p.cfg.SourcePrefix, p.cfg.SizeLimit)
	for _, batch := range batches(p.entries(ctx, encoded)) {
		rejected = append(rejected, p.publish(ctx, batch)...)
	}
	return bus.NewPublishError(rejected)
}

// entry is an event on its way: what is sent, and how it failed last.
type entry struct {
	bus.Encoded
	request types.PutEventsRequestEntry
	failure *failure
}

func (p *Publisher) entries(ctx context.Context, encoded []bus.Encoded) []entry {
	var trace *string
	if p.cfg.TraceHeader != nil {
		if header := p.cfg.TraceHeader(ctx); header != "" {
			trace = &header
		}
	}
	entries := make([]entry, 0, len(encoded))
	for _, e := range encoded {
		entries = append(entries, entry{Encoded: e, request: types.PutEventsRequestEntry{
			EventBusName: &p.cfg.BusName,
			Source:       aws.String(e.Wire.Source),
			DetailType:   aws.String(e.Wire.DetailType),
			Detail:       aws.String(string(e.Wire.Detail)),
			Resources:    e.Wire.Resources,
			Time:         aws.Time(e.Event.Timestamp),
			TraceHeader:  trace,
		}})
	}
	return entries
}

// publish sends one batch until every entry is accepted, refused for good, or the attempts or ctx end. It returns those
// that were not accepted.
func (p *Publisher) publish(ctx context.Context, left []entry) (rejected []bus.Rejected) {
	delays := p.delays()
	for attempt := 0; ; attempt++ {
		var refused []entry
		left, refused = p.send(ctx, left)
		rejected = appendRejected(rejected, refused)
		if len(left) == 0 {
			return rejected
		}
		if attempt == p.cfg.MaxRetries || !sleep(ctx, delays.NextBackOff()) {
			return appendRejected(rejected, left)
		}
	}
}

// delays are full jitter: the library's interval stands in the middle of what it randomises.
func (p *Publisher) delays() backoff.BackOff {
	return &backoff.ExponentialBackOff{
		InitialInterval: p.cfg.FirstDelay / 2, MaxInterval: p.cfg.MaxDelay / 2, Multiplier: 2, RandomizationFactor: 1,
	}
}

func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func appendRejected(rejected []bus.Rejected, entries []entry) []bus.Rejected {
	for _, e := range entries {
		rejected = append(rejected, bus.Rejected{
			Event: e.Event, Code: e.failure.code, Message: e.failure.message, Err: fault.As(e.failure.fault, e.failure.err),
		})
	}
	return rejected
}
