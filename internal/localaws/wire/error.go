package wire

import "fmt"

// Error is an answer that says no, in the service's own words. The fields are those that clients see.
type Error struct {
	// Code is the exact error code, such as "ResourceNotFoundException".
	Code    string
	Message string
	// Status is the HTTP status; 0 means 400.
	Status int
	// QueryCode, if set, is sent as x-amzn-query-error (SQS).
	QueryCode string
	// Members are further members of the error document, such as Item or CancellationReasons of DynamoDB.
	Members map[string]any
}

// Errorf returns an Error with status 400.
func Errorf(code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// Error returns code and message.
func (e *Error) Error() string { return e.Code + ": " + e.Message }
