package iam

import (
	"context"

	"github.com/the-alchemiser/alchemiser/internal/localaws/arn"
	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

// access returns the permissions that a call needs.
//
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsidentityandaccessmanagement.html
func (s *Service) access(_ context.Context, operation string, in any) []wire.Access {
	on := func(resource string, keys map[string][]string) []wire.Access {
		return []wire.Access{{Action: "iam:" + operation, Resource: resource, Context: keys}}
	}
	switch in := in.(type) {
	case CreateRoleInput:
		keys := wire.TagConditions(in.Tags, nil)
		if in.PermissionsBoundary != "" {
			keys["iam:PermissionsBoundary"] = []string{in.PermissionsBoundary}
		}
		path := in.Path
		if path == "" {
			path = "/"
		}
		return on(arn.Global("iam", "role"+path+in.RoleName), keys)
	case RoleInput:
		return on(s.roleARN(in.RoleName), nil)
	case UpdateRoleInput:
		return on(s.roleARN(in.RoleName), nil)
	case UpdateRoleDescriptionInput:
		return on(s.roleARN(in.RoleName), nil)
	case UpdateAssumeRolePolicyInput:
		return on(s.roleARN(in.RoleName), nil)
	case RolePolicy:
		return on(s.roleARN(in.RoleName), nil)
	case RolePolicyInput:
		return on(s.roleARN(in.RoleName), nil)
	case RoleBoundary:
		return on(s.roleARN(in.RoleName), map[string][]string{"iam:PermissionsBoundary": {in.PermissionsBoundary}})
	case AttachmentInput:
		return on(s.roleARN(in.RoleName), map[string][]string{"iam:PolicyARN": {in.PolicyArn}})
	case TagInput:
		if in.PolicyArn != "" {
			return on(in.PolicyArn, wire.TagConditions(in.Tags, in.TagKeys))
		}
		return on(s.roleARN(in.RoleName), wire.TagConditions(in.Tags, in.TagKeys))
	case CreatePolicyInput:
		path := in.Path
		if path == "" {
			path = "/"
		}
		return on(arn.Global("iam", "policy"+path+in.PolicyName), wire.TagConditions(in.Tags, nil))
	case PolicyInput:
		return on(in.PolicyArn, nil)
	case PolicyVersionInput:
		return on(in.PolicyArn, nil)
	case CreatePolicyVersionInput:
		return on(in.PolicyArn, nil)
	case UserInput:
		return on(arn.Global("iam", "user/"+in.UserName), nil)
	}
	return on("*", nil)
}

// roleARN is the ARN of a role, with its path if it exists.
func (s *Service) roleARN(name string) string {
	if r, err := s.role(name); err == nil {
		return r.Arn
	}
	return arn.Global("iam", "role/"+name)
}
