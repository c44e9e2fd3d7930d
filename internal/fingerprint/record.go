// Package fingerprint tells whether two buses carry the same events. Whoever publishes or handles an event in a dual run
// leaves a record with the event's fingerprint; Compare reads the records of both sides.
package fingerprint

import (
	"context"
	"time"

	"github.com/the-alchemiser/alchemiser/pkg/events"
	"github.com/the-alchemiser/alchemiser/pkg/market"
)

// Side is a bus that events take.
type Side string

// The sides: the bus within the process, and Amazon EventBridge.
const (
	Memory      Side = "memory"
	EventBridge Side = "eventbridge"
)

// Record says that a side has accepted an event, or has delivered it to a function.
type Record struct {
	Side    Side
	EventID string
	Type    events.Type
	// CorrelationID and CausationID are the event's.
	CorrelationID string
	CausationID   string
	// Day is the UTC day of the event's timestamp: the same on both sides.
	Day market.Date
	// Fingerprint is that of the event's detail: see events.Fingerprint.
	Fingerprint string
	// Function is the function that got the event; "" means that the side has accepted it.
	Function string
	// RequestID names the delivery; a second one of the same event has another.
	RequestID string
	// At is when that happened.
	At time.Time
	// Took is how long the publication took; 0 for deliveries.
	Took time.Duration
}

// delivered says that the record is of a delivery.
func (r Record) delivered() bool { return r.Function != "" }

// Log keeps records. It is safe for concurrent use.
type Log interface {
	// PutFingerprint keeps r. The same record twice is one.
	PutFingerprint(ctx context.Context, r Record) error
	// Fingerprints returns all records of a day, in no order.
	Fingerprints(ctx context.Context, day market.Date) ([]Record, error)
}

// accepted returns the record of an event that a side has accepted at the given moment.
func accepted(side Side, e events.Event, at time.Time, took time.Duration) (Record, error) {
	wire, err := events.Encode(e, "fingerprint") // the source is not part of the detail
	if err != nil {
		return Record{}, err
	}
	r, err := of(side, e, wire.Detail)
	r.At, r.Took = at, took
	return r, err
}

// of returns a record of e, whose detail travelled as given.
func of(side Side, e events.Event, detail []byte) (Record, error) {
	sum, err := events.Fingerprint(detail)
	return Record{
		Side: side, EventID: e.ID, Type: e.Type(), CorrelationID: e.CorrelationID, CausationID: e.CausationID,
		Day: market.Date(e.Timestamp.UTC().Format(time.DateOnly)), Fingerprint: sum,
	}, err
}
