package symphony

import (
	"sync"
	"sync/atomic"

	"github.com/the-alchemiser/alchemiser/pkg/indicator"
)

// bound is a program on one history: what is found there by name is found once.
type bound struct {
	// series and values, of recursive indicators, are by the metric's number; values are there once they were asked for.
	series []*series
	values []atomic.Pointer[indicator.Series]
	pool   sync.Pool // of *memos
}

// memos are the values of an evaluation by the metric's number. The next one uses them again: what an earlier round left
// does not count.
type memos struct {
	round uint64
	list  []memo
}

type memo struct {
	round uint64
	value float64
	err   error
}

func (b *bound) memos() *memos {
	m, ok := b.pool.Get().(*memos)
	if !ok {
		m = &memos{list: make([]memo, len(b.series))}
	}
	m.round++
	return m
}

func (h *History) bound(p *Program) *bound {
	if b, ok := h.programs.Load(p); ok {
		return b.(*bound) //nolint:errcheck,forcetypeassert // nothing else is stored
	}
	b := &bound{series: make([]*series, len(p.metrics)), values: make([]atomic.Pointer[indicator.Series], len(p.metrics))}
	for id, m := range p.metrics {
		b.series[id] = h.of(m.symbol)
	}
	stored, _ := h.programs.LoadOrStore(p, b)
	return stored.(*bound) //nolint:errcheck,forcetypeassert // nothing else is stored
}

// recursive returns all values of the recursive metric with number id.
func (e *evaluation) recursive(id int) *indicator.Series {
	values := &e.bound.values[id]
	if s := values.Load(); s != nil {
		return s
	}
	s := e.history.recursive(e.program.metrics[id], e.program.options)
	values.Store(s)
	return s
}
