package paper

import (
	"sync"
	"time"
)

// clock is the simulator's time: it stands, or runs with the host's. It is safe for concurrent use.
type clock struct {
	mu      sync.Mutex
	at      time.Time
	running bool
	since   time.Time // the host's time at which it was at
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.read()
}

func (c *clock) read() time.Time {
	if !c.running {
		return c.at
	}
	return c.at.Add(time.Since(c.since))
}

// set moves the clock to *at and lets it run or stand; nil leaves either as it is.
func (c *clock) set(at *time.Time, running *bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.read()
	if at != nil {
		now = at.In(now.Location())
	}
	c.at, c.since = now, time.Now()
	if running != nil {
		c.running = *running
	}
}

func (c *clock) isRunning() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.running
}
