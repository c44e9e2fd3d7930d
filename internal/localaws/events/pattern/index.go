package pattern

import (
	"slices"
)

// Index finds the patterns that match an event without trying those that cannot: each way through a pattern is filed under
// one field that an event must have for it, best under the field's values. It is safe for concurrent use.
type Index[K any] struct {
	patterns []*Pattern
	keys     []K
	fields   map[string]*shelf
	// anywhere are patterns that demand no field of an event.
	anywhere []int
}

// shelf holds patterns, by their number, under the values that they demand of one field.
type shelf struct {
	exact, prefix map[string][]int
	// lengths of the prefixes, ascending.
	lengths []int
	// other are patterns that demand something else of the field.
	other []int
}

// NewIndex returns the index of patterns, each of which has the key of the same position.
func NewIndex[K any](keys []K, patterns []*Pattern) *Index[K] {
	x := &Index[K]{patterns: patterns, keys: keys, fields: map[string]*shelf{}}
	popular := map[string]int{} // how many ways demand a value of a field
	for _, p := range patterns {
		for _, b := range p.branches {
			for _, f := range b {
				for _, v := range f.values() {
					popular[f.name+"\x00"+v]++
				}
			}
		}
	}
	for i, p := range patterns {
		for _, b := range p.branches {
			x.file(i, b, popular)
		}
	}
	return x
}

// values are the strings that a field demands exactly or as a prefix; none if it demands anything else besides.
func (f field) values() []string {
	var out []string
	for _, m := range f.matchers {
		switch m := m.(type) {
		case equalString:
			out = append(out, "="+string(m))
		case prefix:
			out = append(out, "^"+string(m))
		default:
			return nil
		}
	}
	if f.absent {
		return nil
	}
	return out
}

// file puts one way through pattern i where the fewest others are.
func (x *Index[K]) file(i int, b branch, popular map[string]int) {
	best, crowd := -1, 0
	for at, f := range b {
		if f.absent {
			continue
		}
		n := len(x.patterns) + 1 // filed under the field alone
		if values := f.values(); len(values) > 0 {
			n = 0
			for _, v := range values {
				n = max(n, popular[f.name+"\x00"+v])
			}
		}
		if best < 0 || n < crowd {
			best, crowd = at, n
		}
	}
	if best < 0 {
		x.anywhere = append(x.anywhere, i)
		return
	}
	f := b[best]
	s := x.fields[f.name]
	if s == nil {
		s = &shelf{exact: map[string][]int{}, prefix: map[string][]int{}}
		x.fields[f.name] = s
	}
	values := f.values()
	if len(values) == 0 {
		s.other = append(s.other, i)
	}
	for _, v := range values {
		switch v[0] {
		case '=':
			s.exact[v[1:]] = append(s.exact[v[1:]], i)
		case '^':
			s.prefix[v[1:]] = append(s.prefix[v[1:]], i)
			if at, found := slices.BinarySearch(s.lengths, len(v)-1); !found {
				s.lengths = slices.Insert(s.lengths, at, len(v)-1)
			}
		}
	}
}

// Match returns the keys of the patterns that match e, in the order of the patterns.
func (x *Index[K]) Match(e *Event) []K {
	candidates := slices.Clone(x.anywhere)
	for _, l := range e.leaves {
		s := x.fields[l.name]
		if s == nil {
			continue
		}
		candidates = append(candidates, s.other...)
		if l.value.kind != tokenString {
			continue
		}
		candidates = append(candidates, s.exact[l.value.text]...)
		for _, n := range s.lengths {
			if n > len(l.value.text) {
				break
			}
			candidates = append(candidates, s.prefix[l.value.text[:n]]...)
		}
	}
	slices.Sort(candidates)
	var out []K
	for _, i := range slices.Compact(candidates) {
		if x.patterns[i].Match(e) {
			out = append(out, x.keys[i])
		}
	}
	return out
}
