package state

import (
	"encoding/json"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
)

// Descend calls f for every key that starts with prefix and is before the key before (pass "" to start at the end),
// in descending order, until f returns false. f sees one consistent state.
func (t Table[V]) Descend(prefix, before string, f func(key string, v V) bool) error {
	if !t.store.open.TryRLock() {
		return ErrClosed
	}
	defer t.store.open.RUnlock()
	upper := upperBound(t.prefix + prefix)
	if before != "" && (upper == nil || t.prefix+before < string(upper)) {
		upper = []byte(t.prefix + before)
	}
	it, err := t.store.db.NewIter(&pebble.IterOptions{LowerBound: []byte(t.prefix + prefix), UpperBound: upper})
	if err != nil {
		return fmt.Errorf("scan %s%s: %w", t.prefix, prefix, err)
	}
	defer it.Close()
	for it.Last(); it.Valid(); it.Prev() {
		var v V
		if err := json.Unmarshal(it.Value(), &v); err != nil {
			return fmt.Errorf("scan %s: %w", it.Key(), err)
		}
		if !f(string(it.Key()[len(t.prefix):]), v) {
			break
		}
	}
	return it.Error()
}
