package lambda

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

// Waits of the asynchronous queue.
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
const (
	// retryWait comes after a function error, doubled after the second.
	retryWait = time.Minute
	// The wait after a throttle or an error of Lambda itself doubles from firstBackoff to lastBackoff.
	firstBackoff = time.Second
	lastBackoff  = 5 * time.Minute
)

// accept stores an asynchronous invocation.
func (s *Service) accept(c call) error {
	now := s.cfg.Clock.Now()
	e := &queuedEvent{
		RequestID: c.requestID, Function: c.f.Name, Qualifier: c.qualifier, Payload: c.payload,
		Accepted: now, Due: now, Arrived: time.Now(), ServiceID: c.trace.serviceID, TraceHeader: c.trace.functionHeader,
	}
	if c.trace.sampled {
		e.TraceHeader = fmt.Sprintf("Root=%s;Parent=%s;Sampled=1", c.trace.traceID, c.trace.parentID)
	}
	ok, err := s.queue.add(e)
	if err != nil {
		return fmt.Errorf("queue event %s: %w", e.RequestID, err)
	}
	if !ok {
		return fail(http.StatusTooManyRequests, "TooManyRequestsException", "Rate Exceeded.")
	}
	s.measure(c.f.Name, "AsyncEventsReceived", 1, "Count")
	return nil
}

// work carries an event one step further. An error that is not about the event itself ends the service, unless that ends
// anyway: the event is stored and will be tried again.
func (s *Service) work(ctx context.Context, e *queuedEvent) {
	if err := s.step(ctx, e); err != nil && ctx.Err() == nil {
		s.broken(fmt.Errorf("event %s of %s: %w", e.RequestID, e.Function, err))
	}
}

func (s *Service) step(ctx context.Context, e *queuedEvent) error {
	f, ok := s.lookup(e.Function)
	if !ok {
		return s.queue.remove(e) // deleted, and its destinations with it
	}
	cfg, ok := f.route(e.Qualifier, s.cfg.Random())
	if !ok {
		return s.queue.remove(e)
	}
	conf := f.InvokeConfigs[ref{e.Function, e.Qualifier}.orLatest().qualifier]
	if len(e.Records) > 0 {
		return s.sendRecords(ctx, e, conf)
	}
	c := s.callOf(e, f, cfg)
	if f.Reserved != nil && *f.Reserved == 0 {
		return s.conclude(ctx, c, e, conf, ending{condition: "ZeroReservedConcurrency"})
	}
	if e.age(s.cfg.Clock.Now()) > conf.eventAge() {
		return s.conclude(ctx, c, e, conf, ending{condition: conditionAge})
	}
	if e.Invoked > conf.retries() { // the last run brought the endpoint down
		return s.conclude(ctx, c, e, conf, ending{condition: conditionExhausted})
	}
	if err := s.queue.begin(e); err != nil {
		return err
	}
	s.measure(e.Function, "AsyncEventAge", milliseconds(e.age(s.cfg.Clock.Now())), "Milliseconds")
	start := time.Now()
	attempt := randomHex(8)
	c.trace.serviceParent = attempt
	r, err := s.execute(ctx, c)
	if ctx.Err() != nil && err != nil { // killed because the endpoint ends in good order: that is no attempt
		return errors.Join(err, s.queue.keep(e))
	}
	if err != nil {
		return s.refused(ctx, c, e, conf, err)
	}
	e.Invoked++
	e.Refused = 0
	e.Runs = append(e.Runs, run{ID: attempt, Start: start, End: time.Now(), Status: 200})
	if !r.failed() {
		return s.conclude(ctx, c, e, conf, ending{condition: conditionSuccess, result: &r})
	}
	if e.Invoked > conf.retries() {
		return s.conclude(ctx, c, e, conf, ending{condition: conditionExhausted, result: &r})
	}
	return s.again(ctx, c, e, conf, retryWait<<(e.Invoked-1), ending{condition: conditionAge, result: &r})
}

// callOf returns the invocation of an event. Its request id and its segment are the same in every attempt.
func (s *Service) callOf(e *queuedEvent, f *function, cfg configuration) call {
	t := newTrace(e.TraceHeader, cfg.TracingConfig.Mode, e.Arrived)
	if t.sampled && e.ServiceID != "" {
		t.serviceID = e.ServiceID
	}
	e.ServiceID = t.serviceID
	return call{f: f, cfg: cfg, qualifier: e.Qualifier, requestID: e.RequestID, payload: e.Payload, trace: t}
}

// refused puts an event back that a limit or an error of Lambda itself has kept from running.
func (s *Service) refused(ctx context.Context, c call, e *queuedEvent, conf invokeConfig, err error) error {
	var refusal *wire.Error
	if !errors.As(err, &refusal) {
		return err
	}
	wait := min(firstBackoff<<min(e.Refused, 20), lastBackoff)
	e.Refused++
	return s.again(ctx, c, e, conf, wait, ending{condition: conditionAge})
}

// again lets an event wait. If it would then be too old it ends at once.
func (s *Service) again(ctx context.Context, c call, e *queuedEvent, conf invokeConfig, wait time.Duration, end ending) error {
	now := s.cfg.Clock.Now()
	if e.age(now)+wait > conf.eventAge() {
		return s.conclude(ctx, c, e, conf, end)
	}
	s.wait(e, now, wait)
	s.traceEvent(c, e, true)
	return s.queue.put(e)
}

// wait makes e due after a wait that is scaled, and counts how much of it was spared.
func (s *Service) wait(e *queuedEvent, now time.Time, wait time.Duration) {
	scaled := time.Duration(float64(wait) * s.cfg.RetryScale)
	e.Due = now.Add(scaled)
	e.Spared += wait - scaled
}

// traceEvent records the segment of Lambda for an event: how long it waited, and its attempts.
func (s *Service) traceEvent(c call, e *queuedEvent, inProgress bool) {
	if !c.trace.sampled || len(e.Runs) == 0 {
		return
	}
	doc := c.trace.serviceSegment(c, 202, e.Arrived, e.Runs[len(e.Runs)-1].End)
	if doc.InProgress = inProgress; inProgress {
		doc.EndTime = 0
	}
	doc.Subsegments = append(doc.Subsegments, subsegment("Dwell Time", e.Arrived, e.Runs[0].Start))
	for i, r := range e.Runs {
		attempt := subsegment(fmt.Sprintf("Attempt #%d", i+1), r.Start, r.End)
		attempt.ID, attempt.HTTP = r.ID, httpStatus(r.Status)
		doc.Subsegments = append(doc.Subsegments, attempt)
	}
	s.record(doc)
}
