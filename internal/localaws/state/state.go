// Package state is the embedded store of the endpoint: an ordered key-value store, in memory or in a folder, whose
// commits are atomic and, in a folder, on disk before they return. Services keep typed tables in it.
package state

import (
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// Store holds all tables. It is safe for concurrent use; concurrent commits share one sync (group commit).
type Store struct {
	db    *pebble.DB
	write *pebble.WriteOptions
	// open is read-locked by whoever uses db and locked for good by Close. Users only try: as nobody else locks it, a
	// failed try means that the store is closed or closing, and a nested one cannot wait for itself.
	open  sync.RWMutex
	close func() error
}

// ErrClosed is returned by every use of a store after Close: what came too late was not written.
var ErrClosed = errors.New("the state is closed")

// Open opens the store in dir, or in memory if dir is empty.
func Open(dir string) (*Store, error) {
	if dir == "" {
		return open(vfs.NewMem(), dir, pebble.NoSync)
	}
	return open(vfs.Default, dir, pebble.Sync)
}

// OpenOn opens the store in dir of a file system, such as one that loses what was not synced.
func OpenOn(fs vfs.FS, dir string) (*Store, error) { return open(fs, dir, pebble.Sync) }

func open(fs vfs.FS, dir string, write *pebble.WriteOptions) (*Store, error) {
	db, err := pebble.Open(dir, &pebble.Options{Logger: quiet{}, FS: fs})
	if err != nil {
		return nil, fmt.Errorf("open state %q: %w", dir, err)
	}
	s := &Store{db: db, write: write}
	s.close = sync.OnceValue(func() error {
		s.open.Lock()
		return db.Close()
	})
	return s, nil
}

// Close closes the store when nobody uses it any more. Later uses return ErrClosed. Closing again does nothing.
func (s *Store) Close() error { return s.close() }

// Tx collects writes to any tables. It is not safe for concurrent use.
type Tx struct {
	batch *pebble.Batch
	err   error
}

// Update runs f and commits what it wrote, all or nothing. If f returns an error nothing is written. The commit is
// durable when Update returns. Update does not isolate f's reads: a service guards its own tables with its own lock.
func (s *Store) Update(f func(tx *Tx) error) error { return s.update(f, s.write) }

// UpdateUnsynced is Update for what need not be durable by itself: it does not wait for the disk. Commits keep their order:
// a power loss that takes this one takes all later ones too. So what one service hands to another may be written so while
// the first still has it in the store and removes it only afterwards.
func (s *Store) UpdateUnsynced(f func(tx *Tx) error) error { return s.update(f, pebble.NoSync) }

func (s *Store) update(f func(tx *Tx) error, write *pebble.WriteOptions) error {
	if !s.open.TryRLock() {
		return ErrClosed
	}
	defer s.open.RUnlock()
	tx := &Tx{batch: s.db.NewBatch()}
	defer tx.batch.Close()
	if err := errors.Join(f(tx), tx.err); err != nil {
		return err
	}
	if tx.batch.Empty() {
		return nil
	}
	if err := tx.batch.Commit(write); err != nil {
		return fmt.Errorf("commit state: %w", err)
	}
	return nil
}

// Table is a named set of values of one type, ordered by key. Values are stored as JSON. Copies are the same table.
type Table[V any] struct {
	store  *Store
	prefix string
}

// NewTable returns the table called name. Names must be unique and must not contain "/".
func NewTable[V any](s *Store, name string) Table[V] {
	return Table[V]{store: s, prefix: name + "/"}
}

// Get returns the value of key; ok is false if there is none.
func (t Table[V]) Get(key string) (v V, ok bool, err error) {
	if !t.store.open.TryRLock() {
		return v, false, ErrClosed
	}
	defer t.store.open.RUnlock()
	raw, closer, err := t.store.db.Get([]byte(t.prefix + key))
	if errors.Is(err, pebble.ErrNotFound) {
		return v, false, nil
	}
	if err != nil {
		return v, false, fmt.Errorf("read %s%s: %w", t.prefix, key, err)
	}
	defer closer.Close()
	if err := json.Unmarshal(raw, &v); err != nil {
		return v, false, fmt.Errorf("read %s%s: %w", t.prefix, key, err)
	}
	return v, true, nil
}

// Put writes one value in a commit of its own.
func (t Table[V]) Put(key string, v V) error {
	return t.store.Update(func(tx *Tx) error { t.PutTx(tx, key, v); return nil })
}

// Delete removes one key in a commit of its own. Removing an absent key does nothing.
func (t Table[V]) Delete(key string) error {
	return t.store.Update(func(tx *Tx) error { t.DeleteTx(tx, key); return nil })
}

// PutTx writes a value as part of tx. Errors surface from Update.
func (t Table[V]) PutTx(tx *Tx, key string, v V) {
	raw, err := json.Marshal(v)
	if err != nil {
		tx.err = errors.Join(tx.err, fmt.Errorf("write %s%s: %w", t.prefix, key, err))
		return
	}
	tx.err = errors.Join(tx.err, tx.batch.Set([]byte(t.prefix+key), raw, nil))
}

// DeleteTx removes a key as part of tx.
func (t Table[V]) DeleteTx(tx *Tx, key string) {
	tx.err = errors.Join(tx.err, tx.batch.Delete([]byte(t.prefix+key), nil))
}

// Scan calls f for every key that starts with prefix and is not before from (pass prefix or "" to start at the
// beginning), in ascending order, until f returns false. f sees one consistent state.
func (t Table[V]) Scan(prefix, from string, f func(key string, v V) bool) error {
	if !t.store.open.TryRLock() {
		return ErrClosed
	}
	defer t.store.open.RUnlock()
	lower := t.prefix + max(prefix, from)
	it, err := t.store.db.NewIter(&pebble.IterOptions{
		LowerBound: []byte(lower),
		UpperBound: upperBound(t.prefix + prefix),
	})
	if err != nil {
		return fmt.Errorf("scan %s%s: %w", t.prefix, prefix, err)
	}
	defer it.Close()
	for it.First(); it.Valid(); it.Next() {
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

// upperBound returns the smallest key that is greater than every key with the prefix.
func upperBound(prefix string) []byte {
	b := []byte(prefix)
	for i := len(b) - 1; i >= 0; i-- {
		if b[i] < 0xff {
			b[i]++
			return b[:i+1]
		}
	}
	return nil
}

type quiet struct{}

func (quiet) Infof(string, ...any)  {}
func (quiet) Errorf(string, ...any) {}
func (quiet) Fatalf(format string, args ...any) {
	panic(fmt.Sprintf("state: "+format, args...))
}
