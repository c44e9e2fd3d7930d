package events

import (
	"bytes"
	"encoding/json"
	"errors"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/the-alchemiser/alchemiser/internal/localaws/arn"
)

// envelope is an event on a bus.
type envelope struct {
	ID         string    `json:"id"`
	DetailType string    `json:"detail-type"`
	Source     string    `json:"source"`
	Account    string    `json:"account"`
	Time       time.Time `json:"time"`
	Region     string    `json:"region"`
	ReplayName string    `json:"replay-name,omitempty"`
	Resources  []string  `json:"resources"`
	// Detail is without blanks, as AWS sends it on, and otherwise spelled as it came.
	Detail json.RawMessage `json:"detail"`
}

// newEnvelope returns an event of the endpoint's account at t.
func newEnvelope(t time.Time, source, detailType string, resources []string, detail json.RawMessage) envelope {
	return envelope{
		ID: uuid.NewString(), Source: source, DetailType: detailType, Account: arn.Account, Region: arn.Region,
		Time: t.UTC().Truncate(time.Second), Resources: resources, Detail: detail,
	}
}

// parse reads an event that must have all that one on a bus has, but for resources and detail.
func (e *envelope) parse(raw []byte) error {
	if err := json.Unmarshal(raw, e); err != nil {
		return err
	}
	if e.ID == "" || e.Account == "" || e.Source == "" || e.Region == "" || e.DetailType == "" || e.Time.IsZero() {
		return errors.New("event is incomplete")
	}
	return nil
}

// json is the event as targets see it, in AWS's order.
func (e envelope) json() []byte {
	b := make([]byte, 0, 256+len(e.Source)+len(e.DetailType)+len(e.Detail))
	b = append(b, `{"version":"0","id":`...)
	b = appendString(b, e.ID)
	b = append(b, `,"detail-type":`...)
	b = appendString(b, e.DetailType)
	b = append(b, `,"source":`...)
	b = appendString(b, e.Source)
	b = append(b, `,"account":`...)
	b = appendString(b, e.Account)
	b = append(b, `,"time":"`...)
	b = e.Time.UTC().AppendFormat(b, time.RFC3339)
	b = append(b, `","region":`...)
	b = appendString(b, e.Region)
	if e.ReplayName != "" {
		b = append(b, `,"replay-name":`...)
		b = appendString(b, e.ReplayName)
	}
	b = append(b, `,"resources":[`...)
	for i, r := range e.Resources {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(b, r)
	}
	b = append(b, `],"detail":`...)
	b = append(b, e.Detail...)
	return append(b, '}')
}

// size is what an archive counts for the event.
func (e envelope) size() int {
	n := entrySize(true, e.Source, e.DetailType, string(e.Detail), e.Resources)
	return n + len(e.Account)
}

// appendString appends s as JSON without escaping what only HTML needs escaped.
func appendString(b []byte, s string) []byte {
	plain := true
	for i := 0; i < len(s) && plain; i++ {
		plain = s[i] >= ' ' && s[i] != '"' && s[i] != '\\' && s[i] < utf8.RuneSelf
	}
	if plain {
		b = append(b, '"')
		b = append(b, s...)
		return append(b, '"')
	}
	var quoted bytes.Buffer
	enc := json.NewEncoder(&quoted)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(s) // a string into memory: cannot fail
	return append(b, bytes.TrimSuffix(quoted.Bytes(), []byte("\n"))...)
}
