package lambda

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/the-alchemiser/alchemiser/internal/localaws/arn"
)

// resourcePolicy is that of a function, a version or an alias.
type resourcePolicy struct {
	Document   policyDocument
	RevisionID string
}

type policyDocument struct {
	Version   string
	ID        string `json:"Id"`
	Statement []statement
}

// statement is what Lambda makes of an AddPermission.
type statement struct {
	Sid       string
	Effect    string
	Principal any
	Action    string
	Resource  string
	Condition map[string]map[string]string `json:",omitempty"`
}

type addPermissionInput struct {
	namedInput
	StatementID         string `json:"StatementId"`
	Action              string
	Principal           string
	SourceArn           string
	SourceAccount       string
	EventSourceToken    string
	PrincipalOrgID      string
	FunctionURLAuthType string `json:"FunctionUrlAuthType"`
	RevisionID          string `json:"RevisionId"`
}

type addPermissionOutput struct {
	Statement string
	Status    int `status:"" json:"-"`
}

var (
	statementExpr = regexp.MustCompile(`^[a-zA-Z0-9-_]+$`)
	actionExpr    = regexp.MustCompile(`^(lambda:[*]|lambda:[a-zA-Z]+|[*])$`)
	accountExpr   = regexp.MustCompile(`^\d{12}$`)
)

func (s *Service) addPermission(_ context.Context, in addPermissionInput) (addPermissionOutput, error) {
	if !statementExpr.MatchString(in.StatementID) {
		return addPermissionOutput{}, validation(in.StatementID, "statementId", patternConstraint("([a-zA-Z0-9-_]+)"))
	}
	if !actionExpr.MatchString(in.Action) {
		return addPermissionOutput{}, validation(in.Action, "action", patternConstraint(`(lambda:[*]|lambda:[a-zA-Z]+|[*])`))
	}
	r, err := parseRef(in.FunctionName, in.Qualifier)
	if err != nil {
		return addPermissionOutput{}, err
	}
	if r.qualifier == latest {
		return addPermissionOutput{}, invalid("We currently do not support adding policies for $LATEST.")
	}
	st, err := in.statement(r)
	if err != nil {
		return addPermissionOutput{}, err
	}
	err = s.change(r.name, errNoFunction(r.arn()), func(f *function) error {
		if err := f.checkQualifier(r); err != nil {
			return err
		}
		p := f.Policies[r.qualifier]
		if err := f.checkPolicyRevision(p, r.qualifier, in.RevisionID); err != nil {
			return err
		}
		if slices.ContainsFunc(p.Document.Statement, func(o statement) bool { return o.Sid == st.Sid }) {
			return conflict("The statement id (%s) provided already exists. Please provide a new statement id, "+
				"or remove the existing statement.", st.Sid)
		}
		p.Document.Version, p.Document.ID = "2012-10-17", "default"
		p.Document.Statement = append(p.Document.Statement, st)
		p.RevisionID = uuid.NewString()
		f.Policies[r.qualifier] = p
		return nil
	})
	if err != nil {
		return addPermissionOutput{}, err
	}
	raw, err := json.Marshal(st)
	return addPermissionOutput{string(raw), 201}, err
}

// statement builds the statement of a permission as Lambda does.
func (in addPermissionInput) statement(r ref) (statement, error) {
	st := statement{
		Sid: in.StatementID, Effect: "Allow", Action: in.Action, Resource: r.arn(),
		Condition: map[string]map[string]string{},
	}
	switch p := in.Principal; {
	case p == "*":
		st.Principal = "*"
	case accountExpr.MatchString(p):
		st.Principal = map[string]string{"AWS": "arn:aws:iam::" + p + ":root"}
	case strings.HasPrefix(p, "arn:"):
		st.Principal = map[string]string{"AWS": p}
	case strings.HasSuffix(p, ".amazonaws.com") || strings.HasSuffix(p, ".amazon.com"):
		st.Principal = map[string]string{"Service": p}
	default:
		return statement{}, invalid("The provided principal was invalid. Please check the principal and try again.")
	}
	condition := func(operator, key, value string) {
		if value == "" {
			return
		}
		if st.Condition[operator] == nil {
			st.Condition[operator] = map[string]string{}
		}
		st.Condition[operator][key] = value
	}
	condition("ArnLike", "AWS:SourceArn", in.SourceArn)
	condition("StringEquals", "AWS:SourceAccount", in.SourceAccount)
	condition("StringEquals", "lambda:EventSourceToken", in.EventSourceToken)
	condition("StringEquals", "lambda:FunctionUrlAuthType", in.FunctionURLAuthType)
	condition("StringEquals", "aws:PrincipalOrgID", in.PrincipalOrgID)
	return st, nil
}

// checkQualifier refuses a version or an alias that does not exist.
func (f *function) checkQualifier(r ref) error {
	if _, ok := f.resolve(r.qualifier); ok {
		return nil
	}
	if aliasExpr.MatchString(r.qualifier) && !versionExpr.MatchString(r.qualifier) {
		return notFound("Cannot find alias arn: %s", r.arn())
	}
	return errNoFunction(r.arn())
}

// checkPolicyRevision compares a revision with that of the policy, or, as long as there is none, of what it belongs to.
func (f *function) checkPolicyRevision(p resourcePolicy, qualifier, id string) error {
	current := p.RevisionID
	if current == "" {
		cfg, _ := f.resolve(qualifier)
		current = cfg.RevisionID
		if a, ok := f.Aliases[qualifier]; ok {
			current = a.RevisionID
		}
	}
	if id != "" && id != current {
		return stale("The Revision Id provided does not match the latest Revision Id. Call the GetPolicy API to retrieve " +
			"the latest Revision Id")
	}
	return nil
}

type removePermissionInput struct {
	namedInput
	StatementID string `path:"StatementId" json:"-"`
	RevisionID  string `query:"RevisionId" json:"-"`
}

func (s *Service) removePermission(_ context.Context, in removePermissionInput) (gone, error) {
	r, err := parseRef(in.FunctionName, in.Qualifier)
	if err != nil {
		return gone{}, err
	}
	return deleted, s.change(r.name, notFound("No policy found for: %s", r.arn()), func(f *function) error {
		if err := f.checkQualifier(r); err != nil {
			return err
		}
		p, ok := f.Policies[r.qualifier]
		if !ok {
			return notFound("No policy is associated with the given resource.")
		}
		if err := f.checkPolicyRevision(p, r.qualifier, in.RevisionID); err != nil {
			return err
		}
		i := slices.IndexFunc(p.Document.Statement, func(st statement) bool { return st.Sid == in.StatementID })
		if i < 0 {
			return notFound("Statement %s is not found in resource policy.", in.StatementID)
		}
		p.Document.Statement = slices.Delete(p.Document.Statement, i, i+1)
		p.RevisionID = uuid.NewString()
		if f.Policies[r.qualifier] = p; len(p.Document.Statement) == 0 {
			delete(f.Policies, r.qualifier)
		}
		return nil
	})
}

type policyOutput struct {
	Policy     string
	RevisionID string `json:"RevisionId"`
}

func (s *Service) getPolicy(_ context.Context, in namedInput) (policyOutput, error) {
	r, err := parseRef(in.FunctionName, in.Qualifier)
	if err != nil {
		return policyOutput{}, err
	}
	missing := notFound("The resource you requested does not exist.")
	f, ok := s.lookup(r.name)
	if !ok {
		return policyOutput{}, missing
	}
	p, ok := f.Policies[r.qualifier]
	if !ok {
		return policyOutput{}, missing
	}
	raw, err := json.Marshal(p.Document)
	if err != nil {
		return policyOutput{}, fmt.Errorf("policy of %s: %w", r.arn(), err)
	}
	return policyOutput{string(raw), p.RevisionID}, nil
}

// isFunction says whether s is the ARN of a function here, and returns what it names.
func isFunction(s string) (ref, bool) {
	a, ok := arn.Parse(s)
	if !ok || a.Service != "lambda" {
		return ref{}, false
	}
	r, err := parseRef(s, "")
	return r, err == nil
}
