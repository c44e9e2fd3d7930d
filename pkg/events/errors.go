package events

import (
	"fmt"
	"strings"

	"github.com/the-alchemiser/alchemiser/pkg/fault"
)

// FieldError is one thing that is wrong with one field.
type FieldError struct {
	// Path is where: "$.trades[2].quantity"; "$" is the event itself.
	Path string
	// Problem says what is wrong and what is wanted.
	Problem string
}

// InvalidError lists everything that is wrong with an event's structure or values. It can never become valid by trying
// again.
type InvalidError struct {
	// Type is the event's type as far as it is known.
	Type   Type
	Fields []FieldError
}

// Error names every field.
func (e *InvalidError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "invalid %s", e.Type)
	separator := ": "
	for _, f := range e.Fields {
		fmt.Fprintf(&b, "%s%s %s", separator, f.Path, f.Problem)
		separator = "; "
	}
	return b.String()
}

// Code returns fault.Invalid.
func (e *InvalidError) Code() fault.Code { return fault.Invalid }

// VersionError is an event whose schema has another major version: this code cannot know what its fields mean.
type VersionError struct {
	Type    Type
	Version string
}

// Error names both versions.
func (e *VersionError) Error() string {
	return fmt.Sprintf("%s has schema version %s, this code reads %s and its minor versions: deploy the function that knows it, then redrive the event",
		e.Type, e.Version, SchemaVersion)
}

// Code returns fault.Invalid.
func (e *VersionError) Code() fault.Code { return fault.Invalid }

// SizeError is an event that is too large to travel.
type SizeError struct {
	Type Type
	// Size and Limit are in bytes, counted as EventBridge counts.
	Size, Limit int
}

// Error says how large the event is and what to do.
func (e *SizeError) Error() string {
	return fmt.Sprintf("%s has %d bytes, the limit is %d: publish less in one event (fewer strategies or symbols in one portfolio, shorter reasons), "+
		"or raise EVENTBRIDGE__MAX_EVENT_BYTES if every queue and table behind the bus takes more", e.Type, e.Size, e.Limit)
}

// Code returns fault.Invalid.
func (e *SizeError) Code() fault.Code { return fault.Invalid }
