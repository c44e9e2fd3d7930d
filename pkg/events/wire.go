package events

import (
	"crypto/sha256"
	"encoding/hex"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/the-alchemiser/alchemiser/pkg/fault"
)

// DefaultSizeLimit is the largest entry that travels unless set otherwise, in bytes. EventBridge takes 1 MiB, but an
// SQS queue at the provider's default takes 256 KiB and a DynamoDB item 400 KB, and both hold whole events.
const DefaultSizeLimit = 200 * 1024

// Wire is an event as it travels: the fields of an EventBridge entry.
type Wire struct {
	Source     string
	DetailType string
	Resources  []string
	// Detail is JSON without white space, the same bytes whenever the event is the same.
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

// Check returns a *SizeError if the entry has more than limit bytes.
func (w Wire) Check(limit int) error {
	if size := w.Size(); size > limit {
		return &SizeError{Type: Type(w.DetailType), Size: size, Limit: limit}
	}
	return nil
}

// Fingerprint returns the SHA-256 of detail's canonical JSON in hex: two events are the same if their fingerprints are,
// whatever the order of their keys and the white space. Numbers count as they are written. It returns a fault.Invalid
// error if detail is not JSON.
func Fingerprint(detail []byte) (string, error) {
	canonical := jsontext.Value(detail).Clone()
	if err := canonicalize(&canonical); err != nil {
		return "", fault.New(fault.Invalid, "fingerprint: %w", err)
	}
	sum := sha256.Sum256(canonical)
	return hex.EncodeToString(sum[:]), nil
}

// canonicalize puts v into the form of RFC 8785, but with numbers as they are written: that RFC would round an integer of
// an unknown field to a float.
func canonicalize(v *jsontext.Value) error {
	return v.Canonicalize(jsontext.CanonicalizeRawInts(false), jsontext.CanonicalizeRawFloats(false))
}
