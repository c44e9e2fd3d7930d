// Package pattern is the event pattern language of EventBridge: it compiles patterns and matches events. What it
// accepts, what it matches and the words in which it refuses are those of event-ruler, the engine that AWS publishes.
//
// Language: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns.html
// Engine: https://github.com/aws/event-ruler
package pattern

import (
	"maps"
	"slices"
)

// Error says why a pattern or an event is refused, in AWS's words.
type Error struct{ Message string }

// Error returns the message.
func (e *Error) Error() string { return e.Message }

// Pattern is a compiled pattern. It is safe for concurrent use.
type Pattern struct {
	branches []branch
}

// branch is one way through the alternatives of a pattern: all its fields must match.
type branch []field

// field is what a pattern demands of one full name.
type field struct {
	name     string
	matchers []matcher
	// absent says that the field also matches where the event does not have it.
	absent bool
}

// Match says whether e matches p.
func (p *Pattern) Match(e *Event) bool {
	return slices.ContainsFunc(p.branches, func(b branch) bool { return b.possible(e) && b.match(e, nil) })
}

// possible rules out what cannot match, whatever the arrays: match would try all combinations of elements first.
func (b branch) possible(e *Event) bool {
	for _, f := range b {
		if !f.absent && !slices.ContainsFunc(e.named(f.name), func(l leaf) bool { return f.accepts(l.value) }) {
			return false
		}
	}
	return true
}

// match says whether the fields match within the elements of arrays that earlier fields have settled on. Fields are
// judged in the order of their names.
func (b branch) match(e *Event, places []place) bool {
	if len(b) == 0 {
		return true
	}
	f, rest := b[0], b[1:]
	leaves := e.named(f.name)
	if f.absent && !slices.ContainsFunc(leaves, func(l leaf) bool { _, ok := join(places, l.places); return ok }) &&
		rest.match(e, places) {
		return true
	}
	var tried [][]place
	for _, l := range leaves {
		joined, ok := join(places, l.places)
		if !ok || !f.accepts(l.value) || slices.ContainsFunc(tried, func(p []place) bool { return slices.Equal(p, joined) }) {
			continue
		}
		if rest.match(e, joined) {
			return true
		}
		tried = append(tried, joined)
	}
	return false
}

func (f field) accepts(v value) bool {
	return slices.ContainsFunc(f.matchers, func(m matcher) bool { return m.match(v) })
}

// join adds the places of a leaf to those settled on, both in ascending order of arrays; ok is false if they name
// different elements of one array.
func join(settled, places []place) (joined []place, ok bool) {
	if len(places) == 0 {
		return settled, true
	}
	joined = make([]place, 0, len(settled)+len(places))
	for len(settled) > 0 && len(places) > 0 {
		switch s, p := settled[0], places[0]; {
		case s == p:
			joined, settled, places = append(joined, s), settled[1:], places[1:]
		case s.array == p.array:
			return nil, false
		case s.array < p.array:
			joined, settled = append(joined, s), settled[1:]
		default:
			joined, places = append(joined, p), places[1:]
		}
	}
	return append(append(joined, settled...), places...), true
}

// rules is a set of branches under construction.
type rules []map[string]field

func (r rules) clone() rules {
	out := make(rules, len(r))
	for i, m := range r {
		out[i] = maps.Clone(m)
	}
	return out
}

func (r rules) branches() []branch {
	out := make([]branch, len(r))
	for i, m := range r {
		for _, name := range slices.Sorted(maps.Keys(m)) {
			out[i] = append(out[i], m[name])
		}
	}
	return out
}
