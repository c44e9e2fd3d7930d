// Package fault says what an error asks for: whether the work that failed may be done again.
//
// Every layer wraps errors as usual; the code travels with the chain and is read with CodeOf. Branch on the code,
// never on text. The package decides nothing about retries: that is the consumer's part.
package fault

import (
	"context"
	"errors"
	"fmt"
)

// Code is the decision that an error carries.
type Code string

const (
	// Invalid can never succeed, however often it is tried: a malformed event, a refused plan.
	Invalid Code = "invalid"
	// Transient may succeed when it is tried again: a throttled call, a broken connection before anything was sent.
	Transient Code = "transient"
	// Ambiguous may have happened: an order submission without an answer. It is settled by asking, never by doing
	// it again.
	Ambiguous Code = "ambiguous"
	// Internal is everything else. It is retried, like Transient, and deserves a look.
	Internal Code = "internal"
)

// Error is an error with a decision. It is safe for concurrent use, as it is never changed.
type Error struct {
	code Code
	err  error
}

// New returns an error with a code and a formatted message; %w wraps as in fmt.Errorf.
func New(code Code, format string, args ...any) error {
	return &Error{code: code, err: fmt.Errorf(format, args...)}
}

// As gives err a code. A nil err stays nil.
func As(code Code, err error) error {
	if err == nil {
		return nil
	}
	return &Error{code: code, err: err}
}

// Error returns the message of the wrapped error.
func (e *Error) Error() string { return e.err.Error() }

// Unwrap returns the wrapped error.
func (e *Error) Unwrap() error { return e.err }

// Code returns the decision.
func (e *Error) Code() Code { return e.code }

// CodeOf returns the outermost code in err's chain. A cancelled or expired context without a code is Transient, any
// other error without one is Internal, and nil is "".
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	var coded interface{ Code() Code }
	if errors.As(err, &coded) {
		return coded.Code()
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return Transient
	}
	return Internal
}
