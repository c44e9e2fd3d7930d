package iam

import (
	"context"
	"slices"

	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

// AttachmentInput names a role and a managed policy.
type AttachmentInput struct{ RoleName, PolicyArn string }

func (s *Service) attachRolePolicy(_ context.Context, in AttachmentInput) (out wire.Empty, err error) {
	if _, err := s.managed(in.PolicyArn); err != nil {
		return out, err
	}
	return out, s.changeRole(in.RoleName, func(r *role) error {
		if !slices.Contains(r.Attached, in.PolicyArn) {
			r.Attached = append(r.Attached, in.PolicyArn)
		}
		return nil
	})
}

func (s *Service) detachRolePolicy(_ context.Context, in AttachmentInput) (out wire.Empty, err error) {
	return out, s.changeRole(in.RoleName, func(r *role) error {
		i := slices.Index(r.Attached, in.PolicyArn)
		if i < 0 {
			return errNoEntity("Policy %s was not found.", in.PolicyArn)
		}
		r.Attached = slices.Delete(r.Attached, i, i+1)
		return nil
	})
}

// AttachedPolicy is a managed policy that a role has.
type AttachedPolicy struct{ PolicyName, PolicyArn string }

// ListAttachedRolePoliciesOutput lists the managed policies of a role.
type ListAttachedRolePoliciesOutput struct {
	AttachedPolicies []AttachedPolicy
	IsTruncated      bool
}

func (s *Service) listAttachedRolePolicies(_ context.Context, in RoleInput) (out ListAttachedRolePoliciesOutput, err error) {
	r, err := s.role(in.RoleName)
	if err != nil {
		return out, err
	}
	for _, policyARN := range r.Attached {
		p, err := s.managed(policyARN)
		if err != nil {
			return out, err
		}
		out.AttachedPolicies = append(out.AttachedPolicies, AttachedPolicy{p.PolicyName, policyARN})
	}
	return out, nil
}

// awsManaged returns the policies of AWS's own that a function's role is likely to have. Others are refused, as what
// they allow is not known here.
// https://docs.aws.amazon.com/aws-managed-policy/latest/reference/policy-list.html
func awsManaged(policyARN string) (managedPolicy, bool) {
	name, path, document := "", "/", ""
	switch policyARN {
	case "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole":
		name, path = "AWSLambdaBasicExecutionRole", "/service-role/"
		document = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["logs:CreateLogGroup","logs:CreateLogStream","logs:PutLogEvents"],"Resource":"*"}]}`
	case "arn:aws:iam::aws:policy/AWSXRayDaemonWriteAccess":
		name = "AWSXRayDaemonWriteAccess"
		document = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["xray:PutTraceSegments","xray:PutTelemetryRecords","xray:GetSamplingRules","xray:GetSamplingTargets","xray:GetSamplingStatisticSummaries"],"Resource":["*"]}]}`
	default:
		return managedPolicy{}, false
	}
	return managedPolicy{
		PolicyDescription: PolicyDescription{PolicyName: name, Arn: policyARN, Path: path, DefaultVersionId: "v1", IsAttachable: true},
		Versions:          []policyVersion{{ID: "v1", Document: document}},
	}, true
}
