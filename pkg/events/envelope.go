package events

import (
	"encoding/json"
	"strings"
	"time"
)

// SchemaVersion is the version that this code writes.
const SchemaVersion = "1.0"

// Envelope is what all events share. Its fields stand beside those of the payload.
type Envelope struct {
	// EventID is opaque and deterministic; consumers recognise duplicates by it.
	EventID string `json:"event_id" jsonschema:"minLength=1"`
	// EventType is the type of the payload. It equals the detail-type.
	EventType Type `json:"event_type" jsonschema:"minLength=1"`
	// SchemaVersion is "major.minor". An unknown minor version is read, an unknown major version is refused.
	SchemaVersion string `json:"schema_version" jsonschema:"pattern=^(0|[1-9][0-9]*)[.](0|[1-9][0-9]*)$"`
	// CorrelationID is the same in all events of one workflow.
	CorrelationID string `json:"correlation_id" jsonschema:"minLength=1"`
	// CausationID is the id of the event that this one follows from, or the correlation id for the first.
	CausationID string `json:"causation_id" jsonschema:"minLength=1"`
	// Timestamp is when the event was made.
	Timestamp time.Time `json:"timestamp"`
	// SourceModule is the function that published the event.
	SourceModule string `json:"source_module" jsonschema:"minLength=1"`
	// SourceComponent is the part of the function.
	SourceComponent string `json:"source_component"`
	// Metadata is free text for people; nothing decides on it.
	Metadata map[string]string `json:"metadata"`
}

func (e Event) envelope() Envelope {
	return Envelope{
		EventID: e.ID, EventType: e.Type(), SchemaVersion: e.SchemaVersion, CorrelationID: e.CorrelationID,
		CausationID: e.CausationID, Timestamp: e.Timestamp, SourceModule: e.SourceModule,
		SourceComponent: e.SourceComponent, Metadata: e.Metadata,
	}
}

func (e Envelope) event(p Payload, extra map[string]json.RawMessage) Event {
	return Event{
		ID: e.EventID, CorrelationID: e.CorrelationID, CausationID: e.CausationID, SchemaVersion: e.SchemaVersion,
		Timestamp: e.Timestamp, SourceModule: e.SourceModule, SourceComponent: e.SourceComponent, Metadata: e.Metadata,
		Payload: p, Extra: extra,
	}
}

// readable returns a *VersionError if version has another major version than this code, and a *InvalidError if it is
// none.
func readable(t Type, version string) error {
	major, minor, ok := strings.Cut(version, ".")
	if !ok || !isNumber(major) || !isNumber(minor) {
		return invalid(t, "$.schema_version", "is %q, want major.minor such as %q", version, SchemaVersion)
	}
	if known, _, _ := strings.Cut(SchemaVersion, "."); major != known {
		return &VersionError{Type: t, Version: version}
	}
	return nil
}

func isNumber(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == "" && (s == "0" || s[0] != '0')
}
