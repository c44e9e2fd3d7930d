package lambda

import (
	"container/heap"
	"context"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/the-alchemiser/alchemiser/internal/localaws/clock"
	"github.com/the-alchemiser/alchemiser/internal/localaws/state"
)

// queuedEvent is an asynchronous invocation from its acceptance to its end.
type queuedEvent struct {
	RequestID string
	Function  string
	Qualifier string
	Payload   []byte
	// TraceHeader is the trace that the event came with or was given; ServiceID is its AWS::Lambda segment.
	TraceHeader string
	ServiceID   string
	Accepted    time.Time // by the endpoint's clock, as Due
	Due         time.Time
	// Arrived is the host's time of acceptance, Runs are those of its attempts: X-Ray is told of them.
	Arrived time.Time
	Runs    []run
	// Invoked counts the runs of the function, Refused those in a row that a limit or an error of Lambda prevented.
	Invoked, Refused int
	// Spared is how much shorter than on AWS all waits were. It counts towards the age.
	Spared time.Duration
	// Records are what is left to be sent once the event itself is finished.
	Records []outgoing
}

// run is one attempt as X-Ray shows it.
type run struct {
	ID         string
	Start, End time.Time
	Status     int
}

// age is how old the event is, counting waits as long as they would have been on AWS.
func (e *queuedEvent) age(now time.Time) time.Duration { return now.Sub(e.Accepted) + e.Spared }

// queue keeps events until they are due and hands each to work. All are stored; it is safe for concurrent use.
type queue struct {
	store *state.Store
	table state.Table[queuedEvent]
	// attempts are the runs that have begun and of which the event does not know yet, by request id: the count with them.
	attempts state.Table[int]
	clock    *clock.Clock
	// pollers is how many events of one function are worked on at once. What is due beyond that waits, unthrottled.
	pollers int

	// limit is how many events are kept at most.
	limit int

	mu      sync.Mutex
	count   int // of all events that are kept, and the bytes of their payloads
	bytes   int
	waiting byDue
	ready   map[string][]*queuedEvent
	busy    map[string]int
	wake    chan struct{}
}

func newQueue(store *state.Store, c *clock.Clock, limit int) (*queue, error) {
	q := &queue{
		store: store, table: state.NewTable[queuedEvent](store, "lambda.events"), attempts: state.NewTable[int](store, "lambda.attempts"),
		clock: c, pollers: max(8, 4*runtime.GOMAXPROCS(0)), limit: limit,
		ready: map[string][]*queuedEvent{}, busy: map[string]int{}, wake: make(chan struct{}, 1),
	}
	begun := map[string]int{}
	err := q.attempts.Scan("", "", func(id string, count int) bool {
		begun[id] = count
		return true
	})
	if err != nil {
		return nil, fmt.Errorf("load attempts of queued events: %w", err)
	}
	err = q.table.Scan("", "", func(_ string, e queuedEvent) bool {
		e.Invoked = max(e.Invoked, begun[e.RequestID]) // the endpoint was killed during the run
		q.waiting = append(q.waiting, &e)
		q.count, q.bytes = q.count+1, q.bytes+len(e.Payload)
		return true
	})
	if err != nil {
		return nil, fmt.Errorf("load queued events: %w", err)
	}
	heap.Init(&q.waiting)
	return q, nil
}

// maxQueuedBytes bounds the memory of what is kept, whatever the number.
const maxQueuedBytes = 256 << 20

// add stores a new event and lets it wait until it is due; ok is false if so many are kept that it is not accepted.
func (q *queue) add(e *queuedEvent) (ok bool, err error) {
	q.mu.Lock()
	if q.count >= q.limit || q.bytes >= maxQueuedBytes {
		q.mu.Unlock()
		return false, nil
	}
	q.count, q.bytes = q.count+1, q.bytes+len(e.Payload)
	q.mu.Unlock()
	return true, q.put(e)
}

// begin stores that a further run of e is about to begin, so that one which brings the endpoint down counts.
func (q *queue) begin(e *queuedEvent) error { return q.attempts.Put(e.RequestID, e.Invoked+1) }

// keep stores e as it is: whatever has begun has ended.
func (q *queue) keep(e *queuedEvent) error {
	return q.store.Update(func(tx *state.Tx) error {
		q.table.PutTx(tx, e.RequestID, *e)
		q.attempts.DeleteTx(tx, e.RequestID)
		return nil
	})
}

// put stores e and lets it wait until it is due.
func (q *queue) put(e *queuedEvent) error {
	if err := q.keep(e); err != nil {
		return err
	}
	q.mu.Lock()
	heap.Push(&q.waiting, e)
	q.mu.Unlock()
	q.signal()
	return nil
}

// remove forgets an event that is finished.
func (q *queue) remove(e *queuedEvent) error {
	q.mu.Lock()
	q.count, q.bytes = q.count-1, q.bytes-len(e.Payload)
	q.mu.Unlock()
	return q.store.Update(func(tx *state.Tx) error {
		q.table.DeleteTx(tx, e.RequestID)
		q.attempts.DeleteTx(tx, e.RequestID)
		return nil
	})
}

func (q *queue) signal() {
	select {
	case q.wake <- struct{}{}:
	default: // it is awake already
	}
}

// run gives every due event to work, each in a goroutine of its own, until ctx ends and all work is done.
func (q *queue) run(ctx context.Context, work func(context.Context, *queuedEvent)) {
	var running sync.WaitGroup
	defer running.Wait()
	for {
		changed := q.clock.Changed()
		started, next := q.due()
		for _, e := range started {
			running.Go(func() {
				defer q.finish(e.Function)
				work(ctx, e)
			})
		}
		var timer <-chan time.Time
		if !next.IsZero() {
			timer = time.After(next.Sub(q.clock.Now()))
		}
		select {
		case <-ctx.Done():
			return
		case <-q.wake:
		case <-changed:
		case <-timer:
		}
	}
}

// due returns the events whose turn it is and when the next one is due.
func (q *queue) due() (events []*queuedEvent, next time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := q.clock.Now()
	for len(q.waiting) > 0 && !q.waiting[0].Due.After(now) {
		e, _ := heap.Pop(&q.waiting).(*queuedEvent)
		q.ready[e.Function] = append(q.ready[e.Function], e)
	}
	for name, ready := range q.ready {
		n := min(len(ready), q.pollers-q.busy[name])
		events = append(events, ready[:n]...)
		q.busy[name] += n
		if q.ready[name] = ready[n:]; n == len(ready) {
			delete(q.ready, name)
		}
	}
	if len(q.waiting) > 0 {
		next = q.waiting[0].Due
	}
	return events, next
}

// finish frees a poller.
func (q *queue) finish(name string) {
	q.mu.Lock()
	if q.busy[name]--; q.busy[name] == 0 {
		delete(q.busy, name)
	}
	q.mu.Unlock()
	q.signal()
}

// byDue is a heap: what is due first comes first, in the order of acceptance.
type byDue []*queuedEvent

func (h byDue) Len() int { return len(h) }
func (h byDue) Less(i, j int) bool {
	if h[i].Due.Equal(h[j].Due) {
		return h[i].Accepted.Before(h[j].Accepted)
	}
	return h[i].Due.Before(h[j].Due)
}
func (h byDue) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *byDue) Push(x any) {
	if e, ok := x.(*queuedEvent); ok {
		*h = append(*h, e)
	}
}

func (h *byDue) Pop() any {
	old := *h
	e := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return e
}
