package wire

import (
	"net/url"
	"strings"
)

// route is the path pattern of a REST operation, split into segments; a label is a segment in braces.
type route struct {
	op       Operation
	segments []string
	labels   int
}

func newRoute(op Operation) route {
	r := route{op: op, segments: segments(op.Path)}
	for _, s := range r.segments {
		if isLabel(s) {
			r.labels++
		}
	}
	return r
}

// match returns the operation for an escaped path and the labels in it, unescaped: ARNs in a segment contain %2F. The
// pattern with the fewest labels wins. A trailing slash means nothing.
func match(routes []route, method, path string) (op Operation, labels map[string]string, ok bool) {
	parts := segments(path)
	best := len(parts) + 1
	for _, r := range routes {
		if r.op.Method != method || r.labels >= best {
			continue
		}
		if found, matches := r.match(parts); matches {
			op, labels, ok, best = r.op, found, true, r.labels
		}
	}
	return op, labels, ok
}

func (r route) match(parts []string) (map[string]string, bool) {
	if len(parts) != len(r.segments) {
		return nil, false
	}
	labels := map[string]string{}
	for i, want := range r.segments {
		got, err := url.PathUnescape(parts[i])
		if err != nil {
			return nil, false
		}
		switch {
		case isLabel(want):
			labels[want[1:len(want)-1]] = got
		case got != want:
			return nil, false
		}
	}
	return labels, true
}

func segments(path string) []string { return strings.Split(strings.Trim(path, "/"), "/") }

func isLabel(segment string) bool {
	return strings.HasPrefix(segment, "{") && strings.HasSuffix(segment, "}")
}
