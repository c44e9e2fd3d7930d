// Package host runs all four functions in one process: for small installations, for trying EventBridge out beside a bus
// that works, and to go back to when EventBridge is out of order. Claims, outbox, runs, plans and ledger are those of the
// deployed functions, so that neither a restart nor a change from one to the other does anything twice.
package host

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/the-alchemiser/alchemiser/internal/consumer"
	"github.com/the-alchemiser/alchemiser/internal/functions"
	"github.com/the-alchemiser/alchemiser/pkg/bus"
	"github.com/the-alchemiser/alchemiser/pkg/events"
)

const (
	// watchInterval is how often the monitor looks for workflows that died without a word.
	watchInterval = 5 * time.Minute
	// grace is how long work may go on when the process is asked to end. What is cut off goes on at the next start.
	grace = 20 * time.Second
)

// Member is one function of the process.
type Member struct {
	*functions.Function
	Wire functions.Wire
	// Timeout ends an attempt, as Lambda's does.
	Timeout time.Duration
}

// Config is what a Host needs. Every field is required.
type Config struct {
	// Members are the functions. They share bus and table.
	Members []Member
	Mode    bus.Mode
	// Portfolios are started by the schedule.
	Portfolios []string
	// Owner names this process for whoever tries to run a second one.
	Owner  string
	Tracer consumer.Tracer
	// Logger returns the logger of a function.
	Logger func(function string) consumer.Logger
	// Show is told each event once the monitor has recorded it: at least once, in no order, one at a time.
	Show func(events.Event)
	Now  func() time.Time
}

// Host is the running process. Close it.
type Host struct {
	cfg      Config
	claims   consumer.Claims
	route    *route
	services []service
	watchdog func(context.Context) error
	lock     *lock

	showing sync.Mutex
}

// service is a wired member.
type service struct {
	name  string
	types []events.Type
}

func (s service) wants(t events.Type) bool {
	if len(s.types) == 0 {
		return true
	}
	for _, wanted := range s.types {
		if wanted == t {
			return true
		}
	}
	return false
}

// New wires all members to the bus of cfg.Mode and begins to deliver. If a process has run this stage before and did not
// say that it ends, New waits until it is gone for certain; if it is alive, New returns ErrRunning.
func New(ctx context.Context, cfg Config) (_ *Host, err error) {
	if len(cfg.Members) == 0 || cfg.Tracer == nil || cfg.Logger == nil || cfg.Show == nil || cfg.Now == nil {
		return nil, errors.New("host: invalid config: members, tracer, logger, show and now are required")
	}
	h := &Host{cfg: cfg, claims: cfg.Members[0].Store}
	h.route, err = openRoute(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("host: %w", err)
	}
	for _, m := range cfg.Members {
		if err := h.join(ctx, m); err != nil {
			return nil, errors.Join(fmt.Errorf("host: %s: %w", m.Name, err), h.route.close(ctx))
		}
	}
	if h.lock, err = takeLock(ctx, h.claims, cfg.Owner, cfg.Now); err != nil {
		return nil, errors.Join(fmt.Errorf("host: %w", err), h.route.close(ctx))
	}
	h.route.start()
	return h, nil
}

// join subscribes a member to the bus.
func (h *Host) join(ctx context.Context, m Member) error {
	s, err := m.Wire(m.Function)
	if err != nil {
		return err
	}
	ports := functions.Ports{Tracer: h.cfg.Tracer, Logger: h.cfg.Logger(m.Name)}
	if !s.Observer {
		ports.Publisher = h.route.publisher
	}
	c, err := m.Consumer(ctx, s, ports)
	if err != nil {
		return err
	}
	handle := c.Handle
	if s.Observer {
		handle = h.shown(handle)
	}
	h.route.subscribe(m, attempt(m.Timeout, handle), s.Types)
	h.services = append(h.services, service{name: m.Name, types: s.Types})
	if s.Watchdog != nil {
		h.watchdog = s.Watchdog
	}
	return nil
}

// ownDelivery begins the request ids of deliveries within such a process.
const ownDelivery = "run/"

// attempt bounds an attempt and marks its delivery as one of ours.
func attempt(timeout time.Duration, next bus.Handler) bus.Handler {
	return func(ctx context.Context, d bus.Delivery) error {
		ctx, cancel := context.WithTimeout(ctx, timeout)
		defer cancel()
		d.RequestID = ownDelivery + d.RequestID
		return next(ctx, d)
	}
}

// shown shows what the observer has recorded.
func (h *Host) shown(next bus.Handler) bus.Handler {
	return func(ctx context.Context, d bus.Delivery) error {
		if err := next(ctx, d); err != nil {
			return err
		}
		if e, err := events.Decode(d.DetailType, d.Detail); err == nil && d.ReplayName == "" {
			h.showing.Lock()
			defer h.showing.Unlock()
			h.cfg.Show(e)
		}
		return nil
	}
}

// Alive returns a context that also ends when this process can no longer tell that it is the only one of its stage.
func (h *Host) Alive(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(h.lock.lost, func() { cancel(context.Cause(h.lock.lost)) })
	return ctx, func() { stop(); cancel(nil) }
}

// Serve takes up what an earlier process has left and starts runs by the schedule, until ctx ends. Errors of single runs
// go to the log; it returns an error only if the process cannot work, or is not the only one any more.
func (h *Host) Serve(ctx context.Context) error {
	ctx, cancel := h.Alive(ctx)
	defer cancel()
	next, err := nextStart(h.cfg.Now()) // before anything that takes its time: a start must not slip by meanwhile
	if err != nil {
		return err
	}
	if err := h.takeUp(ctx); err != nil {
		return err
	}
	log := h.cfg.Logger("host")
	watch := time.NewTicker(watchInterval)
	defer watch.Stop()
	start := time.NewTimer(next.Sub(h.cfg.Now()))
	defer start.Stop()
	for {
		select {
		case <-ctx.Done():
			return h.lock.cause()
		case <-watch.C:
			if h.watchdog == nil {
				continue
			}
			if err := h.watchdog(ctx); err != nil {
				log.Error(ctx, "the watchdog could not look for stalled workflows", err, nil)
			}
		case <-start.C:
			if err := h.startAll(ctx, next); err != nil {
				log.Error(ctx, "a run could not be started", err, map[string]string{"scheduled": next.Format(time.RFC3339)})
			}
			if next, err = nextStart(next); err != nil {
				return err
			}
			start.Reset(next.Sub(h.cfg.Now()))
		}
	}
}

// Close lets the work that runs come to its end, for a while, and then cuts it off: it goes on at the next start. A process
// that is not the only one any more cuts it off at once.
func (h *Host) Close(ctx context.Context) error {
	ctx = context.WithoutCancel(ctx)
	patience := grace
	if h.lock.lost.Err() != nil {
		patience = 0
	}
	ending, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return errors.Join(h.route.close(ending), h.lock.release(ctx))
}

// Idle returns when nothing is on its way in the process.
func (h *Host) Idle(ctx context.Context) error { return h.route.wait(ctx) }
