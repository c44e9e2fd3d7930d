package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/the-alchemiser/alchemiser/internal/localaws"
)

func TestPageIsFresh(t *testing.T) {
	t.Parallel()
	want, err := page()
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.FromSlash(target))
	if err != nil {
		t.Fatalf("%v; run go generate ./internal/localaws", err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("docs/local-endpoint.md does not agree with the services; run go generate ./internal/localaws (-want +got):\n%s", diff)
	}
}

func TestEveryServiceHasANameAndItsGapsAreSentences(t *testing.T) {
	t.Parallel()
	services, err := localaws.Registry()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range services {
		if names()[s.Name] == "" {
			t.Errorf("service %s has no name on the page", s.Name)
		}
		for _, gap := range s.Gaps {
			sentence(t, s.Name, gap)
		}
		for _, op := range s.Operations {
			if op.Gap != "" {
				sentence(t, s.Name+"."+op.Name, op.Gap)
			}
		}
	}
}

func sentence(t *testing.T, what, text string) {
	t.Helper()
	if strings.ContainsAny(text, "\n") || !strings.HasSuffix(text, ".") {
		t.Errorf("%s: %q is not a sentence of one line", what, text)
	}
}
