package authz

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

// denial is how a service refuses a call.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
func denial(service, who string, need wire.Access, reason string) *wire.Error {
	action := spelled(service, need.Action)
	e := &wire.Error{
		Code: "AccessDeniedException", Status: http.StatusForbidden,
		Message: fmt.Sprintf("User: %s is not authorized to perform: %s on resource: %s %s",
			who, action, need.Resource, strings.ReplaceAll(reason, need.Action, action)),
	}
	switch service {
	case "dynamodb", "events", "logs", "ssm":
		e.Status = http.StatusBadRequest
	case "sns":
		e.Code = "AuthorizationError"
	case "sqs":
		e.QueryCode = "AccessDenied;Sender"
	case "iam", "sts", "monitoring", "":
		e.Code = "AccessDenied"
	}
	return e
}

// spelled returns the action as the service writes it in its refusals.
func spelled(service, action string) string {
	switch service {
	case "sqs":
		return strings.ToLower(action)
	case "sns":
		return "SNS:" + strings.TrimPrefix(action, "sns:")
	}
	return action
}
