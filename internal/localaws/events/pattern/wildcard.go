package pattern

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// wildcard is a text in which * stands for any text: the parts between the stars.
type wildcard []string

// parseWildcard reads s, in which \* and \\ are literal. problem is AWS's; positions count the opening quote.
func parseWildcard(s string) (w wildcard, problem string) {
	var part strings.Builder
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '*':
			if i+1 < len(s) && s[i+1] == '*' {
				return nil, fmt.Sprintf("Consecutive wildcard characters at pos %d", i+1)
			}
			w = append(w, part.String())
			part.Reset()
		case '\\':
			if i+1 == len(s) || s[i+1] != '*' && s[i+1] != '\\' {
				return nil, fmt.Sprintf("Invalid escape character at pos %d", i+1)
			}
			i++
			part.WriteByte(s[i])
		default:
			part.WriteByte(s[i])
		}
	}
	return append(w, part.String()), ""
}

func (w wildcard) match(v value) bool {
	if v.kind != tokenString {
		return false
	}
	if len(w) == 1 {
		return v.text == w[0]
	}
	rest, ok := strings.CutPrefix(v.text, w[0])
	if !ok {
		return false
	}
	last := len(w) - 1
	for _, part := range w[1:last] {
		i := strings.Index(rest, part)
		if i < 0 {
			return false
		}
		rest = rest[i+len(part):]
	}
	return strings.HasSuffix(rest, w[last])
}

const (
	// maxComplexity is the limit on wildcards. AWS's own is not published: it refuses a pattern of complexity 11 and
	// accepts one of 7.
	maxComplexity = 10
	// maxStates bounds the work of measuring; a pattern with more states is taken to be within the limit.
	maxStates = 10_000
)

// star stands for * in the symbols of an automaton; others are bytes.
const star = -1

// tooComplex says whether an event could keep more than maxComplexity prefixes of a field's wildcards alive at once.
func tooComplex(r rules) bool {
	for _, fields := range r {
		for _, f := range fields {
			var all []wildcard
			for _, m := range f.matchers {
				if w, ok := m.(wildcard); ok && len(w) > 1 {
					all = append(all, w)
				}
			}
			if len(all) > 0 && complexity(all) > maxComplexity {
				return true
			}
		}
	}
	return false
}

// complexity walks the states in which a traversal of all wildcards can be and returns the size of the largest, as
// event-ruler's MachineComplexityEvaluator counts it, or maxComplexity+1 if it is more than that.
func complexity(all []wildcard) int {
	a := newAutomaton(all)
	largest := 0
	seen := map[string]bool{}
	queue := [][]int{a.starts}
	for len(queue) > 0 && len(seen) < maxStates {
		state := queue[0]
		queue = queue[1:]
		for _, b := range a.alphabet {
			next := a.step(state, b)
			key := fmt.Sprint(next)
			if len(next) == 0 || seen[key] {
				continue
			}
			seen[key] = true
			if largest = max(largest, a.size(next)); largest > maxComplexity {
				return largest
			}
			queue = append(queue, next)
		}
	}
	return largest
}

// automaton holds the symbols of all wildcards in a row, each closed by the quote that ends a JSON string.
type automaton struct {
	symbols  []int
	starts   []int // the symbols before which nothing has been read: each wildcard's opening quote
	alphabet []int
}

func newAutomaton(all []wildcard) *automaton {
	a := &automaton{}
	used := map[int]bool{}
	for _, w := range all {
		a.starts = append(a.starts, len(a.symbols))
		a.symbols = append(a.symbols, '"')
		for i, part := range w {
			if i > 0 {
				a.symbols = append(a.symbols, star)
			}
			for _, b := range []byte(part) {
				a.symbols = append(a.symbols, int(b))
				used[int(b)] = true
			}
		}
		a.symbols = append(a.symbols, '"')
	}
	used['"'] = true
	other := 0
	for used[other] {
		other++
	}
	a.alphabet = append(slices.Sorted(maps.Keys(used)), other)
	return a
}

// step returns the symbols that have just been read if b follows state.
func (a *automaton) step(state []int, b int) []int {
	next := map[int]bool{}
	for _, at := range state {
		if a.symbols[at] == star {
			next[at] = true
		}
		to := at + 1
		if to < len(a.symbols) && a.symbols[to] == star {
			next[to] = true
			to++
		}
		if to < len(a.symbols) && a.symbols[to] == b && !slices.Contains(a.starts, to) {
			next[to] = true
		}
	}
	return slices.Sorted(maps.Keys(next))
}

// size counts a state's symbols and the stars that follow them directly.
func (a *automaton) size(state []int) int {
	n := len(state)
	for _, at := range state {
		if to := at + 1; to < len(a.symbols) && a.symbols[to] == star && !slices.Contains(state, to) {
			n++
		}
	}
	return n
}
