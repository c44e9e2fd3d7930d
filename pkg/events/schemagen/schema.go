package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/invopop/jsonschema"
	"github.com/shopspring/decimal"

	"github.com/the-alchemiser/alchemiser/pkg/events"
	"github.com/the-alchemiser/alchemiser/pkg/market"
)

const (
	module = "github.com/the-alchemiser/alchemiser"
	// The formats by which the page recognises what the Go types mean.
	decimalFormat = "decimal"
	timeFormat    = "date-time"
	dateFormat    = "date"
)

// schemas is everything that is generated from.
type schemas struct {
	envelope *jsonschema.Schema
	types    []typeSchema
}

// typeSchema is one event type: the schema of its whole detail, and of the payload alone.
type typeSchema struct {
	name            string
	schema, payload *jsonschema.Schema
}

func reflectSchemas() (schemas, error) {
	r := &jsonschema.Reflector{
		Anonymous: true, ExpandedStruct: true, AllowAdditionalProperties: true, Mapper: known,
	}
	if err := r.AddGoComments(module+"/pkg/events/schemagen", "..", jsonschema.WithFullComment()); err != nil {
		return schemas{}, fmt.Errorf("read the comments of pkg/events: %w", err)
	}
	speakJSON(r.CommentMap)
	all := schemas{envelope: r.Reflect(events.Envelope{})}
	for _, p := range events.Catalogue() {
		whole, payload := r.Reflect(events.Envelope{}), r.Reflect(p)
		name := string(p.EventType())
		whole.ID = jsonschema.ID("https://" + module + "/pkg/events/schema/" + name + ".json")
		whole.Title, whole.Description, whole.Definitions = name, payload.Description, payload.Definitions
		eventType, _ := whole.Properties.Get("event_type")
		*eventType = jsonschema.Schema{Const: name, Description: eventType.Description}
		for field := payload.Properties.Oldest(); field != nil; field = field.Next() {
			whole.Properties.Set(field.Key, field.Value)
		}
		whole.Required = append(whole.Required, payload.Required...)
		all.types = append(all.types, typeSchema{name: name, schema: whole, payload: payload})
	}
	return all, nil
}

// known maps the Go types that have a meaning of their own. The patterns are those that decoding checks.
func known(t reflect.Type) *jsonschema.Schema {
	switch t {
	case reflect.TypeFor[decimal.Decimal]():
		return &jsonschema.Schema{Type: "string", Format: decimalFormat, Pattern: `^-?(0|[1-9][0-9]*)(\.[0-9]+)?$`}
	case reflect.TypeFor[time.Time]():
		return &jsonschema.Schema{Type: "string", Format: timeFormat, Pattern: `Z$`}
	case reflect.TypeFor[market.Date]():
		return &jsonschema.Schema{Type: "string", Format: dateFormat, Pattern: `^[0-9]{4}-[0-9]{2}-[0-9]{2}$`}
	default:
		return nil
	}
}

// speakJSON turns the comments on fields, which speak of Go fields, into ones that speak of JSON's.
func speakJSON(comments map[string]string) {
	names := map[string]string{}
	for _, p := range append([]any{events.Envelope{}}, anys(events.Catalogue())...) {
		collectNames(names, reflect.TypeOf(p))
	}
	word := regexp.MustCompile(`\b[A-Z][A-Za-z]*\b`)
	for key, text := range comments {
		if strings.Count(path.Base(key), ".") < 2 { // package.Type, not package.Type.Field
			comments[key] = strings.Join(strings.Fields(text), " ")
			continue
		}
		comments[key] = word.ReplaceAllStringFunc(strings.Join(strings.Fields(text), " "), func(w string) string {
			if name, ok := names[w]; ok {
				return "`" + name + "`"
			}
			return w
		})
	}
}

func anys(ps []events.Payload) []any {
	var out []any
	for _, p := range ps {
		out = append(out, p)
	}
	return out
}

// collectNames adds the JSON name of every Go field below t.
func collectNames(names map[string]string, t reflect.Type) {
	switch t.Kind() { //nolint:exhaustive // the others have no fields
	case reflect.Slice, reflect.Map:
		collectNames(names, t.Elem())
	case reflect.Struct:
		if known(t) != nil {
			return
		}
		for i := range t.NumField() {
			f := t.Field(i)
			if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "" {
				names[f.Name] = name
			}
			collectNames(names, f.Type)
		}
	}
}

func marshal(s *jsonschema.Schema) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	err := enc.Encode(s)
	return b.Bytes(), err
}

func required(s *jsonschema.Schema, name string) bool { return slices.Contains(s.Required, name) }
