// Package sqsbus hands the events of an SQS queue, into which a rule of EventBridge puts them, to the handlers of one
// process. Registrations are those of every other bus; publishing is ebbus's part.
//
// A message is deleted once every handler that wants it is done with it. Until then it comes again, also after a crash of
// the process: handlers that were done see a duplicate.
package sqsbus

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/the-alchemiser/alchemiser/pkg/bus"
	"github.com/the-alchemiser/alchemiser/pkg/events"
)

const (
	// longPoll is how long a request waits for messages.
	// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-short-and-long-polling.html
	longPoll = 10 * time.Second
	// pause is how long the bus waits after a request that failed.
	pause = time.Second
)

// Client is the part of the SQS client that this package calls.
type Client interface {
	ReceiveMessage(ctx context.Context, in *sqs.ReceiveMessageInput, opts ...func(*sqs.Options)) (*sqs.ReceiveMessageOutput, error)
	DeleteMessage(ctx context.Context, in *sqs.DeleteMessageInput, opts ...func(*sqs.Options)) (*sqs.DeleteMessageOutput, error)
	ChangeMessageVisibility(ctx context.Context, in *sqs.ChangeMessageVisibilityInput, opts ...func(*sqs.Options)) (*sqs.ChangeMessageVisibilityOutput, error)
}

// DeadLetter is a delivery that failed on every attempt.
type DeadLetter struct {
	Function string
	Delivery bus.Delivery
	Attempts int
	// Err is the last attempt's.
	Err error
}

// Config sets up a Bus.
type Config struct {
	Client   Client
	QueueURL string
	// RetryDelays are the waits between the attempts of one delivery, in whole seconds: there is one attempt more than
	// there are delays.
	RetryDelays []time.Duration
	// Visibility is how long a message stays hidden; it is prolonged while handlers work on it. It is also how long
	// after a crash the message comes again. 0 means a minute.
	Visibility time.Duration
	// Concurrency is how many messages are handled at once; 0 means 10.
	Concurrency int
	// Bury keeps a delivery that was given up. If it fails, the message stays in the queue and comes again.
	Bury func(context.Context, DeadLetter) error
	// Tell is told what goes wrong beside the handlers, whose errors are their own. It is safe for concurrent use.
	Tell func(error)
}

// Bus implements bus.Subscriber. Subscribe, then Start, then Close it. It is safe for concurrent use.
type Bus struct {
	cfg           Config
	subscriptions []subscription

	receiving context.Context //nolint:containedctx // it ends with the bus
	stop      context.CancelFunc
	handling  context.Context //nolint:containedctx // it ends with the bus
	cut       context.CancelFunc

	places  chan struct{} // one element for each message that is handled
	workers sync.WaitGroup
}

var _ bus.Subscriber = (*Bus)(nil)

type subscription struct {
	function string
	handler  bus.Handler
	types    []events.Type
}

// New returns a bus that receives nothing yet.
func New(cfg Config) (*Bus, error) {
	var errs []error
	if cfg.Client == nil || cfg.QueueURL == "" {
		errs = append(errs, errors.New("client and queue URL are required"))
	}
	if cfg.Bury == nil || cfg.Tell == nil {
		errs = append(errs, errors.New("bury and tell are required"))
	}
	if cfg.Visibility < 0 || cfg.Concurrency < 0 {
		errs = append(errs, errors.New("visibility and concurrency are 0 or more"))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("sqsbus: invalid config: %w", err)
	}
	if cfg.Visibility == 0 {
		cfg.Visibility = time.Minute
	}
	if cfg.Concurrency == 0 {
		cfg.Concurrency = 10
	}
	b := &Bus{cfg: cfg, places: make(chan struct{}, cfg.Concurrency)}
	b.receiving, b.stop = context.WithCancel(context.Background())
	b.handling, b.cut = context.WithCancel(context.Background())
	return b, nil
}

// Subscribe implements bus.Subscriber.
func (b *Bus) Subscribe(function string, h bus.Handler, types ...events.Type) {
	b.subscriptions = append(b.subscriptions, subscription{function: function, handler: h, types: types})
}

// Start begins to receive.
func (b *Bus) Start() { b.workers.Go(b.receive) }

// Close receives no more, lets what is being handled come to its end while ctx allows, and cuts off the rest: its messages
// come again.
func (b *Bus) Close(ctx context.Context) error {
	b.stop()
	done := make(chan struct{})
	go func() {
		b.workers.Wait()
		close(done)
	}()
	select {
	case <-done:
		b.cut()
		return nil
	case <-ctx.Done():
		b.cut()
		<-done
		return fmt.Errorf("handlers were cut off: %w", context.Cause(ctx))
	}
}

// receive takes messages as long as there is a place for them.
func (b *Bus) receive() {
	for b.receiving.Err() == nil {
		free := b.reserve()
		messages, err := b.next(free)
		for range free - len(messages) {
			<-b.places
		}
		if err != nil && b.receiving.Err() == nil {
			b.cfg.Tell(fmt.Errorf("receive from %s: %w", b.cfg.QueueURL, err))
			sleep(b.receiving, pause)
		}
		for _, m := range messages {
			b.workers.Go(func() {
				defer func() { <-b.places }()
				b.handle(m)
			})
		}
	}
}

// reserve waits for a free place and takes up to ten, which is what a request may ask for; none once the bus is closed.
func (b *Bus) reserve() (taken int) {
	select {
	case b.places <- struct{}{}:
		taken++
	case <-b.receiving.Done():
		return 0
	}
	for taken < 10 {
		select {
		case b.places <- struct{}{}:
			taken++
		default:
			return taken
		}
	}
	return taken
}

func (b *Bus) next(most int) ([]types.Message, error) {
	if most == 0 {
		return nil, nil
	}
	out, err := b.cfg.Client.ReceiveMessage(b.receiving, &sqs.ReceiveMessageInput{
		QueueUrl: &b.cfg.QueueURL, MaxNumberOfMessages: int32(most),
		WaitTimeSeconds: int32(longPoll / time.Second), VisibilityTimeout: seconds(b.cfg.Visibility),
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameApproximateReceiveCount},
	})
	if err != nil {
		return nil, err
	}
	return out.Messages, nil
}

// handle hands a message to everybody who wants it, and deletes it or lets it come again.
func (b *Bus) handle(m types.Message) {
	ctx, cancel := context.WithCancel(b.handling)
	defer cancel()
	var prolonging sync.WaitGroup
	prolonging.Go(func() { b.prolong(ctx, m) })
	raw := []byte(aws.ToString(m.Body))
	attempt, err := strconv.Atoi(m.Attributes[string(types.MessageSystemAttributeNameApproximateReceiveCount)])
	if err != nil {
		attempt = 1
	}
	envelope, err := bus.ParseEnvelope(raw)
	if err != nil { // a rule puts events there and nothing else
		b.cfg.Tell(fmt.Errorf("message %s of %s stays in the queue: %w", aws.ToString(m.MessageId), b.cfg.QueueURL, err))
		return
	}
	done := b.deliver(ctx, envelope.Delivery(aws.ToString(m.MessageId), raw), attempt)
	// A prolongation that is still under way would outlast what settles the message.
	cancel()
	prolonging.Wait()
	if done {
		b.settle(m, func(ctx context.Context) error {
			_, err := b.cfg.Client.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: &b.cfg.QueueURL, ReceiptHandle: m.ReceiptHandle})
			return err
		})
		return
	}
	b.settle(m, func(ctx context.Context) error { return b.hide(ctx, m, b.delay(attempt)) })
}

// deliver makes one attempt with every function at once, and returns whether no other is needed.
func (b *Bus) deliver(ctx context.Context, d bus.Delivery, attempt int) bool {
	var attempts sync.WaitGroup
	failed := make([]error, len(b.subscriptions))
	for i, s := range b.subscriptions {
		if len(s.types) > 0 && !slices.Contains(s.types, events.Type(d.DetailType)) {
			continue
		}
		attempts.Go(func() { failed[i] = b.attempt(ctx, s, d, attempt) })
	}
	attempts.Wait()
	return errors.Join(failed...) == nil
}

// attempt returns nil if the function is done with the delivery, or if it was given up and kept.
func (b *Bus) attempt(ctx context.Context, s subscription, d bus.Delivery, attempt int) error {
	d.RequestID += "/" + s.function // each function gets a delivery of its own
	err := s.handler(ctx, d)
	if err == nil || attempt <= len(b.cfg.RetryDelays) || ctx.Err() != nil {
		return err
	}
	letter := DeadLetter{Function: s.function, Delivery: d, Attempts: attempt, Err: err}
	if kept := b.cfg.Bury(context.WithoutCancel(ctx), letter); kept != nil {
		b.cfg.Tell(fmt.Errorf("keep the dead letter of %s: %w", s.function, kept))
		return kept
	}
	return nil
}

// delay returns the wait after an attempt.
func (b *Bus) delay(attempt int) time.Duration {
	if len(b.cfg.RetryDelays) == 0 {
		return 0
	}
	return b.cfg.RetryDelays[min(attempt, len(b.cfg.RetryDelays))-1]
}

// prolong keeps the message hidden until ctx ends.
func (b *Bus) prolong(ctx context.Context, m types.Message) {
	for sleep(ctx, b.cfg.Visibility/2) {
		// One that has begun is not cut off: it might be carried out later.
		whole, cancel := context.WithTimeout(context.WithoutCancel(ctx), longPoll)
		err := b.hide(whole, m, b.cfg.Visibility)
		cancel()
		if err != nil && ctx.Err() == nil {
			b.cfg.Tell(fmt.Errorf("keep message %s hidden: %w", aws.ToString(m.MessageId), err))
		}
	}
}

func (b *Bus) hide(ctx context.Context, m types.Message, d time.Duration) error {
	_, err := b.cfg.Client.ChangeMessageVisibility(ctx, &sqs.ChangeMessageVisibilityInput{
		QueueUrl: &b.cfg.QueueURL, ReceiptHandle: m.ReceiptHandle, VisibilityTimeout: seconds(d),
	})
	return err
}

// settle does the last thing to a message, also while the bus is being closed. If it fails the message comes again.
func (b *Bus) settle(m types.Message, do func(context.Context) error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(b.handling), longPoll)
	defer cancel()
	if err := do(ctx); err != nil {
		b.cfg.Tell(fmt.Errorf("message %s comes again: %w", aws.ToString(m.MessageId), err))
	}
}

func seconds(d time.Duration) int32 { return int32((d + time.Second - 1) / time.Second) }

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
