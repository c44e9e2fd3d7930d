package events

import (
	"container/heap"
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/the-alchemiser/alchemiser/internal/localaws/clock"
)

// pending is one event on its way to one target, as it is stored until the target has it or it is given up.
type pending struct {
	Rule, Target, Role, DLQ string
	Body                    []byte
	Trace                   string
	MaxAttempts, MaxAge     int
	Accepted, Due           time.Time
	// Struck is true once it is known what fault, if any, this delivery suffers.
	Struck bool `json:",omitempty"`
	// Failures are the attempts that failed so far.
	Failures int
	// Dead, if set, says why the event goes to the dead letter queue instead of the target.
	Dead *failure `json:",omitempty"`
}

// failure is why a delivery ended.
type failure struct{ Code, Message, Exhausted string }

type item struct {
	key string
	pending
}

// queue orders deliveries: those that are due, first come first served, and those that wait for their time. It is safe
// for concurrent use.
type queue struct {
	mu    sync.Mutex
	cond  *sync.Cond // signalled when ready grows or the queue closes
	last  uint64     // number of the newest key
	ready []item
	later waiting
	// bytes are those of the bodies of all of them.
	bytes  int
	closed bool
	// sooner is signalled when the earliest waiting delivery changes.
	sooner chan struct{}
}

func newQueue() *queue {
	q := &queue{sooner: make(chan struct{}, 1)}
	q.cond = sync.NewCond(&q.mu)
	return q
}

// full says whether the queue holds as much as it may: nothing more should be accepted.
func (q *queue) full(deliveries, bytes int) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.ready)+len(q.later) >= deliveries || q.bytes >= bytes
}

// keys returns n new keys in ascending order.
func (q *queue) keys(n int) []string {
	q.mu.Lock()
	defer q.mu.Unlock()
	out := make([]string, n)
	for i := range out {
		q.last++
		out[i] = fmt.Sprintf("%016x", q.last)
	}
	return out
}

// restore takes a delivery that was in the store at the start.
func (q *queue) restore(key string, p pending) {
	var number uint64
	if _, err := fmt.Sscanf(key, "%x", &number); err == nil {
		q.last = max(q.last, number)
	}
	q.wait(item{key, p})
}

// add makes deliveries ready.
func (q *queue) add(keys []string, deliveries []pending) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for i, p := range deliveries {
		q.ready = append(q.ready, item{keys[i], p})
		q.bytes += len(p.Body)
		q.cond.Signal()
	}
}

// wait holds a delivery until its time has come.
func (q *queue) wait(it item) {
	q.mu.Lock()
	heap.Push(&q.later, it)
	q.bytes += len(it.Body)
	first := q.later[0].key == it.key
	q.mu.Unlock()
	if first {
		select {
		case q.sooner <- struct{}{}:
		default:
		}
	}
}

// take returns the next delivery that is due; ok is false once the queue is closed.
func (q *queue) take() (it item, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.ready) == 0 && !q.closed {
		q.cond.Wait()
	}
	if q.closed {
		return item{}, false
	}
	it = q.ready[0]
	q.ready[0] = item{} // let go of its body
	q.ready = q.ready[1:]
	q.bytes -= len(it.Body)
	return it, true
}

// close lets take return.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.cond.Broadcast()
}

// open lets take wait again.
func (q *queue) open() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = false
}

// promote makes ready what is due and returns how long to wait for the next; ok is false if nothing waits.
func (q *queue) promote(now time.Time) (wait time.Duration, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.later) > 0 && !q.later[0].Due.After(now) {
		it, _ := heap.Pop(&q.later).(item)
		q.ready = append(q.ready, it)
		q.cond.Signal()
	}
	if len(q.later) == 0 {
		return 0, false
	}
	return q.later[0].Due.Sub(now), true
}

// keepTime promotes deliveries when their time comes, by c, until ctx ends.
func (q *queue) keepTime(ctx context.Context, c *clock.Clock) {
	for {
		changed := c.Changed()
		var due <-chan time.Time
		if wait, ok := q.promote(c.Now()); ok {
			due = time.After(wait)
		}
		select {
		case <-ctx.Done():
			return
		case <-due:
		case <-changed:
		case <-q.sooner:
		}
	}
}

// waiting is a heap of deliveries by the time they are due.
type waiting []item

func (w waiting) Len() int           { return len(w) }
func (w waiting) Less(i, j int) bool { return w[i].Due.Before(w[j].Due) }
func (w waiting) Swap(i, j int)      { w[i], w[j] = w[j], w[i] }

// Push implements heap.Interface.
func (w *waiting) Push(x any) {
	if it, ok := x.(item); ok {
		*w = append(*w, it)
	}
}

// Pop implements heap.Interface.
func (w *waiting) Pop() any {
	last := len(*w) - 1
	it := (*w)[last]
	(*w)[last] = item{}
	*w = (*w)[:last]
	return it
}
