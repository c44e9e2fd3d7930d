package transform

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// path is a JSON path of names and indexes.
type path []step

// step is a name, or an index if name is empty and index is not negative.
type step struct {
	name  string
	index int
}

// parsePath reads "$", ".name", "['name']" and "[n]".
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html
func parsePath(s string) (path, error) {
	rest, ok := strings.CutPrefix(s, "$")
	if !ok {
		return nil, fmt.Errorf("path %q does not begin with $", s)
	}
	var p path
	for rest != "" {
		var next step
		var ok bool
		switch {
		case rest[0] == '.':
			end := strings.IndexAny(rest[1:], ".[") + 1
			if end == 0 {
				end = len(rest)
			}
			next, rest, ok = step{name: rest[1:end], index: -1}, rest[end:], end > 1
		case strings.HasPrefix(rest, "['") || strings.HasPrefix(rest, `["`):
			end := strings.Index(rest[2:], rest[1:2]+"]") + 2
			if ok = end > 2; ok {
				next, rest = step{name: rest[2:end], index: -1}, rest[end+2:]
			}
		case rest[0] == '[':
			inside, after, closed := strings.Cut(rest[1:], "]")
			n, err := strconv.ParseUint(inside, 10, 31)
			next, rest, ok = step{index: int(n)}, after, closed && err == nil
		}
		if !ok {
			return nil, fmt.Errorf("path %q is not made of .name, ['name'] and [n]", s)
		}
		p = append(p, next)
	}
	return p, nil
}

// find returns the value at p as it is spelled in document; ok is false if there is none.
func (p path) find(document []byte) (value json.RawMessage, ok bool) {
	value = document
	for _, s := range p {
		if s.index < 0 {
			var object map[string]json.RawMessage
			if json.Unmarshal(value, &object) != nil {
				return nil, false
			}
			if value, ok = object[s.name]; !ok {
				return nil, false
			}
			continue
		}
		var array []json.RawMessage
		if json.Unmarshal(value, &array) != nil || s.index >= len(array) {
			return nil, false
		}
		value = array[s.index]
	}
	return bytes.TrimSpace(value), true
}
