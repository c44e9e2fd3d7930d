// Package policy parses IAM policy documents and decides by them: identity policies, resource policies and the trust
// policies of roles.
//
// It does not check that actions, resources and condition keys exist.
//
// Language: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html
// Evaluation: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
package policy

import (
	"strings"
)

// Kind is what a policy is attached to, which decides what its statements must have.
type Kind int

// The kinds of policies.
const (
	// Identity policies are attached to roles; they name resources and no principal.
	Identity Kind = iota + 1
	// Resource policies are attached to a resource and name principals.
	Resource
	// Trust policies say who may assume a role; they name principals and no resource.
	Trust
)

// Decision is the outcome of an evaluation.
type Decision int

// The decisions. An explicit Deny wins over every Allow.
const (
	ImplicitDeny Decision = iota
	Allow
	Deny
)

// Principal is who asks. One of its fields may be empty.
type Principal struct {
	// Service is that of an AWS service, such as "events.amazonaws.com".
	Service string
	// ARN is that of a user, a role session ("arn:aws:sts::…:assumed-role/R/S") or an account's root.
	ARN string
	// RoleARN is the role behind a session.
	RoleARN string
}

// Request is what policies are asked about.
type Request struct {
	Principal Principal
	// Action is what is to be done, such as "sqs:SendMessage", to Resource, an ARN.
	Action, Resource string
	// Context holds the values of the condition keys that the request has, such as "aws:SourceArn". Names are compared
	// without regard to case.
	Context map[string][]string
}

// Document is a parsed policy. The zero Document says nothing. It is safe for concurrent use.
type Document struct {
	// Name tells policies apart in a Verdict; Parse leaves it empty.
	Name       string
	statements []statement
}

// Evaluate returns what all of docs together say about r. It takes a grant to an account as one to everybody in it; where
// that differs, ask Policies.
func Evaluate(docs []Document, r Request) Decision {
	decision, _, _ := evaluate(docs, r.normal())
	return decision
}

// normal returns the request with the names of its keys in lower case.
func (r Request) normal() Request {
	context := make(map[string][]string, len(r.Context))
	for key, values := range r.Context {
		context[strings.ToLower(key)] = values
	}
	r.Context = context
	return r
}

// evaluate returns what docs say, the strongest grant among their allowances, and the statements that apply: the one that
// denies, or all that allow.
func evaluate(docs []Document, r Request) (decision Decision, strongest grant, applied []Statement) {
	for _, doc := range docs {
		for i, s := range doc.statements {
			g := s.applies(r)
			if g == noGrant {
				continue
			}
			this := Statement{Policy: doc.Name, Index: i, Sid: s.sid}
			if s.effect == Deny {
				return Deny, noGrant, []Statement{this}
			}
			decision, strongest = Allow, max(strongest, g)
			applied = append(applied, this)
		}
	}
	return decision, strongest, applied
}

// ServiceRequest is the request of an AWS service on behalf of a resource: sourceARN and sourceAccount become
// aws:SourceArn and aws:SourceAccount.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
func ServiceRequest(service, action, resource, sourceARN, sourceAccount string) Request {
	r := Request{
		Principal: Principal{Service: service}, Action: action, Resource: resource,
		Context: map[string][]string{"aws:PrincipalIsAWSService": {"true"}},
	}
	if sourceARN != "" {
		r.Context["aws:SourceArn"] = []string{sourceARN}
	}
	if sourceAccount != "" {
		r.Context["aws:SourceAccount"] = []string{sourceAccount}
	}
	return r
}

// grant is how closely a statement names the principal that it applies to.
type grant int

const (
	noGrant grant = iota
	// toAccount names the account: what its principals may do is left to their own policies.
	toAccount
	// toRole names the role of a session, or everybody.
	toRole
	// toCaller names the very caller, or is a policy of the caller.
	toCaller
)

// applies says whether the statement is about r, and how closely it names who asks.
func (s statement) applies(r Request) grant {
	g := toCaller
	if s.principal != nil {
		g = s.principal.matches(r.Principal)
		switch {
		case s.notPrincipal && g != noGrant:
			return noGrant
		case s.notPrincipal:
			g = toRole
		}
	}
	if g == noGrant || s.actions.matches(r.Action) == s.notAction {
		return noGrant
	}
	if s.resources != nil && s.matchesResource(r) == s.notResource {
		return noGrant
	}
	for _, c := range s.conditions {
		if !c.holds(r.Context) {
			return noGrant
		}
	}
	return g
}

func (s statement) matchesResource(r Request) bool {
	for _, pattern := range s.resources {
		if matchARN(pattern, r.Resource, r.Context) {
			return true
		}
	}
	return false
}

func (a actions) matches(action string) bool {
	for _, pattern := range a {
		if glob(strings.ToLower(pattern), strings.ToLower(action), nil) {
			return true
		}
	}
	return false
}

// matches returns the closest of the names that are who's.
func (p principals) matches(who Principal) grant {
	g := noGrant
	for _, service := range p.services {
		if service != "" && strings.EqualFold(service, who.Service) {
			return toCaller
		}
	}
	for _, name := range p.aws {
		switch {
		case name == "*":
			g = max(g, toRole)
		case who.ARN == "":
		case name == who.ARN:
			return toCaller
		case name == who.RoleARN:
			g = max(g, toRole)
		case isAccount(name) && account(who.ARN) == name,
			strings.HasSuffix(name, ":root") && account(who.ARN) == account(name):
			g = max(g, toAccount)
		}
	}
	return g
}

func isAccount(s string) bool {
	return len(s) == 12 && strings.Trim(s, "0123456789") == ""
}

func account(arn string) string {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) != 6 {
		return ""
	}
	return parts[4]
}
