// Package authz decides whether callers may do what they ask for, and keeps the record of which statements of which
// policies it took.
//
// Callers and resources belong to one account; there is no organization, so no service control policies. The operator is
// the account's root, whom only an explicit denial of a resource's policy stops.
//
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
package authz

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"time"

	"github.com/the-alchemiser/alchemiser/internal/localaws/arn"
	"github.com/the-alchemiser/alchemiser/internal/localaws/iam"
	"github.com/the-alchemiser/alchemiser/internal/localaws/policy"
	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

// Mode is what happens to a call that no policy allows.
type Mode string

// The modes.
const (
	// Off judges no calls.
	Off Mode = "off"
	// Audit lets it through and records it.
	Audit Mode = "audit"
	// Enforce refuses it as AWS does.
	Enforce Mode = "enforce"
)

// ParseMode returns the mode called s; "" is Off.
func ParseMode(s string) (Mode, error) {
	switch m := Mode(s); m {
	case "":
		return Off, nil
	case Off, Audit, Enforce:
		return m, nil
	}
	return "", fmt.Errorf("mode %q: want off, audit or enforce", s)
}

// ResourcePolicy returns the policy of a resource; ok is false if it has none.
type ResourcePolicy func(arn string) (doc policy.Document, ok bool, err error)

// Config is what an Authorizer needs. All fields are required.
type Config struct {
	Mode  Mode
	Roles *iam.Service
	// Resources are the services whose resources have policies, by the name in an ARN.
	Resources map[string]ResourcePolicy
	Now       func() time.Time
}

// Authorizer judges calls. It is safe for concurrent use.
type Authorizer struct {
	Config
	record record
}

// New returns an authorizer.
func New(cfg Config) (*Authorizer, error) {
	if cfg.Roles == nil || cfg.Resources == nil || cfg.Now == nil {
		return nil, errors.New("authz: roles, resources and now are required")
	}
	mode, err := ParseMode(string(cfg.Mode))
	if err != nil {
		return nil, fmt.Errorf("authz: %w", err)
	}
	cfg.Mode = mode
	return &Authorizer{Config: cfg, record: newRecord()}, nil
}

// Call judges a call of the caller that ctx has. A refusal is a *wire.Error in the words of the service.
func (a *Authorizer) Call(ctx context.Context, r *wire.Request, needs []wire.Access) error {
	if a.Mode == Off {
		return nil
	}
	subject, err := a.subject(ctx)
	if err != nil {
		return err
	}
	for _, need := range needs {
		need.Context = a.environment(r, need)
		verdict, err := a.judge(subject, need)
		if err != nil {
			return err
		}
		if verdict.Decision != policy.Allow && a.Mode == Enforce {
			return denial(r.Service, subject.Principal.ARN, need, verdict.Reason)
		}
	}
	return nil
}

// OnBehalf judges what a service does under a role for the resource sourceARN: the role must trust the service and allow
// need. It does so in all modes, as deliveries depend on it.
func (a *Authorizer) OnBehalf(service, sourceARN, roleARN string, need wire.Access) error {
	subject, err := a.Roles.ServiceSubject(service, sourceARN, roleARN)
	if err != nil {
		return err
	}
	verdict, err := a.judge(subject, need)
	if err != nil || verdict.Decision == policy.Allow {
		return err
	}
	return denial("", subject.Principal.ARN, need, verdict.Reason)
}

// Runtime says whether Lambda may do need for a function under its role: write its log, send its segments. What it may not
// do does not happen and nobody is told, as on AWS.
func (a *Authorizer) Runtime(roleARN string, need wire.Access) bool {
	if a.Mode == Off {
		return true
	}
	err := a.OnBehalf("lambda.amazonaws.com", "", roleARN, need)
	return err == nil || a.Mode == Audit
}

// subject returns who calls.
func (a *Authorizer) subject(ctx context.Context) (iam.Subject, error) {
	caller, ok := wire.CallerFrom(ctx)
	if !ok {
		return iam.Subject{}, errors.New("the request has no caller")
	}
	session, ok := a.Roles.Session(caller.AccessKeyID)
	if ok {
		return a.Roles.Subject(session)
	}
	return iam.Subject{
		Principal: policy.Principal{ARN: caller.ARN},
		Policies:  policy.Policies{Identity: []policy.Document{everything()}},
		Context: map[string][]string{
			"aws:PrincipalArn": {caller.ARN}, "aws:PrincipalAccount": {arn.Account}, "aws:PrincipalType": {"Account"},
			"aws:userid": {arn.Account}, "aws:PrincipalIsAWSService": {"false"},
		},
	}, nil
}

// everything is what the account's root may do.
func everything() policy.Document {
	doc, err := policy.Parse(policy.Identity, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`)
	if err != nil {
		panic(err) // it is a constant
	}
	return doc
}

// judge decides and records.
func (a *Authorizer) judge(subject iam.Subject, need wire.Access) (policy.Verdict, error) {
	policies := subject.Policies
	if resource, ok := arn.Parse(need.Resource); ok {
		if policyOf := a.Resources[resource.Service]; policyOf != nil {
			doc, ok, err := policyOf(need.Resource)
			if err != nil {
				return policy.Verdict{}, fmt.Errorf("policy of %s: %w", need.Resource, err)
			}
			if ok {
				doc.Name = need.Resource
				policies.Resource = []policy.Document{doc}
				policies.ResourceMust = resource.Service == "kms"
			}
		}
	}
	asked := policy.Request{
		Principal: subject.Principal, Action: need.Action, Resource: need.Resource, Context: maps.Clone(subject.Context),
	}
	maps.Copy(asked.Context, need.Context)
	verdict := policies.Decide(asked)
	a.record.add(subject.Principal, need, verdict)
	return verdict, nil
}

// environment returns the condition keys of a call: those of need, and the global ones.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
func (a *Authorizer) environment(r *wire.Request, need wire.Access) map[string][]string {
	now := a.Now().UTC()
	keys := map[string][]string{
		"aws:CurrentTime": {now.Format(time.RFC3339)}, "aws:EpochTime": {strconv.FormatInt(now.Unix(), 10)},
		// Clients of AWS come over TLS; a policy that insists on it must not fail here.
		"aws:SecureTransport": {"true"},
		"aws:SourceIp":        {"127.0.0.1"}, "aws:RequestedRegion": {arn.Region}, "aws:ResourceAccount": {arn.Account},
		"aws:ViaAWSService": {"false"},
	}
	if agent := r.Header.Get("User-Agent"); agent != "" {
		keys["aws:UserAgent"] = []string{agent}
	}
	maps.Copy(keys, need.Context)
	return keys
}
