package pattern_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/the-alchemiser/alchemiser/internal/localaws/events/pattern"
)

func Example() {
	p, _ := pattern.Compile(`{"source": [{"prefix": "alchemiser."}], "replay-name": [{"exists": false}]}`)
	e, _ := pattern.ParseEvent(`{"source": "alchemiser.strategy", "detail": {}}`)
	fmt.Println(p.Match(e))
	// Output: true
}

func matches(t *testing.T, text, event string) bool {
	t.Helper()
	p, err := pattern.Compile(text)
	if err != nil {
		t.Fatalf("Compile(%s): %v", text, err)
	}
	e, err := pattern.ParseEvent(event)
	if err != nil {
		t.Fatalf("ParseEvent(%s): %v", event, err)
	}
	return p.Match(e)
}

func TestMatch(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		pattern, event string
		want           bool
	}{
		"number by value":                      {`{"a":[5]}`, `{"a":5e0}`, true},
		"string is no number":                  {`{"a":["5"]}`, `{"a":5}`, false},
		"address in another spelling":          {`{"a":["::1"]}`, `{"a":"0:0:0:0:0:0:0:1"}`, true},
		"anything-but matches null":            {`{"a":[{"anything-but":{"prefix":"x"}}]}`, `{"a":null}`, true},
		"anything-but needs the field":         {`{"a":[{"anything-but":"x"}]}`, `{"b":1}`, false},
		"empty array is absent":                {`{"a":[{"exists":false}]}`, `{"a":[]}`, true},
		"dots join":                            {`{"a.b":["x"]}`, `{"a":{"b":"x"}}`, true},
		"fields of one element":                {`{"a":{"x":[1],"y":[2]}}`, `{"a":[{"x":1},{"y":2}]}`, false},
		"fields of one element, second":        {`{"a":{"x":[1],"y":[2]}}`, `{"a":[{"x":1},{"x":1,"y":2}]}`, true},
		"last of a repeated name":              {`{"a":["x"],"a":["y"]}`, `{"a":"y"}`, true},
		"or of two fields":                     {`{"$or":[{"a":[1]},{"b":[2]}]}`, `{"b":2}`, true},
		"wildcard in the middle":               {`{"a":[{"wildcard":"a*c"}]}`, `{"a":"abbc"}`, true},
		"wildcard does not overlap":            {`{"a":[{"wildcard":"ab*ba"}]}`, `{"a":"aba"}`, false},
		"ignoring case beyond one letter":      {`{"a":[{"equals-ignore-case":"straße"}]}`, `{"a":"STRASSE"}`, true},
		"exists:true on null":                  {`{"a":[{"exists":true}]}`, `{"a":null}`, true},
		"replay excluded":                      {`{"replay-name":[{"exists":false}]}`, `{"replay-name":"r"}`, false},
		"number beyond a double by its digits": {`{"a":[123456789012345678901]}`, `{"a":123456789012345678901}`, true},
		"escaped name":                         {`{"\u0061":["x"]}`, `{"a":"x"}`, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := matches(t, tt.pattern, tt.event); got != tt.want {
				t.Errorf("match = %v, want %v", got, tt.want)
			}
		})
	}
}

func TestNestingBeyondTheLimitIsRefused(t *testing.T) {
	t.Parallel()
	if _, err := pattern.ParseEvent(`{"a":` + strings.Repeat("[", 2000) + strings.Repeat("]", 2000) + `}`); err == nil {
		t.Error("an event of 2000 levels was taken")
	}
	if _, err := pattern.Compile(strings.Repeat(`{"a":`, 2000) + `["x"]` + strings.Repeat("}", 2000)); err == nil {
		t.Error("a pattern of 2000 levels was taken")
	}
}

// An exact pattern made of an event's own string matches it, its prefixes and suffixes match it, and anything-but of it
// does not.
func TestOperatorsAgreeOnAnyString(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		s := rapid.StringN(1, 20, 60).Draw(r, "s")
		runes := []rune(s)
		cut := rapid.IntRange(1, len(runes)).Draw(r, "cut")
		quote := func(s string) string {
			raw, err := json.Marshal(s)
			if err != nil {
				r.Fatal(err)
			}
			return string(raw)
		}
		e, err := pattern.ParseEvent(`{"a":` + quote(s) + `}`)
		if err != nil {
			r.Fatal(err)
		}
		for text, want := range map[string]bool{
			quote(s): true,
			`{"prefix":` + quote(string(runes[:cut])) + `}`:                  true,
			`{"suffix":` + quote(string(runes[len(runes)-cut:])) + `}`:       true,
			`{"anything-but":` + quote(s) + `}`:                              false,
			`{"anything-but":{"prefix":` + quote(string(runes[:cut])) + `}}`: false,
			`{"exists":true}`: true,
		} {
			p, err := pattern.Compile(`{"a":[` + text + `]}`)
			if err != nil {
				r.Fatalf("%s: %v", text, err)
			}
			if got := p.Match(e); got != want {
				r.Fatalf("%s on %q: match = %v, want %v", text, s, got, want)
			}
		}
	})
}

// Whatever is compiled or parsed either is refused with an *Error or can be matched without a panic, and what
// encoding/json takes for an event is taken.
func FuzzPattern(f *testing.F) {
	f.Add(`{"a":[{"numeric":[">",0,"<=",5]}]}`, `{"a":1}`)
	f.Add(`{"$or":[{"a":[{"wildcard":"*:*"}]},{"b":[{"cidr":"10.0.0.0/8"}]}]}`, `{"a":["x",{"b":[1,null]}]}`)
	f.Add(`{"a":[{"anything-but":{"suffix":["\ud83d\ude00",""]}}]}`, `{"a":"\u00e9"}`)
	f.Add(`{"a":[{"equals-ignore-case":"straße"}]}`, `{"a":-0.0e10}`)
	f.Fuzz(func(t *testing.T, text, event string) {
		p, err := pattern.Compile(text)
		var refused *pattern.Error
		if err != nil && !errors.As(err, &refused) {
			t.Fatalf("Compile: %T", err)
		}
		e, eventErr := pattern.ParseEvent(event)
		if eventErr != nil {
			var object map[string]any
			if json.Unmarshal([]byte(event), &object) == nil && object != nil && strings.Count(event, "[")+strings.Count(event, "{") < 1000 {
				t.Fatalf("refused a JSON object: %v", eventErr)
			}
			return
		}
		if err == nil {
			p.Match(e)
		}
	})
}

func BenchmarkParseAndMatch(b *testing.B) {
	p, err := pattern.Compile(`{"source":["alchemiser.strategy"],"detail-type":["SignalGenerated"],"replay-name":[{"exists":false}]}`)
	if err != nil {
		b.Fatal(err)
	}
	event := `{"version":"0","id":"1","detail-type":"SignalGenerated","source":"alchemiser.strategy","account":"000000000000",` +
		`"time":"2026-01-01T00:00:00Z","region":"us-east-1","resources":["correlation:x"],"detail":{"event_id":"e","weights":{"SPY":"0.5","TLT":"0.5"}}}`
	b.ReportAllocs()
	for b.Loop() {
		e, err := pattern.ParseEvent(event)
		if err != nil || !p.Match(e) {
			b.Fatal("no match")
		}
	}
}
