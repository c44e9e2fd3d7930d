package events_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/the-alchemiser/alchemiser/pkg/events"
	"github.com/the-alchemiser/alchemiser/pkg/fault"
)

type jsonRaw = json.RawMessage

func fixedZone(hours int) *time.Location { return time.FixedZone("zone", hours*3600) }

// foreign is a payload of a type that is not in the catalogue.
type foreign struct{}

func (foreign) EventType() events.Type { return "Foreign" }
func (foreign) Portfolio() string      { return "p" }
func (foreign) Validate() error        { return nil }

func TestEntryTakesTheSourceOfItsModuleAndNamesItsWorkflow(t *testing.T) {
	t.Parallel()
	e := follow(completed())
	w, err := events.Encode(e, "alchemiser")
	if err != nil {
		t.Fatal(err)
	}
	if w.Source != "alchemiser.strategy" || w.DetailType != "WorkflowCompleted" {
		t.Errorf("source and type are %q and %q", w.Source, w.DetailType)
	}
	if got, want := strings.Join(w.Resources, " "), "correlation:"+e.CorrelationID+" causation:"+e.CausationID; got != want {
		t.Errorf("resources are %q, want %q", got, want)
	}
}

func TestSizeCountsAsEventBridgeDoes(t *testing.T) {
	t.Parallel()
	w := events.Wire{Source: "é", DetailType: "abc", Detail: []byte("{}"), Resources: []string{"x", "yz"}}
	if got, want := w.Size(), 14+2+3+2+1+2; got != want {
		t.Errorf("size is %d, want %d: bytes in UTF-8, and 14 for the time", got, want)
	}
	if err := w.Check(w.Size()); err != nil {
		t.Errorf("Check at the limit = %v, want nil", err)
	}
	err := w.Check(w.Size() - 1)
	var size *events.SizeError
	if !errors.As(err, &size) || size.Size != w.Size() || size.Limit != w.Size()-1 || size.Type != "abc" {
		t.Fatalf("Check above the limit = %#v, want a *SizeError", err)
	}
	if fault.CodeOf(err) != fault.Invalid || !strings.Contains(err.Error(), "publish less") {
		t.Errorf("%v (%s), want invalid and what to do", err, fault.CodeOf(err))
	}
}

func TestFingerprintIsOfTheContent(t *testing.T) {
	t.Parallel()
	one, err := events.Fingerprint([]byte(`{"a":{"c":"é","b":[1,2]}}`))
	if err != nil {
		t.Fatal(err)
	}
	same, err := events.Fingerprint([]byte("{ \"a\" : {\"b\":[1, 2],\n\"c\":\"\\u00e9\"}}"))
	if err != nil {
		t.Fatal(err)
	}
	if one != same || len(one) != 64 {
		t.Errorf("fingerprints %q and %q of the same content differ", one, same)
	}
	for _, other := range []string{`{"a":{"c":"é","b":[2,1]}}`, `{"a":{"c":"é","b":["1","2"]}}`, `{"a":{"c":"e","b":[1,2]}}`} {
		if got, err := events.Fingerprint([]byte(other)); err != nil || got == one {
			t.Errorf("Fingerprint(%s) = %q, %v, want another than %q", other, got, err, one)
		}
	}
	if _, err := events.Fingerprint([]byte(`{"a":1,"a":2}`)); fault.CodeOf(err) != fault.Invalid {
		t.Errorf("Fingerprint of a duplicate name = %v, want an invalid error", err)
	}
}

// That they never change is held by the golden files.
func TestFollowIDsAreFunctionsOfTheirCause(t *testing.T) {
	t.Parallel()
	a := events.FollowID("cause", events.TypeSignalGenerated, 0)
	if a != events.FollowID("cause", events.TypeSignalGenerated, 0) {
		t.Error("the same cause gave two ids")
	}
	seen := map[string]bool{a: true}
	for _, id := range []string{
		events.FollowID("cause", events.TypeSignalGenerated, 1), events.FollowID("cause", events.TypeRebalancePlanned, 0),
		events.FollowID("other", events.TypeSignalGenerated, 0), events.DeriveID("ab", "c"), events.DeriveID("a", "bc"),
	} {
		if seen[id] {
			t.Errorf("id %s came twice", id)
		}
		seen[id] = true
	}
}
