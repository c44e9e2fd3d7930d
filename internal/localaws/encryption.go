package localaws

import (
	"context"
	"errors"

	"github.com/the-alchemiser/alchemiser/internal/localaws/arn"
	"github.com/the-alchemiser/alchemiser/internal/localaws/delivery"
	"github.com/the-alchemiser/alchemiser/internal/localaws/kms"
	"github.com/the-alchemiser/alchemiser/internal/localaws/policy"
	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

// encryption knows which permissions of KMS the use of a queue or topic asks for that has a key of the account.
//
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html
// https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
type encryption struct {
	keys *kms.Service
	// keyOf returns what a resource calls its key, by the service in its ARN.
	keyOf map[string]func(resourceARN string) string
}

// needs returns the permissions that action on a resource asks for beside its own. A key that cannot be used is an error.
func (e encryption) needs(action, resource string) ([]wire.Access, error) {
	var actions []string
	switch action {
	case "sqs:SendMessage", "sns:Publish":
		actions = []string{"kms:GenerateDataKey", "kms:Decrypt"}
	case "sqs:ReceiveMessage":
		actions = []string{"kms:Decrypt"}
	default:
		return nil, nil
	}
	a, ok := arn.Parse(resource)
	if !ok || e.keyOf[a.Service] == nil {
		return nil, nil
	}
	name := e.keyOf[a.Service](resource)
	if name == "" {
		return nil, nil
	}
	key, ours, err := e.keys.Key(name)
	if err != nil || !ours {
		return nil, err
	}
	via := map[string][]string{
		"kms:ViaService": {a.Service + "." + arn.Region + ".amazonaws.com"}, "kms:CallerAccount": {arn.Account}, "aws:ViaAWSService": {"true"},
	}
	needs := make([]wire.Access, len(actions))
	for i, action := range actions {
		needs[i] = wire.Access{Action: action, Resource: key, Context: via}
	}
	return needs, nil
}

// guard adds to what calls of a service need. What cannot be found out is left to the call itself.
func (e encryption) guard(api wire.Service) wire.Service {
	own := api.Access
	api.Access = func(ctx context.Context, operation string, in any) []wire.Access {
		all := own(ctx, operation, in)
		for _, need := range all {
			more, err := e.needs(need.Action, need.Resource)
			if err != nil { // the key is gone or disabled: nobody may use it
				more = []wire.Access{{Action: "kms:Decrypt", Resource: arn.New("kms", "key/unusable")}}
			}
			all = append(all, more...)
		}
		return all
	}
	return api
}

// allows judges a delivery of a service by the policy of the key.
func (r *router) allows(m delivery.Message, action, target string) error {
	needs, err := r.encryption.needs(action, target)
	var unusable *wire.Error
	if errors.As(err, &unusable) {
		return delivery.Errorf("NO_PERMISSIONS", "The key of %s cannot be used: %s", target, unusable.Message)
	}
	if err != nil {
		return err
	}
	for _, need := range needs {
		if m.RoleARN != "" {
			if err := r.underRole(m, need); err != nil {
				return err
			}
			continue
		}
		doc, _, err := r.encryption.keys.ResourcePolicy(need.Resource)
		if err != nil {
			return err
		}
		asked := policy.ServiceRequest(m.Principal, need.Action, need.Resource, m.SourceARN, m.SourceAccount)
		if policy.Evaluate([]policy.Document{doc}, asked) != policy.Allow {
			return delivery.Errorf("NO_PERMISSIONS", "The policy of %s does not let %s %s for %s.", need.Resource, m.Principal, need.Action, m.SourceARN)
		}
	}
	return nil
}
