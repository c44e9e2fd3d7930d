package localaws

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/the-alchemiser/alchemiser/internal/localaws/faults"
	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

// inject lets a request suffer what the plan of faults has for it. It is the handler's Around.
func (s *Server) inject(ctx context.Context, r *wire.Request, next func() (any, error)) (any, error) {
	caller, _ := wire.CallerFrom(ctx)
	function := functionOf(caller)
	fault, ok := s.faults.Request(faults.Request{Service: r.Service, Operation: r.Operation, Function: function})
	if !ok {
		return next()
	}
	switch fault.Kind {
	case faults.Throttle:
		return nil, throttling(r.Service)
	case faults.Fail:
		return nil, &wire.Error{Code: "InternalFailure", Status: http.StatusInternalServerError, Message: "The request failed on purpose."}
	case faults.Lose:
		_, err := next()
		return nil, lost(err)
	case faults.Kill:
		var err error
		if fault.Done {
			_, err = next()
		}
		s.services.lambda.Kill(function)
		return nil, lost(err)
	case faults.Refuse, faults.Duplicate, faults.Delay, faults.Timeout:
	}
	return next()
}

// lost is the end of a request that is not answered. A failure of the endpoint itself is still told.
func lost(err error) error {
	var answer *wire.Error
	if err != nil && !errors.As(err, &answer) {
		return err
	}
	return wire.ErrNoAnswer
}

// functionOf returns the name of the function that calls, "" if none does: Lambda names its sessions after functions.
func functionOf(c wire.Caller) string {
	_, session, _ := strings.Cut(c.ARN, ":assumed-role/")
	_, name, _ := strings.Cut(session, "/")
	return name
}

// throttling is how a service refuses a request that is one too many.
func throttling(service string) *wire.Error {
	switch service {
	case "dynamodb": // https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html
		return wire.Errorf("ProvisionedThroughputExceededException", "The level of configured provisioned throughput for the table was exceeded.")
	case "sqs": // https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html#API_SendMessage_Errors
		return &wire.Error{Code: "RequestThrottled", QueryCode: "RequestThrottled", Status: http.StatusForbidden, Message: "Rate exceeded"}
	case "lambda":
		return &wire.Error{Code: "TooManyRequestsException", Status: http.StatusTooManyRequests, Message: "Rate exceeded"}
	}
	return wire.Errorf("ThrottlingException", "Rate exceeded")
}
