package brokertest_test

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/the-alchemiser/alchemiser/internal/broker/brokertest"
)

func TestCasesAreAsDocumented(t *testing.T) {
	text, err := os.ReadFile("../../../docs/broker.md")
	if err != nil {
		t.Fatal(err)
	}
	var documented []string
	for line := range strings.Lines(string(text)) {
		if name, ok := strings.CutPrefix(strings.TrimSpace(line), "- B"); ok {
			documented = append(documented, "B"+name)
		}
	}
	if d := cmp.Diff(brokertest.Cases(), documented); d != "" {
		t.Errorf("docs/broker.md (-code +page):\n%s", d)
	}
}
