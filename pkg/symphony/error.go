package symphony

import (
	"errors"
	"fmt"

	"github.com/the-alchemiser/alchemiser/pkg/fault"
	"github.com/the-alchemiser/alchemiser/pkg/indicator"
)

// Pos is a place in a text. Line and Column count from 1; Column counts characters.
type Pos struct {
	Line   int
	Column int
}

// SyntaxError says what stands at a place of a program and what should. Its code is fault.Invalid.
type SyntaxError struct {
	File  string
	Pos   Pos
	Found string
	Want  string
}

// Error implements error: `file:line:column: found X, want Y`.
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("%s:%d:%d: found %s, want %s", e.File, e.Pos.Line, e.Pos.Column, e.Found, e.Want)
}

// Code implements the interface that fault.CodeOf reads.
func (e *SyntaxError) Code() fault.Code { return fault.Invalid }

// EvaluationError says where an evaluation failed. Its code is that of its cause.
type EvaluationError struct {
	File string
	Pos  Pos
	// Path leads to the failing node, such as "if[1]/then/group(Calm)".
	Path string
	Err  error
}

// Error implements error.
func (e *EvaluationError) Error() string {
	return fmt.Sprintf("%s:%d:%d: %s: %s", e.File, e.Pos.Line, e.Pos.Column, e.Path, e.Err)
}

// Unwrap returns the cause.
func (e *EvaluationError) Unwrap() error { return e.Err }

// HistoryError says which symbol has too few bars for which indicator. Find it with errors.As.
type HistoryError = indicator.HistoryError

// errEmpty is the cause of an evaluation that leaves nothing to hold.
var errEmpty = fault.New(fault.Invalid, "nothing to hold is left")

// cause returns what an evaluation failed of, without its place.
func cause(err error) error {
	var e *EvaluationError
	for errors.As(err, &e) {
		err = e.Err
	}
	return err
}
