package sqs

import (
	"container/heap"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/the-alchemiser/alchemiser/internal/localaws/arn"
	"github.com/the-alchemiser/alchemiser/internal/localaws/policy"
)

// record is a queue as it is stored.
type record struct {
	// ID tells this queue from an earlier one of the same name, so that nothing of the old one can come back.
	ID         uint64
	Name       string
	Attributes attributes
	Tags       map[string]string `json:",omitempty"`
	Created    time.Time
	Modified   time.Time
}

// receipt is what changes when a message is received: stored apart, so that a receive does not rewrite the body.
type receipt struct {
	// Nonce tells the receives of one message from each other; 0 means never received.
	Nonce    uint64
	Receives int
	// First and Visible are milliseconds since the epoch.
	First   int64
	Visible int64
}

// entry is the part of a message that receives look at.
type entry struct {
	receipt
	seq  uint64
	sent int64
	// at is the position in the heap.
	at int
}

// queue is one queue and the index of its messages. Its lock is never held during a commit: commits of many clients
// then share one sync.
type queue struct {
	mu  sync.Mutex
	rec record
	// access is the queue's policy.
	access  policy.Document
	entries map[uint64]*entry
	order   byVisibility
	purged  time.Time
	// changed is closed when a message comes; nil while nobody waits.
	changed chan struct{}
}

func newQueue(rec record) *queue {
	return &queue{rec: rec, access: rec.Attributes.access(), entries: map[uint64]*entry{}}
}

func (q *queue) arn() string { return arn.New("sqs", q.rec.Name) }

// snapshot returns a copy of the stored part. The maps in it are never changed, only replaced.
func (q *queue) snapshot() record {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.rec
}

// replace stores a new version of the record.
func (q *queue) replace(rec record) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.rec, q.access = rec, rec.Attributes.access()
}

// lets reports whether the queue's policy allows another service to send on behalf of a resource.
func (q *queue) lets(service, sourceARN, sourceAccount string) bool {
	q.mu.Lock()
	access := q.access
	q.mu.Unlock()
	r := policy.ServiceRequest(service, "sqs:SendMessage", q.arn(), sourceARN, sourceAccount)
	return policy.Evaluate([]policy.Document{access}, r) == policy.Allow
}

func (q *queue) key(seq uint64) string { return fmt.Sprintf("%016x/%016x", q.rec.ID, seq) }

func (q *queue) keys(seqs []uint64) []string {
	keys := make([]string, len(seqs))
	for i, seq := range seqs {
		keys[i] = q.key(seq)
	}
	return keys
}

// add makes messages receivable, and says whether there were none before.
func (q *queue) add(entries ...*entry) (first bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	first = len(q.entries) == 0
	for _, e := range entries {
		q.entries[e.seq] = e
		heap.Push(&q.order, e)
	}
	q.wake()
	return first
}

// holds is how many messages there are.
func (q *queue) holds() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.entries)
}

// wake lets whoever waits look again. The caller holds the lock.
func (q *queue) wake() {
	if q.changed != nil {
		close(q.changed)
		q.changed = nil
	}
}

// taken is the outcome of a look into the queue.
type taken struct {
	received []entry
	expired  []uint64
	dead     []entry
	// next is when a message becomes visible, 0 if none will; changed is closed before that if one comes.
	next    int64
	changed <-chan struct{}
}

// take receives up to limit visible messages and hides them until now + visibility (both in milliseconds). Messages
// beyond their retention and, if maxReceive is not 0, those that were received that often leave the queue.
func (q *queue) take(now int64, limit int, visibility int64, maxReceive int, nonce func() uint64) taken {
	q.mu.Lock()
	defer q.mu.Unlock()
	var t taken
	oldest := now - q.rec.Attributes.seconds("MessageRetentionPeriod").Milliseconds()
	var hidden []*entry
	for len(t.received) < limit && len(q.order) > 0 && q.order[0].Visible <= now {
		e := heap.Pop(&q.order).(*entry) //nolint:errcheck,forcetypeassert // the heap holds nothing else
		switch {
		case e.sent < oldest:
			delete(q.entries, e.seq)
			t.expired = append(t.expired, e.seq)
			continue
		case maxReceive > 0 && e.Receives >= maxReceive:
			delete(q.entries, e.seq)
			t.dead = append(t.dead, *e)
			continue
		}
		e.Receives++
		e.Nonce = nonce()
		e.Visible = now + visibility
		if e.First == 0 {
			e.First = now
		}
		hidden = append(hidden, e)
		t.received = append(t.received, *e)
	}
	for _, e := range hidden {
		heap.Push(&q.order, e)
	}
	if len(q.order) > 0 {
		t.next = q.order[0].Visible
	}
	if q.changed == nil {
		q.changed = make(chan struct{})
	}
	t.changed = q.changed
	return t
}

// find returns the message that a receipt belongs to; ok is false if it is gone or was received again since.
func (q *queue) find(seq, nonce uint64) (entry, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	e, ok := q.entries[seq]
	if !ok || e.Nonce != nonce {
		return entry{}, false
	}
	return *e, true
}

// hide sets when a message becomes visible again.
func (q *queue) hide(seq, nonce uint64, until int64) (entry, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	e, ok := q.entries[seq]
	if !ok || e.Nonce != nonce {
		return entry{}, false
	}
	e.Visible = until
	heap.Fix(&q.order, e.at)
	q.wake()
	return *e, true
}

// remove drops one message from the index.
func (q *queue) remove(seq uint64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if e, ok := q.entries[seq]; ok {
		heap.Remove(&q.order, e.at)
		delete(q.entries, seq)
	}
}

// clear drops all messages and returns their numbers.
func (q *queue) clear() []uint64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	seqs := make([]uint64, 0, len(q.entries))
	for seq := range maps.Keys(q.entries) {
		seqs = append(seqs, seq)
	}
	q.entries, q.order = map[uint64]*entry{}, nil
	return seqs
}

// expire drops the messages beyond their retention and returns their numbers.
func (q *queue) expire(now int64) []uint64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	oldest := now - q.rec.Attributes.seconds("MessageRetentionPeriod").Milliseconds()
	var seqs []uint64
	for seq, e := range q.entries {
		if e.sent < oldest {
			heap.Remove(&q.order, e.at)
			delete(q.entries, seq)
			seqs = append(seqs, seq)
		}
	}
	return seqs
}

// counts returns how many messages can be received, were received and are hidden, and wait for their first delivery.
func (q *queue) counts(now int64) (visible, inFlight, delayed int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, e := range q.entries {
		switch {
		case e.Visible <= now:
			visible++
		case e.Receives == 0:
			delayed++
		default:
			inFlight++
		}
	}
	return visible, inFlight, delayed
}

// byVisibility is a heap of messages: the one that is visible first on top, then the one that was sent first.
type byVisibility []*entry

func (h byVisibility) Len() int { return len(h) }

func (h byVisibility) Less(i, j int) bool {
	if h[i].Visible != h[j].Visible {
		return h[i].Visible < h[j].Visible
	}
	return h[i].seq < h[j].seq
}

func (h byVisibility) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].at, h[j].at = i, j
}

// Push implements heap.Interface.
func (h *byVisibility) Push(x any) {
	e := x.(*entry) //nolint:errcheck,forcetypeassert // the heap holds nothing else
	e.at = len(*h)
	*h = append(*h, e)
}

// Pop implements heap.Interface.
func (h *byVisibility) Pop() any {
	old := *h
	e := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return e
}
