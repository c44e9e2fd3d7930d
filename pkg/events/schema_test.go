package events_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/the-alchemiser/alchemiser/pkg/events"
)

// Decode does not use the schemas (docs/decisions/0008), so an independent validator judges whether both say the same:
// every single field of every type is taken away and given every kind of wrong value, and whatever the schema refuses,
// Decode must refuse, naming that very field.
func TestDecodeAgreesWithTheSchemas(t *testing.T) {
	t.Parallel()
	for _, e := range samples() {
		t.Run(string(e.Type()), func(t *testing.T) {
			t.Parallel()
			schema := compile(t, e.Type())
			detail := encode(t, e)
			if err := schema.Validate(parse(t, detail)); err != nil {
				t.Fatalf("the schema refuses the sample: %v", err)
			}
			refusals := 0
			for mutation := range mutations(t, detail) {
				_, got := events.Decode(string(e.Type()), mutation.detail)
				if want := schema.Validate(parse(t, mutation.detail)); want == nil {
					continue
				}
				refusals++
				if !names(got, mutation.path) {
					t.Errorf("%s: the schema refuses it, Decode says %v", mutation.name, got)
				}
			}
			if fields := 10; refusals < fields {
				t.Errorf("the schema refused %d mutations, want %d or more", refusals, fields)
			}
		})
	}
}

func compile(t *testing.T, of events.Type) *jsonschema.Schema {
	t.Helper()
	raw, ok := events.Schema(of)
	if !ok {
		t.Fatalf("%s has no schema", of)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("schema.json", parse(t, raw)); err != nil {
		t.Fatal(err)
	}
	return c.MustCompile("schema.json")
}

func parse(t *testing.T, raw []byte) any {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// names says whether err is about path or what lies below it.
func names(err error, path string) bool {
	var invalid *events.InvalidError
	var version *events.VersionError
	if errors.As(err, &version) {
		return path == "$.schema_version"
	}
	return errors.As(err, &invalid) &&
		slices.ContainsFunc(invalid.Fields, func(f events.FieldError) bool { return strings.HasPrefix(f.Path, path) })
}

type mutation struct {
	name, path string
	detail     []byte
}

// mutations yields detail with each of its values taken away or replaced, one at a time.
func mutations(t *testing.T, detail []byte) func(func(mutation) bool) {
	t.Helper()
	wrong := []any{nil, true, false, 0, 1, -1, 1.5, "", " ", "text", "1e5", "01", "-0.5", "2026-03-02", "2026-13-01", "2026-03-02T20:45:00+01:00", []any{}, []any{1}, map[string]any{}, map[string]any{"k": 1}}
	return func(yield func(mutation) bool) {
		root := parse(t, detail)
		var walk func(v any, path string) bool
		emit := func(name, path string) bool {
			raw, err := json.Marshal(root)
			if err != nil {
				t.Fatal(err)
			}
			return yield(mutation{name: name, path: path, detail: raw})
		}
		walk = func(v any, path string) bool {
			switch v := v.(type) {
			case map[string]any:
				for _, key := range slices.Sorted(maps.Keys(v)) {
					at, kept := path+"."+key, v[key]
					delete(v, key)
					if !emit("without "+at, at) {
						return false
					}
					for _, w := range wrong {
						v[key] = w
						if !emit(fmt.Sprintf("%s = %v (%T)", at, w, w), at) {
							return false
						}
					}
					v[key] = kept
					if !walk(kept, at) {
						return false
					}
				}
			case []any:
				for i, kept := range v {
					at := fmt.Sprintf("%s[%d]", path, i)
					for _, w := range wrong {
						v[i] = w
						if !emit(fmt.Sprintf("%s = %v (%T)", at, w, w), at) {
							return false
						}
					}
					v[i] = kept
					if !walk(kept, at) {
						return false
					}
				}
			}
			return true
		}
		walk(root, "$")
	}
}
