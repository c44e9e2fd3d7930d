package bus

import (
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/the-alchemiser/alchemiser/pkg/fault"
)

// Envelope is an event as EventBridge delivers it, and as it lies in dead letter queues.
// https://docs.aws.amazon.com/eventbridge/latest/ref/overiew-event-structure.html
type Envelope struct {
	Version    string         `json:"version"`
	ID         string         `json:"id"`
	DetailType string         `json:"detail-type"`
	Source     string         `json:"source"`
	Account    string         `json:"account"`
	Time       time.Time      `json:"time"`
	Region     string         `json:"region"`
	ReplayName string         `json:"replay-name,omitempty"`
	Resources  []string       `json:"resources"`
	Detail     jsontext.Value `json:"detail"`
}

// ParseEnvelope returns the envelope that raw holds. It returns a fault.Invalid error that says what is missing if raw is
// not an event of EventBridge. What detail holds is not checked.
func ParseEnvelope(raw []byte) (Envelope, error) {
	var e Envelope
	if err := json.Unmarshal(raw, &e); err != nil {
		return Envelope{}, fault.New(fault.Invalid, "not an event of EventBridge: %w", err)
	}
	var missing string
	switch {
	case e.DetailType == "":
		missing = "detail-type"
	case e.Source == "":
		missing = "source"
	case len(e.Detail) == 0:
		missing = "detail"
	default:
		return e, nil
	}
	return Envelope{}, fault.New(fault.Invalid, "not an event of EventBridge: it has no %s", missing)
}

// Delivery returns the attempt to deliver e that the request id names; raw is what e was parsed from.
func (e Envelope) Delivery(requestID string, raw []byte) Delivery {
	return Delivery{
		RequestID: requestID, DetailType: e.DetailType, Source: e.Source, Detail: e.Detail, ReplayName: e.ReplayName,
		Time: e.Time, Raw: raw,
	}
}
