// Package dualbus publishes on two buses: on the primary, which counts, and on a shadow, which is tried out beside it.
//
// It compares nothing: it tells an observer what each side has accepted, and how long that took.
package dualbus

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/the-alchemiser/alchemiser/pkg/bus"
	"github.com/the-alchemiser/alchemiser/pkg/events"
	"github.com/the-alchemiser/alchemiser/pkg/fault"
)

// Side is one of the two buses.
type Side string

// The sides.
const (
	Primary Side = "primary"
	Shadow  Side = "shadow"
)

// Publication is what one side made of one call of Publish.
type Publication struct {
	Side Side
	bus.Publication
}

// Observer is told every publication, the shadow's from another goroutine than the primary's. It must not block: the
// primary's publisher waits for it.
type Observer interface {
	Published(ctx context.Context, p Publication)
}

// Config sets up a Publisher.
type Config struct {
	Primary, Shadow bus.Publisher
	Observer        Observer
	// QueueSize is how many publications may wait for the shadow; 0 means 1,000. One that finds no room is told to the
	// observer as failed.
	QueueSize int
	// Timeout is the deadline of one publication on the shadow; 0 means 10 s.
	Timeout time.Duration
	Now     func() time.Time
}

// Publisher implements bus.Publisher. It is safe for concurrent use. Close it.
type Publisher struct {
	cfg Config
	// primary and shadow tell the observer.
	primary, shadow bus.Publisher

	mu     sync.RWMutex // held for reading while something is queued
	closed bool
	queue  chan publication
	done   chan struct{} // closed when the shadow has had its last publication
}

var _ bus.Publisher = (*Publisher)(nil)

// publication waits for the shadow.
type publication struct {
	ctx    context.Context //nolint:containedctx // it carries the trace and the ids of the log
	events []events.Event
}

// New returns a publisher.
func New(cfg Config) (*Publisher, error) {
	var errs []error
	if cfg.Primary == nil || cfg.Shadow == nil {
		errs = append(errs, errors.New("primary and shadow are required"))
	}
	if cfg.Observer == nil {
		errs = append(errs, errors.New("observer is required"))
	}
	if cfg.Now == nil {
		errs = append(errs, errors.New("now is required"))
	}
	if cfg.QueueSize < 0 || cfg.Timeout < 0 {
		errs = append(errs, errors.New("queue size and time-out are 0 or more"))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("dualbus: invalid config: %w", err)
	}
	if cfg.QueueSize == 0 {
		cfg.QueueSize = 1000
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = 10 * time.Second
	}
	told := func(side Side) func(context.Context, bus.Publication) {
		return func(ctx context.Context, p bus.Publication) { cfg.Observer.Published(ctx, Publication{side, p}) }
	}
	p := &Publisher{
		cfg: cfg, queue: make(chan publication, cfg.QueueSize), done: make(chan struct{}),
		primary: bus.Observe(cfg.Primary, cfg.Now, told(Primary)), shadow: bus.Observe(cfg.Shadow, cfg.Now, told(Shadow)),
	}
	go p.follow()
	return p, nil
}

// Publish implements bus.Publisher for the primary: its answer is the primary's, and comes when the primary's does. What
// the primary has accepted is published on the shadow afterwards, in the same order, whatever becomes of it there.
func (p *Publisher) Publish(ctx context.Context, es ...events.Event) error {
	err := p.primary.Publish(ctx, es...)
	if accepted := bus.Accepted(es, err); len(accepted) > 0 {
		p.enqueue(publication{ctx: context.WithoutCancel(ctx), events: accepted})
	}
	return err
}

func (p *Publisher) enqueue(next publication) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	reason := "the bus is closed"
	if !p.closed {
		select {
		case p.queue <- next:
			return
		default:
			reason = fmt.Sprintf("the shadow is %d publications behind", cap(p.queue))
		}
	}
	p.tell(next.ctx, "%s", reason)
}

// tell reports a publication that the shadow has not had.
func (p *Publisher) tell(ctx context.Context, format string, args ...any) {
	p.cfg.Observer.Published(ctx, Publication{Shadow, bus.Publication{Err: fault.New(fault.Transient, format, args...)}})
}

// follow publishes on the shadow, one publication after the other.
func (p *Publisher) follow() {
	defer close(p.done)
	for next := range p.queue {
		p.publish(next)
	}
}

// publish survives a shadow that panics: it must not take the primary with it.
func (p *Publisher) publish(next publication) {
	ctx, cancel := context.WithTimeout(next.ctx, p.cfg.Timeout)
	defer cancel()
	defer func() {
		if v := recover(); v != nil {
			p.tell(next.ctx, "the shadow panicked: %v", v)
		}
	}()
	_ = p.shadow.Publish(ctx, next.events...) // the observer is told
}

// Close lets the shadow have what waits for it, and nothing more: what is published later goes to the primary alone. It
// returns when the shadow is done, or with the error of ctx.
func (p *Publisher) Close(ctx context.Context) error {
	p.mu.Lock()
	if !p.closed {
		p.closed = true
		close(p.queue)
	}
	p.mu.Unlock()
	select {
	case <-p.done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%d publications have not reached the shadow: %w", len(p.queue), context.Cause(ctx))
	}
}
