package events

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/the-alchemiser/alchemiser/internal/localaws/arn"
	"github.com/the-alchemiser/alchemiser/internal/localaws/delivery"
	"github.com/the-alchemiser/alchemiser/internal/localaws/state"
)

const (
	// workers is how many deliveries are made at once.
	workers = 32
	// principal is who delivers.
	principal = "events.amazonaws.com"
	// Delays between attempts. AWS says exponential back off with jitter, not how long: 185 attempts in 24 hours.
	firstDelay = time.Second
	maxDelay   = 10 * time.Minute
	// doneBatch is how many finished deliveries are erased in one commit.
	doneBatch = 512
)

// deliver makes deliveries until ctx ends.
func (s *Service) deliver(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s.queue.open()
	stop := context.AfterFunc(ctx, s.queue.close)
	defer stop()
	done := make(chan string, doneBatch)
	var erased errgroup.Group
	erased.Go(func() error { return s.eraseDone(done, cancel) })
	var g errgroup.Group
	g.Go(func() error { s.queue.keepTime(ctx, s.cfg.Clock); return nil })
	for range workers {
		g.Go(func() error {
			for {
				it, ok := s.queue.take()
				if !ok {
					return nil
				}
				if err := s.attempt(ctx, it, done); err != nil {
					return err
				}
			}
		})
	}
	err := g.Wait()
	close(done)
	return errors.Join(err, erased.Wait())
}

// eraseDone removes finished deliveries from the store, many in one commit. One that is lost before its commit is
// delivered again after a restart: deliveries are at least once. If the store fails it stops the deliveries.
func (s *Service) eraseDone(done <-chan string, stop func()) error {
	var failure error
	for key := range done {
		if failure != nil {
			continue // whoever reports a delivery must not wait for ever; it is in the store and comes again
		}
		err := s.cfg.Store.UpdateUnsynced(func(tx *state.Tx) error {
			s.tables.pending.DeleteTx(tx, key)
			for range min(len(done), doneBatch) {
				s.tables.pending.DeleteTx(tx, <-done)
			}
			return nil
		})
		if err != nil {
			failure = fmt.Errorf("erase deliveries: %w", err)
			stop()
		}
	}
	return failure
}

// attempt tries one delivery and settles what follows: it is done, waits for the next attempt, or is given up.
func (s *Service) attempt(ctx context.Context, it item, done chan<- string) error {
	if it.Dead != nil {
		return s.bury(ctx, it, done)
	}
	if held, err := s.strike(it); held || err != nil {
		return err
	}
	err := s.cfg.Sender.Send(ctx, it.Target, delivery.Message{
		Body: it.Body, Principal: principal, SourceARN: it.Rule, SourceAccount: arn.Account,
		RoleARN: it.Role, TraceHeader: it.Trace,
	})
	if err == nil {
		s.measure("Invocations", it.Rule)
		done <- it.key
		return nil
	}
	if ctx.Err() != nil {
		return nil //nolint:nilerr // it is still in the store: the next run delivers it
	}
	refused := refusal(err)
	if !refused.Retryable {
		return s.giveUp(ctx, it, done, failure{Code: refused.Code, Message: refused.Message})
	}
	it.Failures++
	it.Due = s.now().Add(s.delay(it.Failures))
	f := failure{Code: refused.Code, Message: refused.Message}
	switch {
	case it.Failures > it.MaxAttempts:
		f.Exhausted = "MaximumRetryAttempts"
	case it.Due.Sub(it.Accepted) > time.Duration(it.MaxAge)*time.Second:
		f.Exhausted = "MaximumEventAgeInSeconds"
	default:
		return s.later(it)
	}
	it.Failures-- // the first attempt was no retry
	return s.giveUp(ctx, it, done, f)
}

// refusal returns what a Sender says; an error that is none of the receiver's may pass.
func refusal(err error) *delivery.Error {
	var refused *delivery.Error
	if errors.As(err, &refused) {
		return refused
	}
	return &delivery.Error{Code: "SDK_CLIENT_ERROR", Message: err.Error(), Retryable: true}
}

// delay is how long to wait after so many failures.
func (s *Service) delay(failures int) time.Duration {
	d := maxDelay
	if shift := failures - 1; shift < 20 {
		d = min(d, firstDelay<<shift)
	}
	return time.Duration(float64(d) * (0.5 + rand.Float64()/2) * s.cfg.RetryScale) //nolint:gosec // jitter is no secret
}

// later stores the state of a delivery and lets it wait.
func (s *Service) later(it item) error {
	if err := s.tables.pending.Put(it.key, it.pending); err != nil {
		return fmt.Errorf("store retry: %w", err)
	}
	s.queue.wait(it)
	return nil
}

// giveUp ends the delivery to the target. Without a dead letter queue the event is lost, as on AWS.
func (s *Service) giveUp(ctx context.Context, it item, done chan<- string, f failure) error {
	s.measure("Invocations", it.Rule)
	s.measure("FailedInvocations", it.Rule)
	if it.DLQ == "" {
		done <- it.key
		return nil
	}
	it.Dead = &f
	if err := s.tables.pending.Put(it.key, it.pending); err != nil {
		return fmt.Errorf("store dead letter: %w", err)
	}
	return s.bury(ctx, it, done)
}

// bury sends the event to the dead letter queue. If the queue cannot take it now it is tried again for as long as an
// event lives; if it never will, the event is lost, as on AWS.
func (s *Service) bury(ctx context.Context, it item, done chan<- string) error {
	attributes := map[string]string{
		"RULE_ARN": it.Rule, "TARGET_ARN": it.Target, "ERROR_CODE": it.Dead.Code, "ERROR_MESSAGE": it.Dead.Message,
		"RETRY_ATTEMPTS": strconv.Itoa(it.Failures),
	}
	if it.Dead.Exhausted != "" {
		attributes["EXHAUSTED_RETRY_CONDITION"] = it.Dead.Exhausted
	}
	err := s.cfg.Sender.Send(ctx, it.DLQ, delivery.Message{
		Body: it.Body, Principal: principal, SourceARN: it.Rule, SourceAccount: arn.Account,
		TraceHeader: it.Trace, Attributes: attributes,
	})
	if err != nil && ctx.Err() != nil {
		return nil //nolint:nilerr // it is still in the store: the next run delivers it
	}
	if err != nil && refusal(err).Retryable && s.now().Sub(it.Accepted) < 2*defaultAge*time.Second {
		it.Due = s.now().Add(s.delay(it.Failures + 1))
		return s.later(it)
	}
	if err == nil {
		s.measure("InvocationsSentToDlq", it.Rule)
	} else {
		s.measure("InvocationsFailedToBeSentToDlq", it.Rule)
	}
	done <- it.key
	return nil
}
