package pattern_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/the-alchemiser/alchemiser/internal/localaws/events/pattern"
)

// recorded is a case that other projects recorded: see the README beside the files.
type recorded struct {
	Name     string `json:"name"`
	Pattern  string `json:"pattern_text"`
	Event    string `json:"event_text"`
	Expect   string `json:"expect"`
	Message  string `json:"message"`
	Raw      string `json:"error_message_raw"`
	Concerns string `json:"error_concerns"`
}

// shared decodes a file of recorded cases.
func shared(t *testing.T, name string, into any) {
	t.Helper()
	dir := os.Getenv("SHARED_DIR")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "..", "..", "shared")
	}
	raw, err := os.ReadFile(filepath.Join(dir, "conformance", name))
	if errors.Is(err, os.ErrNotExist) {
		t.Skipf("SKIPPED: recorded cases %s are not there; set SHARED_DIR to run them", name)
	}
	if err != nil {
		t.Fatal(err)
	}
	// The recorder wrote numbers beyond a double as Infinity, which is no JSON; the texts of the cases do not have it.
	raw = bytes.ReplaceAll(raw, []byte(" Infinity\n"), []byte(" null\n"))
	if err := json.Unmarshal(raw, into); err != nil {
		t.Fatalf("decode %s: %v", name, err)
	}
}

func TestPatternsAreJudgedAsAWSRecordedThem(t *testing.T) {
	t.Parallel()
	var cases []recorded
	shared(t, "patterns_localstack.json", &cases)
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			p, err := pattern.Compile(c.Pattern)
			if c.Expect == "exception" && c.Concerns != "event" {
				// The recorder replaced parts of ARNs in what AWS echoed, not in what it was sent.
				want := strings.NewReplacer("<partition>", "aws", "<region>", "us-east-1").Replace(c.Raw)
				if err == nil || "Event pattern is not valid. Reason: "+err.Error() != want {
					t.Fatalf("Compile(%s) = %v\nwant %s", c.Pattern, err, want)
				}
				return
			}
			if err != nil {
				t.Fatalf("Compile(%s): %v", c.Pattern, err)
			}
			if c.Concerns == "event" {
				return // what makes an event complete is the service's to judge
			}
			e, err := pattern.ParseEvent(c.Event)
			if err != nil {
				t.Fatalf("ParseEvent(%s): %v", c.Event, err)
			}
			if got, want := p.Match(e), c.Expect == "match"; got != want {
				t.Errorf("%s on %s: match = %v, want %v", c.Pattern, c.Event, got, want)
			}
		})
	}
}

func TestPatternsMatchAsEventRulerDoes(t *testing.T) {
	t.Parallel()
	var suite struct{ Cases []recorded }
	shared(t, "patterns_ruler.json", &suite)
	for _, c := range suite.Cases {
		p, err := pattern.Compile(c.Pattern)
		if err != nil {
			t.Errorf("%s: Compile(%s): %v", c.Name, c.Pattern, err)
			continue
		}
		e, err := pattern.ParseEvent(c.Event)
		if err != nil {
			t.Errorf("%s: ParseEvent(%s): %v", c.Name, c.Event, err)
			continue
		}
		if got, want := p.Match(e), c.Expect == "match"; got != want {
			t.Errorf("%s: %s on %s: match = %v, want %v", c.Name, c.Pattern, c.Event, got, want)
		}
	}
}

func TestPatternsAreRefusedInEventRulersWords(t *testing.T) {
	t.Parallel()
	var suite struct {
		Invalid []recorded `json:"invalid_patterns"`
		Valid   []recorded `json:"valid_patterns"`
	}
	shared(t, "patterns_ruler.json", &suite)
	for _, c := range suite.Valid {
		if _, err := pattern.Compile(c.Pattern); err != nil {
			t.Errorf("Compile(%s): %v", c.Pattern, err)
		}
	}
	for _, c := range suite.Invalid {
		_, err := pattern.Compile(c.Pattern)
		if err == nil || !strings.HasPrefix(err.Error()+"\n", c.Message+"\n") {
			t.Errorf("Compile(%s) = %v, want %s", c.Pattern, err, c.Message)
		}
	}
}
