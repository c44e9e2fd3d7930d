package fingerprint_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/the-alchemiser/alchemiser/internal/fingerprint"
	"github.com/the-alchemiser/alchemiser/pkg/events"
)

func noon() time.Time { return time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC) }

// run returns the records of a workflow of two events that both sides had.
func run(id string) []fingerprint.Record {
	var all []fingerprint.Record
	for _, side := range []fingerprint.Side{fingerprint.Memory, fingerprint.EventBridge} {
		took := time.Millisecond
		if side == fingerprint.EventBridge {
			took = 3 * time.Millisecond
		}
		for i, e := range []struct {
			id, cause string
			kind      events.Type
			to        []string
		}{
			{id + "-start", id, events.TypeWorkflowStarted, []string{"strategy", "monitor"}},
			{id + "-signal", id + "-start", events.TypeSignalGenerated, []string{"portfolio", "monitor"}},
		} {
			r := fingerprint.Record{
				Side: side, EventID: e.id, Type: e.kind, CorrelationID: id, CausationID: e.cause, Day: "2026-03-02",
				Fingerprint: "print of " + e.id, At: noon().Add(time.Duration(i) * time.Second), Took: took,
			}
			all = append(all, r)
			for _, function := range e.to {
				r.Function, r.RequestID, r.Took = function, "request of "+e.id+" at "+function, 0
				all = append(all, r)
			}
		}
	}
	return all
}

func TestCompare(t *testing.T) {
	on := func(side fingerprint.Side, event, function string) func(fingerprint.Record) bool {
		return func(r fingerprint.Record) bool {
			return r.Side == side && r.EventID == event && (function == "*" || r.Function == function)
		}
	}
	const memory, eventBridge = fingerprint.Memory, fingerprint.EventBridge
	tests := map[string]struct {
		without    func(fingerprint.Record) bool
		change     func(*fingerprint.Record)
		more       []fingerprint.Record
		want       fingerprint.Counts
		consistent bool
		why        string
	}{
		"both have the same": {want: fingerprint.Counts{Events: 2, Both: 2}, consistent: true},
		"EventBridge has not accepted it": {
			without: on(eventBridge, "w-signal", "*"), want: fingerprint.Counts{Events: 2, Both: 1, Missing: 1}, why: "EventBridge has not accepted it",
		},
		"accepted, but not delivered to one function": {
			without: on(eventBridge, "w-signal", "portfolio"), want: fingerprint.Counts{Events: 2, Both: 1, Missing: 1},
			why: "accepted by EventBridge, but not delivered to portfolio",
		},
		"only EventBridge has it": {
			without: on(memory, "w-start", "*"), want: fingerprint.Counts{Events: 2, Both: 1, Extra: 1}, why: "on EventBridge only: somebody else has published it",
		},
		"EventBridge delivers it to one function more": {
			without: on(memory, "w-start", "strategy"), want: fingerprint.Counts{Events: 2, Both: 1, Extra: 1}, why: "EventBridge delivered it to strategy, the process did not",
		},
		"another content": {
			change: func(r *fingerprint.Record) {
				if on(eventBridge, "w-signal", "monitor")(*r) {
					r.Fingerprint = "another print"
				}
			},
			want: fingerprint.Counts{Events: 2, Both: 1, Different: 1}, why: "content another prin and print of w-s on EventBridge, print of w-s in the process",
		},
		"accepted on both sides, delivered to nobody": {
			without: func(r fingerprint.Record) bool { return r.EventID == "w-signal" && r.Function != "" },
			want:    fingerprint.Counts{Events: 2, Both: 1, Missing: 1}, why: "accepted, but delivered to nobody on either side",
		},
		"one of two contents of the process": {
			change: func(r *fingerprint.Record) {
				if on(memory, "w-signal", "monitor")(*r) {
					r.Fingerprint = "another print"
				}
			},
			want: fingerprint.Counts{Events: 2, Both: 1, Different: 1}, why: "content print of w-s on EventBridge, another prin and print of w-s in the process",
		},
		"delivered twice": {
			more: []fingerprint.Record{{
				Side: eventBridge, EventID: "w-signal", Type: events.TypeSignalGenerated, CorrelationID: "w", CausationID: "w-start",
				Fingerprint: "print of w-signal", Function: "monitor", RequestID: "another", At: noon().Add(time.Hour),
			}},
			want: fingerprint.Counts{Events: 2, Both: 2, Duplicated: 1}, why: "eventbridge delivered it to monitor 2 times",
		},
		"before its cause": {
			change: func(r *fingerprint.Record) {
				if on(eventBridge, "w-start", "monitor")(*r) {
					r.At = noon().Add(1500 * time.Millisecond)
				}
			},
			want: fingerprint.Counts{Events: 2, Both: 2, OutOfOrder: 1}, consistent: true, why: "it came to monitor 500ms before its cause WorkflowStarted",
		},
		"nothing": {without: func(fingerprint.Record) bool { return true }},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var records []fingerprint.Record
			for _, r := range run("w") {
				if tt.without != nil && tt.without(r) {
					continue
				}
				if tt.change != nil {
					tt.change(&r)
				}
				records = append(records, r)
			}
			got := fingerprint.Compare(append(records, tt.more...))
			tt.want.Type = "total"
			if d := cmp.Diff(tt.want, got.Total); d != "" || got.Consistent() != tt.consistent {
				t.Errorf("consistent %t, total (-want +got):\n%s", got.Consistent(), d)
			}
			var why string
			for _, f := range got.Findings {
				why += f.Why
			}
			if why != tt.why {
				t.Errorf("findings say %q, want %q", why, tt.why)
			}
		})
	}
}

func TestCompareCountsByTypeAndMeasuresPublishing(t *testing.T) {
	got := fingerprint.Compare(append(run("v"), run("w")...))
	want := fingerprint.Report{
		Types: []fingerprint.Counts{
			{Type: events.TypeWorkflowStarted, Events: 2, Both: 2}, {Type: events.TypeSignalGenerated, Events: 2, Both: 2},
		},
		Total: fingerprint.Counts{Type: "total", Events: 4, Both: 4},
		Publish: fingerprint.Publish{
			Memory:      fingerprint.Quantiles{N: 4, P50: time.Millisecond, P99: time.Millisecond},
			EventBridge: fingerprint.Quantiles{N: 4, P50: 3 * time.Millisecond, P99: 3 * time.Millisecond},
			Overhead:    fingerprint.Quantiles{N: 4, P50: 2 * time.Millisecond, P99: 2 * time.Millisecond},
		},
	}
	if d := cmp.Diff(want, got, cmpopts.EquateEmpty()); d != "" {
		t.Errorf("report (-want +got):\n%s", d)
	}
}

// Whatever is lost of a consistent run, in whatever order the records are read: the report says it.
func TestNothingIsLostUnnoticed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var records []fingerprint.Record
		for i := range rapid.IntRange(1, 5).Draw(t, "workflows") {
			records = append(records, run(string(rune('a'+i)))...)
		}
		records = rapid.Permutation(records).Draw(t, "order")
		whole := fingerprint.Compare(records)
		if !whole.Consistent() || len(whole.Findings) > 0 {
			t.Fatalf("a whole run is not consistent: %+v", whole)
		}
		lost := rapid.IntRange(0, len(records)-1).Draw(t, "lost")
		gone := records[lost]
		rest := append(records[:lost:lost], records[lost+1:]...)
		switch report := fingerprint.Compare(rest); {
		case gone.Function == "": // the delivery proves that it was accepted
			if !report.Consistent() {
				t.Fatalf("without the publication of %s: %+v", gone.EventID, report.Findings)
			}
		case report.Consistent() || len(report.Findings) != 1 || report.Findings[0].EventID != gone.EventID:
			t.Fatalf("without %s of %s at %s: %+v", gone.Side, gone.EventID, gone.Function, report.Findings)
		}
	})
}
