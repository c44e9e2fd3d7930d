// Package consumertest holds claims in memory, for tests, and the suite that every implementation of consumer.Claims
// passes.
package consumertest

import (
	"context"
	"maps"
	"slices"
	"sync"

	"github.com/the-alchemiser/alchemiser/internal/consumer"
	"github.com/the-alchemiser/alchemiser/pkg/events"
)

// Memory implements consumer.Claims in memory. The zero value is ready; it is safe for concurrent use.
type Memory struct {
	mu     sync.Mutex
	claims map[consumer.Key]consumer.Claim
	outbox map[consumer.Key][]events.Event
}

var _ consumer.Claims = (*Memory)(nil)

// Get implements consumer.Claims.
func (m *Memory) Get(_ context.Context, key consumer.Key) (c consumer.Claim, found bool, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	c, found = m.claims[key]
	return clone(c), found, nil
}

// Swap implements consumer.Claims.
func (m *Memory) Swap(_ context.Context, prev string, next consumer.Claim, outbox []events.Event) (consumer.Claim, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if stored := m.claims[next.Key]; stored.Token != prev {
		return clone(stored), nil
	}
	if m.claims == nil {
		m.claims, m.outbox = map[consumer.Key]consumer.Claim{}, map[consumer.Key][]events.Event{}
	}
	m.claims[next.Key] = clone(next)
	if len(outbox) > 0 {
		m.outbox[next.Key] = slices.Clone(outbox)
	}
	return clone(next), nil
}

// Outbox implements consumer.Claims.
func (m *Memory) Outbox(_ context.Context, key consumer.Key) ([]events.Event, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.outbox[key]), nil
}

// All returns every claim.
func (m *Memory) All() []consumer.Claim {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []consumer.Claim
	for _, c := range m.claims {
		all = append(all, clone(c))
	}
	return all
}

func clone(c consumer.Claim) consumer.Claim {
	c.Attempts = maps.Clone(c.Attempts)
	return c
}
