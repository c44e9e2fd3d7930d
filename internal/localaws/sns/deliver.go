package sns

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/the-alchemiser/alchemiser/internal/localaws/arn"
	"github.com/the-alchemiser/alchemiser/internal/localaws/delivery"
)

const (
	principal = "sns.amazonaws.com"
	// maxAge is how long a message is tried: 100,015 attempts over 23 days on AWS.
	// https://docs.aws.amazon.com/sns/latest/dg/sns-message-delivery-retries.html
	maxAge = 23 * 24 * time.Hour
	// noDelay is how many attempts follow one another at once; then they are a second and later 20 seconds apart.
	noDelay, shortDelays = 3, 5
)

// item is a message that waits for its delivery to one subscriber.
type item struct {
	Target, TopicARN string
	Body             []byte
	Attributes       map[string]string
	Subject, Trace   string
	// Type is set for a subscriber over HTTP, with MessageID, Subscription and Raw, which are headers of the request.
	Type, MessageID, Subscription string `json:",omitempty"`
	Raw                           bool   `json:",omitempty"`
	// DeadLetter is the queue for messages that cannot be delivered, or empty.
	DeadLetter    string
	Accepted, Due time.Time
	Failures      int
}

// size is how much of the room for what waits it takes.
func (it item) size() int64 {
	n := len(it.Body) + len(it.Subject)
	for name, value := range it.Attributes {
		n += len(name) + len(value)
	}
	return int64(n)
}

// item returns the message in the form of a subscription.
func (m message) item(sub subscription) (item, error) {
	it := item{
		Target: sub.Endpoint, TopicARN: m.TopicARN, Subject: m.Subject, Trace: m.Trace,
		Accepted: m.At.Time, Due: m.At.Time,
	}
	if document := sub.Attributes["RedrivePolicy"]; document != "" {
		queue, err := redriveTarget(document)
		if err != nil {
			return it, err
		}
		it.DeadLetter = queue
	}
	if sub.byHTTP() {
		it.Type, it.MessageID, it.Subscription = typeNotification, m.ID, sub.ARN
		if it.Raw = sub.raw(); it.Raw {
			it.Body = []byte(m.text(sub.Protocol))
			return it, nil
		}
	}
	if sub.raw() && sub.Protocol == "sqs" {
		it.Body = []byte(m.text(sub.Protocol))
		it.Attributes = map[string]string{}
		for name, a := range m.Attributes {
			it.Attributes[name] = a.StringValue
		}
		return it, nil
	}
	var document any = m.notification(sub)
	if sub.Protocol == "lambda" {
		document = m.records(sub)
	}
	body, err := json.Marshal(document)
	if err != nil {
		return it, fmt.Errorf("message %s: %w", m.ID, err)
	}
	it.Body = body
	return it, nil
}

// Run delivers messages until ctx ends. Subscribers over HTTP, which may be slow, hold up none of the others.
func (s *Service) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return s.deliver(ctx, s.kick, 1, func(it item) bool { return !it.byHTTP() }) })
	group.Go(func() error { return s.deliver(ctx, s.kickHTTP, httpAtOnce, item.byHTTP) })
	return group.Wait()
}

// deliver delivers the messages that are meant, so many at once, until ctx ends.
func (s *Service) deliver(ctx context.Context, kick <-chan struct{}, atOnce int, meant func(item) bool) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		changed := s.cfg.Clock.Changed()
		next, err := s.deliverDue(ctx, atOnce, meant)
		if err != nil {
			return err
		}
		timer.Reset(next)
		select {
		case <-ctx.Done():
			return nil
		case <-kick:
		case <-timer.C:
		case <-changed:
		}
	}
}

// deliverDue tries all that is due and returns how long nothing else will be.
func (s *Service) deliverDue(ctx context.Context, atOnce int, meant func(item) bool) (time.Duration, error) {
	now := s.cfg.Clock.Now()
	next := time.Minute
	due := map[string]item{}
	var order []string
	err := s.waiting.Scan("", "", func(key string, it item) bool {
		if !meant(it) {
			return true
		}
		if wait := it.Due.Sub(now); wait > 0 {
			next = min(next, wait)
			return true
		}
		due[key] = it
		order = append(order, key)
		return true
	})
	if err != nil {
		return 0, err
	}
	var group errgroup.Group
	group.SetLimit(atOnce)
	waits := make([]time.Duration, len(order))
	for i, key := range order {
		group.Go(func() (err error) {
			waits[i], err = s.attempt(ctx, key, due[key])
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return 0, err
	}
	for _, wait := range waits {
		if wait >= 0 {
			next = min(next, wait)
		}
	}
	return next, nil
}

// attempt tries one delivery. It returns how long to wait for the next attempt, less than 0 if there is none.
func (s *Service) attempt(ctx context.Context, key string, it item) (time.Duration, error) {
	var err error
	if it.byHTTP() {
		err = s.post(ctx, it)
	} else {
		err = s.cfg.Sender.Send(ctx, it.Target, delivery.Message{
			Body: it.Body, Principal: principal, SourceARN: it.TopicARN, SourceAccount: arn.Account,
			TraceHeader: it.Trace, Attributes: it.Attributes, Subject: it.Subject,
		})
	}
	if err == nil {
		return -1, s.settle(key, it)
	}
	if ctx.Err() != nil {
		return -1, nil //nolint:nilerr // still in the store: the next run delivers it
	}
	var refused *delivery.Error
	final := errors.As(err, &refused) && !refused.Retryable || it.byHTTP() && it.Failures >= httpRetries
	now := s.cfg.Clock.Now()
	if !final && now.Sub(it.Accepted) < maxAge {
		it.Failures++
		pause := delay(it.Failures)
		if it.byHTTP() {
			pause = httpDelay
		}
		wait := time.Duration(float64(pause) * s.cfg.RetryScale)
		it.Due = now.Add(wait)
		return wait, s.waiting.Put(key, it)
	}
	return s.giveUp(ctx, key, it, err)
}

// giveUp moves a message to the dead letter queue of its subscription; without one, or if the queue will never take it, it is
// lost, as on AWS. It returns how long to wait if the queue cannot take it now, else less than 0.
func (s *Service) giveUp(ctx context.Context, key string, it item, cause error) (time.Duration, error) {
	if it.DeadLetter == "" {
		return -1, s.settle(key, it)
	}
	attributes := map[string]string{"ErrorMessage": cause.Error()}
	var refused *delivery.Error
	if errors.As(cause, &refused) {
		attributes["ErrorCode"] = refused.Code
	}
	err := s.cfg.Sender.Send(ctx, it.DeadLetter, delivery.Message{
		Body: it.Body, Principal: principal, SourceARN: it.TopicARN, SourceAccount: arn.Account,
		TraceHeader: it.Trace, Attributes: attributes,
	})
	if err != nil && ctx.Err() != nil {
		return -1, nil //nolint:nilerr // still in the store
	}
	if err != nil && (!errors.As(err, &refused) || refused.Retryable) {
		it.Failures++
		wait := time.Duration(float64(delay(it.Failures)) * s.cfg.RetryScale)
		it.Due = s.cfg.Clock.Now().Add(wait)
		return wait, s.waiting.Put(key, it)
	}
	return -1, s.settle(key, it)
}

func delay(failures int) time.Duration {
	switch {
	case failures < noDelay:
		return 0
	case failures < shortDelays:
		return time.Second
	}
	return 20 * time.Second
}
