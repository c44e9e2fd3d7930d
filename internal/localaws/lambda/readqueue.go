package lambda

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

const (
	// pollFor is the longest a queue can be asked to wait for a message, takeAtOnce how many it gives at once.
	pollFor    = 20 * time.Second
	takeAtOnce = 10
	// unreadableFor is how long a queue is left alone that cannot be read.
	unreadableFor = time.Second
	// batchesAtOnce is how many batches of a mapping are worked on at once, as long as it does not say so itself.
	// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html
	batchesAtOnce = 5
)

// readQueues lets every enabled mapping read its queue until ctx ends and all batches are finished.
func (s *Service) readQueues(ctx context.Context) {
	var running sync.WaitGroup
	defer running.Wait()
	reading := map[string]context.CancelFunc{}
	for ctx.Err() == nil {
		all, changed := s.mappings.list()
		wanted := map[string]bool{}
		for _, m := range all {
			if !m.Enabled {
				continue
			}
			wanted[m.Revision] = true
			if reading[m.Revision] != nil {
				continue
			}
			polling, stop := context.WithCancel(ctx)
			reading[m.Revision] = stop
			running.Go(func() { s.readQueue(ctx, polling, m) })
		}
		for revision, stop := range reading {
			if !wanted[revision] {
				stop()
				delete(reading, revision)
			}
		}
		select {
		case <-changed:
		case <-ctx.Done():
		}
	}
	for _, stop := range reading {
		stop()
	}
}

// readQueue receives batches until polling ends, and hands each to the function in a goroutine of its own. It returns when
// all are finished; ctx ends them.
func (s *Service) readQueue(ctx, polling context.Context, m mapping) {
	var running sync.WaitGroup
	defer running.Wait()
	atOnce := batchesAtOnce
	if m.MaximumConcurrency > 0 {
		atOnce = m.MaximumConcurrency
	}
	slots := make(chan struct{}, atOnce)
	for polling.Err() == nil {
		select {
		case slots <- struct{}{}:
		case <-polling.Done():
			return
		}
		batches, until, err := s.collect(polling, m)
		if err != nil {
			<-slots
			if !unavailable(err) {
				s.broken(fmt.Errorf("event source mapping %s: %w", m.UUID, err))
				return
			}
			pause(polling, unreadableFor)
			continue
		}
		running.Go(func() {
			defer func() { <-slots }()
			for _, b := range batches {
				s.handOver(ctx, m, b, until)
			}
		})
	}
}

// unavailable says whether err is an answer of Lambda or of the queue, not a failure of the endpoint.
func unavailable(err error) bool {
	var refused *wire.Error
	return errors.As(err, &refused)
}

// pause waits; it returns false if ctx ends before.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// collect receives messages until there is one, and then until they make a full batch or have waited as long as they may.
// There are several batches if they are too large for one payload. until is when the first message comes again. If ctx ends
// it returns what there is.
func (s *Service) collect(ctx context.Context, m mapping) (all []*batch, until time.Time, err error) {
	role, err := s.roleOf(m)
	if err != nil {
		return nil, until, err
	}
	visibility, err := s.cfg.Queues.Visibility(ctx, m.QueueARN)
	if err != nil {
		return nil, until, err
	}
	if !s.mayRead(role, "ReceiveMessage", m.QueueARN) || !s.mayRead(role, "GetQueueAttributes", m.QueueARN) {
		return nil, until, invalid("The function execution role does not have permissions to read %s", m.QueueARN)
	}
	gathering, stop := context.WithCancel(ctx)
	defer stop()
	for n := 0; n < m.BatchSize && len(all) <= 1 && gathering.Err() == nil; {
		taken, err := s.cfg.Queues.Take(gathering, m.QueueARN, min(takeAtOnce, m.BatchSize-n), pollFor)
		if err != nil && n == 0 {
			return nil, until, err
		}
		if err != nil {
			break // whoever asks next is told
		}
		m = s.latest(m) // it may have been changed while the queue was empty
		patterns, err := m.patterns()
		if err != nil {
			return nil, until, err
		}
		var unwanted []string
		for _, t := range taken {
			r, err := recordOf(m.QueueARN, t)
			if err != nil {
				return nil, until, err
			}
			passes, err := r.passes(patterns, t.Body)
			if err != nil {
				return nil, until, err
			}
			if !passes {
				unwanted = append(unwanted, t.Receipt)
				continue
			}
			if all, err = pack(all, r); err != nil {
				return nil, until, err
			}
			n++
		}
		s.settle(ctx, m, unwanted)
		if n == 0 || !until.IsZero() {
			continue
		}
		until = s.cfg.Clock.Now().Add(visibility)
		if m.Window == 0 {
			break
		}
		defer time.AfterFunc(time.Duration(m.Window)*time.Second, stop).Stop()
	}
	return all, until, nil
}

// handOver invokes the function with a batch and deletes what that is done with. The rest comes again when it is no longer
// hidden, as it does if the function cannot be invoked until then.
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html#services-sqs-backoff-strategy
func (s *Service) handOver(ctx context.Context, m mapping, b *batch, until time.Time) {
	wait := firstBackoff
	for {
		m = s.latest(m)
		out, err := s.invokeWith(ctx, m, b.payload())
		if err == nil {
			if out.FunctionError == "" {
				s.settle(ctx, m, b.done(m.ReportsFailures, out.Payload))
			}
			return
		}
		if !unavailable(err) {
			if ctx.Err() == nil {
				s.broken(fmt.Errorf("event source mapping %s: %w", m.UUID, err))
			}
			return
		}
		if scaled := time.Duration(float64(wait) * s.cfg.RetryScale); s.cfg.Clock.Now().Add(scaled).After(until) || !pause(ctx, scaled) {
			return
		}
		wait = min(2*wait, lastBackoff)
	}
}

// latest returns m as it is now: what was received before a change is treated as the change says. One that is gone stays as it
// was, since what is in flight is finished.
func (s *Service) latest(m mapping) mapping {
	if now, err := s.mappings.get(m.UUID); err == nil {
		return now
	}
	return m
}

func (s *Service) invokeWith(ctx context.Context, m mapping, payload []byte) (invokeOutput, error) {
	f, ok := s.lookup(m.Function)
	if !ok {
		return invokeOutput{}, errNoFunction(functionARN(m.Function, m.Qualifier))
	}
	c, err := s.newCall(f, m.Qualifier, payload, "")
	if err != nil {
		return invokeOutput{}, err
	}
	return s.invokeSync(ctx, c, false)
}

// roleOf returns the role of the function that m invokes.
func (s *Service) roleOf(m mapping) (string, error) {
	f, ok := s.lookup(m.Function)
	if !ok {
		return "", errNoFunction(functionARN(m.Function, m.Qualifier))
	}
	cfg, ok := f.resolve(m.Qualifier)
	if !ok {
		return "", errNoFunction(functionARN(m.Function, m.Qualifier))
	}
	return cfg.Role, nil
}

// settle deletes messages by their receipts, if the role of the function may. Those of a queue that is gone are gone too.
func (s *Service) settle(ctx context.Context, m mapping, receipts []string) {
	if len(receipts) == 0 {
		return
	}
	if role, err := s.roleOf(m); err != nil || !s.mayRead(role, "DeleteMessage", m.QueueARN) {
		return
	}
	if err := s.cfg.Queues.Settle(ctx, m.QueueARN, receipts); err != nil && !unavailable(err) {
		s.broken(fmt.Errorf("event source mapping %s: %w", m.UUID, err))
	}
}
