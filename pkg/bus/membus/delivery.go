package membus

import (
	"context"
	"fmt"
	"runtime/debug"
	"slices"
	"time"

	"github.com/the-alchemiser/alchemiser/pkg/bus"
)

// Condition says why the attempts ended, in Lambda's words.
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
type Condition string

// The conditions.
const (
	RetriesExhausted Condition = "RetriesExhausted"
	EventAgeExceeded Condition = "EventAgeExceeded"
	BusClosed        Condition = "BusClosed"
)

// DeadLetter is a delivery that was given up.
type DeadLetter struct {
	Function  string
	Delivery  bus.Delivery
	Condition Condition
	Attempts  int
	// Err is the last attempt's; it is nil if there was none.
	Err error
	At  time.Time
}

// DeadLetters returns the deliveries that were given up, oldest first.
func (b *Bus) DeadLetters() []DeadLetter {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.dead)
}

// deliver attempts d until it succeeds or becomes a dead letter.
func (b *Bus) deliver(s *subscription, d bus.Delivery) {
	defer b.end(s)
	letter := DeadLetter{Function: s.function, Delivery: d, Condition: RetriesExhausted}
	for _, wait := range append(slices.Clone(b.cfg.RetryDelays), -1) {
		if !b.enter(s) {
			letter.Condition = BusClosed
			break
		}
		letter.Attempts++
		letter.Err = b.attempt(s.handler, d)
		<-s.running
		if letter.Err == nil {
			return
		}
		if wait < 0 {
			break
		}
		if age := b.cfg.Now().Add(wait).Sub(d.Time); b.cfg.MaxEventAge > 0 && age > b.cfg.MaxEventAge {
			letter.Condition = EventAgeExceeded // at once: Lambda does not wait for an attempt that it will not make
			break
		}
		b.sleep(wait)
	}
	letter.At = b.cfg.Now()
	if b.cfg.Bury != nil {
		b.cfg.Bury(letter)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.dead = append(b.dead, letter)
}

// enter waits for a free place among the function's running attempts; false means that the bus is closed.
func (b *Bus) enter(s *subscription) bool {
	if b.stopped.Err() != nil {
		return false
	}
	select {
	case s.running <- struct{}{}:
		return true
	case <-b.stopped.Done():
		return false
	}
}

func (b *Bus) sleep(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-b.stopped.Done():
	}
}

// attempt runs h once. A panic is an error here: it would have killed the function's process, not the others'.
func (b *Bus) attempt(h bus.Handler, d bus.Delivery) (err error) {
	ctx := b.stopped
	if b.cfg.AttemptTimeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, b.cfg.AttemptTimeout)
		defer cancel()
	}
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("handler panicked: %v\n%s", p, debug.Stack())
		}
	}()
	return h(ctx, d)
}
