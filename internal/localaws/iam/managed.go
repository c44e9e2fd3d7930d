package iam

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/the-alchemiser/alchemiser/internal/localaws/arn"
	"github.com/the-alchemiser/alchemiser/internal/localaws/policy"
	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

// maxVersions is how many versions a managed policy can have.
const maxVersions = 5

// managedPolicy is a customer managed policy as it is stored.
type managedPolicy struct {
	PolicyDescription
	Versions []policyVersion // oldest first
	Last     int             // the last number given to a version
}

type policyVersion struct {
	ID       string
	Document string
	Created  wire.Time
}

// PolicyDescription is a managed policy as the API shows it.
type PolicyDescription struct {
	PolicyName       string
	PolicyId         string
	Arn              string
	Path             string
	DefaultVersionId string
	AttachmentCount  int
	IsAttachable     bool
	Description      string `json:",omitempty"`
	CreateDate       wire.Time
	UpdateDate       wire.Time
	Tags             []Tag `json:",omitempty"`
}

// PolicyVersionDescription is a version of a managed policy as the API shows it.
type PolicyVersionDescription struct {
	Document         string `json:",omitempty"`
	VersionId        string
	IsDefaultVersion bool
	CreateDate       wire.Time
}

func (p managedPolicy) version(id string) (int, error) {
	i := slices.IndexFunc(p.Versions, func(v policyVersion) bool { return v.ID == id })
	if i < 0 {
		return i, errNoEntity("Policy %s version %s does not exist or is not attachable.", p.Arn, id)
	}
	return i, nil
}

func (p managedPolicy) describeVersion(i int, document bool) PolicyVersionDescription {
	v := p.Versions[i]
	d := PolicyVersionDescription{VersionId: v.ID, IsDefaultVersion: v.ID == p.DefaultVersionId, CreateDate: v.Created}
	if document {
		d.Document = escape(v.Document)
	}
	return d
}

// add appends a version.
func (p *managedPolicy) add(document string, now wire.Time) policyVersion {
	p.Last++
	v := policyVersion{ID: fmt.Sprintf("v%d", p.Last), Document: document, Created: now}
	p.Versions = append(p.Versions, v)
	p.UpdateDate = now
	return v
}

// CreatePolicyInput describes a new managed policy.
type CreatePolicyInput struct {
	PolicyName, Path, PolicyDocument, Description string
	Tags                                          []Tag
}

// PolicyOutput is the answer with one managed policy.
type PolicyOutput struct{ Policy PolicyDescription }

// PolicyInput names a managed policy.
type PolicyInput struct{ PolicyArn string }

func (s *Service) createPolicy(_ context.Context, in CreatePolicyInput) (out PolicyOutput, err error) {
	if err := checkName("policyName", in.PolicyName, 128); err != nil {
		return out, err
	}
	path, err := checkPath(in.Path)
	if err != nil {
		return out, err
	}
	if _, err := policy.Parse(policy.Identity, in.PolicyDocument); err != nil {
		return out, errMalformed(err)
	}
	now := wire.Time{Time: s.clock.Now()}
	p := managedPolicy{PolicyDescription: PolicyDescription{
		PolicyName: in.PolicyName, PolicyId: newID("ANPA"), Arn: arn.Global("iam", "policy"+path+in.PolicyName),
		Path: path, DefaultVersionId: "v1", IsAttachable: true, Description: in.Description, CreateDate: now, Tags: in.Tags,
	}}
	p.add(in.PolicyDocument, now)
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, exists, err := s.policies.Get(p.Arn); err != nil || exists {
		if err != nil {
			return out, err
		}
		return out, refuse(http.StatusConflict, "EntityAlreadyExists", "A policy called %s already exists. Duplicate names are not allowed.", in.PolicyName)
	}
	return PolicyOutput{p.PolicyDescription}, s.policies.Put(p.Arn, p)
}

// managed returns the managed policy, one of ours or one of AWS's.
func (s *Service) managed(policyARN string) (managedPolicy, error) {
	if p, ok := awsManaged(policyARN); ok {
		return p, nil
	}
	p, ok, err := s.policies.Get(policyARN)
	if err == nil && !ok {
		err = errNoEntity("Policy %s does not exist or is not attachable.", policyARN)
	}
	return p, err
}

func (s *Service) changePolicy(policyARN string, f func(*managedPolicy) error) error {
	if _, ok := awsManaged(policyARN); ok {
		return refuse(http.StatusForbidden, "AccessDenied", "Policy %s belongs to AWS and cannot be changed.", policyARN)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	p, err := s.managed(policyARN)
	if err != nil {
		return err
	}
	if err := f(&p); err != nil {
		return err
	}
	return s.policies.Put(policyARN, p)
}

// attachments returns how many roles have the policy.
func (s *Service) attachments(policyARN string) (n int, err error) {
	err = s.roles.Scan("", "", func(_ string, r role) bool {
		if slices.Contains(r.Attached, policyARN) {
			n++
		}
		return true
	})
	return n, err
}

// uses returns how many roles have the policy or are limited by it.
func (s *Service) uses(policyARN string) (n int, err error) {
	err = s.roles.Scan("", "", func(_ string, r role) bool {
		if slices.Contains(r.Attached, policyARN) || r.PermissionsBoundary != nil && r.PermissionsBoundary.PermissionsBoundaryArn == policyARN {
			n++
		}
		return true
	})
	return n, err
}

func (s *Service) getPolicy(_ context.Context, in PolicyInput) (out PolicyOutput, err error) {
	p, err := s.managed(in.PolicyArn)
	if err != nil {
		return out, err
	}
	out.Policy = p.PolicyDescription
	out.Policy.AttachmentCount, err = s.attachments(in.PolicyArn)
	return out, err
}

// ListPoliciesOutput lists managed policies.
type ListPoliciesOutput struct {
	Policies    []PolicyDescription
	IsTruncated bool
}

func (s *Service) listPolicies(_ context.Context, in ListInput) (out ListPoliciesOutput, err error) {
	if in.Scope == "AWS" {
		return out, nil
	}
	err = s.policies.Scan("", "", func(_ string, p managedPolicy) bool {
		if strings.HasPrefix(p.Path, in.PathPrefix) {
			p.Tags = nil // lists go without tags
			out.Policies = append(out.Policies, p.PolicyDescription)
		}
		return true
	})
	return out, err
}

func (s *Service) deletePolicy(_ context.Context, in PolicyInput) (out wire.Empty, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, err := s.managed(in.PolicyArn)
	if err != nil {
		return out, err
	}
	n, err := s.uses(in.PolicyArn)
	if err != nil {
		return out, err
	}
	if n > 0 {
		return out, errInUse("Cannot delete a policy attached to entities.")
	}
	if len(p.Versions) > 1 {
		return out, errInUse("This policy has more than one version. Before you delete a policy, you must delete the policy's versions. The default version is deleted with the policy.")
	}
	return out, s.policies.Delete(in.PolicyArn)
}
