package events_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/the-alchemiser/alchemiser/pkg/events"
)

// A type that is declared but not in the catalogue could be published by nobody and read by nobody.
func TestCatalogueHasEveryPayload(t *testing.T) {
	t.Parallel()
	var listed []string
	for _, p := range events.Catalogue() {
		listed = append(listed, reflect.TypeOf(p).Name())
	}
	declared := declaredPayloads(t)
	slices.Sort(listed)
	slices.Sort(declared)
	if !slices.Equal(listed, declared) {
		t.Errorf("the catalogue has %q, the package declares %q", listed, declared)
	}
}

// declaredPayloads returns the receivers of all methods EventType in the package.
func declaredPayloads(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || f.Recv == nil || f.Name.Name != "EventType" {
				continue
			}
			if id, ok := f.Recv.List[0].Type.(*ast.Ident); ok {
				names = append(names, id.Name)
			}
		}
	}
	return names
}

func TestEveryTypeHasSampleAndSchema(t *testing.T) {
	t.Parallel()
	sampled := map[events.Type]bool{}
	for _, e := range samples() {
		sampled[e.Type()] = true
	}
	for _, p := range events.Catalogue() {
		if !sampled[p.EventType()] {
			t.Errorf("%s has no sample, so no golden file and no property", p.EventType())
		}
		if _, ok := events.Schema(p.EventType()); !ok {
			t.Errorf("%s has no schema", p.EventType())
		}
	}
	if _, ok := events.Schema("Foreign"); ok {
		t.Error("an unknown type has a schema")
	}
}
