package main

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// The page is generated from the services, which know nothing of the command that serves them.
func TestThePageOfTheEndpointHasEveryFlag(t *testing.T) {
	page, err := os.ReadFile("../../docs/local-endpoint.md")
	if err != nil {
		t.Fatal(err)
	}
	flags := regexp.MustCompile(`(?m)^ +--([a-z-]+)`).FindAllStringSubmatch(newLocalUpCommand().Flags().FlagUsages(), -1)
	if len(flags) < 5 {
		t.Fatalf("%d flags found: %q", len(flags), flags)
	}
	for _, flag := range flags {
		if !strings.Contains(string(page), "\n| `--"+flag[1]+"` | ") {
			t.Errorf("no row for --%s in docs/local-endpoint.md: write it in internal/localaws/pagegen/intro.md", flag[1])
		}
	}
}
