package authz_test

import (
	"context"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/the-alchemiser/alchemiser/internal/localaws/authz"
	"github.com/the-alchemiser/alchemiser/internal/localaws/clock"
	"github.com/the-alchemiser/alchemiser/internal/localaws/iam"
	"github.com/the-alchemiser/alchemiser/internal/localaws/policy"
	"github.com/the-alchemiser/alchemiser/internal/localaws/state"
	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

const (
	queue   = "arn:aws:sqs:us-east-1:000000000000:q"
	group   = "arn:aws:scheduler:us-east-1:000000000000:schedule-group/g"
	role    = "arn:aws:iam::000000000000:role/f"
	trust   = `{"Statement":{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}}`
	closeIt = `{"Statement":{"Effect":"Deny","Principal":"*","Action":"sqs:*","Resource":"*"}}`
)

// account is an account with the role f, which a function has.
type account struct {
	*authz.Authorizer
	roles *iam.Service
	api   http.Handler
	// function is a context whose caller is the function, operator one of the root.
	function, operator context.Context
	// queuePolicy is the policy of the queue, or empty.
	queuePolicy string
}

func newAccount(t *testing.T, mode authz.Mode, statements string) *account {
	t.Helper()
	store, err := state.Open("")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	now := clock.New()
	a := &account{}
	if a.roles, err = iam.New(iam.Config{Store: store, Clock: now}); err != nil {
		t.Fatal(err)
	}
	a.operator = wire.WithCaller(t.Context(), wire.Caller{AccessKeyID: "test", ARN: iam.RootARN()})
	a.api = wire.NewHandler([]wire.Service{a.roles.API()}, func(context.Context, string) (wire.Caller, bool) {
		return wire.Caller{AccessKeyID: "test", ARN: iam.RootARN()}, true
	}, log.New(io.Discard, "", 0))
	a.must(t, "CreateRole", "RoleName", "f", "AssumeRolePolicyDocument", trust)
	if statements != "" {
		a.must(t, "PutRolePolicy", "RoleName", "f", "PolicyName", "p", "PolicyDocument", `{"Version":"2012-10-17","Statement":[`+statements+`]}`)
	}
	key, _, _, err := a.roles.SessionFor(role, "f")
	if err != nil {
		t.Fatal(err)
	}
	session, _ := a.roles.Session(key)
	a.function = wire.WithCaller(t.Context(), wire.Caller{AccessKeyID: key, ARN: session.ARN})
	a.Authorizer, err = authz.New(authz.Config{Mode: mode, Roles: a.roles, Now: now.Now, Resources: map[string]authz.ResourcePolicy{
		"sqs": func(string) (policy.Document, bool, error) {
			if a.queuePolicy == "" {
				return policy.Document{}, false, nil
			}
			doc, err := policy.Parse(policy.Resource, a.queuePolicy)
			return doc, true, err
		},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// must calls IAM with a form.
func (a *account) must(t *testing.T, action string, members ...string) {
	t.Helper()
	form := url.Values{"Action": {action}, "Version": {"2010-05-08"}}
	for i := 0; i < len(members); i += 2 {
		form.Set(members[i], members[i+1])
	}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/iam/aws4_request, SignedHeaders=host, Signature=x")
	w := httptest.NewRecorder()
	if a.api.ServeHTTP(w, r); w.Code != http.StatusOK {
		t.Fatalf("%s: %s", action, w.Body)
	}
}

func (a *account) call(ctx context.Context, service string, needs ...wire.Access) error {
	return a.Call(ctx, &wire.Request{Service: service, Header: http.Header{"User-Agent": {"test"}}}, needs)
}

func code(err error) string {
	var refused *wire.Error
	if errors.As(err, &refused) {
		return refused.Code
	}
	return ""
}

const sends = `{"Sid":"Send","Effect":"Allow","Action":["sqs:SendMessage","sqs:ReceiveMessage"],"Resource":"` + queue + `"}`

var (
	send  = wire.Access{Action: "sqs:SendMessage", Resource: queue}
	purge = wire.Access{Action: "sqs:PurgeQueue", Resource: queue}
)

func TestWhatNoPolicyAllowsIsRefusedAsByAWS(t *testing.T) {
	a := newAccount(t, authz.Enforce, sends)
	if err := a.call(a.function, "sqs", send); err != nil {
		t.Errorf("what the role may: %v", err)
	}
	tests := map[string]struct {
		need       wire.Access
		code, says string
	}{
		"sqs":      {purge, "AccessDeniedException", "User: arn:aws:sts::000000000000:assumed-role/f/f is not authorized to perform: sqs:purgequeue on resource: " + queue + " because no identity-based policy allows the sqs:purgequeue action"},
		"sns":      {wire.Access{Action: "sns:Publish", Resource: "t"}, "AuthorizationError", "perform: SNS:Publish on resource: t"},
		"dynamodb": {wire.Access{Action: "dynamodb:GetItem", Resource: "t"}, "AccessDeniedException", "dynamodb:GetItem"},
		"sts":      {wire.Access{Action: "sts:AssumeRole", Resource: "r"}, "AccessDenied", "sts:AssumeRole"},
		"lambda":   {wire.Access{Action: "lambda:InvokeFunction", Resource: "f"}, "AccessDeniedException", "lambda:InvokeFunction"},
	}
	for service, tt := range tests {
		err := a.call(a.function, service, tt.need)
		if code(err) != tt.code || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: %v", service, err)
		}
	}
	if err := a.call(a.function, "sqs", send, purge); err == nil {
		t.Error("a call that needs two permissions passed with one")
	}
}

func TestTheOperatorMayAllButWhatAResourceDenies(t *testing.T) {
	a := newAccount(t, authz.Enforce, "")
	if err := a.call(a.operator, "sqs", purge); err != nil {
		t.Errorf("root: %v", err)
	}
	a.queuePolicy = closeIt
	if err := a.call(a.operator, "sqs", purge); err == nil || !strings.Contains(err.Error(), "with an explicit deny in a resource-based policy") {
		t.Errorf("root, denied by the queue: %v", err)
	}
}

func TestAResourceLetsARoleIn(t *testing.T) {
	a := newAccount(t, authz.Enforce, "")
	if err := a.call(a.function, "sqs", send); err == nil {
		t.Error("allowed without a policy")
	}
	a.queuePolicy = `{"Statement":{"Effect":"Allow","Principal":{"AWS":"` + role + `"},"Action":"sqs:SendMessage","Resource":"` + queue + `"}}`
	if err := a.call(a.function, "sqs", send); err != nil {
		t.Errorf("the queue lets the role in: %v", err)
	}
}

func TestConditionsSeeTheCall(t *testing.T) {
	for condition, want := range map[string]bool{
		`"StringEquals":{"aws:PrincipalAccount":"000000000000"}`:             true,
		`"ArnEquals":{"aws:PrincipalArn":"` + role + `"}`:                    true,
		`"ArnEquals":{"aws:PrincipalArn":"` + role + `2"}`:                   false,
		`"Bool":{"aws:SecureTransport":"true"}`:                              true,
		`"IpAddress":{"aws:SourceIp":"127.0.0.0/8"}`:                         true,
		`"StringEquals":{"aws:RequestedRegion":"eu-west-1"}`:                 false,
		`"StringLike":{"aws:userid":"AROA*:f"}`:                              true,
		`"DateGreaterThan":{"aws:CurrentTime":"2020-01-01T00:00:00Z"}`:       true,
		`"DateLessThan":{"aws:CurrentTime":"2020-01-01T00:00:00Z"}`:          false,
		`"StringEquals":{"aws:UserAgent":"test"}`:                            true,
		`"StringEquals":{"events:source":"alchemiser.strategy"}`:             true,
		`"ForAllValues:StringEquals":{"events:source":"alchemiser.monitor"}`: false,
	} {
		a := newAccount(t, authz.Enforce, `{"Effect":"Allow","Action":"events:PutEvents","Resource":"*","Condition":{`+condition+`}}`)
		err := a.call(a.function, "events", wire.Access{
			Action: "events:PutEvents", Resource: "*", Context: map[string][]string{"events:source": {"alchemiser.strategy"}},
		})
		if (err == nil) != want {
			t.Errorf("%s: %v", condition, err)
		}
	}
}

func TestModes(t *testing.T) {
	for mode, refusals := range map[authz.Mode]int{authz.Off: 0, authz.Audit: 1} {
		a := newAccount(t, mode, "")
		if err := a.call(a.function, "sqs", send); err != nil {
			t.Errorf("%s: %v", mode, err)
		}
		report, err := a.Report()
		if err != nil || len(report.Refused) != refusals {
			t.Errorf("%s: refusals %v, %v", mode, report.Refused, err)
		}
	}
	if _, err := authz.ParseMode("on"); err == nil {
		t.Error("a mode that does not exist is accepted")
	}
}

func TestServicesActUnderARoleThatTrustsThemAndMay(t *testing.T) {
	a := newAccount(t, authz.Off, sends)
	a.must(t, "CreateRole", "RoleName", "s", "AssumeRolePolicyDocument",
		`{"Statement":{"Effect":"Allow","Principal":{"Service":"scheduler.amazonaws.com"},"Action":"sts:AssumeRole",
		"Condition":{"ArnEquals":{"aws:SourceArn":"`+group+`"},"StringEquals":{"aws:SourceAccount":"000000000000"}}}}`)
	a.must(t, "PutRolePolicy", "RoleName", "s", "PolicyName", "p", "PolicyDocument", `{"Version":"2012-10-17","Statement":`+sends+`}`)
	const service, s = "scheduler.amazonaws.com", "arn:aws:iam::000000000000:role/s"
	if err := a.OnBehalf(service, group, s, send); err != nil {
		t.Error(err)
	}
	for what, err := range map[string]error{
		"another action":      a.OnBehalf(service, group, s, purge),
		"another resource":    a.OnBehalf(service, group, s, wire.Access{Action: "sqs:SendMessage", Resource: queue + "2"}),
		"another service":     a.OnBehalf("events.amazonaws.com", group, s, send),
		"on another's behalf": a.OnBehalf(service, group+"2", s, send),
		"without the role":    a.OnBehalf(service, group, s+"2", send),
	} {
		if code(err) != "AccessDenied" {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestTheRuntimeNeedsTheRolesPermissionsToo(t *testing.T) {
	for mode, want := range map[authz.Mode][2]bool{authz.Off: {true, true}, authz.Audit: {true, true}, authz.Enforce: {true, false}} {
		a := newAccount(t, mode, sends)
		if got := [2]bool{a.Runtime(role, send), a.Runtime(role, purge)}; got != want {
			t.Errorf("%s: %v, want %v", mode, got, want)
		}
	}
}

func TestTheReportTellsWhatWasUsed(t *testing.T) {
	a := newAccount(t, authz.Enforce, sends+`,{"Effect":"Allow","Action":"sns:*","Resource":"*"},{"Sid":"No","Effect":"Deny","Action":"sqs:PurgeQueue","Resource":"*"}`)
	for range 2 {
		if err := a.call(a.function, "sqs", send); err != nil {
			t.Fatal(err)
		}
	}
	if err := a.call(a.function, "sqs", purge); err == nil {
		t.Fatal("allowed")
	}
	report, err := a.Report()
	if err != nil {
		t.Fatal(err)
	}
	if len(report.Roles) != 1 || len(report.Roles[0].Statements) != 3 {
		t.Fatalf("roles %+v", report.Roles)
	}
	used, idle, denial := report.Roles[0].Statements[0], report.Roles[0].Statements[1], report.Roles[0].Statements[2]
	if used.Uses != 2 || used.Sid != "Send" || len(used.Idle) != 1 || used.Idle[0] != "sqs:ReceiveMessage" {
		t.Errorf("used %+v", used)
	}
	if idle.Uses != 0 || len(idle.Idle) != 1 {
		t.Errorf("idle %+v", idle)
	}
	if denial.Uses != 1 || !denial.Denies {
		t.Errorf("denial %+v", denial)
	}
	if len(report.Refused) != 1 || report.Refused[0].Count != 1 || report.Refused[0].Principal != role || report.Refused[0].Action != "sqs:PurgeQueue" {
		t.Errorf("refused %+v", report.Refused)
	}
}
