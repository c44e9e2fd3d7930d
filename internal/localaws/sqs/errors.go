package sqs

import (
	"fmt"

	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

// fail returns an error that carries two codes: that of the JSON protocol and that of the older query protocol, which
// clients are still written against and which travels in x-amzn-query-error.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/CommonErrors.html
func fail(code, queryCode, format string, args ...any) *wire.Error {
	return &wire.Error{Code: code, QueryCode: queryCode + ";Sender", Message: fmt.Sprintf(format, args...)}
}

func errNoQueue() *wire.Error {
	return fail("QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue", "The specified queue does not exist.")
}

// errThrottled refuses what there is no room for: an endpoint whose messages nobody receives must not grow without end.
func errThrottled() *wire.Error {
	return fail("RequestThrottled", "RequestThrottled", "The request was denied due to request throttling.")
}

func errMissing(parameter string) *wire.Error {
	return fail("MissingRequiredParameterException", "MissingParameter",
		"The request must contain the parameter %s.", parameter)
}

func errValue(format string, args ...any) *wire.Error {
	return fail("InvalidParameterValueException", "InvalidParameterValue", format, args...)
}

func errParameter(value any, parameter, reason string) *wire.Error {
	return errValue("Value %v for parameter %s is invalid. Reason: %s", value, parameter, reason)
}

func errAttributeName(format string, args ...any) *wire.Error {
	return fail("InvalidAttributeName", "InvalidAttributeName", format, args...)
}

func errAttributeValue(name string) *wire.Error {
	return fail("InvalidAttributeValue", "InvalidAttributeValue", "Invalid value for the parameter %s.", name)
}

// errFIFO refuses what belongs to FIFO queues.
func errFIFO() *wire.Error {
	return fail("UnsupportedOperation", "AWS.SimpleQueueService.UnsupportedOperation",
		"FIFO queues are not supported by this endpoint: use a standard queue.")
}

func errReceiptHandle(handle string) *wire.Error {
	return fail("ReceiptHandleIsInvalid", "ReceiptHandleIsInvalid",
		"The input receipt handle %q is not a valid receipt handle.", handle)
}
