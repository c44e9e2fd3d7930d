package pattern

import (
	"slices"
	"strings"
)

// Event is an event prepared for matching: its leaves under their full names. It is safe for concurrent use.
type Event struct {
	leaves []leaf // by name, in the order of the event
}

// leaf is a value that is no object or array.
type leaf struct {
	name   string
	value  value
	places []place
}

// place says in which element of an array a leaf lies.
type place struct{ array, element int }

type value struct {
	kind   token // tokenString, tokenNumber, tokenTrue, tokenFalse or tokenNull
	text   string
	number number
}

// ParseEvent prepares a JSON object. It returns an *Error if text is none.
func ParseEvent(text string) (*Event, error) {
	f := &flattener{lexer: lexer{src: text}}
	if f.next() != tokenObject {
		if f.err == nil {
			f.fail("Event must be a JSON object", f.pos)
		}
		return nil, f.err
	}
	f.object()
	if f.err != nil {
		return nil, f.err
	}
	slices.SortStableFunc(f.leaves, func(a, b leaf) int { return strings.Compare(a.name, b.name) })
	return &Event{leaves: f.leaves}, nil
}

// named returns the leaves with the name.
func (e *Event) named(name string) []leaf {
	from, ok := slices.BinarySearchFunc(e.leaves, name, func(l leaf, name string) int { return strings.Compare(l.name, name) })
	if !ok {
		return nil
	}
	to := from + 1
	for to < len(e.leaves) && e.leaves[to].name == name {
		to++
	}
	return e.leaves[from:to]
}

type flattener struct {
	lexer
	leaves []leaf
	path   []byte
	places []place
	arrays int
}

func (f *flattener) object() {
	for f.next() != tokenObjectEnd {
		if f.err != nil {
			return
		}
		length := len(f.path)
		if length > 0 {
			f.path = append(f.path, '.')
		}
		f.path = append(f.path, f.field...)
		switch f.next() {
		case tokenObject:
			f.object()
		case tokenArray:
			f.array()
		default:
			f.leaf()
		}
		f.path = f.path[:length]
	}
}

func (f *flattener) array() {
	array := f.arrays
	f.arrays++
	for element := 0; f.next() != tokenArrayEnd; element++ {
		if f.err != nil {
			return
		}
		switch f.tok {
		case tokenObject:
			f.places = append(f.places, place{array, element})
			f.object()
			f.places = f.places[:len(f.places)-1]
		case tokenArray:
			f.places = append(f.places, place{array, element})
			f.array()
			f.places = f.places[:len(f.places)-1]
		default:
			f.leaf()
		}
	}
}

func (f *flattener) leaf() {
	v := value{kind: f.tok}
	switch f.tok {
	case tokenString:
		v.text = f.string()
	case tokenNumber:
		v.text, v.number = f.text, parseNumber(f.text)
	default:
		v.text = f.text
	}
	if f.err == nil {
		f.leaves = append(f.leaves, leaf{name: string(f.path), value: v, places: slices.Clone(f.places)})
	}
}
