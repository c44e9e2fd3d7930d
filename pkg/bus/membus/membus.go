// Package membus is the bus within one process: asynchronous, at least once, with retries, dead letters, archive and
// replay, as EventBridge and Lambda have them together. It serves tests, the simulation and single-process
// installations.
//
// It keeps nothing when the process ends: whoever needs that stores events before publishing them (the consumer's
// outbox does).
package membus

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/uuid"

	"github.com/the-alchemiser/alchemiser/pkg/bus"
	"github.com/the-alchemiser/alchemiser/pkg/events"
	"github.com/the-alchemiser/alchemiser/pkg/fault"
)

// Config sets up a Bus.
type Config struct {
	// SourcePrefix is put before the publishing function.
	SourcePrefix string
	// SizeLimit is the largest entry, as EventBridge counts it; 0 means events.DefaultSizeLimit.
	SizeLimit int
	// RetryDelays are the waits between the attempts of one delivery: there is one attempt more than there are delays.
	// Lambda's asynchronous queue has one minute and two minutes.
	RetryDelays []time.Duration
	// MaxEventAge ends the attempts: an event that would be older at the next one becomes a dead letter. 0 means no end.
	MaxEventAge time.Duration
	// AttemptTimeout is the deadline of one attempt, as the function's time-out is. 0 means none.
	AttemptTimeout time.Duration
	// Concurrency is how many deliveries one function handles at once; 0 means 10.
	Concurrency int
	// QueueSize is how many deliveries of one function may be pending, those that wait for another attempt included.
	// Publish waits for room. 0 means 10,000.
	QueueSize int
	// ArchiveRetention is how long events can be replayed; 0 means as long as the process lives.
	ArchiveRetention time.Duration
	// Bury, if there is one, gets every dead letter as well, before the delivery counts as ended: whoever must not lose
	// them keeps them elsewhere.
	Bury func(DeadLetter)
	// Now is the time of archive, event age and dead letters.
	Now func() time.Time
}

// Bus implements bus.Bus. It is safe for concurrent use. Close it.
type Bus struct {
	cfg     Config
	stopped context.Context // ends attempts and waits when the bus is closed
	stop    context.CancelFunc

	mu            sync.Mutex
	closed        bool
	subscriptions []*subscription
	pending       int
	idle          chan struct{} // closed while nothing is pending
	archive       []bus.Envelope
	dead          []DeadLetter
}

var _ bus.Bus = (*Bus)(nil)

type subscription struct {
	function string
	handler  bus.Handler
	types    []events.Type
	room     chan struct{} // one element for each pending delivery
	running  chan struct{} // one element for each attempt that runs
}

func (s *subscription) wants(t events.Type) bool {
	return len(s.types) == 0 || slices.Contains(s.types, t)
}

// New returns an empty bus.
func New(cfg Config) (*Bus, error) {
	var errs []error
	if cfg.SourcePrefix == "" {
		errs = append(errs, errors.New("source prefix is required"))
	}
	if cfg.Now == nil {
		errs = append(errs, errors.New("now is required"))
	}
	if cfg.SizeLimit < 0 || cfg.MaxEventAge < 0 || cfg.AttemptTimeout < 0 || cfg.Concurrency < 0 || cfg.QueueSize < 0 || cfg.ArchiveRetention < 0 {
		errs = append(errs, errors.New("size limit, event age, time-out, concurrency, queue size and retention are 0 or more"))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("membus: invalid config: %w", err)
	}
	cfg.SizeLimit = orDefault(cfg.SizeLimit, events.DefaultSizeLimit)
	cfg.Concurrency = orDefault(cfg.Concurrency, 10)
	cfg.QueueSize = orDefault(cfg.QueueSize, 10_000)
	stopped, stop := context.WithCancel(context.Background())
	idle := make(chan struct{})
	close(idle)
	return &Bus{cfg: cfg, stopped: stopped, stop: stop, idle: idle}, nil
}

func orDefault(n, fallback int) int {
	if n == 0 {
		return fallback
	}
	return n
}

// Subscribe implements bus.Subscriber.
func (b *Bus) Subscribe(function string, h bus.Handler, types ...events.Type) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.subscriptions = append(b.subscriptions, &subscription{
		function: function, handler: h, types: types,
		room:    make(chan struct{}, b.cfg.QueueSize),
		running: make(chan struct{}, b.cfg.Concurrency),
	})
}

// Publish implements bus.Publisher. It waits for room in the queues of the functions that want the event.
func (b *Bus) Publish(ctx context.Context, es ...events.Event) error {
	accepted, rejected := bus.Encode(es, b.cfg.SourcePrefix, b.cfg.SizeLimit)
	for _, e := range accepted {
		if err := b.accept(ctx, e); err != nil {
			rejected = append(rejected, bus.Rejected{Event: e.Event, Code: "NotQueued", Message: err.Error(), Err: err})
		}
	}
	return bus.NewPublishError(rejected)
}

func (b *Bus) accept(ctx context.Context, e bus.Encoded) error {
	envelope := bus.Envelope{
		Version: "0", ID: uuid.NewString(), DetailType: e.Wire.DetailType, Source: e.Wire.Source, Account: "memory",
		Time: b.cfg.Now().UTC(), Region: "memory", Resources: e.Wire.Resources, Detail: e.Wire.Detail,
	}
	return b.fanOut(ctx, envelope, nil, func() { b.keep(envelope) })
}

// fanOut makes one delivery for every subscription that wants the event, or none and an error. functions limits it to those;
// none means all. keep is called before the first delivery begins.
func (b *Bus) fanOut(ctx context.Context, e bus.Envelope, functions []string, keep func()) error {
	raw, err := json.Marshal(e)
	if err != nil {
		return fault.New(fault.Invalid, "envelope of %s: %w", e.DetailType, err)
	}
	b.mu.Lock()
	subscriptions := slices.Clone(b.subscriptions)
	b.mu.Unlock()
	subscriptions = slices.DeleteFunc(subscriptions, func(s *subscription) bool {
		return !s.wants(events.Type(e.DetailType)) || len(functions) > 0 && !slices.Contains(functions, s.function)
	})
	if err := b.reserve(ctx, subscriptions); err != nil {
		return err
	}
	keep()
	for _, s := range subscriptions {
		go b.deliver(s, e.Delivery(uuid.NewString(), raw)) //nolint:contextcheck // a delivery outlives the publication
	}
	return nil
}

// reserve waits until all subscriptions have room for a delivery and counts these as pending; with an error it has taken no
// room. All take room in the order of subscription, so nobody waits in a circle.
func (b *Bus) reserve(ctx context.Context, subscriptions []*subscription) error {
	for i, s := range subscriptions {
		if err := b.room(ctx, s); err != nil {
			release(subscriptions[:i])
			return err
		}
	}
	if !b.begin(len(subscriptions)) {
		release(subscriptions)
		return errClosed()
	}
	return nil
}

func (b *Bus) room(ctx context.Context, s *subscription) error {
	if err := ctx.Err(); err != nil {
		return fault.New(fault.Transient, "queue for %s: %w", s.function, context.Cause(ctx))
	}
	select {
	case s.room <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fault.New(fault.Transient, "no room in the queue for %s: %w", s.function, context.Cause(ctx))
	case <-b.stopped.Done():
		return errClosed()
	}
}

func release(subscriptions []*subscription) {
	for _, s := range subscriptions {
		<-s.room
	}
}

func errClosed() error { return fault.New(fault.Transient, "the bus is closed") }

// begin counts n deliveries as pending, unless the bus is closed.
func (b *Bus) begin(n int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return false
	}
	if b.pending == 0 && n > 0 {
		b.idle = make(chan struct{})
	}
	b.pending += n
	return true
}

func (b *Bus) end(s *subscription) {
	<-s.room
	b.mu.Lock()
	defer b.mu.Unlock()
	b.pending--
	if b.pending == 0 {
		close(b.idle)
	}
}

// Wait returns nil as soon as nothing is pending, or the error of ctx. Deliveries that wait for another attempt are
// pending, dead letters are not.
func (b *Bus) Wait(ctx context.Context) error {
	b.mu.Lock()
	idle := b.idle
	b.mu.Unlock()
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for the bus: %w", context.Cause(ctx))
	}
}

// Close refuses what comes later, cancels the attempts that run and turns every delivery that is not done into a dead
// letter. It returns when all have ended, or with the error of ctx. Call Wait before to let the deliveries finish.
func (b *Bus) Close(ctx context.Context) error {
	b.mu.Lock()
	b.closed = true
	b.mu.Unlock()
	b.stop()
	return b.Wait(ctx)
}
