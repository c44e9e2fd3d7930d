package sns

import "sync"

// load is what waits for its delivery. It is safe for concurrent use.
type load struct {
	mu              sync.Mutex
	messages, bytes int64
}

// admit adds items, unless more messages or bytes than these would wait then. What waits for nobody is always admitted.
func (l *load) admit(items []item, mostMessages, mostBytes int64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	bytes := int64(0)
	for _, it := range items {
		bytes += it.size()
	}
	if len(items) > 0 && (l.messages+int64(len(items)) > mostMessages || l.bytes+bytes > mostBytes) {
		return false
	}
	l.messages, l.bytes = l.messages+int64(len(items)), l.bytes+bytes
	return true
}

// add adds an item that waits already, or that must.
func (l *load) add(it item) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.messages, l.bytes = l.messages+1, l.bytes+it.size()
}

// remove takes items away that are settled, or were not stored.
func (l *load) remove(items ...item) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, it := range items {
		l.messages, l.bytes = l.messages-1, l.bytes-it.size()
	}
}
