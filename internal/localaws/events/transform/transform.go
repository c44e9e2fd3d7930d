// Package transform makes of an event what a rule's target receives: the event itself, a constant, a part of the event,
// or a text with parts of it.
//
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html
package transform

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Spec says what a target receives; at most one field is set, none means the event.
type Spec struct {
	Input     string
	InputPath string
	// Template with <placeholders>, whose values Paths finds in the event.
	Template string
	Paths    map[string]string
}

// Context is what the predefined variables of a template stand for.
type Context struct {
	RuleName, RuleARN string
	Ingested          time.Time
}

// PlaceholderError says that a template has a placeholder without a path.
type PlaceholderError struct{ Name string }

// Error says which.
func (e *PlaceholderError) Error() string { return "invalid placeholder " + e.Name }

// Transform is a compiled Spec. It is safe for concurrent use.
type Transform struct {
	constant []byte
	part     path
	template string
	spans    [][]int // of the placeholders in template: start, end, start and end of the name
	paths    map[string]path
}

const (
	ruleARN   = "aws.events.rule-arn"
	ruleName  = "aws.events.rule-name"
	ingestion = "aws.events.event.ingestion-time"
	event     = "aws.events.event"
	eventJSON = "aws.events.event.json"
)

// placeholder finds <name>.
func placeholder() *regexp.Regexp { return regexp.MustCompile(`<([A-Za-z0-9._-]+)>`) }

// Compile compiles s. It returns a *PlaceholderError for a placeholder without a path, other errors for what is no
// JSON path.
func Compile(s Spec) (*Transform, error) {
	t := &Transform{template: s.Template, paths: map[string]path{}}
	if s.Input != "" {
		t.constant = []byte(s.Input)
		return t, nil
	}
	if s.InputPath != "" {
		p, err := parsePath(s.InputPath)
		t.part = p
		return t, err
	}
	for name, text := range s.Paths {
		p, err := parsePath(text)
		if err != nil {
			return nil, err
		}
		t.paths[name] = p
	}
	t.spans = placeholder().FindAllStringSubmatchIndex(s.Template, -1)
	predefined := []string{ruleARN, ruleName, ingestion, event, eventJSON}
	for _, span := range t.spans {
		name := s.Template[span[2]:span[3]]
		if _, ok := t.paths[name]; !ok && !slices.Contains(predefined, name) {
			return nil, &PlaceholderError{Name: name}
		}
	}
	return t, nil
}

// Apply returns what the target receives for an event. ok is false if a JSON template gave no JSON: EventBridge then
// delivers nothing, without a word. A path that leads nowhere gives null.
func (t *Transform) Apply(envelope []byte, c Context) (body []byte, ok bool) {
	switch {
	case t.constant != nil:
		return t.constant, true
	case t.part != nil:
		if value, ok := t.part.find(envelope); ok {
			return value, true
		}
		return []byte("null"), true
	case t.template == "":
		return envelope, true
	}
	out := t.render(envelope, c)
	return out, strings.HasPrefix(strings.TrimSpace(t.template), `"`) || json.Valid(out)
}

func (t *Transform) render(envelope []byte, c Context) []byte {
	isText := strings.HasPrefix(strings.TrimSpace(t.template), `"`)
	var out []byte
	at, quoted := 0, false
	for _, span := range t.spans {
		literal := t.template[at:span[0]]
		quoted = inString(literal, quoted)
		out = append(out, literal...)
		value, ok := t.value(t.template[span[2]:span[3]], envelope, c)
		switch {
		case !ok && quoted:
		case !ok:
			out = append(out, `""`...)
		case !quoted:
			out = append(out, value...)
		case value[0] == '"':
			out = append(out, value[1:len(value)-1]...)
		case isText:
			out = append(out, bytes.ReplaceAll(compact(value), []byte(`"`), nil)...)
		default:
			out = append(out, value...)
		}
		at = span[1]
	}
	return append(out, t.template[at:]...)
}

// value returns the JSON value of a placeholder.
func (t *Transform) value(name string, envelope []byte, c Context) (json.RawMessage, bool) {
	switch name {
	case ruleARN:
		return quote(c.RuleARN), true
	case ruleName:
		return quote(c.RuleName), true
	case ingestion:
		return quote(c.Ingested.UTC().Format(time.RFC3339)), true
	case eventJSON:
		return envelope, true
	case event:
		return withoutDetail(envelope), true
	}
	return t.paths[name].find(envelope)
}

// withoutDetail is the event as <aws.events.event> shows it.
func withoutDetail(envelope []byte) json.RawMessage {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(envelope, &fields); err != nil {
		return envelope
	}
	fields["detailType"] = fields["detail-type"]
	var out []byte
	for _, name := range []string{
		"id", "account", "detailType", "time", "source", "region", "replay-name", "resources", "version",
	} {
		if value, ok := fields[name]; ok {
			out = fmt.Appendf(out, `,"%s":%s`, name, value)
		}
	}
	return append(append([]byte("{"), bytes.TrimPrefix(out, []byte(","))...), '}')
}

// inString says whether text ends inside a JSON string, given whether it begins in one.
func inString(text string, quoted bool) bool {
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == '"':
			quoted = !quoted
		case text[i] == '\\' && quoted:
			i++
		}
	}
	return quoted
}

func compact(value []byte) []byte {
	var b bytes.Buffer
	if json.Compact(&b, value) != nil {
		return value
	}
	return b.Bytes()
}

func quote(s string) json.RawMessage {
	raw, _ := json.Marshal(s) // a string always marshals
	return raw
}
