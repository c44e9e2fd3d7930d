package main

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/invopop/jsonschema"
)

const intro = `# Events

<!-- Generated from the Go types in pkg/events by go generate. Change those. -->

What travels on the bus. The detail of every event holds the fields of the envelope and, beside them, those of its
type. Fields that a consumer does not know are ignored, those of the top level are kept when the event is forwarded; a missing or wrong
field is refused with its path. The same as [JSON Schema](../pkg/events/schema).

- A *decimal* is a JSON string such as ` + "`\"12.5\"`" + `, never a JSON number: ` + "`-?(0|[1-9][0-9]*)(\\.[0-9]+)?`" + `.
- A *time* is RFC 3339 in UTC, such as ` + "`\"2026-03-02T20:45:00.000000Z\"`" + `; microseconds are kept.
- A *date* is a day of the exchange, such as ` + "`\"2026-03-02\"`" + `.

What a schema cannot say is checked too, when an event is published and when it is read: the weights of a signal sum to exactly 1, a
plan sells before it buys and trades each symbol once, quantities are positive.

`

// page returns docs/events.md.
func page(all schemas) []byte {
	var b bytes.Buffer
	b.WriteString(intro)
	b.WriteString("## Envelope\n\n")
	table(&b, all.envelope)
	for _, t := range all.types {
		fmt.Fprintf(&b, "## %s\n\n%s Schema: [%s.json](../pkg/events/schema/%s.json).\n\n", t.name, t.payload.Description, t.name, t.name)
		table(&b, t.payload)
	}
	b.WriteString("## Parts\n\n")
	written := map[string]bool{}
	for _, t := range all.types {
		parts(&b, t.payload, t.payload.Definitions, written)
	}
	return append(bytes.TrimRight(b.Bytes(), "\n"), '\n')
}

// parts writes the definitions that s refers to, each once, in the order in which a reader meets them.
func parts(b *bytes.Buffer, s *jsonschema.Schema, definitions jsonschema.Definitions, written map[string]bool) {
	for field := s.Properties.Oldest(); field != nil; field = field.Next() {
		if field.Value.Items == nil {
			continue
		}
		name := reference(field.Value.Items)
		if name == "" || written[name] {
			continue
		}
		written[name] = true
		part := definitions[name]
		fmt.Fprintf(b, "### %s\n\n%s\n\n", name, part.Description)
		table(b, part)
		parts(b, part, definitions, written)
	}
}

func table(b *bytes.Buffer, s *jsonschema.Schema) {
	b.WriteString("| field | type | | meaning |\n| --- | --- | --- | --- |\n")
	for field := s.Properties.Oldest(); field != nil; field = field.Next() {
		presence := "optional"
		if required(s, field.Key) {
			presence = "required"
		}
		fmt.Fprintf(b, "| `%s` | %s | %s | %s |\n", field.Key, kind(field.Value), presence, meaning(field.Value))
	}
	b.WriteString("\n")
}

// kind says in words what a value is.
func kind(s *jsonschema.Schema) string {
	switch {
	case s.Format == decimalFormat:
		return "decimal"
	case s.Format == timeFormat:
		return "time"
	case s.Format == dateFormat:
		return "date"
	case reference(s) != "":
		return fmt.Sprintf("[%s](#%s)", reference(s), strings.ToLower(reference(s)))
	case s.Type == "array":
		return "list of " + kind(s.Items)
	case s.Type == "object":
		return kind(s.AdditionalProperties) + " by name"
	case s.Type == "integer":
		return "whole number"
	case s.Type == "boolean":
		return "true or false"
	default:
		return "text"
	}
}

func meaning(s *jsonschema.Schema) string {
	text := s.Description
	if len(s.Enum) > 0 {
		var values []string
		for _, v := range s.Enum {
			values = append(values, fmt.Sprintf("`%v`", v))
		}
		text += " One of " + strings.Join(values, ", ") + "."
	}
	return strings.ReplaceAll(text, "|", `\|`)
}

func reference(s *jsonschema.Schema) string { return strings.TrimPrefix(s.Ref, "#/$defs/") }
