package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestGeneratedFilesAreFresh(t *testing.T) {
	t.Parallel()
	files, err := generate()
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range files {
		got, err := os.ReadFile(filepath.FromSlash(name))
		if err != nil {
			t.Errorf("%v; run go generate ./pkg/events", err)
			continue
		}
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			t.Errorf("%s does not agree with the Go types; run go generate ./pkg/events (-want +got):\n%s", name, diff)
		}
	}
	committed, err := filepath.Glob("../schema/*.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range committed {
		if _, ok := files[filepath.ToSlash(name)]; !ok {
			t.Errorf("%s belongs to no event type: remove it", name)
		}
	}
}
