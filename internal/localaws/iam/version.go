package iam

import (
	"context"
	"net/http"
	"slices"

	"github.com/the-alchemiser/alchemiser/internal/localaws/policy"
	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

// CreatePolicyVersionInput describes a new version of a managed policy.
type CreatePolicyVersionInput struct {
	PolicyArn, PolicyDocument string
	SetAsDefault              bool
}

// PolicyVersionInput names a version of a managed policy.
type PolicyVersionInput struct {
	PolicyArn string
	VersionId string
}

// PolicyVersionOutput is the answer with one version.
type PolicyVersionOutput struct{ PolicyVersion PolicyVersionDescription }

func (s *Service) createPolicyVersion(_ context.Context, in CreatePolicyVersionInput) (out PolicyVersionOutput, err error) {
	if _, err := policy.Parse(policy.Identity, in.PolicyDocument); err != nil {
		return out, errMalformed(err)
	}
	err = s.changePolicy(in.PolicyArn, func(p *managedPolicy) error {
		if len(p.Versions) >= maxVersions {
			return refuse(http.StatusConflict, "LimitExceeded", "A managed policy can have up to %d versions. Before you create a new version, you must delete an existing version.", maxVersions)
		}
		v := p.add(in.PolicyDocument, wire.Time{Time: s.clock.Now()})
		if in.SetAsDefault {
			p.DefaultVersionId = v.ID
		}
		out.PolicyVersion = p.describeVersion(len(p.Versions)-1, false)
		return nil
	})
	return out, err
}

func (s *Service) getPolicyVersion(_ context.Context, in PolicyVersionInput) (out PolicyVersionOutput, err error) {
	p, err := s.managed(in.PolicyArn)
	if err != nil {
		return out, err
	}
	i, err := p.version(in.VersionId)
	if err != nil {
		return out, err
	}
	return PolicyVersionOutput{p.describeVersion(i, true)}, nil
}

// ListPolicyVersionsOutput lists the versions of a managed policy, the newest first.
type ListPolicyVersionsOutput struct {
	Versions    []PolicyVersionDescription
	IsTruncated bool
}

func (s *Service) listPolicyVersions(_ context.Context, in PolicyInput) (out ListPolicyVersionsOutput, err error) {
	p, err := s.managed(in.PolicyArn)
	for i := range slices.Backward(p.Versions) {
		out.Versions = append(out.Versions, p.describeVersion(i, false))
	}
	return out, err
}

func (s *Service) setDefaultPolicyVersion(_ context.Context, in PolicyVersionInput) (out wire.Empty, err error) {
	return out, s.changePolicy(in.PolicyArn, func(p *managedPolicy) error {
		if _, err := p.version(in.VersionId); err != nil {
			return err
		}
		p.DefaultVersionId = in.VersionId
		return nil
	})
}

func (s *Service) deletePolicyVersion(_ context.Context, in PolicyVersionInput) (out wire.Empty, err error) {
	return out, s.changePolicy(in.PolicyArn, func(p *managedPolicy) error {
		i, err := p.version(in.VersionId)
		if err != nil {
			return err
		}
		if in.VersionId == p.DefaultVersionId {
			return errInUse("Cannot delete the default version of a policy.")
		}
		p.Versions = slices.Delete(p.Versions, i, i+1)
		return nil
	})
}
