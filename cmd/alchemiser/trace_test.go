package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/the-alchemiser/alchemiser/cmd/alchemiser/logs"
	"github.com/the-alchemiser/alchemiser/cmd/alchemiser/workflow"
	"github.com/the-alchemiser/alchemiser/internal/monitor"
	"github.com/the-alchemiser/alchemiser/internal/report"
)

func TestTracesAreFollowedByThoseOfReplays(t *testing.T) {
	trace, err := report.ParseTrace("1-a", []string{
		`{"id":"r","name":"root","start_time":100,"end_time":110,"subsegments":[{"id":"a","name":"half","start_time":105,"end_time":110}]}`,
	})
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 3, 2, 20, 45, 0, 0, time.UTC)
	traces := workflow.Traces{Own: []report.Trace{trace}, Linked: []workflow.Linked{{ID: "1-b", Begun: at}, {ID: "1-c", Begun: at.Add(time.Hour), Replay: "monday"}}}
	var out bytes.Buffer
	if err := writeTraces(&out, traces, 10); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	want := []string{
		"Replays have traces of their own:",
		"  1-c  2026-03-02T21:45:00Z  monday",
	}
	if d := cmp.Diff(want, lines[len(lines)-2:]); d != "" {
		t.Errorf("the end (-want +got):\n%s", d)
	}
	answer, err := json.Marshal(withShares(workflow.Traces{Own: traces.Own}))
	if err != nil || !strings.Contains(string(answer), `"named":0.5`) || !strings.Contains(string(answer), `"linked":[]`) {
		t.Errorf("for programs: %s, %v, want the share that has a name, and a list without links", answer, err)
	}
}

func TestALogLineIsALine(t *testing.T) {
	at := time.Date(2026, 3, 2, 20, 45, 0, 5e6, time.UTC)
	for want, line := range map[string]logs.Line{
		"20:45:00.005 monitor     handled event_id=e-1 published=0\n": {
			At: at, Function: "monitor", Level: "info", Message: "handled", Fields: []logs.Field{{Name: "event_id", Value: "e-1"}, {Name: "published", Value: "0"}},
		},
		"20:45:00.005 execution ✗ attempt failed\n": {At: at, Function: "execution", Level: "error", Message: "attempt failed"},
	} {
		var out bytes.Buffer
		if writeLogLine(&out, line); out.String() != want {
			t.Errorf("line is %q, want %q", out.String(), want)
		}
	}
}

func TestWorkflowsAreAList(t *testing.T) {
	var out bytes.Buffer
	if writeWorkflows(&out, nil); out.String() != "No workflows.\n" {
		t.Errorf("no workflows are %q", out.String())
	}
	at := time.Date(2026, 3, 2, 20, 45, 0, 0, time.UTC)
	out.Reset()
	writeWorkflows(&out, []monitor.Workflow{{
		CorrelationID: "run-main", TradingDate: "2026-03-02", State: monitor.StateCompleted, StartedAt: at, UpdatedAt: at.Add(907 * time.Millisecond), LastSummary: "done",
	}})
	for _, want := range []string{"2026-03-02 20:45:00", "run-main", "completed", "907ms", "done"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%s is missing in\n%s", want, out.String())
		}
	}
}

// An event that passed twice, which happens without any error, is told once, and events stand in the order of time.
func TestAStoryTellsEachEventOnce(t *testing.T) {
	at := time.Date(2026, 3, 2, 20, 45, 0, 0, time.UTC)
	event := func(id string, after time.Duration) workflow.Passed {
		p := workflow.Passed{At: at}
		p.ID, p.Timestamp = id, at.Add(after)
		return p
	}
	story := storyOf("run-main", []monitor.Entry{{At: at, Type: "WorkflowStarted", Source: "cli", Summary: "begun"}},
		[]workflow.Passed{event("b", time.Second), event("a", 0), event("b", time.Second)})
	if len(story.Events) != 2 || story.Events[0].ID != "a" || story.Events[1].ID != "b" || len(story.Timeline) != 1 || story.Timeline[0].Summary != "begun" {
		t.Errorf("story is %+v", story)
	}
}
