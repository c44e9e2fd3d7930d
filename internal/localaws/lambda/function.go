package lambda

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/the-alchemiser/alchemiser/internal/localaws/state"
)

// function is all that is stored of a function. A function in s.functions is never changed: a change replaces it.
type function struct {
	Name   string
	Latest configuration
	// Versions are the published ones, oldest first; Published counts all there ever were.
	Versions  []configuration
	Published int
	// PublishedContent is the fingerprint of the last published version.
	PublishedContent string
	Aliases          map[string]alias
	// Policies and InvokeConfigs are kept by qualifier: "" or $LATEST for the function itself.
	Policies      map[string]resourcePolicy
	InvokeConfigs map[string]invokeConfig
	Reserved      *int
	Tags          map[string]string
}

// resolve returns the configuration that a qualifier stands for; ok is false if there is none. An alias stands for its main
// version.
func (f *function) resolve(qualifier string) (cfg configuration, ok bool) {
	if a, isAlias := f.Aliases[qualifier]; isAlias {
		return f.version(a.FunctionVersion)
	}
	return f.version(qualifier)
}

// route returns the configuration that the next invocation of a qualifier runs: an alias sends a share of them to another
// version. at says where in the shares, from 0 to 1, the invocation falls.
func (f *function) route(qualifier string, at float64) (cfg configuration, ok bool) {
	if a, isAlias := f.Aliases[qualifier]; isAlias {
		return f.version(a.pick(at))
	}
	return f.version(qualifier)
}

func (f *function) version(version string) (cfg configuration, ok bool) {
	if version == "" || version == latest {
		return f.Latest, true
	}
	i := slices.IndexFunc(f.Versions, func(c configuration) bool { return c.Version == version })
	if i < 0 {
		return configuration{}, false
	}
	return f.Versions[i], true
}

// pick returns the version that the alias sends an invocation to.
func (a alias) pick(at float64) string {
	if a.RoutingConfig != nil {
		for version, weight := range a.RoutingConfig.AdditionalVersionWeights { // one at most
			if at < weight {
				return version
			}
		}
	}
	return a.FunctionVersion
}

// clone returns a copy that may be changed.
func (f *function) clone() (*function, error) {
	raw, err := json.Marshal(f)
	if err != nil {
		return nil, fmt.Errorf("copy function %s: %w", f.Name, err)
	}
	var c function
	if err := json.Unmarshal(raw, &c); err != nil {
		return nil, fmt.Errorf("copy function %s: %w", f.Name, err)
	}
	return &c, nil
}

// touch gives $LATEST a new revision, so that its next invocation starts a new environment.
func (f *function) touch(now string) {
	f.Latest.RevisionID = uuid.NewString()
	f.Latest.LastModified = now
}

// lookup returns a function; ok is false if there is none.
func (s *Service) lookup(name string) (f *function, ok bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	f, ok = s.functions[name]
	return f, ok
}

// find returns the function that a request names.
func (s *Service) find(functionName, qualifier string) (ref, *function, error) {
	r, err := parseUse(functionName, qualifier)
	if err != nil {
		return ref{}, nil, err
	}
	f, ok := s.lookup(r.name)
	if !ok {
		return ref{}, nil, errNoFunction(r.arn())
	}
	return r, f, nil
}

// change replaces the function by a copy that edit has changed, in the store and in memory. An error of edit changes
// nothing. Environments and code that nothing needs any more go.
func (s *Service) change(name string, missing error, edit func(f *function) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	old, ok := s.functions[name]
	if !ok {
		return missing
	}
	next, err := old.clone()
	if err != nil {
		return err
	}
	if err := edit(next); err != nil {
		return err
	}
	if err := s.commit(old, next); err != nil {
		return err
	}
	return nil
}

// commit writes next in place of old (either may be nil) and drops the code that only old needed. s.mu is held.
func (s *Service) commit(old, next *function) error {
	f := cmp.Or(next, old)
	unused := map[string]bool{}
	if old != nil {
		for sha := range old.code() {
			unused[sha] = true
		}
	}
	after := maps.Clone(s.functions)
	delete(after, f.Name)
	if next != nil {
		after[f.Name] = next
	}
	for _, other := range after {
		for sha := range other.code() {
			delete(unused, sha)
		}
	}
	err := s.cfg.Store.Update(func(tx *state.Tx) error {
		if next == nil {
			s.records.DeleteTx(tx, f.Name)
		} else {
			s.records.PutTx(tx, f.Name, *next)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("store function %s: %w", f.Name, err)
	}
	s.functions = after
	for sha := range unused {
		s.code.forget(sha)
	}
	s.pool.retire(f.Name, s.current)
	return nil
}

// code returns the hashes of all code that f needs.
func (f *function) code() map[string]bool {
	shas := map[string]bool{f.Latest.CodeSHA256: true}
	for _, v := range f.Versions {
		shas[v.CodeSHA256] = true
	}
	return shas
}

// all returns the functions in the order of their names.
func (s *Service) all() []*function {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return slices.SortedFunc(maps.Values(s.functions), func(a, b *function) int { return strings.Compare(a.Name, b.Name) })
}
