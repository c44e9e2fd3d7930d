package events

import (
	"encoding/json"
	"fmt"
	"maps"
	"time"

	"github.com/the-alchemiser/alchemiser/pkg/fault"
)

// SchemaVersion is the version that this code writes.
const SchemaVersion = "1.0"

// Wire is an event as it travels: the fields of an EventBridge entry.
type Wire struct {
	Source     string
	DetailType string
	Resources  []string
	// Detail is canonical JSON: keys sorted, no white space.
	Detail []byte
}

// Size returns the size of the entry as EventBridge counts it, in bytes.
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevent-size.html
func (w Wire) Size() int {
	n := 14 + len(w.Source) + len(w.DetailType) + len(w.Detail)
	for _, r := range w.Resources {
		n += len(r)
	}
	return n
}

type envelope struct {
	EventID         string            `json:"event_id"`
	EventType       Type              `json:"event_type"`
	SchemaVersion   string            `json:"schema_version"`
	CorrelationID   string            `json:"correlation_id"`
	CausationID     string            `json:"causation_id"`
	Timestamp       string            `json:"timestamp"`
	SourceModule    string            `json:"source_module"`
	SourceComponent string            `json:"source_component"`
	Metadata        map[string]string `json:"metadata"`
}

const timeLayout = "2006-01-02T15:04:05.000000Z"

// Encode returns e as it travels. sourcePrefix is put before the module: "alchemiser" makes "alchemiser.strategy".
// It returns a fault.Invalid error if e is not valid.
func Encode(e Event, sourcePrefix string) (Wire, error) {
	if e.Payload == nil {
		return Wire{}, fault.New(fault.Invalid, "encode event %s: no payload", e.ID)
	}
	if err := e.Payload.Validate(); err != nil {
		return Wire{}, fmt.Errorf("encode event %s: %w", e.ID, err)
	}
	env, err := json.Marshal(envelope{
		EventID: e.ID, EventType: e.Type(), SchemaVersion: e.SchemaVersion, CorrelationID: e.CorrelationID,
		CausationID: e.CausationID, Timestamp: e.Timestamp.UTC().Format(timeLayout), SourceModule: e.SourceModule,
		SourceComponent: e.SourceComponent, Metadata: e.Metadata,
	})
	if err != nil {
		return Wire{}, fmt.Errorf("encode event %s: %w", e.ID, err)
	}
	payload, err := json.Marshal(e.Payload)
	if err != nil {
		return Wire{}, fmt.Errorf("encode event %s: %w", e.ID, err)
	}
	fields := map[string]json.RawMessage{}
	maps.Copy(fields, e.Extra)
	for _, part := range [][]byte{payload, env} {
		if err := json.Unmarshal(part, &fields); err != nil {
			return Wire{}, fmt.Errorf("encode event %s: %w", e.ID, err)
		}
	}
	detail, err := json.Marshal(fields)
	if err != nil {
		return Wire{}, fmt.Errorf("encode event %s: %w", e.ID, err)
	}
	return Wire{
		Source:     sourcePrefix + "." + e.SourceModule,
		DetailType: string(e.Type()),
		Resources:  []string{"correlation:" + e.CorrelationID, "causation:" + e.CausationID},
		Detail:     detail,
	}, nil
}

// Decode returns the event that detail holds. detailType must agree with the event_type in it.
func Decode(detailType string, detail []byte) (Event, error) {
	var env envelope
	if err := json.Unmarshal(detail, &env); err != nil {
		return Event{}, fault.New(fault.Invalid, "decode %s: %w", detailType, err)
	}
	at, err := time.Parse(time.RFC3339, env.Timestamp)
	if err != nil {
		return Event{}, fault.New(fault.Invalid, "decode %s: $.timestamp: %w", detailType, err)
	}
	entry, ok := registry()[env.EventType]
	if !ok {
		return Event{}, fault.New(fault.Invalid, "decode %s: $.event_type: unknown type %q", detailType, env.EventType)
	}
	p, err := entry(detail)
	if err != nil {
		return Event{}, fault.New(fault.Invalid, "decode %s: %w", detailType, err)
	}
	return Event{
		ID: env.EventID, CorrelationID: env.CorrelationID, CausationID: env.CausationID, SchemaVersion: env.SchemaVersion,
		Timestamp: at, SourceModule: env.SourceModule, SourceComponent: env.SourceComponent, Metadata: env.Metadata,
		Payload: p,
	}, nil
}

func registry() map[Type]func([]byte) (Payload, error) {
	return map[Type]func([]byte) (Payload, error){
		TypeWorkflowStarted:   decodeAs[WorkflowStarted],
		TypeSignalGenerated:   decodeAs[SignalGenerated],
		TypeRebalancePlanned:  decodeAs[RebalancePlanned],
		TypeTradeExecuted:     decodeAs[TradeExecuted],
		TypeWorkflowCompleted: decodeAs[WorkflowCompleted],
		TypeWorkflowFailed:    decodeAs[WorkflowFailed],
	}
}

func decodeAs[P Payload](raw []byte) (Payload, error) {
	var p P
	if err := json.Unmarshal(raw, &p); err != nil {
		return nil, err
	}
	return p, nil
}
