package iam

import (
	"context"
	"maps"
	"slices"

	"github.com/the-alchemiser/alchemiser/internal/localaws/policy"
	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

// RolePolicy is an inline policy of a role.
type RolePolicy struct{ RoleName, PolicyName, PolicyDocument string }

// RolePolicyInput names an inline policy of a role.
type RolePolicyInput struct{ RoleName, PolicyName string }

func (s *Service) putRolePolicy(_ context.Context, in RolePolicy) (out wire.Empty, err error) {
	if err := checkName("policyName", in.PolicyName, 128); err != nil {
		return out, err
	}
	if _, err := policy.Parse(policy.Identity, in.PolicyDocument); err != nil {
		return out, errMalformed(err)
	}
	return out, s.changeRole(in.RoleName, func(r *role) error {
		if r.Inline == nil {
			r.Inline = map[string]string{}
		}
		r.Inline[in.PolicyName] = in.PolicyDocument
		return nil
	})
}

func (s *Service) getRolePolicy(_ context.Context, in RolePolicyInput) (out RolePolicy, err error) {
	r, err := s.role(in.RoleName)
	if err != nil {
		return out, err
	}
	document, ok := r.Inline[in.PolicyName]
	if !ok {
		return out, errNoInline(in.PolicyName)
	}
	return RolePolicy{RoleName: in.RoleName, PolicyName: in.PolicyName, PolicyDocument: escape(document)}, nil
}

func errNoInline(name string) *wire.Error {
	return errNoEntity("The role policy with name %s cannot be found.", name)
}

// ListRolePoliciesOutput lists the names of inline policies.
type ListRolePoliciesOutput struct {
	PolicyNames []string
	IsTruncated bool
}

func (s *Service) listRolePolicies(_ context.Context, in RoleInput) (out ListRolePoliciesOutput, err error) {
	r, err := s.role(in.RoleName)
	out.PolicyNames = slices.Sorted(maps.Keys(r.Inline))
	return out, err
}

func (s *Service) deleteRolePolicy(_ context.Context, in RolePolicyInput) (out wire.Empty, err error) {
	return out, s.changeRole(in.RoleName, func(r *role) error {
		if _, ok := r.Inline[in.PolicyName]; !ok {
			return errNoInline(in.PolicyName)
		}
		delete(r.Inline, in.PolicyName)
		return nil
	})
}
