package bus

import (
	"fmt"
	"strings"

	"github.com/the-alchemiser/alchemiser/pkg/events"
	"github.com/the-alchemiser/alchemiser/pkg/fault"
)

// Rejected is an event that was not accepted.
type Rejected struct {
	Event events.Event
	// Code is the bus's own, such as "ThrottlingException" or "MalformedDetail".
	Code    string
	Message string
	// Err is the error behind it, if there is one.
	Err error
}

// PublishError lists exactly the events that were not accepted; all others of the same call were.
type PublishError struct {
	Rejected []Rejected
	Fault    fault.Code
}

// Error names each event with its reason.
func (e *PublishError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "publish: %d not accepted", len(e.Rejected))
	for _, r := range e.Rejected {
		fmt.Fprintf(&b, "; %s %s: %s %s", typeOf(r.Event), r.Event.ID, r.Code, r.Message)
	}
	return b.String()
}

func typeOf(e events.Event) events.Type {
	if e.Payload == nil {
		return "event without payload"
	}
	return e.Type()
}

// Code returns what the error asks for: fault.Transient or fault.Internal if trying again may help, else fault.Invalid.
func (e *PublishError) Code() fault.Code { return e.Fault }

// Unwrap returns the errors behind the rejections.
func (e *PublishError) Unwrap() []error {
	var errs []error
	for _, r := range e.Rejected {
		if r.Err != nil {
			errs = append(errs, r.Err)
		}
	}
	return errs
}
