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
	statements []statement
}

// Evaluate returns what all of docs together say about r.
func Evaluate(docs []Document, r Request) Decision {
	context := make(map[string][]string, len(r.Context))
	for key, values := range r.Context {
		context[strings.ToLower(key)] = values
	}
	r.Context = context
	decision := ImplicitDeny
	for _, doc := range docs {
		for _, s := range doc.statements {
			if !s.applies(r) {
				continue
			}
			if s.effect == Deny {
				return Deny
			}
			decision = Allow
		}
	}
	return decision
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

func (s statement) applies(r Request) bool {
	if s.principal != nil && s.principal.matches(r.Principal) == s.notPrincipal {
		return false
	}
	if s.actions.matches(r.Action) == s.notAction {
		return false
	}
	if s.resources != nil && s.matchesResource(r) == s.notResource {
		return false
	}
	for _, c := range s.conditions {
		if !c.holds(r.Context) {
			return false
		}
	}
	return true
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

func (p principals) matches(who Principal) bool {
	for _, service := range p.services {
		if service != "" && strings.EqualFold(service, who.Service) {
			return true
		}
	}
	for _, name := range p.aws {
		switch {
		case name == "*":
			return true
		case who.ARN == "":
		case name == who.ARN, name == who.RoleARN:
			return true
		case isAccount(name) && account(who.ARN) == name:
			return true
		case strings.HasSuffix(name, ":root") && account(who.ARN) == account(name):
			return true // the account as a whole: all that is in it
		}
	}
	return false
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
