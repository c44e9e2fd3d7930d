package events

import (
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/shopspring/decimal"

	"github.com/the-alchemiser/alchemiser/pkg/market"
)

// The structure of an event is checked against the Go types directly. The generated JSON Schemas say the same, and a
// test holds the two together with a schema validator as the judge; but linking that validator would cost every function
// 3 ms at start (docs/decisions/0008).

var decimalText = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?$`)

// shape adds a fault for every missing field and every field of the wrong kind. Unknown fields are not looked at.
func (fs *faults) shape(path string, v jsontext.Value, t reflect.Type) {
	switch t {
	case reflect.TypeFor[decimal.Decimal]():
		fs.text(path, v, `a decimal in a string, such as "12.5"`, decimalText.MatchString)
		return
	case reflect.TypeFor[time.Time]():
		fs.text(path, v, `a time in UTC, such as "2026-03-02T20:45:00Z"`, isUTC)
		return
	case reflect.TypeFor[market.Date]():
		fs.text(path, v, `a date, such as "2026-03-02"`, isDate)
		return
	}
	switch t.Kind() {
	case reflect.Struct:
		if members, ok := fs.object(path, v); ok {
			fs.members(path, members, t)
		}
	case reflect.Map:
		members, _ := fs.object(path, v)
		for _, name := range slices.Sorted(maps.Keys(members)) {
			fs.shape(path+member(name), members[name], t.Elem())
		}
	case reflect.Slice:
		var items []jsontext.Value
		if fs.kind(path, v, '[', "a list") {
			fs.unmarshal(path, v, &items)
		}
		for i, item := range items {
			fs.shape(fmt.Sprintf("%s[%d]", path, i), item, t.Elem())
		}
	case reflect.String:
		fs.kind(path, v, '"', "a string")
	case reflect.Bool:
		if v.Kind() != 'f' {
			fs.kind(path, v, 't', "true or false")
		}
	case reflect.Int:
		if fs.kind(path, v, '0', "a whole number") {
			if _, err := strconv.Atoi(string(v)); err != nil {
				fs.add(path, "is %s, want a whole number", v)
			}
		}
	default:
		panic("events: a field has the Go type " + t.String() + ", which has no form in JSON here")
	}
}

// members checks the fields of the struct t. Those of embedded structs count as its own.
func (fs *faults) members(path string, members map[string]jsontext.Value, t reflect.Type) {
	for _, f := range reflect.VisibleFields(t) {
		if f.Anonymous {
			continue
		}
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch v, ok := members[name]; {
		case ok:
			fs.shape(path+member(name), v, f.Type)
		case options != "omitempty":
			fs.add(path+member(name), "is missing")
		}
	}
}

func (fs *faults) add(path, format string, args ...any) {
	fs.fields = append(fs.fields, FieldError{Path: path, Problem: fmt.Sprintf(format, args...)})
}

func (fs *faults) object(path string, v jsontext.Value) (map[string]jsontext.Value, bool) {
	var members map[string]jsontext.Value
	return members, fs.kind(path, v, '{', "an object") && fs.unmarshal(path, v, &members)
}

func (fs *faults) kind(path string, v jsontext.Value, want jsontext.Kind, wanted string) bool {
	if v.Kind() != want {
		fs.add(path, "is %s, want %s", brief(v), wanted)
		return false
	}
	return true
}

func (fs *faults) text(path string, v jsontext.Value, wanted string, valid func(string) bool) {
	var s string
	if fs.kind(path, v, '"', wanted) && fs.unmarshal(path, v, &s) && !valid(s) {
		fs.add(path, "is %s, want %s", brief(v), wanted)
	}
}

func (fs *faults) unmarshal(path string, v jsontext.Value, to any) bool {
	if err := json.Unmarshal(v, to); err != nil {
		fs.add(path, "is not readable: %v", err)
		return false
	}
	return true
}

// brief shows a value in a message: long ones by their kind.
func brief(v jsontext.Value) string {
	const longest = 40
	switch kind := v.Kind(); {
	case len(v) == 0:
		return "empty"
	case len(v) <= longest:
		return string(v)
	case kind == '{':
		return "an object"
	case kind == '[':
		return "a list"
	default:
		return string(v[:longest]) + "…"
	}
}

func isUTC(s string) bool {
	var t time.Time
	return strings.HasSuffix(s, "Z") && t.UnmarshalText([]byte(s)) == nil
}

func isDate(s string) bool {
	_, err := market.ParseDate(s)
	return err == nil
}
