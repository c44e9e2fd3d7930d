package fingerprint_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/the-alchemiser/alchemiser/internal/fingerprint"
	"github.com/the-alchemiser/alchemiser/pkg/bus"
	"github.com/the-alchemiser/alchemiser/pkg/bus/dualbus"
	"github.com/the-alchemiser/alchemiser/pkg/events"
	"github.com/the-alchemiser/alchemiser/pkg/fault"
	"github.com/the-alchemiser/alchemiser/pkg/market"
)

// memory is a fingerprint.Log. While down is set it keeps nothing.
type memory struct {
	mu      sync.Mutex
	records []fingerprint.Record
	down    error
}

func (m *memory) PutFingerprint(_ context.Context, r fingerprint.Record) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.down == nil {
		m.records = append(m.records, r)
	}
	return m.down
}

func (m *memory) Fingerprints(context.Context, market.Date) ([]fingerprint.Record, error) {
	return m.records, nil
}

func event(id string) events.Event {
	return events.Event{
		ID: id, CorrelationID: "run-1", CausationID: "run-1", SchemaVersion: events.SchemaVersion, Timestamp: noon(), SourceModule: "scheduler",
		Payload: events.WorkflowStarted{PortfolioID: "main"},
	}
}

func delivery(t *testing.T, e events.Event, requestID string) bus.Delivery {
	t.Helper()
	wire, err := events.Encode(e, "alchemiser")
	if err != nil {
		t.Fatal(err)
	}
	return bus.Delivery{RequestID: requestID, DetailType: wire.DetailType, Source: wire.Source, Detail: wire.Detail}
}

// What the process and its shadow record of the same event is consistent, through all of the code that makes the records.
func TestBothSidesOfADualRunRecordTheSame(t *testing.T) {
	log := &memory{}
	var told []error
	r := fingerprint.NewRecorder(log, noon, func(err error) { told = append(told, err) })
	e := event("start-1")
	handled := false
	inProcess := r.Observe("strategy")(func(context.Context, bus.Delivery) error { handled = true; return nil })
	r.Published(t.Context(), dualbus.Publication{Side: dualbus.Primary, Publication: bus.Publication{Accepted: []events.Event{e}, Took: time.Millisecond}})
	r.Published(t.Context(), dualbus.Publication{Side: dualbus.Shadow, Publication: bus.Publication{Accepted: []events.Event{e}, Took: 4 * time.Millisecond}})
	if err := inProcess(t.Context(), delivery(t, e, "1")); err != nil || !handled {
		t.Fatalf("handled %t, %v", handled, err)
	}
	if err := r.Close(t.Context()); err != nil || len(told) > 0 {
		t.Fatalf("Close = %v, told %v", err, told)
	}
	shadow := fingerprint.ShadowHandler("strategy", log, noon)
	if err := shadow(t.Context(), delivery(t, e, "2")); err != nil {
		t.Fatal(err)
	}
	report := fingerprint.Compare(log.records)
	if !report.Consistent() || report.Publish.Overhead.P50 != 3*time.Millisecond || len(log.records) != 4 {
		t.Errorf("%d records make %+v", len(log.records), report)
	}
}

func TestReplaysAreNoPartOfADualRun(t *testing.T) {
	log := &memory{}
	r := fingerprint.NewRecorder(log, noon, func(err error) { t.Error(err) })
	d := delivery(t, event("start-1"), "1")
	d.ReplayName = "replay"
	if err := r.Observe("monitor")(func(context.Context, bus.Delivery) error { return nil })(t.Context(), d); err != nil {
		t.Error(err)
	}
	if err := fingerprint.ShadowHandler("monitor", log, noon)(t.Context(), d); err != nil {
		t.Error(err)
	}
	if err := r.Close(t.Context()); err != nil || len(log.records) > 0 {
		t.Errorf("Close = %v, records %+v", err, log.records)
	}
}

func TestAShadowAsksForAnotherAttemptIfItsRecordIsNotKept(t *testing.T) {
	down := fault.New(fault.Transient, "throttled")
	if err := fingerprint.ShadowHandler("monitor", &memory{down: down}, noon)(t.Context(), delivery(t, event("e"), "1")); !errors.Is(err, down) {
		t.Errorf("error %v, want the log's", err)
	}
	err := fingerprint.ShadowHandler("monitor", &memory{}, noon)(t.Context(), bus.Delivery{DetailType: "WorkflowStarted", Detail: []byte("{}")})
	if fault.CodeOf(err) != fault.Invalid {
		t.Errorf("error %v of what cannot be decoded, want an invalid one", err)
	}
}

// The process trades: a log that is down, or slow, must not touch its handlers.
func TestALogThatFailsIsCountedAndStopsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var told []string
		r := fingerprint.NewRecorder(&memory{down: errors.New("throttled")}, noon, func(err error) {
			mu.Lock()
			defer mu.Unlock()
			told = append(told, err.Error())
		})
		handled := 0
		handle := r.Observe("monitor")(func(context.Context, bus.Delivery) error { handled++; return nil })
		for range 3 {
			if err := handle(t.Context(), delivery(t, event("e"), "1")); err != nil {
				t.Error(err)
			}
		}
		if err := handle(t.Context(), bus.Delivery{}); err != nil { // the consumer decides what becomes of it
			t.Error(err)
		}
		r.Published(t.Context(), dualbus.Publication{Side: dualbus.Shadow, Publication: bus.Publication{Err: errors.New("no such host")}})
		err := r.Close(t.Context())
		if handled != 4 || err == nil || !strings.Contains(err.Error(), "4 fingerprints were not recorded") || len(told) != 5 {
			t.Errorf("handled %d, Close = %v, told %q", handled, err, told)
		}
		if err := handle(t.Context(), delivery(t, event("late"), "1")); err != nil || handled != 5 {
			t.Errorf("after Close: handled %d, %v", handled, err)
		}
	})
}
