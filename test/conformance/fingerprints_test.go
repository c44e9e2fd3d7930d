package conformance_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/the-alchemiser/alchemiser/internal/fingerprint"
	"github.com/the-alchemiser/alchemiser/pkg/events"
)

func TestStoreKeepsFingerprintsByDay(t *testing.T) {
	s := newStore(t, dynamo(t), time.Now)
	at := time.Date(2026, 3, 2, 20, 45, 0, 123000, time.UTC)
	accepted := fingerprint.Record{
		Side: fingerprint.Memory, EventID: "event#1", Type: events.TypeSignalGenerated, CorrelationID: "run", CausationID: "start",
		Day: "2026-03-02", Fingerprint: "abc", At: at, Took: 1500 * time.Microsecond,
	}
	delivered := accepted
	delivered.Side, delivered.Function, delivered.RequestID, delivered.Took = fingerprint.EventBridge, "portfolio", "r-1", 0
	again := delivered
	again.RequestID = "r-2"
	tomorrow := accepted
	tomorrow.Day = "2026-03-03"
	for _, r := range []fingerprint.Record{accepted, accepted, delivered, again, tomorrow} { // the same record twice is one
		if err := s.PutFingerprint(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	got, err := s.Fingerprints(t.Context(), "2026-03-02")
	if d := cmp.Diff([]fingerprint.Record{accepted, delivered, again}, got); d != "" || err != nil {
		t.Errorf("%v, records (-want +got):\n%s", err, d)
	}
	if got, err := s.Fingerprints(t.Context(), "2026-03-04"); len(got) > 0 || err != nil {
		t.Errorf("a day without a dual run has %v, %v", got, err)
	}
}
