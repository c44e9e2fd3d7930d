package fingerprint

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/the-alchemiser/alchemiser/pkg/bus"
	"github.com/the-alchemiser/alchemiser/pkg/bus/dualbus"
)

// waiting is how many records may wait to be kept: those of some hundred workflows.
const waiting = 10_000

// Recorder records what a process publishes on both sides of a dual run and what it handles. It does so behind the
// process's back: what it cannot keep is counted and told, and stops nothing. It is safe for concurrent use. Close it.
type Recorder struct {
	log  Log
	now  func() time.Time
	tell func(error)

	mu     sync.RWMutex // held for reading while something is queued
	closed bool
	queue  chan Record
	done   chan struct{}

	counts sync.Mutex
	lost   int
}

var _ dualbus.Observer = (*Recorder)(nil)

// NewRecorder returns a recorder that keeps its records in log. tell is told what went wrong: records that were not kept,
// and events that EventBridge did not take. It may be called from several goroutines at once.
func NewRecorder(log Log, now func() time.Time, tell func(error)) *Recorder {
	r := &Recorder{log: log, now: now, tell: tell, queue: make(chan Record, waiting), done: make(chan struct{})}
	go r.keep()
	return r
}

// Published implements dualbus.Observer: the primary is the bus within the process, the shadow is EventBridge.
func (r *Recorder) Published(_ context.Context, p dualbus.Publication) {
	side := Memory
	if p.Side == dualbus.Shadow {
		side = EventBridge
		if p.Err != nil {
			r.tell(fmt.Errorf("EventBridge has not taken events of the dual run: %w", p.Err))
		}
	}
	at := r.now()
	for _, e := range p.Accepted {
		record, err := accepted(side, e, at, p.Took)
		if err != nil {
			r.fail(err)
			continue
		}
		r.put(record)
	}
}

// Observe is a bus.Middleware's maker: it records that function got an event within the process, before it handles it.
func (r *Recorder) Observe(function string) bus.Middleware {
	return func(next bus.Handler) bus.Handler {
		return func(ctx context.Context, d bus.Delivery) error {
			record, err := delivery(Memory, function, d, r.now())
			if err != nil {
				r.fail(err)
			} else if d.ReplayName == "" {
				r.put(record)
			}
			return next(ctx, d)
		}
	}
}

func (r *Recorder) put(record Record) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if r.closed {
		r.fail(errors.New("the recorder is closed"))
		return
	}
	select {
	case r.queue <- record:
	default:
		r.fail(fmt.Errorf("%d records wait already", waiting))
	}
}

// patience is how long one record may take: a log that does not answer must not hold up those that follow for ever.
const patience = 10 * time.Second

func (r *Recorder) keep() {
	defer close(r.done)
	for record := range r.queue {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		if err := r.log.PutFingerprint(ctx, record); err != nil {
			r.fail(err)
		}
		cancel()
	}
}

func (r *Recorder) fail(err error) {
	r.counts.Lock()
	r.lost++
	r.counts.Unlock()
	r.tell(fmt.Errorf("a fingerprint is not recorded: %w", err))
}

// Close returns when everything is recorded, with an error that counts what is not, or with that of ctx.
func (r *Recorder) Close(ctx context.Context) error {
	r.mu.Lock()
	if !r.closed {
		r.closed = true
		close(r.queue)
	}
	r.mu.Unlock()
	select {
	case <-r.done:
	case <-ctx.Done():
		return fmt.Errorf("record fingerprints: %w", context.Cause(ctx))
	}
	r.counts.Lock()
	defer r.counts.Unlock()
	if r.lost > 0 {
		return fmt.Errorf("%d fingerprints were not recorded: alchemiser compare will miss them", r.lost)
	}
	return nil
}
