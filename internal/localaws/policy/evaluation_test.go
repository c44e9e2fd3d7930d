package policy_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/the-alchemiser/alchemiser/internal/localaws/policy"
)

const (
	roleARN    = "arn:aws:iam::000000000000:role/r"
	sessionARN = "arn:aws:sts::000000000000:assumed-role/r/s"
	accountARN = "arn:aws:iam::000000000000:root"
)

// written returns the statement that text tells: "allow sqs:* on *", "deny sqs:SendMessage on Q for role".
func written(text string) string {
	f := strings.Fields(text)
	effect := strings.ToUpper(f[0][:1]) + f[0][1:]
	resource := strings.ReplaceAll(f[3], "Q", queue)
	out := fmt.Sprintf(`{"Effect":%q,"Action":%q,"Resource":%q`, effect, f[1], resource)
	if len(f) == 6 {
		who := map[string]string{
			"role": `{"AWS":"` + roleARN + `"}`, "session": `{"AWS":"` + sessionARN + `"}`, "account": `{"AWS":"` + accountARN + `"}`,
			"other": `{"AWS":"arn:aws:iam::000000000000:role/other"}`, "everybody": `"*"`, "lambda": `{"Service":"lambda.amazonaws.com"}`,
		}[f[5]]
		key := "Principal"
		if f[4] == "except" {
			key = "NotPrincipal"
		}
		out += fmt.Sprintf(`,%q:%s`, key, who)
	}
	return out + "}"
}

func documents(t *testing.T, kind policy.Kind, name string, rules []string) []policy.Document {
	t.Helper()
	if rules == nil {
		return nil
	}
	var statements []string
	for _, r := range rules {
		statements = append(statements, written(r))
	}
	doc, err := policy.Parse(kind, `{"Version":"2012-10-17","Statement":[`+strings.Join(statements, ",")+`]}`)
	if err != nil {
		t.Fatal(err)
	}
	doc.Name = name
	return []policy.Document{doc}
}

// The cases that the documentation of IAM tells, for one account:
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-denyallow.html
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-basics-single-account.html
// https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html#access_policies_boundaries-eval-logic
// https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies.html#policies_session
func TestEvaluationLogic(t *testing.T) {
	const (
		noIdentity = "because no identity-based policy allows the sqs:SendMessage action"
		noBoundary = "because no permissions boundary allows the sqs:SendMessage action"
		noSession  = "because no session policy allows the sqs:SendMessage action"
	)
	type rules = []string
	tests := map[string]struct {
		identity, resource, boundary, session rules
		want                                  policy.Decision
		reason                                string
	}{
		"nothing allows":             {nil, nil, nil, nil, policy.ImplicitDeny, noIdentity},
		"the identity's policy":      {rules{"allow sqs:SendMessage on Q"}, nil, nil, nil, policy.Allow, ""},
		"it allows something else":   {rules{"allow sqs:ReceiveMessage on Q"}, nil, nil, nil, policy.ImplicitDeny, noIdentity},
		"it allows another resource": {rules{"allow sqs:* on arn:aws:sqs:*:*:other"}, nil, nil, nil, policy.ImplicitDeny, noIdentity},
		"it allows and denies":       {rules{"allow sqs:* on *", "deny sqs:SendMessage on Q"}, nil, nil, nil, policy.Deny, "with an explicit deny in an identity-based policy"},
		"the denial comes first":     {rules{"deny * on Q", "allow * on *"}, nil, nil, nil, policy.Deny, "with an explicit deny in an identity-based policy"},

		"the resource's policy, to the role":           {nil, rules{"allow sqs:SendMessage on Q to role"}, nil, nil, policy.Allow, ""},
		"the resource's policy, to the session":        {nil, rules{"allow sqs:SendMessage on Q to session"}, nil, nil, policy.Allow, ""},
		"the resource's policy, to everybody":          {nil, rules{"allow sqs:SendMessage on Q to everybody"}, nil, nil, policy.Allow, ""},
		"the resource's policy, to another role":       {nil, rules{"allow sqs:SendMessage on Q to other"}, nil, nil, policy.ImplicitDeny, noIdentity},
		"the resource's policy, to a service":          {nil, rules{"allow sqs:SendMessage on Q to lambda"}, nil, nil, policy.ImplicitDeny, noIdentity},
		"the account may: its role needs a policy too": {nil, rules{"allow sqs:SendMessage on Q to account"}, nil, nil, policy.ImplicitDeny, noIdentity},
		"the account may, and the role has one":        {rules{"allow sqs:SendMessage on Q"}, rules{"allow sqs:SendMessage on Q to account"}, nil, nil, policy.Allow, ""},
		"either is enough":                             {rules{"allow sqs:SendMessage on Q"}, rules{"allow sqs:SendMessage on Q to other"}, nil, nil, policy.Allow, ""},
		"the resource denies the role":                 {rules{"allow * on *"}, rules{"deny sqs:* on Q to role"}, nil, nil, policy.Deny, "with an explicit deny in a resource-based policy"},
		"the resource denies everybody":                {rules{"allow * on *"}, rules{"deny sqs:* on Q to everybody"}, nil, nil, policy.Deny, "with an explicit deny in a resource-based policy"},
		"the resource denies the account":              {rules{"allow * on *"}, rules{"deny sqs:* on Q to account"}, nil, nil, policy.Deny, "with an explicit deny in a resource-based policy"},
		"the resource denies all but the role":         {rules{"allow * on *"}, rules{"deny sqs:* on Q except role"}, nil, nil, policy.Allow, ""},
		"the resource denies all but another":          {rules{"allow * on *"}, rules{"deny sqs:* on Q except other"}, nil, nil, policy.Deny, "with an explicit deny in a resource-based policy"},
		"the identity denies what the resource allows": {rules{"deny sqs:* on *"}, rules{"allow sqs:* on Q to session"}, nil, nil, policy.Deny, "with an explicit deny in an identity-based policy"},

		"a boundary alone allows nothing":          {nil, nil, rules{"allow * on *"}, nil, policy.ImplicitDeny, noIdentity},
		"within the boundary":                      {rules{"allow sqs:SendMessage on Q"}, nil, rules{"allow sqs:* on *"}, nil, policy.Allow, ""},
		"beyond the boundary":                      {rules{"allow * on *"}, nil, rules{"allow sns:* on *"}, nil, policy.ImplicitDeny, noBoundary},
		"an empty boundary":                        {rules{"allow * on *"}, nil, rules{"allow none:* on *"}, nil, policy.ImplicitDeny, noBoundary},
		"the boundary denies":                      {rules{"allow * on *"}, nil, rules{"allow * on *", "deny sqs:* on *"}, nil, policy.Deny, "with an explicit deny in a permissions boundary"},
		"a boundary limits what a role is granted": {nil, rules{"allow sqs:* on Q to role"}, rules{"allow sns:* on *"}, nil, policy.ImplicitDeny, noBoundary},
		"and what everybody is granted":            {nil, rules{"allow sqs:* on Q to everybody"}, rules{"allow sns:* on *"}, nil, policy.ImplicitDeny, noBoundary},
		"but not what a session is granted":        {nil, rules{"allow sqs:* on Q to session"}, rules{"allow sns:* on *"}, nil, policy.Allow, ""},
		"unless it denies":                         {nil, rules{"allow sqs:* on Q to session"}, rules{"deny sqs:* on *"}, nil, policy.Deny, "with an explicit deny in a permissions boundary"},

		"a session policy alone allows nothing":          {nil, nil, nil, rules{"allow * on *"}, policy.ImplicitDeny, noIdentity},
		"within the session policy":                      {rules{"allow * on *"}, nil, nil, rules{"allow sqs:* on *"}, policy.Allow, ""},
		"beyond the session policy":                      {rules{"allow * on *"}, nil, nil, rules{"allow sns:* on *"}, policy.ImplicitDeny, noSession},
		"the session policy denies":                      {rules{"allow * on *"}, nil, nil, rules{"allow * on *", "deny sqs:* on *"}, policy.Deny, "with an explicit deny in a session policy"},
		"a session policy limits what a role is granted": {nil, rules{"allow sqs:* on Q to role"}, nil, rules{"allow sns:* on *"}, policy.ImplicitDeny, noSession},
		"but not what the session is granted":            {nil, rules{"allow sqs:* on Q to session"}, nil, rules{"allow sns:* on *"}, policy.Allow, ""},
		"all of them allow":                              {rules{"allow sqs:* on *"}, rules{"allow sqs:* on Q to account"}, rules{"allow sqs:* on *"}, rules{"allow sqs:* on *"}, policy.Allow, ""},
		"the boundary allows, the session policy not":    {rules{"allow sqs:* on *"}, nil, rules{"allow sqs:* on *"}, rules{"allow sns:* on *"}, policy.ImplicitDeny, noSession},
		"the session policy allows, the boundary not":    {rules{"allow sqs:* on *"}, nil, rules{"allow sns:* on *"}, rules{"allow sqs:* on *"}, policy.ImplicitDeny, noBoundary},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := policy.Policies{
				Identity: documents(t, policy.Identity, "identity", tt.identity),
				Resource: documents(t, policy.Resource, "resource", tt.resource),
				Boundary: documents(t, policy.Identity, "boundary", tt.boundary),
				Session:  documents(t, policy.Identity, "session", tt.session),
			}.Decide(policy.Request{
				Principal: policy.Principal{ARN: sessionARN, RoleARN: roleARN}, Action: "sqs:SendMessage", Resource: queue,
			})
			if got.Decision != tt.want || got.Reason != tt.reason {
				t.Errorf("decision %d %q, want %d %q", got.Decision, got.Reason, tt.want, tt.reason)
			}
			if (got.Decision == policy.ImplicitDeny) != (len(got.Applied) == 0) {
				t.Errorf("statements %v", got.Applied)
			}
		})
	}
}

func TestAVerdictNamesItsStatements(t *testing.T) {
	doc, err := policy.Parse(policy.Identity, `{"Version":"2012-10-17","Statement":[
		{"Sid":"Read","Effect":"Allow","Action":["sqs:ReceiveMessage","sqs:DeleteMessage"],"Resource":"*"},
		{"Effect":"Allow","Action":["sqs:Send*","sns:*"],"Resource":"*"},
		{"Sid":"Never","Effect":"Deny","Action":"sqs:DeleteQueue","Resource":"*"}]}`)
	if err != nil {
		t.Fatal(err)
	}
	doc.Name = "p"
	policies := policy.Policies{Identity: []policy.Document{doc}}
	ask := func(action string) []policy.Statement {
		return policies.Decide(policy.Request{Action: action, Resource: queue}).Applied
	}
	for action, want := range map[string]policy.Statement{
		"sqs:DeleteMessage": {Policy: "p", Index: 0, Sid: "Read"},
		"sqs:SendMessage":   {Policy: "p", Index: 1},
		"sqs:DeleteQueue":   {Policy: "p", Index: 2, Sid: "Never"},
	} {
		if got := ask(action); len(got) != 1 || got[0] != want {
			t.Errorf("%s: %v, want %v", action, got, want)
		}
	}
	if idle := doc.Idle(1, []string{"sqs:SendMessage"}); len(idle) != 1 || idle[0] != "sns:*" {
		t.Errorf("idle %v, want sns:*", idle)
	}
	if got := doc.Statements(); len(got) != 3 || got[0].Sid != "Read" || !doc.Denies(2) || doc.Denies(0) {
		t.Errorf("statements %v", got)
	}
}

// A key of KMS is used by nobody whom its policy does not let in, if only by leaving the decision to the account.
func TestTheResourceMustGrantWhereItMust(t *testing.T) {
	t.Parallel()
	identity := parsed(t, policy.Identity, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"kms:*","Resource":"*"}}`)
	account := parsed(t, policy.Resource, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::000000000000:root"},"Action":"kms:Decrypt","Resource":"*"}}`)
	other := parsed(t, policy.Resource, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::000000000000:role/other"},"Action":"kms:Decrypt","Resource":"*"}}`)
	asked := policy.Request{
		Principal: policy.Principal{ARN: "arn:aws:sts::000000000000:assumed-role/mine/s", RoleARN: "arn:aws:iam::000000000000:role/mine"},
		Action:    "kms:Decrypt", Resource: "arn:aws:kms:us-east-1:000000000000:key/k",
	}
	for name, tt := range map[string]struct {
		identity, resource policy.Document
		want               policy.Decision
	}{
		"the account and the role's own policy": {identity, account, policy.Allow},
		"the account alone":                     {policy.Document{}, account, policy.ImplicitDeny},
		"the role's own policy alone":           {identity, other, policy.ImplicitDeny},
	} {
		p := policy.Policies{Identity: []policy.Document{tt.identity}, Resource: []policy.Document{tt.resource}, ResourceMust: true}
		if got := p.Decide(asked).Decision; got != tt.want {
			t.Errorf("%s: decision %v, want %v", name, got, tt.want)
		}
	}
}

func parsed(t *testing.T, kind policy.Kind, text string) policy.Document {
	t.Helper()
	doc, err := policy.Parse(kind, text)
	if err != nil {
		t.Fatal(err)
	}
	return doc
}
