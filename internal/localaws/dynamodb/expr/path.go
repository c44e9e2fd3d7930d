package expr

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/the-alchemiser/alchemiser/internal/localaws/dynamodb/attr"
)

// Step is one step into a document: into a map by Name, or into a list by Index if Name is empty and IsIndex is set.
type Step struct {
	Name    string
	Index   int
	IsIndex bool
}

// Path leads to a value within an item. It has at least one step, the first is a name.
type Path []Step

// String spells the path as DynamoDB's messages do: [a, b, [0]].
func (p Path) String() string {
	parts := make([]string, len(p))
	for i, s := range p {
		parts[i] = s.Name
		if s.IsIndex {
			parts[i] = fmt.Sprintf("[%d]", s.Index)
		}
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

// Get returns the value at the path; ok is false if there is none.
func (p Path) Get(item attr.Item) (v attr.Value, ok bool) {
	v = attr.Value{Type: attr.Map, Map: item}
	for _, s := range p {
		if v, ok = s.in(v); !ok {
			return v, false
		}
	}
	return v, true
}

// in returns the value one step into doc.
func (s Step) in(doc attr.Value) (v attr.Value, ok bool) {
	switch {
	case s.IsIndex && doc.Type == attr.List && s.Index < len(doc.List):
		return doc.List[s.Index], true
	case !s.IsIndex && doc.Type == attr.Map:
		v, ok = doc.Map[s.Name]
	}
	return v, ok
}

func (p Path) compare(q Path) int {
	return slices.CompareFunc(p, q, func(a, b Step) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Index, b.Index))
	})
}

// checkDistinct refuses paths of which one leads into another, or that take the same value for a map and for a list.
func checkDistinct(where Kind, paths []Path) error {
	for i, p := range paths {
		for _, q := range paths[:i] {
			n := 0
			for n < min(len(p), len(q)) && p[n] == q[n] {
				n++
			}
			if n == len(p) || n == len(q) {
				return where.errorf("Two document paths overlap with each other; must remove or rewrite one of these paths; "+
					"path one: %s, path two: %s", q, p)
			}
			if p[n].IsIndex != q[n].IsIndex {
				return where.errorf("Two document paths conflict with each other; must remove or rewrite one of these paths; "+
					"path one: %s, path two: %s", q, p)
			}
		}
	}
	return nil
}

// Project returns the part of the item that the paths lead to. Lists keep the chosen elements without gaps.
func Project(item attr.Item, paths []Path) attr.Item {
	v, ok := pick(attr.Value{Type: attr.Map, Map: item}, paths)
	if !ok {
		return attr.Item{}
	}
	return v.Map
}

// pick keeps of v what the paths lead to; ok is false if that is nothing.
func pick(v attr.Value, paths []Path) (attr.Value, bool) {
	if slices.ContainsFunc(paths, func(p Path) bool { return len(p) == 0 }) {
		return v, true
	}
	below := map[Step][]Path{}
	for _, p := range paths {
		below[p[0]] = append(below[p[0]], p[1:])
	}
	out := attr.Value{Type: v.Type}
	switch v.Type { //nolint:exhaustive // only documents have an inside
	case attr.Map:
		out.Map = attr.Item{}
		for step, rest := range below {
			child, ok := v.Map[step.Name]
			if step.IsIndex || !ok {
				continue
			}
			if kept, ok := pick(child, rest); ok {
				out.Map[step.Name] = kept
			}
		}
	case attr.List:
		for i, child := range v.List {
			rest, ok := below[Step{Index: i, IsIndex: true}]
			if !ok {
				continue
			}
			if kept, ok := pick(child, rest); ok {
				out.List = append(out.List, kept)
			}
		}
	}
	return out, out.Len() > 0
}
