package monitor_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/the-alchemiser/alchemiser/internal/monitor"
	"github.com/the-alchemiser/alchemiser/pkg/bus"
	"github.com/the-alchemiser/alchemiser/pkg/events"
	"github.com/the-alchemiser/alchemiser/pkg/fault"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestWhatPeopleRead(t *testing.T) {
	t.Parallel()
	var got strings.Builder
	for _, s := range samples() {
		store, mailed := &fakeStore{}, &fakeMail{}
		out, err := newService(t, store, mailed).Handle(t.Context(), event(s.payload))
		if err != nil || len(out) != 0 {
			t.Fatalf("%s: Handle = %v, %v; want no payloads", s.name, out, err)
		}
		e := store.entries[0]
		if strings.ContainsAny(e.Summary, "\n\r\t") {
			t.Errorf("%s: summary %q is not one line", s.name, e.Summary)
		}
		fmt.Fprintf(&got, "== %s [%s]\n%s\n", s.name, e.State, e.Summary)
		for _, m := range mailed.sent {
			fmt.Fprintf(&got, "-- mail: %s\n%s", m.subject, m.body)
		}
		got.WriteString("\n")
	}
	path := filepath.Join("testdata", "what_people_read.golden")
	if *update {
		if err := os.WriteFile(path, []byte(got.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v: run with -update", err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("run with -update if this is wanted (-want +got):\n%s", diff)
	}
}

func TestHandleRecordsTheEvent(t *testing.T) {
	t.Parallel()
	store := &fakeStore{}
	in := event(events.WorkflowStarted{PortfolioID: "main", TradingDate: "2024-12-02"})
	if _, err := newService(t, store, &fakeMail{}).Handle(t.Context(), in); err != nil {
		t.Fatalf("Handle: %v", err)
	}
	want := []monitor.Entry{{
		EventID: "event-1", CorrelationID: "run-main-2024-12-02T20:45:00Z", CausationID: "cause-1", Type: events.TypeWorkflowStarted, At: at,
		Source: "strategy", PortfolioID: "main", TradingDate: "2024-12-02", Summary: "run of main for 2024-12-02 started", State: monitor.StateRunning,
	}}
	if diff := cmp.Diff(want, store.entries); diff != "" {
		t.Errorf("timeline (-want +got):\n%s", diff)
	}
}

func TestOnlyTheEndOfAWorkflowIsMailed(t *testing.T) {
	t.Parallel()
	for _, s := range samples() {
		mailed := &fakeMail{}
		if _, err := newService(t, &fakeStore{}, mailed).Handle(t.Context(), event(s.payload)); err != nil {
			t.Fatal(err)
		}
		want := 0
		if typ := s.payload.EventType(); typ == events.TypeWorkflowCompleted || typ == events.TypeWorkflowFailed {
			want = 1
		}
		if completed, ok := s.payload.(events.WorkflowCompleted); ok && completed.Outcome == events.OutcomeSkipped {
			want = 0
		}
		if len(mailed.sent) != want {
			t.Errorf("%s: %d mails, want %d", s.name, len(mailed.sent), want)
		}
	}
}

func TestAReplayedEndIsRecordedButNotMailed(t *testing.T) {
	t.Parallel()
	store, mailed := &fakeStore{}, &fakeMail{}
	in := event(events.WorkflowCompleted{PortfolioID: "main", Outcome: events.OutcomeCompleted, Reason: "all orders filled"})
	if _, err := newService(t, store, mailed).Handle(bus.WithReplay(t.Context(), "again"), in); err != nil {
		t.Fatal(err)
	}
	if len(store.entries) != 2 || len(mailed.sent) != 0 {
		t.Fatalf("%d entries and %d mails, want 2 and 0", len(store.entries), len(mailed.sent))
	}
	said := store.entries[1]
	if said.EventID != "replay/again" || said.State != monitor.StateReplayed || !strings.Contains(said.Summary, "replayed from the archive as again") {
		t.Errorf("the second entry is %+v, want that it was a replay", said)
	}
}

func TestSubjectsAreWhatSNSTakes(t *testing.T) {
	t.Parallel()
	mailed := &fakeMail{}
	in := event(events.WorkflowCompleted{PortfolioID: strings.Repeat("ä\n", 100), Outcome: events.OutcomeNothingToDo, Reason: "x"})
	if _, err := newService(t, &fakeStore{}, mailed).Handle(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	subject := mailed.sent[0].subject
	if len(subject) > 100 || strings.ContainsFunc(subject, func(r rune) bool { return r < ' ' || r > '~' }) {
		t.Errorf("subject %q, want at most 100 printable characters of ASCII", subject)
	}
}

// oddity is a payload that no version knows.
type oddity struct{ events.WorkflowStarted }

func TestErrorsAreReturned(t *testing.T) {
	t.Parallel()
	broken := fault.New(fault.Transient, "broken")
	end := events.WorkflowCompleted{PortfolioID: "main", Outcome: events.OutcomeCompleted, Reason: "x"}
	for name, tt := range map[string]struct {
		payload events.Payload
		store   fakeStore
		mail    fakeMail
		code    fault.Code
	}{
		"unknown type":    {oddity{}, fakeStore{}, fakeMail{}, fault.Invalid},
		"timeline broken": {end, fakeStore{err: broken}, fakeMail{}, fault.Transient},
		"notifier broken": {end, fakeStore{}, fakeMail{err: broken}, fault.Transient},
	} {
		_, err := newService(t, &tt.store, &tt.mail).Handle(t.Context(), event(tt.payload))
		if err == nil || fault.CodeOf(err) != tt.code {
			t.Errorf("%s: Handle = %v (%s), want %s", name, err, fault.CodeOf(err), tt.code)
		}
		if tt.store.err != nil && len(tt.mail.sent) > 0 {
			t.Errorf("%s: mailed what is not recorded", name)
		}
	}
}

func stalled(id string) monitor.Workflow {
	return monitor.Workflow{
		CorrelationID: id, PortfolioID: "main", TradingDate: "2024-12-02", State: monitor.StateRunning, StartedAt: at, UpdatedAt: at,
		LastSummary: "plans 1 buy for about $9,900.00, of an equity of $10,000.00",
	}
}

func TestWatchdogTellsAndMarks(t *testing.T) {
	t.Parallel()
	store, mailed := &fakeStore{running: []monitor.Workflow{stalled("run-1"), stalled("run-2")}}, &fakeMail{}
	if err := newService(t, store, mailed).Watchdog(t.Context()); err != nil {
		t.Fatalf("Watchdog: %v", err)
	}
	if want := at.Add(25 * 60e9); !store.before.Equal(want) {
		t.Errorf("looked for workflows without an event since %s, want %s", store.before, want)
	}
	if diff := cmp.Diff([]string{"run-1", "run-2"}, store.marked); diff != "" {
		t.Errorf("marked (-want +got):\n%s", diff)
	}
	if len(mailed.sent) != 2 || mailed.sent[0].subject != "Alchemiser main 2024-12-02: STALLED" ||
		!strings.Contains(mailed.sent[0].body, "Nothing has happened since 20:45:01 UTC; the last event: plans 1 buy") {
		t.Errorf("mails: %+v", mailed.sent)
	}
}

func TestWatchdogFindsAgainWhatNobodyWasToldOf(t *testing.T) {
	t.Parallel()
	store := &fakeStore{running: []monitor.Workflow{stalled("run-1")}}
	err := newService(t, store, &fakeMail{err: errors.New("broken")}).Watchdog(t.Context())
	if err == nil || len(store.marked) != 0 {
		t.Errorf("Watchdog = %v, marked %v; want an error and nothing marked", err, store.marked)
	}
}

func TestWatchdogGoesOnAfterAFault(t *testing.T) {
	t.Parallel()
	store := &fakeStore{
		running: []monitor.Workflow{stalled("run-1"), stalled("run-2")},
		markErr: map[string]error{"run-1": fault.New(fault.Transient, "throttled")},
	}
	err := newService(t, store, &fakeMail{}).Watchdog(t.Context())
	if err == nil || !strings.Contains(err.Error(), "workflow run-1 has stalled: throttled") || fault.CodeOf(err) != fault.Transient {
		t.Errorf("Watchdog = %v, want run-1's fault", err)
	}
	if diff := cmp.Diff([]string{"run-2"}, store.marked); diff != "" {
		t.Errorf("marked (-want +got):\n%s", diff)
	}
	if err := newService(t, &fakeStore{err: fault.New(fault.Transient, "down")}, &fakeMail{}).Watchdog(t.Context()); fault.CodeOf(err) != fault.Transient {
		t.Errorf("Watchdog = %v, want the store's fault", err)
	}
}

func TestConfigIsCheckedWhole(t *testing.T) {
	t.Parallel()
	_, err := monitor.New(monitor.Config{})
	for _, want := range []string{"timeline", "workflows", "notifier", "meter", "calendar", "portfolio", "stalled after is 0s", "now"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("New = %v, want it to name %s", err, want)
		}
	}
}
