package events

import (
	"encoding/json"
	"errors"
	"time"
)

// Type names a kind of event; it is the detail-type on EventBridge.
type Type string

// Payload is the content of an event: one struct per type, registered in the file that declares it.
type Payload interface {
	// EventType returns the type that the payload belongs to.
	EventType() Type
	// Portfolio returns the id of the portfolio whose workflow the event belongs to.
	Portfolio() string
	// Validate returns every fault of the payload's values as a *InvalidError, or nil.
	Validate() error
}

// Event is one fact on the bus: an envelope and a payload. It is a value: nothing changes it after construction.
type Event struct {
	// ID is opaque and deterministic; consumers recognise duplicates by it.
	ID string
	// CorrelationID is the same in all events of one workflow.
	CorrelationID string
	// CausationID is the ID of the event that this one follows from, or the correlation id for the first.
	CausationID string
	// SchemaVersion is "major.minor".
	SchemaVersion string
	// Timestamp is UTC with microseconds.
	Timestamp time.Time
	// SourceModule is the function that published the event, SourceComponent the part of it.
	SourceModule    string
	SourceComponent string
	// Metadata is free text for people; nothing decides on it.
	Metadata map[string]string
	Payload  Payload
	// Extra holds the fields that this version does not know, kept for forwarding.
	Extra map[string]json.RawMessage
}

// Validate returns a *InvalidError that names every fault of the values of envelope and payload, a *VersionError if the
// schema version is not one that this code writes or reads, or nil. The payload must not be nil.
func (e Event) Validate() error {
	if err := readable(e.Type(), e.SchemaVersion); err != nil {
		return err
	}
	var fs faults
	in := fs.root()
	in.text("event_id", e.ID)
	in.text("correlation_id", e.CorrelationID)
	in.text("causation_id", e.CausationID)
	in.moment("timestamp", e.Timestamp)
	in.text("source_module", e.SourceModule)
	var payload *InvalidError
	if err := e.Payload.Validate(); errors.As(err, &payload) {
		fs.fields = append(fs.fields, payload.Fields...)
	} else if err != nil {
		return err
	}
	return fs.err(e.Type())
}

// Type returns the type of the payload.
func (e Event) Type() Type { return e.Payload.EventType() }

// Origin says who publishes.
type Origin struct {
	Module    string
	Component string
}

// Follow returns the event that carries p as the ordinal-th consequence of cause. Its id is a pure function of
// (cause.ID, type, ordinal), so a handler that runs twice makes the same ids.
func Follow(cause Event, ordinal int, p Payload, from Origin, at time.Time) Event {
	return Event{
		ID:              FollowID(cause.ID, p.EventType(), ordinal),
		CorrelationID:   cause.CorrelationID,
		CausationID:     cause.ID,
		SchemaVersion:   SchemaVersion,
		Timestamp:       at.UTC().Truncate(time.Microsecond),
		SourceModule:    from.Module,
		SourceComponent: from.Component,
		Metadata:        map[string]string{},
		Payload:         p,
	}
}
