package iam

import (
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"time"

	"github.com/the-alchemiser/alchemiser/internal/localaws/arn"
	"github.com/the-alchemiser/alchemiser/internal/localaws/policy"
	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

// Session is the temporary credentials of a role. Sessions live in memory: a restart of the endpoint ends them, as it
// ends the functions that hold them.
type Session struct {
	AccessKeyID, SecretAccessKey, SessionToken string
	RoleARN                                    string
	// ID is "AROA…:NAME" and ARN is "arn:aws:sts::…:assumed-role/ROLE/NAME".
	ID, ARN string
	// Expires is zero for the sessions of functions, which last as long as the endpoint.
	Expires time.Time
}

// SessionFor returns credentials of roleARN for a function under the name sessionName. It returns the same ones for the
// same role and name. The role must exist and let lambda.amazonaws.com assume it; else the error is a *wire.Error.
func (s *Service) SessionFor(roleARN, sessionName string) (accessKey, secret, token string, err error) {
	r, err := s.trusted(roleARN, policy.Principal{Service: "lambda.amazonaws.com"}, nil)
	if err != nil {
		return "", "", "", err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	session := newSession(r, sessionName)
	for old := range maps.Values(s.sessions) {
		if old.ARN == session.ARN && old.RoleARN == roleARN && old.Expires.IsZero() {
			return old.AccessKeyID, old.SecretAccessKey, old.SessionToken, nil
		}
	}
	s.sessions[session.AccessKeyID] = session
	return session.AccessKeyID, session.SecretAccessKey, session.SessionToken, nil
}

// Assume returns credentials of roleARN for caller, which end after duration. It returns an AccessDenied error if the
// role does not exist or does not trust the caller.
func (s *Service) Assume(caller policy.Principal, roleARN, sessionName, externalID string, duration time.Duration) (Session, error) {
	values := map[string][]string{}
	if externalID != "" {
		values["sts:ExternalId"] = []string{externalID}
	}
	r, err := s.trusted(roleARN, caller, values)
	if err != nil {
		return Session{}, err
	}
	if limit := time.Duration(r.MaxSessionDuration) * time.Second; duration > limit {
		return Session{}, errInvalid("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
	}
	now := s.clock.Now()
	session := newSession(r, sessionName)
	session.Expires = now.Add(duration)
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.sessions, func(_ string, old Session) bool { return old.expired(now) })
	s.sessions[session.AccessKeyID] = session
	return session, nil
}

// Session returns the live session that has an access key.
func (s *Service) Session(accessKeyID string) (Session, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	session, ok := s.sessions[accessKeyID]
	return session, ok && !session.expired(s.clock.Now())
}

func (x Session) expired(now time.Time) bool { return !x.Expires.IsZero() && now.After(x.Expires) }

func newSession(r role, name string) Session {
	return Session{
		AccessKeyID: newID("ASIA"), SecretAccessKey: rand.Text() + rand.Text()[:14], SessionToken: rand.Text() + rand.Text(),
		RoleARN: r.Arn, ID: r.RoleId + ":" + name,
		ARN: arn.Global("sts", fmt.Sprintf("assumed-role/%s/%s", r.RoleName, name)),
	}
}

// endSessions ends the sessions of a role. The caller holds mu.
func (s *Service) endSessions(roleARN string) {
	maps.DeleteFunc(s.sessions, func(_ string, x Session) bool { return x.RoleARN == roleARN })
}

// trusted returns the role if its trust policy lets who assume it.
func (s *Service) trusted(roleARN string, who policy.Principal, values map[string][]string) (role, error) {
	denied := refuse(http.StatusForbidden, "AccessDenied", "%s is not authorized to perform: sts:AssumeRole on resource: %s", who.Service+who.ARN, roleARN)
	r, err := s.roleByARN(roleARN)
	if err != nil {
		var refused *wire.Error
		if errors.As(err, &refused) {
			denied.Message += ": the role does not exist"
			return r, denied
		}
		return r, err
	}
	trust, err := policy.Parse(policy.Trust, r.AssumeRolePolicyDocument)
	if err != nil {
		return r, err
	}
	if policy.Evaluate([]policy.Document{trust}, policy.Request{Principal: who, Action: "sts:AssumeRole", Resource: roleARN, Context: values}) != policy.Allow {
		denied.Message += ": its trust policy does not allow it"
		return r, denied
	}
	return r, nil
}

// PoliciesOf returns the identity policies of a role: inline and attached.
func (s *Service) PoliciesOf(roleARN string) ([]policy.Document, error) {
	r, err := s.roleByARN(roleARN)
	if err != nil {
		return nil, err
	}
	var texts []string
	for _, text := range r.Inline {
		texts = append(texts, text)
	}
	for _, policyARN := range r.Attached {
		p, err := s.managed(policyARN)
		if err != nil {
			return nil, err
		}
		i, err := p.version(p.DefaultVersionId)
		if err != nil {
			return nil, err
		}
		texts = append(texts, p.Versions[i].Document)
	}
	var docs []policy.Document
	for _, text := range texts {
		doc, err := policy.Parse(policy.Identity, text)
		if err != nil {
			return nil, fmt.Errorf("role %s: %w", r.RoleName, err)
		}
		docs = append(docs, doc)
	}
	return docs, nil
}

// AuthorizeService says whether a service may assume roleARN on behalf of the resource sourceARN and then do action on
// resource. It returns nil or an AccessDenied error that says which of the two it may not.
func (s *Service) AuthorizeService(service, sourceARN, roleARN, action, resource string) error {
	asking := policy.ServiceRequest(service, "sts:AssumeRole", roleARN, sourceARN, arn.Account)
	r, err := s.trusted(roleARN, asking.Principal, asking.Context)
	if err != nil {
		return err
	}
	docs, err := s.PoliciesOf(roleARN)
	if err != nil {
		return err
	}
	short, _, _ := strings.Cut(service, ".")
	who := policy.Principal{ARN: newSession(r, short).ARN, RoleARN: roleARN}
	if policy.Evaluate(docs, policy.Request{Principal: who, Action: action, Resource: resource}) != policy.Allow {
		return refuse(http.StatusForbidden, "AccessDenied", "User: %s is not authorized to perform: %s on resource: %s because no identity-based policy allows the %s action", who.ARN, action, resource, action)
	}
	return nil
}
