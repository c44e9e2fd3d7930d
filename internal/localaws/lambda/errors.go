package lambda

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

// fail returns an error as Lambda words it: with a Type beside its message.
func fail(status int, code, format string, args ...any) *wire.Error {
	return &wire.Error{
		Code: code, Status: status, Message: fmt.Sprintf(format, args...), Members: map[string]any{"Type": "User"},
	}
}

// notFound is a ResourceNotFoundException, whose message Lambda spells with a capital.
func notFound(format string, args ...any) *wire.Error {
	err := fail(http.StatusNotFound, "ResourceNotFoundException", format, args...)
	err.Members["Message"] = err.Message
	return err
}

func errNoFunction(arn string) *wire.Error { return notFound("Function not found: %s", arn) }

func invalid(format string, args ...any) *wire.Error {
	return fail(http.StatusBadRequest, "InvalidParameterValueException", format, args...)
}

// unsupported refuses what this endpoint does not do.
func unsupported(what string) *wire.Error {
	return invalid("%s is not supported by this endpoint.", what)
}

func conflict(format string, args ...any) *wire.Error {
	return fail(http.StatusConflict, "ResourceConflictException", format, args...)
}

func stale(format string, args ...any) *wire.Error {
	return fail(http.StatusPreconditionFailed, "PreconditionFailedException", format, args...)
}

// violations are what is wrong with the form of a request. All of them are told at once.
type violations []string

func (v *violations) add(value any, member, constraint string) {
	*v = append(*v, fmt.Sprintf("Value '%v' at '%s' failed to satisfy constraint: %s", value, member, constraint))
}

// err returns nil if nothing is wrong.
func (v violations) err() error {
	switch len(v) {
	case 0:
		return nil
	case 1:
		return wire.Errorf("ValidationException", "1 validation error detected: %s", v[0])
	}
	return wire.Errorf("ValidationException", "%d validation errors detected: %s", len(v), strings.Join(v, "; "))
}

// validation refuses a value before anything else is looked at.
func validation(value any, member, constraint string) error {
	var v violations
	v.add(value, member, constraint)
	return v.err()
}

func patternConstraint(pattern string) string {
	return "Member must satisfy regular expression pattern: " + pattern
}

// checkRange refuses a number that is out of range.
func checkRange(member string, value *int, low, high int) error {
	switch {
	case value == nil:
		return nil
	case *value < low:
		return validation(*value, member, fmt.Sprintf("Member must have value greater than or equal to %d", low))
	case *value > high:
		return validation(*value, member, fmt.Sprintf("Member must have value less than or equal to %d", high))
	}
	return nil
}
