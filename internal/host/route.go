package host

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/the-alchemiser/alchemiser/internal/fingerprint"
	"github.com/the-alchemiser/alchemiser/pkg/bus"
	"github.com/the-alchemiser/alchemiser/pkg/bus/dualbus"
	"github.com/the-alchemiser/alchemiser/pkg/bus/membus"
	"github.com/the-alchemiser/alchemiser/pkg/bus/sqsbus"
	"github.com/the-alchemiser/alchemiser/pkg/events"
)

// retryDelays are those of Lambda's asynchronous queue.
func retryDelays() []time.Duration { return []time.Duration{time.Minute, 2 * time.Minute} }

// route is the way of events in one of the modes.
type route struct {
	publisher bus.Publisher
	subscribe func(m Member, h bus.Handler, types []events.Type)
	// start begins to deliver, once everybody has subscribed.
	start func()
	// wait returns when nothing is on its way in the process.
	wait func(context.Context) error
	// close ends deliveries and lets go of what was opened.
	close func(context.Context) error
}

// openRoute is the one place in which a mode becomes a bus.
func openRoute(ctx context.Context, cfg Config) (*route, error) {
	switch cfg.Mode {
	case bus.ModeMemory:
		return openMemory(cfg) //nolint:contextcheck // deliveries outlive the start of the process
	case bus.ModeDual:
		return openDual(cfg) //nolint:contextcheck // deliveries outlive the start of the process
	case bus.ModeEventBridge:
		return openEventBridge(ctx, cfg)
	default:
		return nil, fmt.Errorf("there is no mode %q: want memory, dual or eventbridge", cfg.Mode)
	}
}

// openMemory keeps events in the process.
func openMemory(cfg Config) (*route, error) {
	letters, err := openLetters(cfg.Members)
	if err != nil {
		return nil, err
	}
	settings := cfg.Members[0].Config.Bus
	b, err := membus.New(membus.Config{
		SourcePrefix: settings.SourcePrefix, SizeLimit: settings.MaxEventBytes, RetryDelays: retryDelays(),
		MaxEventAge:      time.Duration(settings.MaxEventAgeSeconds) * time.Second,
		ArchiveRetention: 24 * time.Hour, // it lies in memory
		Bury:             func(l membus.DeadLetter) { bury(cfg, letters, l) },
		Now:              cfg.Now,
	})
	if err != nil {
		return nil, err
	}
	return &route{
		publisher: b, start: func() {}, wait: b.Wait,
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

// bury keeps a delivery that was given up. What the end of the process cut off is no dead letter.
func bury(cfg Config, to letters, l membus.DeadLetter) {
	if l.Condition == membus.BusClosed {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	if err := to.send(ctx, l.Function, l.Delivery, string(l.Condition), l.Attempts, l.Err); err != nil {
		cfg.Logger(l.Function).Error(ctx, "a dead letter is not in its queue: the event lies in the outbox of its cause", err, map[string]string{
			"request_id": l.Delivery.RequestID, "reason": fmt.Sprint(l.Err),
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

// openEventBridge publishes on EventBridge and handles what it puts into the queue of the process.
func openEventBridge(ctx context.Context, cfg Config) (*route, error) {
	first := cfg.Members[0]
	publisher, err := first.EventBridge()
	if err != nil {
		return nil, err
	}
	letters, err := openLetters(cfg.Members)
	if err != nil {
		return nil, err
	}
	client := sqs.NewFromConfig(first.AWS)
	queue, err := client.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: aws.String("alchemiser-run-" + first.Config.Stage)})
	if err != nil {
		return nil, fmt.Errorf("find the queue of the process: apply Terraform with -var mode=hosted first: %w", err)
	}
	log := cfg.Logger("host")
	b, err := sqsbus.New(sqsbus.Config{
		Client: client, QueueURL: aws.ToString(queue.QueueUrl), RetryDelays: retryDelays(),
		Bury: func(ctx context.Context, l sqsbus.DeadLetter) error {
			return letters.send(ctx, l.Function, l.Delivery, "RetriesExhausted", l.Attempts, l.Err)
		},
		Tell: func(err error) { log.Error(context.WithoutCancel(ctx), "the queue of the process", err, nil) },
	})
	if err != nil {
		return nil, err
	}
	return &route{
		publisher: publisher, start: b.Start, close: b.Close,
		subscribe: func(m Member, h bus.Handler, types []events.Type) { b.Subscribe(m.Name, h, types...) },
		wait:      func(context.Context) error { return nil }, // what is in the queue stays there
	}, nil
}
