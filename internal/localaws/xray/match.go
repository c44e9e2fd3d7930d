package xray

import (
	"slices"
	"strings"
)

type (
	always    struct{}
	condition func(trace) bool
	negation  struct{ of filter }
	both      struct{ left, right filter }
	either    struct{ left, right filter }
	// ofService holds if it holds for what one service did.
	ofService struct {
		name, kind string
		within     filter
	}
)

func (always) matches(trace) bool        { return true }
func (c condition) matches(t trace) bool { return c(t) }
func (n negation) matches(t trace) bool  { return !n.of.matches(t) }
func (b both) matches(t trace) bool      { return b.left.matches(t) && b.right.matches(t) }
func (e either) matches(t trace) bool    { return e.left.matches(t) || e.right.matches(t) }

func (o ofService) matches(t trace) bool {
	part := trace{id: t.id}
	ids := map[string]bool{}
	for _, d := range t.segments() {
		if (o.name == "" || d.Name == o.name) && (o.kind == "" || d.Origin == o.kind) {
			part.docs = append(part.docs, d)
			d.walk(func(sub *document) { ids[sub.ID] = true })
		}
	}
	if len(part.docs) == 0 {
		return false
	}
	for _, d := range t.docs {
		if d.Type == "subsegment" && ids[d.ParentID] {
			part.docs = append(part.docs, d)
		}
	}
	return o.within.matches(part)
}

// flags are the boolean keywords.
var flags = map[string]func(trace) bool{
	"ok":       func(t trace) bool { return !t.fault() && !t.error() && !t.throttle() },
	"error":    trace.error,
	"fault":    trace.fault,
	"throttle": trace.throttle,
	"partial":  trace.partial,
}

// numbers are the numeric keywords.
var numbers = map[string]func(trace) (float64, bool){
	"duration":     func(t trace) (float64, bool) { return t.duration(), true },
	"responsetime": func(t trace) (float64, bool) { return t.responseTime(), true },
	"http.status": func(t trace) (float64, bool) {
		root, _ := t.root()
		return float64(root.HTTP.Response.Status), root.HTTP.Response.Status != 0
	},
}

// texts are the keywords with texts.
var texts = map[string]func(trace) []string{
	"http.url":       ofRoot(func(d document) string { return d.HTTP.Request.URL }),
	"http.method":    ofRoot(func(d document) string { return d.HTTP.Request.Method }),
	"http.useragent": ofRoot(func(d document) string { return d.HTTP.Request.UserAgent }),
	"http.clientip":  ofRoot(func(d document) string { return d.HTTP.Request.ClientIP }),
	"user":           ofEach(func(d document) string { return d.User }),
	"name":           ofEach(func(d document) string { return d.Name }),
	"type":           ofEach(func(d document) string { return d.Origin }),
	"resource.arn":   ofEach(func(d document) string { return d.ResourceARN }),
}

func ofRoot(f func(document) string) func(trace) []string {
	return func(t trace) []string {
		root, ok := t.root()
		if !ok {
			return nil
		}
		return []string{f(root)}
	}
}

func ofEach(f func(document) string) func(trace) []string {
	return func(t trace) []string {
		var all []string
		for _, d := range t.segments() {
			if s := f(d); s != "" {
				all = append(all, s)
			}
		}
		return all
	}
}

// values returns all values of an annotation in a trace.
func values(t trace, key string) []any {
	var all []any
	t.annotations(func(k string, value any, _ document) {
		if k == key {
			all = append(all, value)
		}
	})
	return all
}

// only returns the values of one type.
func only[T any](all []any) []T {
	var some []T
	for _, v := range all {
		if x, ok := v.(T); ok {
			some = append(some, x)
		}
	}
	return some
}

// search says whether one of have is what the operator asks for; != asks that there is one which is different.
func search(operator string, have []string, want string) bool {
	return slices.ContainsFunc(have, func(s string) bool {
		switch operator {
		case "=":
			return s == want
		case "!=":
			return s != want
		case "CONTAINS":
			return strings.Contains(s, want)
		case "BEGINSWITH":
			return strings.HasPrefix(s, want)
		default:
			return strings.HasSuffix(s, want)
		}
	})
}

func compare(operator string, have, want float64) bool {
	switch operator {
	case "=":
		return have == want
	case "!=":
		return have != want
	case "<":
		return have < want
	case "<=":
		return have <= want
	case ">":
		return have > want
	default:
		return have >= want
	}
}
