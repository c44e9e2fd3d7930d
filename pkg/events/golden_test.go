package events_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/the-alchemiser/alchemiser/pkg/events"
)

// The golden files are the contract with whoever reads our events elsewhere: change them with -update and a line in the
// changelog.
func TestEventsTravelInTheirGoldenForm(t *testing.T) {
	t.Parallel()
	for _, e := range samples() {
		t.Run(string(e.Type()), func(t *testing.T) {
			t.Parallel()
			w, err := events.Encode(e, "alchemiser")
			if err != nil {
				t.Fatal(err)
			}
			var got bytes.Buffer
			enc := json.NewEncoder(&got)
			enc.SetEscapeHTML(false)
			enc.SetIndent("", "  ")
			if err := enc.Encode(map[string]any{
				"source": w.Source, "detail-type": w.DetailType, "resources": w.Resources, "detail": json.RawMessage(w.Detail),
			}); err != nil {
				t.Fatal(err)
			}
			file := filepath.Join("testdata", string(e.Type())+".json")
			if *update {
				if err := os.WriteFile(file, got.Bytes(), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got.String()); diff != "" {
				t.Errorf("%s changed (-golden +got):\n%s", file, diff)
			}
		})
	}
}

var update = flag.Bool("update", false, "write the golden files")
