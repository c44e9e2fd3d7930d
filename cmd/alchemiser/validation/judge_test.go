package validation_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/the-alchemiser/alchemiser/cmd/alchemiser/validation"
	"github.com/the-alchemiser/alchemiser/internal/fingerprint"
	"github.com/the-alchemiser/alchemiser/internal/monitor"
)

var update = flag.Bool("update", false, "write the golden files anew")

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// sound is the evidence of a stage that has kept all its promises.
func sound() validation.Evidence {
	fast := validation.Function{
		Name: "strategy", Version: "7", Timeout: time.Minute,
		Durations: []time.Duration{time.Second}, Publishes: []time.Duration{9 * time.Millisecond},
	}
	idle := validation.Function{Name: "portfolio", Version: "7", Timeout: time.Minute}
	return validation.Evidence{
		Stage: "dev", Account: "123456789012", Region: "us-east-1", From: noon.AddDate(0, 0, -1), To: noon,
		Functions:   []validation.Function{fast, idle},
		Deliveries:  []validation.Delivery{{EventID: "e-1", EventType: "WorkflowStarted", CorrelationID: "run-1", Function: "strategy", State: "done"}},
		EventLog:    true,
		Workflows:   []monitor.Workflow{{CorrelationID: "run-1", State: monitor.StateNothingToDo}, {CorrelationID: "run-0", State: monitor.StateSkipped}},
		DeadLetters: map[string]int{"strategy": 0, "bus": 0},
		Archive:     validation.Archive{Name: "archive", State: "ENABLED", Events: 12},
	}
}

// broken is the evidence of a stage on which everything went wrong.
func broken() validation.Evidence {
	e := sound()
	e.Functions[0].Durations = []time.Duration{59 * time.Second}
	e.Functions[0].Publishes = []time.Duration{100 * time.Millisecond}
	e.Functions[1].Errors = []validation.ErrorLine{
		{At: noon.Add(-time.Hour), Text: "attempt failed: the broker is down", EventID: "e-1"},
		{At: noon.Add(-time.Hour), Text: "attempt failed: once", MadeGood: true},
	}
	for range 12 {
		e.Deliveries = append(e.Deliveries, validation.Delivery{EventID: "e-2", EventType: "SignalGenerated", CorrelationID: "run-1", Function: "portfolio", State: "it has never got there"})
	}
	e.EventLog = false
	e.Workflows = append(e.Workflows, monitor.Workflow{CorrelationID: "run-2", State: monitor.StateFailed, LastSummary: "the broker is down"})
	e.DeadLetters["strategy"] = 2
	e.Archive = validation.Archive{State: "DISABLED", Trades: true, Deaf: true}
	e.Dual = fingerprint.Report{
		Total:    fingerprint.Counts{Events: 3, Both: 2, Missing: 1},
		Findings: []fingerprint.Finding{{CorrelationID: "run-1", EventID: "e-2", Type: "SignalGenerated", What: "missing", Why: "not delivered to portfolio"}},
	}
	return e
}

func TestEachCriterionFailsByItself(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*validation.Evidence)
		failed []string
	}{
		"all is well": {func(*validation.Evidence) {}, nil},
		"nothing ran": {func(e *validation.Evidence) { e.Workflows, e.Deliveries = nil, nil }, []string{"workflows", "delivery"}},
		"a workflow has stalled": {
			func(e *validation.Evidence) { e.Workflows[0].State = monitor.StateStalled }, []string{"workflows"},
		},
		"an event is not handled": {func(e *validation.Evidence) { e.Deliveries[0].State = "not finished" }, []string{"delivery"}},
		"no log of all events":    {func(e *validation.Evidence) { e.EventLog = false }, nil},
		"publishing takes as long as it may not": {
			func(e *validation.Evidence) { e.Functions[0].Publishes = []time.Duration{100 * time.Millisecond} }, []string{"publish overhead"},
		},
		"one publication of a hundred is slow": {
			func(e *validation.Evidence) {
				e.Functions[0].Publishes = append(slices.Repeat([]time.Duration{time.Millisecond}, 99), time.Second)
			}, nil,
		},
		"two publications of a hundred are slow": {
			func(e *validation.Evidence) {
				e.Functions[0].Publishes = append(slices.Repeat([]time.Duration{time.Millisecond}, 98), time.Second, time.Second)
			}, []string{"publish overhead"},
		},
		"a dead letter":     {func(e *validation.Evidence) { e.DeadLetters["bus"] = 1 }, []string{"dead letters"}},
		"no queues":         {func(e *validation.Evidence) { e.DeadLetters = nil }, []string{"dead letters"}},
		"no archive":        {func(e *validation.Evidence) { e.Archive = validation.Archive{Missing: true} }, []string{"replay"}},
		"an empty archive":  {func(e *validation.Evidence) { e.Archive.Events = 0 }, []string{"replay"}},
		"replays trade":     {func(e *validation.Evidence) { e.Archive.Trades = true }, []string{"replay"}},
		"nothing is traded": {func(e *validation.Evidence) { e.Archive.Deaf = true }, []string{"replay"}},
		"no archiving":      {func(e *validation.Evidence) { e.Archive.State = "UPDATE_FAILED" }, []string{"replay"}},
		"a replay of all but the youngest": {
			func(e *validation.Evidence) {
				e.Replay = &validation.Replay{State: "COMPLETED", Came: 2, Due: 2, All: 3}
			}, nil,
		},
		"a replay that lacks something": {
			func(e *validation.Evidence) {
				e.Replay = &validation.Replay{State: "COMPLETED", Came: 1, Due: 2, All: 3}
			}, []string{"replay"},
		},
		"a replay of nothing": {
			func(e *validation.Evidence) { e.Replay = &validation.Replay{State: "COMPLETED"} }, []string{"replay"},
		},
		"a replay that failed": {
			func(e *validation.Evidence) { e.Replay = &validation.Replay{State: "FAILED", Came: 3, All: 3} }, []string{"replay"},
		},
		"a slow function": {func(e *validation.Evidence) { e.Functions[0].Durations[0] = 48 * time.Second }, []string{"duration of strategy"}},
		"an error that stays": {
			func(e *validation.Evidence) { e.Functions[1].Errors = []validation.ErrorLine{{Text: "boom"}} }, []string{"error logs"},
		},
		"an error made good": {
			func(e *validation.Evidence) {
				e.Functions[1].Errors = []validation.ErrorLine{{Text: "boom", MadeGood: true}}
			}, nil,
		},
		"a consistent dual run": {
			func(e *validation.Evidence) { e.Dual.Total = fingerprint.Counts{Events: 3, Both: 3, OutOfOrder: 1} }, nil,
		},
		"a dual run that publishes slowly": {
			func(e *validation.Evidence) {
				e.Functions[0].Publishes = nil
				e.Dual.Total = fingerprint.Counts{Events: 3, Both: 3}
				e.Dual.Publish.Overhead = fingerprint.Quantiles{N: 3, P99: 100 * time.Millisecond}
			}, []string{"publish overhead"},
		},
		"an inconsistent dual run": {
			func(e *validation.Evidence) { e.Dual.Total = fingerprint.Counts{Events: 3, Both: 3, Duplicated: 1} }, []string{"dual publishing"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := sound()
			c.change(&e)
			r := validation.Judge(e)
			if d := cmp.Diff(c.failed, r.Failed()); d != "" || r.Holds != (c.failed == nil) {
				t.Errorf("holds is %t, failed (-want +got):\n%s", r.Holds, d)
			}
		})
	}
}

func TestWhatMayStillComeIsUnderway(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*validation.Evidence)
		want   bool
	}{
		"nothing":            {func(*validation.Evidence) {}, false},
		"a delivery":         {func(e *validation.Evidence) { e.Deliveries[0].State = "not finished" }, true},
		"a workflow":         {func(e *validation.Evidence) { e.Workflows[0].State = monitor.StateResumed }, true},
		"a dual publication": {func(e *validation.Evidence) { e.Dual.Total = fingerprint.Counts{Events: 3, Both: 2, Missing: 1} }, true},
		"a failed workflow":  {func(e *validation.Evidence) { e.Workflows[0].State = monitor.StateFailed }, false},
	} {
		e := sound()
		c.change(&e)
		if got := e.Underway(); got != c.want {
			t.Errorf("%s: under way is %t", name, got)
		}
	}
}

// What is almost all is not all.
func TestAHundredPercentMeansAll(t *testing.T) {
	t.Parallel()
	e := sound()
	e.Deliveries = slices.Repeat(e.Deliveries, 99_999)
	e.Deliveries = append(e.Deliveries, validation.Delivery{State: "not finished"})
	if got := validation.Judge(e).Checks[1]; got.Figure != "99.99 % (99999 of 100000)" || got.Verdict != validation.Fail {
		t.Errorf("99,999 of 100,000 are %q, %s", got.Figure, got.Verdict)
	}
}

func TestReportsForPeople(t *testing.T) {
	t.Parallel()
	for name, e := range map[string]validation.Evidence{"sound": sound(), "broken": broken()} {
		r := validation.Judge(e)
		var table, markdown bytes.Buffer
		if err := r.WriteTable(&table); err != nil {
			t.Fatal(err)
		}
		if err := r.WriteMarkdown(&markdown); err != nil {
			t.Fatal(err)
		}
		golden(t, name+".txt", table.Bytes())
		golden(t, name+".md", markdown.Bytes())
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), string(got)); d != "" {
		t.Errorf("%s (-want +got; -update writes it anew):\n%s", name, d)
	}
}
