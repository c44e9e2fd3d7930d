package iam

import (
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/the-alchemiser/alchemiser/internal/localaws/arn"
	"github.com/the-alchemiser/alchemiser/internal/localaws/policy"
)

// Subject is what IAM knows of who asks: who it is, its own policies, and what conditions can ask about it.
type Subject struct {
	Principal policy.Principal
	// Policies has no Resource: that is the resource's.
	Policies policy.Policies
	// Context has the global condition keys that begin with aws:Principal, and aws:userid.
	// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
	Context map[string][]string
}

// Subject returns who a live session is.
func (s *Service) Subject(session Session) (Subject, error) {
	r, err := s.roleByARN(session.RoleARN)
	if err != nil {
		return Subject{}, err
	}
	return s.subject(r, session)
}

// ServiceSubject returns who an AWS service is that acts under roleARN for the resource sourceARN. The error is AccessDenied
// if the role does not trust the service.
func (s *Service) ServiceSubject(service, sourceARN, roleARN string) (Subject, error) {
	asking := policy.ServiceRequest(service, "sts:AssumeRole", roleARN, sourceARN, arn.Account)
	r, err := s.trusted(roleARN, asking.Principal, asking.Context)
	if err != nil {
		return Subject{}, err
	}
	short, _, _ := strings.Cut(service, ".")
	return s.subject(r, newSession(r, short))
}

func (s *Service) subject(r role, session Session) (Subject, error) {
	out := Subject{
		Principal: policy.Principal{ARN: session.ARN, RoleARN: r.Arn},
		Policies:  policy.Policies{Session: session.Limits},
		Context: map[string][]string{
			"aws:PrincipalArn": {r.Arn}, "aws:PrincipalAccount": {arn.Account}, "aws:PrincipalType": {"AssumedRole"},
			"aws:userid": {session.ID}, "aws:PrincipalIsAWSService": {"false"},
		},
	}
	for _, tag := range r.Tags {
		out.Context["aws:PrincipalTag/"+tag.Key] = []string{tag.Value}
	}
	var err error
	if out.Policies.Identity, err = s.identityPolicies(r); err != nil {
		return Subject{}, err
	}
	if r.PermissionsBoundary != nil {
		limit, err := s.managedDocument(r.PermissionsBoundary.PermissionsBoundaryArn)
		if err != nil {
			return Subject{}, err
		}
		out.Policies.Boundary = []policy.Document{limit}
	}
	return out, nil
}

// RolePolicies are the identity policies of a role, inline and attached.
type RolePolicies struct {
	RoleARN  string
	Policies []policy.Document
}

// Roles returns the identity policies of all roles, by ARN.
func (s *Service) Roles() ([]RolePolicies, error) {
	var roles []role
	err := s.roles.Scan("", "", func(_ string, r role) bool {
		roles = append(roles, r)
		return true
	})
	if err != nil {
		return nil, err
	}
	out := make([]RolePolicies, len(roles))
	for i, r := range roles {
		docs, err := s.identityPolicies(r)
		if err != nil {
			return nil, err
		}
		out[i] = RolePolicies{r.Arn, docs}
	}
	return out, nil
}

func (s *Service) identityPolicies(r role) ([]policy.Document, error) {
	var docs []policy.Document
	for _, name := range slices.Sorted(maps.Keys(r.Inline)) {
		doc, err := s.document(policy.Identity, name, r.Inline[name])
		if err != nil {
			return nil, err
		}
		docs = append(docs, doc)
	}
	for _, policyARN := range r.Attached {
		doc, err := s.managedDocument(policyARN)
		if err != nil {
			return nil, err
		}
		docs = append(docs, doc)
	}
	return docs, nil
}

// TrustPolicy returns the trust policy of the role roleARN, which is its resource policy; ok is false if there is no such
// role.
func (s *Service) TrustPolicy(roleARN string) (doc policy.Document, ok bool, err error) {
	r, err := s.roleByARN(roleARN)
	if isNoEntity(err) {
		return doc, false, nil
	}
	if err != nil {
		return doc, false, err
	}
	doc, err = s.document(policy.Trust, r.RoleName, r.AssumeRolePolicyDocument)
	return doc, err == nil, err
}

// sessionPolicies returns what limits a session, nil if nothing does.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies.html#policies_session
func (s *Service) sessionPolicies(a Assumption) ([]policy.Document, error) {
	var docs []policy.Document
	if a.SessionPolicy != "" {
		doc, err := policy.Parse(policy.Identity, a.SessionPolicy)
		if err != nil {
			return nil, errMalformed(err)
		}
		docs = append(docs, doc)
	}
	for _, policyARN := range a.SessionPolicies {
		doc, err := s.managedDocument(policyARN)
		if err != nil {
			return nil, err
		}
		docs = append(docs, doc)
	}
	return docs, nil
}

// managedDocument returns the default version of a managed policy.
func (s *Service) managedDocument(policyARN string) (policy.Document, error) {
	p, err := s.managed(policyARN)
	if err != nil {
		return policy.Document{}, err
	}
	i, err := p.version(p.DefaultVersionId)
	if err != nil {
		return policy.Document{}, err
	}
	return s.document(policy.Identity, policyARN, p.Versions[i].Document)
}

// maxParsed bounds how many parsed policies are kept.
const maxParsed = 1000

// document parses a policy, once for every text.
func (s *Service) document(kind policy.Kind, name, text string) (policy.Document, error) {
	s.parsedMu.Lock()
	defer s.parsedMu.Unlock()
	key := name + "\x00" + text
	if doc, ok := s.parsed[key]; ok {
		return doc, nil
	}
	doc, err := policy.Parse(kind, text)
	if err != nil {
		return doc, errors.Join(errors.New("policy "+name), err)
	}
	doc.Name = name
	if len(s.parsed) >= maxParsed {
		clear(s.parsed)
	}
	s.parsed[key] = doc
	return doc, nil
}
