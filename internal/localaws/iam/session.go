package iam

import (
	"crypto/rand"
	"fmt"
	"maps"
	"net/http"
	"time"

	"github.com/the-alchemiser/alchemiser/internal/localaws/arn"
	"github.com/the-alchemiser/alchemiser/internal/localaws/policy"
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
	// Limits are the session policies; nil if there are none.
	Limits []policy.Document
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

// Assumption asks for a session of a role.
type Assumption struct {
	Caller               policy.Principal
	RoleARN, SessionName string
	ExternalID           string
	Duration             time.Duration
	// SessionPolicy is a document and SessionPolicies are ARNs of managed policies: what the session may do at most.
	SessionPolicy   string
	SessionPolicies []string
}

// Assume returns credentials of a role. It returns an AccessDenied error if the role does not exist or does not trust the
// caller.
func (s *Service) Assume(a Assumption) (Session, error) {
	values := map[string][]string{}
	if a.ExternalID != "" {
		values["sts:ExternalId"] = []string{a.ExternalID}
	}
	r, err := s.trusted(a.RoleARN, a.Caller, values)
	if err != nil {
		return Session{}, err
	}
	if limit := time.Duration(r.MaxSessionDuration) * time.Second; a.Duration > limit {
		return Session{}, errInvalid("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
	}
	limits, err := s.sessionPolicies(a)
	if err != nil {
		return Session{}, err
	}
	now := s.clock.Now()
	session := newSession(r, a.SessionName)
	session.Expires, session.Limits = now.Add(a.Duration), limits
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
		if isNoEntity(err) {
			denied.Message += ": the role does not exist"
			return r, denied
		}
		return r, err
	}
	trust, err := s.document(policy.Trust, r.RoleName, r.AssumeRolePolicyDocument)
	if err != nil {
		return r, err
	}
	if policy.Evaluate([]policy.Document{trust}, policy.Request{Principal: who, Action: "sts:AssumeRole", Resource: roleARN, Context: values}) != policy.Allow {
		denied.Message += ": its trust policy does not allow it"
		return r, denied
	}
	return r, nil
}
