package consumer

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/the-alchemiser/alchemiser/pkg/bus"
	"github.com/the-alchemiser/alchemiser/pkg/events"
	"github.com/the-alchemiser/alchemiser/pkg/fault"
)

// job is one attempt at one event, with the claim as this attempt last wrote it.
type job struct {
	*Consumer
	delivery bus.Delivery
	event    events.Event
	claim    Claim
}

// errReplaced says that another delivery has taken the claim: this attempt may do nothing more.
var errReplaced = fault.New(fault.Transient, "another delivery has taken over")

// PanicError is a handler's panic. It fails the attempt as any internal error does: handlers keep nothing in memory from
// one event to the next, and a failure that is announced is better than a process that dies without a word.
type PanicError struct {
	Value any
	Stack []byte
}

// Error names the value; the stack goes to the log.
func (e *PanicError) Error() string { return fmt.Sprintf("handler panicked: %v", e.Value) }

// Code returns fault.Internal.
func (e *PanicError) Code() fault.Code { return fault.Internal }

// run runs the handler, keeps what follows and publishes it.
func (j *job) run(ctx context.Context) error {
	var payloads []events.Payload
	err := j.step(ctx, "handler", func(ctx context.Context) (err error) {
		payloads, err = j.callHandler(ctx)
		return err
	})
	// From here on something irrevocable may have happened: it is written down whatever becomes of ctx.
	ctx, cancel := j.recording(ctx)
	defer cancel()
	if err != nil {
		return j.fail(ctx, err)
	}
	follow, err := j.follow(payloads)
	if err != nil {
		return j.fail(ctx, err)
	}
	if len(follow) > 0 {
		err := j.step(ctx, "outbox", func(ctx context.Context) error {
			return j.write(ctx, follow, func(c *Claim) { c.Status = StatusCommitted })
		})
		if err != nil {
			return j.fail(ctx, fmt.Errorf("keep what follows: %w", err))
		}
	}
	return j.publish(ctx, follow)
}

// resume publishes what an earlier attempt has kept.
func (j *job) resume(ctx context.Context) error {
	ctx, cancel := j.recording(ctx)
	defer cancel()
	follow, err := j.cfg.Claims.Outbox(ctx, j.claim.Key)
	if err != nil {
		return j.fail(ctx, fmt.Errorf("read what follows: %w", err))
	}
	if len(follow) == 0 { // only what is followed by something is committed, and the outbox may expire before its claim
		return j.fail(ctx, fault.New(fault.Internal, "what follows is no longer in the outbox"))
	}
	return j.publish(ctx, follow)
}

func (j *job) publish(ctx context.Context, follow []events.Event) error {
	if len(follow) > 0 {
		err := j.step(ctx, "publish", func(ctx context.Context) error { return j.cfg.Publisher.Publish(ctx, follow...) })
		if err != nil {
			return j.fail(ctx, err)
		}
	}
	// Everything is published: if this write fails, another attempt repeats it, but the workflow has not failed.
	err := j.step(ctx, "done", func(ctx context.Context) error {
		return j.write(ctx, nil, func(c *Claim) { c.Status = StatusDone })
	})
	if err != nil {
		return fmt.Errorf("mark done: %w", err)
	}
	j.cfg.Logger.Info(ctx, "handled", map[string]string{"published": strconv.Itoa(len(follow))})
	return nil
}

// callHandler runs the handler and leaves the flush margin to us.
func (j *job) callHandler(ctx context.Context) (payloads []events.Payload, err error) {
	if deadline, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, deadline.Add(-j.cfg.FlushMargin))
		defer cancel()
	}
	defer func() {
		if value := recover(); value != nil {
			err = &PanicError{Value: value, Stack: debug.Stack()}
		}
	}()
	return j.cfg.Handler(ctx, j.event)
}

// follow makes the events of payloads. It returns an error if one of them could never travel: an event that is kept
// must be one that can be published.
func (j *job) follow(payloads []events.Payload) ([]events.Event, error) {
	if j.cfg.Observer && len(payloads) > 0 {
		return nil, fault.New(fault.Internal, "handler of an observer returned %d events, want none", len(payloads))
	}
	follow := make([]events.Event, 0, len(payloads))
	for i, p := range payloads {
		e := events.Follow(j.event, i, p, events.Origin{Module: j.cfg.Function, Component: j.cfg.Component}, j.cfg.Now())
		wire, err := events.Encode(e, j.cfg.SourcePrefix)
		if err != nil {
			return nil, err
		}
		if err := wire.Check(j.cfg.SizeLimit); err != nil {
			return nil, err
		}
		follow = append(follow, e)
	}
	return follow, nil
}

// write stores the claim as change leaves it, or returns errReplaced.
func (j *job) write(ctx context.Context, outbox []events.Event, change func(*Claim)) error {
	next := j.claim
	next.Token = uuid.NewString()
	change(&next)
	stored, err := j.cfg.Claims.Swap(ctx, j.claim.Token, next, outbox)
	if err != nil {
		return err
	}
	if stored.Token != next.Token {
		return errReplaced
	}
	j.claim = next
	return nil
}

// fail does what err asks for. It returns nil if the event is dealt with.
func (j *job) fail(ctx context.Context, err error) error {
	code := fault.CodeOf(err)
	if code == fault.Invalid && j.claim.Status == StatusRunning { // what is kept must be published, so it is never dead
		if dead := j.write(ctx, nil, func(c *Claim) { c.Status, c.Reason = StatusDead, err.Error() }); dead != nil {
			return errors.Join(err, fmt.Errorf("mark dead: %w", dead))
		}
		return j.bury(ctx)
	}
	faults := []error{err}
	closed := j.claim.Closed
	if j.claim.Attempts[j.claim.Owner] >= j.cfg.MaxAttempts && !closed && !j.cfg.Observer {
		// Whoever was replaced must not announce: the other delivery may succeed.
		if ours := j.write(ctx, nil, func(*Claim) {}); ours != nil {
			return errors.Join(err, fmt.Errorf("hold the claim: %w", ours))
		}
		announced := j.announce(ctx, code, err.Error())
		closed = announced == nil
		faults = append(faults, announced)
	}
	freed := j.write(ctx, nil, func(c *Claim) {
		c.Closed = closed
		if code != fault.Ambiguous { // an ambiguous matter stays with the delivery that will settle it
			c.Lease = j.cfg.Now()
		}
	})
	if freed != nil {
		faults = append(faults, fmt.Errorf("free the claim: %w", freed))
	}
	return errors.Join(faults...)
}

// bury puts the event of a dead claim into the dead letter queue and announces the failure. Each is tried whatever
// becomes of the other, and what has succeeded is not done again.
func (j *job) bury(ctx context.Context) error {
	ctx, cancel := j.recording(ctx)
	defer cancel()
	var faults []error
	next := j.claim
	if !next.Buried {
		err := j.cfg.DeadLetters.Send(ctx, DeadLetter{EventID: j.event.ID, Reason: next.Reason, Raw: j.delivery.Raw})
		next.Buried = err == nil
		if err != nil {
			faults = append(faults, fmt.Errorf("send to the dead letter queue: %w", err))
		}
	}
	if !next.Closed && !j.cfg.Observer {
		err := j.announce(ctx, fault.Invalid, next.Reason)
		next.Closed = err == nil
		faults = append(faults, err)
	}
	if j.cfg.Observer {
		next.Closed = true
	}
	if err := j.write(ctx, nil, func(c *Claim) { c.Buried, c.Closed = next.Buried, next.Closed }); err != nil {
		faults = append(faults, fmt.Errorf("mark as buried: %w", err))
	}
	if err := errors.Join(faults...); err != nil {
		return fmt.Errorf("bury the event, which is dead because of %s: %w", next.Reason, err)
	}
	j.cfg.Logger.Error(ctx, "event can never be handled: it is in the dead letter queue", fault.New(fault.Invalid, "%s", next.Reason), nil)
	return nil
}

// announce publishes WorkflowFailed for the round. Its id is the same however often the round is announced.
func (j *job) announce(ctx context.Context, code fault.Code, reason string) error {
	run := runOf(j.event.Payload)
	failed := events.WorkflowFailed{
		PortfolioID: j.event.Payload.Portfolio(), Attempt: j.claim.Round, Function: j.cfg.Function,
		FailedEventID: j.event.ID, FailedEventType: j.event.Type(), Code: code, Reason: shorten(reason),
		AccountID: run.AccountID, TradingDate: run.TradingDate,
	}
	e := events.Follow(j.event, j.claim.Round, failed, events.Origin{Module: j.cfg.Function, Component: "consumer"}, j.cfg.Now())
	if err := j.cfg.Publisher.Publish(ctx, e); err != nil {
		return fmt.Errorf("announce the failure: %w", err)
	}
	return nil
}

// maxReason is the longest reason that is announced, in bytes: whoever wants all of it has the log.
const maxReason = 2000

// shorten cuts reason to what fits and says so.
func shorten(reason string) string {
	if len(reason) <= maxReason {
		return reason
	}
	kept := strings.ToValidUTF8(reason[:maxReason], "")
	return fmt.Sprintf("%s… (%d more bytes in the log)", kept, len(reason)-len(kept))
}

// runOf returns the run that p names, or the zero Run if its workflow has not come so far.
func runOf(p events.Payload) events.Run {
	switch p := p.(type) {
	case events.SignalGenerated:
		return p.Run
	case events.RebalancePlanned:
		return p.Run
	case events.TradeExecuted:
		return p.Run
	default:
		return events.Run{}
	}
}
