package pattern_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/the-alchemiser/alchemiser/internal/localaws/events/pattern"
)

// The files in testdata/cases hold patterns, each followed by events that match it (+) or do not (-), or by how the reason
// begins for which it is refused (!).
func TestCases(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join("testdata", "cases", "*.txt"))
	if err != nil {
		t.Fatal(err)
	}
	cases := 0
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		text := ""
		for i, line := range strings.Split(strings.TrimSpace(string(raw)), "\n") {
			where := fmt.Sprintf("%s:%d", file, i+1)
			mark, rest, _ := strings.Cut(line, " ")
			switch mark {
			case "#":
			case "+", "-":
				cases++
				judge(t, where, text, rest, mark == "+")
			case "!":
				cases++
				if _, err := pattern.Compile(text); err == nil || !strings.HasPrefix(err.Error(), rest) {
					t.Errorf("%s: Compile(%s) = %v, want %s", where, text, err, rest)
				}
			default:
				text = line
			}
		}
	}
	if cases < 300 {
		t.Errorf("%d cases: some are missing", cases)
	}
	t.Logf("%d cases", cases)
}

func judge(t *testing.T, where, text, event string, want bool) {
	t.Helper()
	p, err := pattern.Compile(text)
	if err != nil {
		t.Errorf("%s: Compile(%s): %v", where, text, err)
		return
	}
	e, err := pattern.ParseEvent(event)
	if err != nil {
		t.Errorf("%s: ParseEvent(%s): %v", where, event, err)
		return
	}
	if got := p.Match(e); got != want {
		t.Errorf("%s: %s on %s: %v, want %v", where, text, event, got, want)
	}
	if got := len(pattern.NewIndex([]string{text}, []*pattern.Pattern{p}).Match(e)) == 1; got != want {
		t.Errorf("%s: %s on %s by an index: %v, want %v", where, text, event, got, want)
	}
}
