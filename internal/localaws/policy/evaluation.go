package policy

import (
	"fmt"
	"slices"
)

// Policies are all that bear on a request of a principal of an account for a resource of the same account.
//
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-basics.html
type Policies struct {
	// Identity are the policies of the role, Resource that of the resource.
	Identity, Resource []Document
	// Boundary is the permissions boundary of the role and Session the policies that were passed when it was assumed;
	// nil means that there are none, and so no limit.
	Boundary, Session []Document
	// ResourceMust says that the resource's policy has to grant in any case, if only to the account: so it is with a key of KMS.
	// https://docs.aws.amazon.com/kms/latest/developerguide/key-policies.html
	ResourceMust bool
}

// Statement is one of a policy: Index counts from 0, Sid may be empty.
type Statement struct {
	Policy string
	Index  int
	Sid    string
}

// Verdict is what policies say of a request.
type Verdict struct {
	Decision Decision
	// Reason ends AWS's message about a refusal: "because no identity-based policy allows the sqs:SendMessage action".
	// https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
	Reason string
	// Applied are the statements that decided: those that allow, or the one that denies.
	Applied []Statement
}

// Decide evaluates r as IAM does within one account: an explicit denial in any policy wins; the identity's policies or
// the resource's policy must allow; what is allowed must be within the permissions boundary and the session's policies,
// except for what the resource's policy grants to the session by its name.
func (p Policies) Decide(r Request) Verdict {
	r = r.normal()
	kinds := []struct {
		name string
		docs []Document
	}{
		{"an identity-based policy", p.Identity},
		{"a resource-based policy", p.Resource},
		{"a permissions boundary", p.Boundary},
		{"a session policy", p.Session},
	}
	decisions := make([]Decision, len(kinds))
	applied := make([][]Statement, len(kinds))
	var granted grant // by the resource's policy
	for i, kind := range kinds {
		var g grant
		if decisions[i], g, applied[i] = evaluate(kind.docs, r); decisions[i] == Deny {
			return Verdict{Deny, "with an explicit deny in " + kind.name, applied[i]}
		}
		if kind.name == "a resource-based policy" {
			granted = g
		}
	}
	identity, boundary, session := decisions[0], decisions[2], decisions[3]
	switch {
	case p.ResourceMust && granted == noGrant:
		return refusal("resource-based", r)
	case granted == toCaller:
		return Verdict{Decision: Allow, Applied: applied[1]}
	case identity != Allow && granted != toRole:
		return refusal("identity-based", r)
	case p.Boundary != nil && boundary != Allow:
		return refusal("permissions boundary", r)
	case p.Session != nil && session != Allow:
		return refusal("session", r)
	}
	return Verdict{Decision: Allow, Applied: slices.Concat(applied...)}
}

func refusal(kind string, r Request) Verdict {
	if kind != "permissions boundary" {
		kind += " policy"
	}
	return Verdict{Decision: ImplicitDeny, Reason: fmt.Sprintf("because no %s allows the %s action", kind, r.Action)}
}

// Statements returns the statements of the document, in order.
func (d Document) Statements() []Statement {
	out := make([]Statement, len(d.statements))
	for i, s := range d.statements {
		out[i] = Statement{Policy: d.Name, Index: i, Sid: s.sid}
	}
	return out
}

// Idle returns the action patterns of a statement that match nothing of done: what it would do as well without.
func (d Document) Idle(statement int, done []string) []string {
	s := d.statements[statement]
	if s.notAction {
		return nil
	}
	var idle []string
	for _, pattern := range s.actions {
		if !slices.ContainsFunc(done, func(action string) bool { return actions{pattern}.matches(action) }) {
			idle = append(idle, pattern)
		}
	}
	return idle
}

// Denies says whether a statement denies.
func (d Document) Denies(statement int) bool { return d.statements[statement].effect == Deny }
