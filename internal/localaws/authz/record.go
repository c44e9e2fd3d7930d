package authz

import (
	"cmp"
	"maps"
	"slices"
	"sync"

	"github.com/the-alchemiser/alchemiser/internal/localaws/policy"
	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

// maxRefusals bounds the different refusals that are recorded; further ones are only counted.
const maxRefusals = 1000

// record is what has been allowed and refused, since the endpoint started.
type record struct {
	mu       sync.Mutex
	used     map[used]int
	refused  map[Refusal]int
	overflow int
}

// used is a statement that allowed an action: of a role's policy, or of that of a resource (then role is empty).
type used struct {
	role      string
	statement policy.Statement
	action    string
}

// Refusal is a call that was not allowed. In mode Audit it went through.
type Refusal struct {
	Principal string `json:"principal"`
	Action    string `json:"action"`
	Resource  string `json:"resource"`
	Reason    string `json:"reason"`
}

func newRecord() record {
	return record{used: map[used]int{}, refused: map[Refusal]int{}}
}

func (r *record) add(who policy.Principal, need wire.Access, verdict policy.Verdict) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if verdict.Decision != policy.Allow {
		refusal := Refusal{cmp.Or(who.RoleARN, who.ARN), need.Action, need.Resource, verdict.Reason}
		if _, known := r.refused[refusal]; !known && len(r.refused) >= maxRefusals {
			r.overflow++
			return
		}
		r.refused[refusal]++
	}
	for _, s := range verdict.Applied {
		r.used[used{who.RoleARN, s, need.Action}]++
	}
}

// Report is what roles were allowed and refused since the endpoint started.
type Report struct {
	Mode  Mode   `json:"mode"`
	Roles []Role `json:"roles"`
	// Refused are the refusals by how often they happened, most often first; Further are those beyond a thousand
	// different ones.
	Refused []CountedRefusal `json:"refused"`
	Further int              `json:"further_refusals,omitempty"`
}

// Role is what became of the statements of a role's policies.
type Role struct {
	ARN        string      `json:"role"`
	Statements []Statement `json:"statements"`
}

// Statement says how often a statement was the reason to allow a call or, if it denies, to refuse one.
type Statement struct {
	Policy string `json:"policy"`
	Index  int    `json:"index"`
	Sid    string `json:"sid,omitempty"`
	Denies bool   `json:"denies,omitempty"`
	Uses   int    `json:"uses"`
	// Idle are the actions that it allows and nobody used.
	Idle []string `json:"idle_actions,omitempty"`
}

// CountedRefusal is a refusal and how often it happened.
type CountedRefusal struct {
	Refusal
	Count int `json:"count"`
}

// Report returns the record: every role that exists with every statement of its policies, sorted.
func (a *Authorizer) Report() (Report, error) {
	roles, err := a.Roles.Roles()
	if err != nil {
		return Report{}, err
	}
	a.record.mu.Lock()
	defer a.record.mu.Unlock()
	out := Report{Mode: a.Mode, Roles: []Role{}, Refused: []CountedRefusal{}, Further: a.record.overflow}
	for _, r := range roles {
		role := Role{ARN: r.RoleARN, Statements: []Statement{}}
		for _, doc := range r.Policies {
			for _, s := range doc.Statements() {
				role.Statements = append(role.Statements, a.record.statement(r.RoleARN, doc, s))
			}
		}
		out.Roles = append(out.Roles, role)
	}
	for refusal, n := range a.record.refused {
		out.Refused = append(out.Refused, CountedRefusal{refusal, n})
	}
	slices.SortFunc(out.Refused, func(a, b CountedRefusal) int {
		return cmp.Or(b.Count-a.Count, cmp.Compare(a.Principal, b.Principal), cmp.Compare(a.Action, b.Action), cmp.Compare(a.Resource, b.Resource))
	})
	return out, nil
}

// statement returns what became of a statement; mu is held.
func (r *record) statement(role string, doc policy.Document, s policy.Statement) Statement {
	uses, done := 0, map[string]bool{}
	for u, n := range r.used {
		if u.role == role && u.statement == s {
			uses += n
			done[u.action] = true
		}
	}
	return Statement{
		Policy: s.Policy, Index: s.Index, Sid: s.Sid, Denies: doc.Denies(s.Index), Uses: uses,
		Idle: doc.Idle(s.Index, slices.Collect(maps.Keys(done))),
	}
}
