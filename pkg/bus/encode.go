package bus

import (
	"errors"

	"github.com/the-alchemiser/alchemiser/pkg/events"
	"github.com/the-alchemiser/alchemiser/pkg/fault"
)

// Encoded is an event that may travel, with its wire form.
type Encoded struct {
	Event events.Event
	Wire  events.Wire
}

// Encode returns the wire forms of es, and as rejected the events that are not valid or have more than sizeLimit bytes.
// Every implementation publishes the first and reports the second, so that one bad event holds back no other.
func Encode(es []events.Event, sourcePrefix string, sizeLimit int) (accepted []Encoded, rejected []Rejected) {
	for _, e := range es {
		wire, err := events.Encode(e, sourcePrefix)
		if err == nil {
			err = wire.Check(sizeLimit)
		}
		if err != nil {
			rejected = append(rejected, Rejected{Event: e, Code: codeOf(err), Message: err.Error(), Err: err})
			continue
		}
		accepted = append(accepted, Encoded{Event: e, Wire: wire})
	}
	return accepted, rejected
}

func codeOf(err error) string {
	var size *events.SizeError
	if errors.As(err, &size) {
		return "EventTooLarge"
	}
	return "InvalidEvent"
}

// NewPublishError returns a *PublishError for rejected, or nil if there are none. Its fault is the most hopeful of the
// rejections', as trying again may help those; a rejection without an error counts as fault.Invalid.
func NewPublishError(rejected []Rejected) error {
	if len(rejected) == 0 {
		return nil
	}
	hope := fault.Invalid
	for _, r := range rejected {
		switch code := fault.CodeOf(r.Err); {
		case code == fault.Transient:
			hope = fault.Transient
		case code == fault.Internal && hope == fault.Invalid:
			hope = fault.Internal
		}
	}
	return &PublishError{Rejected: rejected, Fault: hope}
}
