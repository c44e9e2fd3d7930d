package symphony

import (
	"fmt"

	"github.com/the-alchemiser/alchemiser/pkg/fault"
	"github.com/the-alchemiser/alchemiser/pkg/indicator"
	"github.com/the-alchemiser/alchemiser/pkg/market"
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

// StaleError says that a symbol has no bar of the day that a program is evaluated as of, a day that other symbols of the
// history have bars of: it is delisted or halted, or its prices are late. Find it with errors.As. Its code is
// fault.Invalid, as it stays so on this history; LastDate tells before an evaluation whether the source may catch up.
type StaleError struct {
	Symbol string
	// Last is the date of the last bar up to Day.
	Last market.Date
	Day  market.Date
}

// Error implements error.
func (e *StaleError) Error() string {
	return fmt.Sprintf("%s has no bar of %s, as others have: its last one is of %s", e.Symbol, e.Day, e.Last)
}

// Code implements the interface that fault.CodeOf reads.
func (e *StaleError) Code() fault.Code { return fault.Invalid }

// errEmpty is the cause of an evaluation that leaves nothing to hold.
var errEmpty = fault.New(fault.Invalid, "nothing to hold is left")
