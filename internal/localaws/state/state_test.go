package state_test

import (
	"errors"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/the-alchemiser/alchemiser/internal/localaws/state"
)

type value struct{ N int }

func open(t *testing.T, dir string) *state.Store {
	t.Helper()
	s, err := state.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func closed(t *testing.T, s *state.Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func TestAFailedUpdateWritesNothing(t *testing.T) {
	s := open(t, "")
	defer closed(t, s)
	a, b := state.NewTable[value](s, "a"), state.NewTable[value](s, "b")
	full := errors.New("full")
	err := s.Update(func(tx *state.Tx) error {
		a.PutTx(tx, "k", value{1})
		b.PutTx(tx, "k", value{2})
		return full
	})
	if !errors.Is(err, full) {
		t.Errorf("Update returned %v", err)
	}
	if _, ok, err := a.Get("k"); ok || err != nil {
		t.Errorf("the update failed, and the value is there (%v)", err)
	}
	if err := state.NewTable[func()](s, "c").Put("k", nil); err == nil {
		t.Error("what has no JSON form was written")
	}
}

func TestValuesSurviveARestart(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	if err := state.NewTable[value](s, "a").Put("k", value{7}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir)
	defer closed(t, s)
	if v, ok, err := state.NewTable[value](s, "a").Get("k"); !ok || v.N != 7 || err != nil {
		t.Errorf("read %v %t %v", v, ok, err)
	}
	if _, err := state.Open(dir); err == nil {
		t.Error("two stores opened one folder")
	}
}

// A table reads like a sorted map, whatever its keys and its neighbours are.
func TestScansAreThoseOfASortedMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, err := state.Open("")
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}()
		table, neighbour := state.NewTable[value](s, "t"), state.NewTable[value](s, "t0")
		key := rapid.StringMatching(`[a\xffb/]{0,3}`)
		keys := rapid.SliceOfNDistinct(key, 0, 12, rapid.ID[string]).Draw(t, "keys")
		for i, k := range keys {
			if err := errors.Join(table.Put(k, value{i}), neighbour.Put(k, value{-1})); err != nil {
				t.Fatal(err)
			}
		}
		prefix, bound := key.Draw(t, "prefix"), key.Draw(t, "bound")
		var up, down, wantUp, wantDown []string
		for _, k := range slices.Sorted(slices.Values(keys)) {
			if len(k) < len(prefix) || k[:len(prefix)] != prefix {
				continue
			}
			if k >= bound {
				wantUp = append(wantUp, k)
			}
			if k < bound || bound == "" {
				wantDown = append([]string{k}, wantDown...)
			}
		}
		collect := func(into *[]string) func(string, value) bool {
			return func(k string, v value) bool {
				if keys[v.N] != k {
					t.Errorf("key %q has the value of %q", k, keys[v.N])
				}
				*into = append(*into, k)
				return true
			}
		}
		if err := errors.Join(table.Scan(prefix, bound, collect(&up)), table.Descend(prefix, bound, collect(&down))); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(up, wantUp) {
			t.Errorf("scan of %q from %q: %q, want %q", prefix, bound, up, wantUp)
		}
		if !slices.Equal(down, wantDown) {
			t.Errorf("descent of %q before %q: %q, want %q", prefix, bound, down, wantDown)
		}
	})
}

func TestUseAfterCloseIsAnErrorNotAPanic(t *testing.T) {
	store, err := state.Open("")
	if err != nil {
		t.Fatal(err)
	}
	table := state.NewTable[int](store, "numbers")
	if err := errors.Join(table.Put("a", 1), store.Close(), store.Close()); err != nil {
		t.Fatal(err)
	}
	_, _, got := table.Get("a")
	for use, err := range map[string]error{
		"Get":     got,
		"Put":     table.Put("b", 2),
		"Delete":  table.Delete("a"),
		"Scan":    table.Scan("", "", func(string, int) bool { return true }),
		"Descend": table.Descend("", "", func(string, int) bool { return true }),
	} {
		if !errors.Is(err, state.ErrClosed) {
			t.Errorf("%s after Close = %v, want ErrClosed", use, err)
		}
	}
}
