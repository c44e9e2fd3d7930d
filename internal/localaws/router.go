package localaws

import (
	"context"
	"errors"

	"github.com/the-alchemiser/alchemiser/internal/localaws/arn"
	"github.com/the-alchemiser/alchemiser/internal/localaws/authz"
	"github.com/the-alchemiser/alchemiser/internal/localaws/delivery"
	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

// router hands messages to the service that an ARN belongs to. It is filled before any service runs.
type router struct {
	receivers map[string]delivery.Receiver
	access    *authz.Authorizer
	// encryption judges deliveries to what has a key.
	encryption encryption
}

// Send implements delivery.Sender. A message that goes out under a role needs that role's permission; any other one is
// judged by the receiver.
func (r *router) Send(ctx context.Context, target string, m delivery.Message) error {
	a, ok := arn.Parse(target)
	if !ok || a.Account != arn.Account || a.Region != arn.Region {
		return delivery.Errorf("NO_RESOURCE", "%s is not a resource of this account and region.", target)
	}
	receiver := r.receivers[a.Service]
	if receiver == nil {
		return delivery.Errorf("INVALID_PARAMETER", "%s cannot be a target: this endpoint delivers to Lambda, SQS, SNS, EventBridge and log groups.", target)
	}
	if m.RoleARN != "" {
		if err := r.underRole(m, wire.Access{Action: action(a.Service), Resource: target}); err != nil {
			return err
		}
	}
	if err := r.allows(m, action(a.Service), target); err != nil {
		return err
	}
	return receiver.Receive(ctx, target, m)
}

// underRole judges what is done under the role of m.
func (r *router) underRole(m delivery.Message, need wire.Access) error {
	err := r.access.OnBehalf(m.Principal, m.SourceARN, m.RoleARN, need)
	var refused *wire.Error
	if errors.As(err, &refused) {
		return delivery.Errorf("NO_PERMISSIONS", "%s", refused.Message)
	}
	return err
}

// action is what a delivery to a service needs the permission for.
func action(service string) string {
	switch service {
	case "lambda":
		return "lambda:InvokeFunction"
	case "sqs":
		return "sqs:SendMessage"
	case "sns":
		return "sns:Publish"
	case "events":
		return "events:PutEvents"
	case "logs":
		return "logs:PutLogEvents"
	}
	return service + ":*"
}

// runtimeMay says whether a role may do what Lambda's runtime does for its functions and what has no resource.
func (r *router) runtimeMay(role, action string) bool {
	return r.access.Runtime(role, wire.Access{Action: action, Resource: "*"})
}

// runtime says whether a role may do what Lambda's runtime does for its functions.
func (r *router) runtime(role string, need wire.Access) bool { return r.access.Runtime(role, need) }

// mayLog says whether a role may create a log stream and write to it.
func (r *router) mayLog(role, group, stream string) bool {
	streams := arn.New("logs", "log-group:"+group+":log-stream:")
	return r.access.Runtime(role, wire.Access{Action: "logs:CreateLogStream", Resource: streams}) &&
		r.access.Runtime(role, wire.Access{Action: "logs:PutLogEvents", Resource: streams + stream})
}
