// Package clock is the endpoint's notion of now, which an operator may move to let schedules fire.
package clock

import (
	"sync"
	"time"
)

// Clock tells the time with an offset to the host's. The zero Clock is not usable; call New. It is safe for
// concurrent use.
type Clock struct {
	mu      sync.Mutex
	offset  time.Duration
	changed chan struct{}
}

// New returns a clock that shows the host's time.
func New() *Clock { return &Clock{changed: make(chan struct{})} }

// Now returns the endpoint's time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.offset)
}

// Set moves the clock to t and wakes whoever waits on Changed.
func (c *Clock) Set(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.offset = time.Until(t)
	close(c.changed)
	c.changed = make(chan struct{})
}

// Changed is closed at the next Set: whoever waits for a time must wait for it as well and look again.
func (c *Clock) Changed() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.changed
}
