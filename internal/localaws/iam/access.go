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
		return tagged(on(arn.Global("iam", "role"+path+in.RoleName), keys), "iam:TagRole", in.Tags)
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
		return tagged(on(arn.Global("iam", "policy"+path+in.PolicyName), wire.TagConditions(in.Tags, nil)), "iam:TagPolicy", in.Tags)
	case PolicyInput:
		return on(in.PolicyArn, nil)
	case PolicyVersionInput:
		return on(in.PolicyArn, nil)
	case CreatePolicyVersionInput:
		return on(in.PolicyArn, nil)
	case CreateOpenIDProviderInput:
		name, err := issuer(in.Url)
		if err != nil {
			name = "" // the operation refuses it
		}
		return tagged(on(openIDProviderARN(name), wire.TagConditions(in.Tags, nil)), "iam:TagOpenIDConnectProvider", in.Tags)
	case OpenIDProviderInput:
		return on(in.OpenIDConnectProviderArn, wire.TagConditions(in.Tags, in.TagKeys))
	case UserInput:
		return on(arn.Global("iam", "user/"+in.UserName), nil)
	}
	return on("*", nil)
}

// tagged adds what who makes something with tags needs besides: the permission to tag it.
func tagged(needs []wire.Access, action string, tags []Tag) []wire.Access {
	if len(tags) == 0 {
		return needs
	}
	return append(needs, wire.Access{Action: action, Resource: needs[0].Resource, Context: needs[0].Context})
}

// roleARN is the ARN of a role, with its path if it exists.
func (s *Service) roleARN(name string) string {
	if r, err := s.role(name); err == nil {
		return r.Arn
	}
	return arn.Global("iam", "role/"+name)
}
