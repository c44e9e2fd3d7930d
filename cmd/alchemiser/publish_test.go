package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/the-alchemiser/alchemiser/pkg/events"
)

func TestWhatIsPublishedIsWhatFunctionsTake(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 2, 20, 45, 0, 0, time.UTC)
	file := filepath.Join(t.TempDir(), "completed.json")
	if err := os.WriteFile(file, []byte(`{"outcome":"skipped","reason":"closed","portfolio_id":"main-a","orders":0}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		t    events.Type
		opts publishOptions
		want string // of the error; empty: it is accepted
	}{
		"a start needs nothing":                 {events.TypeWorkflowStarted, publishOptions{}, ""},
		"a field":                               {events.TypeWorkflowStarted, publishOptions{set: []string{"portfolio_id=main-x", "trading_date=2026-03-02"}}, ""},
		"a file":                                {events.TypeWorkflowCompleted, publishOptions{file: file}, ""},
		"a file, and a field that goes before":  {events.TypeWorkflowCompleted, publishOptions{file: file, set: []string{"outcome=sold out"}}, "$.outcome"},
		"JSON as a value":                       {events.TypeWorkflowStarted, publishOptions{set: []string{`metadata={"a":"b"}`}}, ""},
		"an event that lacks what it must have": {events.TypeSignalGenerated, publishOptions{}, "$.signals"},
		"no type of ours":                       {"Whatever", publishOptions{}, "Whatever"},
		"a field without a value":               {events.TypeWorkflowStarted, publishOptions{set: []string{"portfolio_id"}}, "want field=value"},
		"no such file":                          {events.TypeWorkflowStarted, publishOptions{file: "none.json"}, "none.json"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fields, err := fieldsOf(newPublishCommand(), tt.opts)
			var e events.Event
			if err == nil {
				fillIn(fields, tt.t, now)
				var raw []byte
				if raw, err = json.Marshal(fields); err == nil {
					e, err = events.Decode(string(tt.t), raw)
				}
			}
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Fatalf("error %v, want %q", err, tt.want)
			}
			if err == nil && (e.CausationID != e.CorrelationID || e.Timestamp != now || e.ID == "") {
				t.Errorf("the event is %+v", e)
			}
		})
	}
}

func TestMoments(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 2, 20, 45, 0, 0, time.UTC)
	for text, want := range map[string]time.Time{
		"": now, "-2h": now.Add(-2 * time.Hour), "0s": now, "2026-03-01T00:00:00Z": now.Add(-44*time.Hour - 45*time.Minute), "2h": {}, "yesterday": {},
	} {
		got, err := moment(text, now)
		if want.IsZero() != (err != nil) || !got.Equal(want) {
			t.Errorf("moment(%q) = %s, %v, want %s", text, got, err, want)
		}
	}
}
