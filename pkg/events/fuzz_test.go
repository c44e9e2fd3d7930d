package events_test

import (
	"bytes"
	"testing"

	"github.com/the-alchemiser/alchemiser/pkg/events"
)

// Whatever Decode accepts, it accepts again in its own encoding, which is a fixed point: nothing drifts on the way
// through any number of functions.
func FuzzDecode(f *testing.F) {
	for _, e := range samples() {
		w, err := events.Encode(e, "alchemiser")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(w.DetailType, w.Detail)
	}
	f.Add("WorkflowStarted", []byte(scheduled))
	f.Add("WorkflowStarted", []byte(`{"schema_version":"9.9"}`))
	f.Add("SignalGenerated", []byte(`{"weights":{"A":1e999999999,"A":null}}`))
	f.Fuzz(func(t *testing.T, detailType string, raw []byte) {
		e, err := events.Decode(detailType, raw)
		if err != nil {
			return // refusing is fine; panicking or drifting is not
		}
		wire, err := events.Encode(e, "alchemiser")
		if err != nil {
			t.Fatalf("accepted %q, refuses to encode it: %v", raw, err)
		}
		again, err := events.Decode(wire.DetailType, wire.Detail)
		if err != nil {
			t.Fatalf("accepted %q, refused its own encoding %q: %v", raw, wire.Detail, err)
		}
		if got := encode(t, again); !bytes.Equal(got, wire.Detail) {
			t.Fatalf("encoding of %q is not a fixed point: %q then %q", raw, wire.Detail, got)
		}
	})
}

// Canonical JSON has one fingerprint, and is its own canonical form.
func FuzzFingerprint(f *testing.F) {
	f.Add([]byte(`{"b":[1,2.50,"é"],"a":{}}`))
	f.Add([]byte(`{"a":1,"a":2}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		one, err := events.Fingerprint(raw)
		if err != nil {
			return
		}
		padded := append(append([]byte(" \n"), raw...), '\t')
		if again, err := events.Fingerprint(padded); err != nil || again != one {
			t.Fatalf("fingerprint of %q is %s, with white space %s, %v", raw, one, again, err)
		}
	})
}
