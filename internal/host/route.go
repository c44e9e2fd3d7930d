package host

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/the-alchemiser/alchemiser/internal/deadletter"
	"github.com/the-alchemiser/alchemiser/internal/fingerprint"
	"github.com/the-alchemiser/alchemiser/pkg/bus"
	"github.com/the-alchemiser/alchemiser/pkg/bus/dualbus"
	"github.com/the-alchemiser/alchemiser/pkg/bus/membus"
	"github.com/the-alchemiser/alchemiser/pkg/events"
)

// retryDelays are those of Lambda's asynchronous queue.
func retryDelays() []time.Duration { return []time.Duration{time.Minute, 2 * time.Minute} }

// route is the way of events in one of the modes.
type route struct {
	publisher bus.Publisher
	subscribe func(m Member, h bus.Handler, types []events.Type)
	// wait returns when nothing is on its way.
	wait func(context.Context) error
	// close ends deliveries and lets go of what was opened.
	close func(context.Context) error
}

// openRoute is the one place in which a mode becomes a bus.
func openRoute(cfg Config) (*route, error) {
	switch cfg.Mode {
	case bus.ModeMemory:
		return openMemory(cfg)
	case bus.ModeDual:
		return openDual(cfg)
	default:
		return nil, fmt.Errorf("there is no mode %q: want memory, dual or eventbridge", cfg.Mode)
	}
}

// openMemory keeps events in the process.
func openMemory(cfg Config) (*route, error) {
	queues := map[string]*deadletter.Queue{}
	for _, m := range cfg.Members {
		queue, err := m.DeadLetters()
		if err != nil {
			return nil, err
		}
		queues[m.Name] = queue
	}
	settings := cfg.Members[0].Config.Bus
	b, err := membus.New(membus.Config{
		SourcePrefix: settings.SourcePrefix, SizeLimit: settings.MaxEventBytes, RetryDelays: retryDelays(),
		MaxEventAge:      time.Duration(settings.MaxEventAgeSeconds) * time.Second,
		ArchiveRetention: 24 * time.Hour, // it lies in memory
		Bury:             func(l membus.DeadLetter) { bury(cfg, queues[l.Function], l) },
		Now:              cfg.Now,
	})
	if err != nil {
		return nil, err
	}
	return &route{
		publisher: b, wait: b.Wait,
		subscribe: func(m Member, h bus.Handler, types []events.Type) { b.Subscribe(m.Name, h, types...) },
		close: func(ctx context.Context) error {
			// Deliveries that wait for another attempt are cut off: the next start takes them up.
			waiting, cancel := context.WithTimeout(ctx, grace/2)
			defer cancel()
			_ = b.Wait(waiting)
			return b.Close(ctx)
		},
	}, nil
}

// bury puts a delivery that was given up into its function's queue, as Lambda would. What the end of the process cut off is
// no dead letter.
func bury(cfg Config, queue *deadletter.Queue, l membus.DeadLetter) {
	if l.Condition == membus.BusClosed {
		return
	}
	f := deadletter.Failure{RequestID: l.Delivery.RequestID, Condition: string(l.Condition), Attempts: l.Attempts, Raw: l.Delivery.Raw}
	if l.Err != nil {
		f.Message = l.Err.Error()
	}
	ctx, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	if err := queue.SendFailed(ctx, f); err != nil {
		cfg.Logger(l.Function).Error(ctx, "a dead letter is not in its queue: the event lies in the outbox of its cause", err, map[string]string{
			"request_id": f.RequestID, "reason": f.Message,
		})
	}
}

// openDual keeps events in the process and publishes them on EventBridge too, with records of both sides.
func openDual(cfg Config) (*route, error) {
	r, err := openMemory(cfg)
	if err != nil {
		return nil, err
	}
	shadow, err := cfg.Members[0].EventBridge()
	if err != nil {
		return nil, err
	}
	log := cfg.Logger("host")
	records := fingerprint.NewRecorder(cfg.Members[0].Store, cfg.Now, func(err error) {
		log.Error(context.Background(), "the dual run is incomplete", err, nil)
	})
	dual, err := dualbus.New(dualbus.Config{Primary: r.publisher, Shadow: shadow, Observer: records, Now: cfg.Now})
	if err != nil {
		return nil, err
	}
	primary := *r
	r.publisher = dual
	r.subscribe = func(m Member, h bus.Handler, types []events.Type) {
		primary.subscribe(m, records.Observe(m.Name)(h), types)
	}
	r.close = func(ctx context.Context) error {
		return errors.Join(primary.close(ctx), dual.Close(ctx), records.Close(ctx))
	}
	return r, nil
}
