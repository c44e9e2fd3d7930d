package iam_test

import (
	"context"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awssts "github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"

	"github.com/the-alchemiser/alchemiser/internal/localaws/clock"
	"github.com/the-alchemiser/alchemiser/internal/localaws/iam"
	"github.com/the-alchemiser/alchemiser/internal/localaws/policy"
	"github.com/the-alchemiser/alchemiser/internal/localaws/state"
	"github.com/the-alchemiser/alchemiser/internal/localaws/sts"
	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

const (
	trustLambda = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}`
	trustRoot   = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::000000000000:root"},"Action":"sts:AssumeRole"}]}`
	sendToQ     = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sqs:SendMessage","Resource":"arn:aws:sqs:us-east-1:000000000000:q"}]}`
	queueQ      = "arn:aws:sqs:us-east-1:000000000000:q"
	roleR       = "arn:aws:iam::000000000000:role/r"
)

// account is IAM and STS behind HTTP.
type account struct {
	iam   *iam.Service
	store *state.Store
	clock *clock.Clock
	url   string
}

func newAccount(t *testing.T) *account {
	t.Helper()
	store, err := state.Open("")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	a := &account{store: store, clock: clock.New()}
	if a.iam, err = iam.New(iam.Config{Store: store, Clock: a.clock}); err != nil {
		t.Fatal(err)
	}
	tokens, err := sts.New(a.iam)
	if err != nil {
		t.Fatal(err)
	}
	resolve := func(_ context.Context, key string) (wire.Caller, bool) {
		if key == "test" {
			return wire.Caller{AccessKeyID: key, ARN: iam.RootARN()}, true
		}
		session, ok := a.iam.Session(key)
		return wire.Caller{AccessKeyID: key, ARN: session.ARN}, ok
	}
	server := httptest.NewServer(wire.NewHandler([]wire.Service{a.iam.API(), tokens.API()}, resolve, log.New(io.Discard, "", 0)))
	t.Cleanup(server.Close)
	a.url = server.URL
	return a
}

// call calls an operation of IAM with parameters "Name=value" and returns status and body.
func (a *account) call(t *testing.T, action string, parameters ...string) (int, string) {
	t.Helper()
	form := url.Values{"Action": {action}, "Version": {"2010-05-08"}}
	for _, p := range parameters {
		name, value, _ := strings.Cut(p, "=")
		form.Set(name, value)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, a.url, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/iam/aws4_request, SignedHeaders=host, Signature=00")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(body)
}

// must calls an operation that must succeed and whose answer must contain all of wants.
func (a *account) must(t *testing.T, wants []string, action string, parameters ...string) {
	t.Helper()
	status, body := a.call(t, action, parameters...)
	if status != http.StatusOK {
		t.Fatalf("%s: %d %s", action, status, body)
	}
	for _, want := range wants {
		if !strings.Contains(body, want) {
			t.Errorf("%s: want %s in\n%s", action, want, body)
		}
	}
}

// refused calls an operation that must be refused with a code.
func (a *account) refused(t *testing.T, wantStatus int, code, action string, parameters ...string) {
	t.Helper()
	status, body := a.call(t, action, parameters...)
	if status != wantStatus || !strings.Contains(body, "<Code>"+code+"</Code>") {
		t.Errorf("%s: want %d %s, got %d %s", action, wantStatus, code, status, body)
	}
}

// Terraform's provider crashes, hangs or plans a change for ever where one of these is missing.
func TestRoleHasWhatTerraformInsistsOn(t *testing.T) {
	a := newAccount(t)
	wants := []string{
		"<Path>/p/</Path>", "<RoleName>r</RoleName>", "<RoleId>AROA", "<Arn>arn:aws:iam::000000000000:role/p/r</Arn>",
		"<CreateDate>20", "<MaxSessionDuration>3600</MaxSessionDuration>", "<Description>d</Description>",
		"<AssumeRolePolicyDocument>%7B%22Version%22%3A%222012-10-17%22", "<Tags><member><Key>k</Key><Value>v</Value></member></Tags>",
	}
	a.must(t, wants, "CreateRole", "RoleName=r", "Path=/p/", "Description=d", "AssumeRolePolicyDocument="+trustLambda,
		"Tags.member.1.Key=k", "Tags.member.1.Value=v")
	a.must(t, wants, "GetRole", "RoleName=r")
	a.must(t, []string{"<InstanceProfiles></InstanceProfiles>", "<IsTruncated>false"}, "ListInstanceProfilesForRole", "RoleName=r")
	a.refused(t, 404, "NoSuchEntity", "GetRole", "RoleName=other")
	a.refused(t, 409, "EntityAlreadyExists", "CreateRole", "RoleName=r", "AssumeRolePolicyDocument="+trustLambda)
}

func TestRoleIsUpdatedInPlace(t *testing.T) {
	a := newAccount(t)
	a.must(t, nil, "CreateRole", "RoleName=r", "AssumeRolePolicyDocument="+trustLambda, "Tags.member.1.Key=k", "Tags.member.1.Value=v")
	a.must(t, nil, "UntagRole", "RoleName=r", "TagKeys.member.1=k")
	a.must(t, []string{"<TagRoleResult></TagRoleResult>"}, "TagRole", "RoleName=r", "Tags.member.1.Key=n", "Tags.member.1.Value=w")
	a.must(t, []string{"<Description>two</Description>"}, "UpdateRoleDescription", "RoleName=r", "Description=two")
	a.must(t, nil, "UpdateRole", "RoleName=r", "MaxSessionDuration=7200")
	a.must(t, nil, "UpdateAssumeRolePolicy", "RoleName=r", "PolicyDocument="+trustRoot)
	a.must(t, []string{
		"<Description>two<", "<MaxSessionDuration>7200<", "%3Aroot", "<Tags><member><Key>n</Key><Value>w</Value></member></Tags>",
	}, "GetRole", "RoleName=r")
	a.must(t, []string{"<Key>n</Key>"}, "ListRoleTags", "RoleName=r")
	a.must(t, []string{"<RoleName>r<"}, "ListRoles")
}

func TestPoliciesOfARole(t *testing.T) {
	a := newAccount(t)
	const managed = "arn:aws:iam::000000000000:policy/m"
	a.must(t, nil, "CreateRole", "RoleName=r", "AssumeRolePolicyDocument="+trustLambda)
	a.must(t, nil, "PutRolePolicy", "RoleName=r", "PolicyName=i", "PolicyDocument="+sendToQ)
	a.must(t, []string{"<PolicyNames><member>i</member></PolicyNames>"}, "ListRolePolicies", "RoleName=r")
	a.must(t, []string{"<PolicyDocument>%7B%22Version"}, "GetRolePolicy", "RoleName=r", "PolicyName=i")
	a.must(t, []string{"<Arn>" + managed, "<PolicyId>ANPA", "<DefaultVersionId>v1<"}, "CreatePolicy", "PolicyName=m", "PolicyDocument="+sendToQ)
	a.must(t, nil, "AttachRolePolicy", "RoleName=r", "PolicyArn="+managed)
	a.must(t, nil, "AttachRolePolicy", "RoleName=r", "PolicyArn=arn:aws:iam::aws:policy/AWSXRayDaemonWriteAccess")
	a.must(t, []string{"<PolicyName>m</PolicyName>", "<PolicyName>AWSXRayDaemonWriteAccess<"}, "ListAttachedRolePolicies", "RoleName=r")
	a.must(t, []string{"<AttachmentCount>1<", "<Path>/<"}, "GetPolicy", "PolicyArn="+managed)

	if docs := a.policies(t); len(docs) != 3 {
		t.Errorf("the role has %d policies, want 3", len(docs))
	}
	arns, err := a.iam.Inventory()
	if want := []string{roleR, managed}; err != nil || !slices.Equal(arns, want) {
		t.Errorf("inventory %v (%v), want %v", arns, err, want)
	}

	a.refused(t, 409, "DeleteConflict", "DeletePolicy", "PolicyArn="+managed)
	a.refused(t, 409, "DeleteConflict", "DeleteRole", "RoleName=r")
	a.must(t, nil, "DetachRolePolicy", "RoleName=r", "PolicyArn="+managed)
	a.must(t, nil, "DetachRolePolicy", "RoleName=r", "PolicyArn=arn:aws:iam::aws:policy/AWSXRayDaemonWriteAccess")
	a.refused(t, 404, "NoSuchEntity", "DetachRolePolicy", "RoleName=r", "PolicyArn="+managed)
	a.refused(t, 409, "DeleteConflict", "DeleteRole", "RoleName=r")
	a.must(t, nil, "DeleteRolePolicy", "RoleName=r", "PolicyName=i")
	a.refused(t, 404, "NoSuchEntity", "GetRolePolicy", "RoleName=r", "PolicyName=i")
	a.must(t, nil, "DeletePolicy", "PolicyArn="+managed)
	a.must(t, nil, "DeleteRole", "RoleName=r")
	if arns, err := a.iam.Inventory(); err != nil || len(arns) != 0 {
		t.Errorf("left over: %v (%v)", arns, err)
	}
}

func TestVersionsOfAPolicy(t *testing.T) {
	a := newAccount(t)
	const managed = "PolicyArn=arn:aws:iam::000000000000:policy/m"
	a.must(t, nil, "CreatePolicy", "PolicyName=m", "PolicyDocument="+sendToQ)
	for range 4 {
		a.must(t, []string{"<IsDefaultVersion>true<"}, "CreatePolicyVersion", managed, "PolicyDocument="+sendToQ, "SetAsDefault=true")
	}
	a.refused(t, 409, "LimitExceeded", "CreatePolicyVersion", managed, "PolicyDocument="+sendToQ)
	a.refused(t, 409, "DeleteConflict", "DeletePolicyVersion", managed, "VersionId=v5")
	a.must(t, nil, "DeletePolicyVersion", managed, "VersionId=v1")
	a.must(t, []string{"<VersionId>v6<"}, "CreatePolicyVersion", managed, "PolicyDocument="+sendToQ)
	a.must(t, []string{"<DefaultVersionId>v5<"}, "GetPolicy", managed)
	a.must(t, nil, "SetDefaultPolicyVersion", managed, "VersionId=v6")
	a.must(t, []string{"<Document>%7B", "<IsDefaultVersion>true<"}, "GetPolicyVersion", managed, "VersionId=v6")
	a.must(t, []string{"<Versions><member><VersionId>v6<"}, "ListPolicyVersions", managed)
	a.must(t, nil, "TagPolicy", managed, "Tags.member.1.Key=k", "Tags.member.1.Value=v")
	a.must(t, []string{"<Key>k<"}, "ListPolicyTags", managed)
	a.must(t, nil, "UntagPolicy", managed, "TagKeys.member.1=k")
	a.refused(t, 409, "DeleteConflict", "DeletePolicy", managed)
	a.refused(t, 403, "AccessDenied", "CreatePolicyVersion", "PolicyArn=arn:aws:iam::aws:policy/AWSXRayDaemonWriteAccess", "PolicyDocument="+sendToQ)
}

func TestWrongRequestsAreRefused(t *testing.T) {
	a := newAccount(t)
	a.refused(t, 400, "MalformedPolicyDocument", "CreateRole", "RoleName=r", "AssumeRolePolicyDocument=")
	a.refused(t, 400, "MalformedPolicyDocument", "CreateRole", "RoleName=r", "AssumeRolePolicyDocument="+sendToQ)
	a.refused(t, 400, "MalformedPolicyDocument", "CreatePolicy", "PolicyName=p", "PolicyDocument="+trustLambda)
	a.refused(t, 400, "ValidationError", "CreateRole", "RoleName=a/b", "AssumeRolePolicyDocument="+trustLambda)
	a.refused(t, 400, "ValidationError", "CreateRole", "RoleName=r", "Path=p", "AssumeRolePolicyDocument="+trustLambda)
	a.refused(t, 400, "ValidationError", "CreateRole", "RoleName=r", "MaxSessionDuration=60", "AssumeRolePolicyDocument="+trustLambda)
	a.refused(t, 404, "NoSuchEntity", "CreateRole", "RoleName=r", "PermissionsBoundary=arn:x", "AssumeRolePolicyDocument="+trustLambda)
	a.refused(t, 404, "NoSuchEntity", "PutRolePolicy", "RoleName=r", "PolicyName=p", "PolicyDocument="+sendToQ)
	a.must(t, nil, "CreateRole", "RoleName=r", "AssumeRolePolicyDocument="+trustLambda)
	a.refused(t, 404, "NoSuchEntity", "AttachRolePolicy", "RoleName=r", "PolicyArn=arn:aws:iam::aws:policy/AdministratorAccess")
	a.refused(t, 400, "UnknownOperationException", "CreateUser", "UserName=u")
}

func TestFunctionsGetTheSessionOfTheirRole(t *testing.T) {
	a := newAccount(t)
	a.must(t, nil, "CreateRole", "RoleName=r", "AssumeRolePolicyDocument="+trustLambda)
	a.must(t, nil, "CreateRole", "RoleName=root", "AssumeRolePolicyDocument="+trustRoot)
	key, secret, token, err := a.iam.SessionFor(roleR, "f")
	if err != nil {
		t.Fatal(err)
	}
	who, err := client(a, key, secret, token).GetCallerIdentity(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := aws.ToString(who.Arn), "arn:aws:sts::000000000000:assumed-role/r/f"; got != want {
		t.Errorf("the function is %s, want %s", got, want)
	}
	if !strings.HasSuffix(aws.ToString(who.UserId), ":f") {
		t.Errorf("user id %s", aws.ToString(who.UserId))
	}
	again, _, _, err := a.iam.SessionFor(roleR, "f")
	if err != nil || again != key {
		t.Errorf("the second process of a function has key %s (%v), want %s", again, err, key)
	}
	for _, role := range []string{"arn:aws:iam::000000000000:role/root", "arn:aws:iam::000000000000:role/none", "arn:aws:iam::000000000000:role/p/r"} {
		if _, _, _, err := a.iam.SessionFor(role, "f"); err == nil || !strings.Contains(err.Error(), "AccessDenied") {
			t.Errorf("%s does not trust Lambda or does not exist, but: %v", role, err)
		}
	}
	a.must(t, nil, "DeleteRole", "RoleName=r")
	if _, ok := a.iam.Session(key); ok {
		t.Error("the session outlives its role")
	}
}

func client(a *account, key, secret, token string) *awssts.Client {
	return awssts.New(awssts.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(a.url), Credentials: credentials.NewStaticCredentialsProvider(key, secret, token),
		RetryMaxAttempts: 1,
	})
}

func TestTheOperatorAssumesARole(t *testing.T) {
	a := newAccount(t)
	a.must(t, nil, "CreateRole", "RoleName=r", "AssumeRolePolicyDocument="+strings.Replace(trustRoot, `"Action"`,
		`"Condition":{"StringEquals":{"sts:ExternalId":"x"}},"Action"`, 1))
	operator := client(a, "test", "test", "")
	who, err := operator.GetCallerIdentity(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if aws.ToString(who.Account) != "000000000000" || aws.ToString(who.Arn) != "arn:aws:iam::000000000000:root" {
		t.Errorf("the operator is %s of %s", aws.ToString(who.Arn), aws.ToString(who.Account))
	}
	in := &awssts.AssumeRoleInput{RoleArn: aws.String(roleR), RoleSessionName: aws.String("me"), DurationSeconds: aws.Int32(900)}
	if _, err := operator.AssumeRole(t.Context(), in); err == nil || !strings.Contains(err.Error(), "AccessDenied") {
		t.Errorf("without the external id: %v", err)
	}
	in.ExternalId = aws.String("x")
	out, err := operator.AssumeRole(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	c := out.Credentials
	role := client(a, aws.ToString(c.AccessKeyId), aws.ToString(c.SecretAccessKey), aws.ToString(c.SessionToken))
	if who, err = role.GetCallerIdentity(t.Context(), nil); err != nil || aws.ToString(who.Arn) != "arn:aws:sts::000000000000:assumed-role/r/me" {
		t.Errorf("the role is %+v, %v", who, err)
	}
	a.clock.Set(c.Expiration.Add(time.Second))
	if _, err := role.GetCallerIdentity(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "InvalidClientTokenId") {
		t.Errorf("after the session's end: %v", err)
	}
	in.DurationSeconds = aws.Int32(7200)
	if _, err := operator.AssumeRole(t.Context(), in); err == nil || !strings.Contains(err.Error(), "MaxSessionDuration") {
		t.Errorf("longer than the role allows: %v", err)
	}
}

func TestServicesActUnderARoleThatTrustsThem(t *testing.T) {
	a := newAccount(t)
	const group = "arn:aws:scheduler:us-east-1:000000000000:schedule-group/g"
	a.must(t, nil, "CreateRole", "RoleName=r", "AssumeRolePolicyDocument="+
		`{"Statement":{"Effect":"Allow","Principal":{"Service":"scheduler.amazonaws.com"},"Action":"sts:AssumeRole",
		"Condition":{"ArnEquals":{"aws:SourceArn":"`+group+`"},"StringEquals":{"aws:SourceAccount":"000000000000"}}}}`)
	const service = "scheduler.amazonaws.com"
	ask := func(service, source, role string) error {
		_, err := a.iam.ServiceSubject(service, source, role)
		return err
	}
	if err := ask(service, group, roleR); err != nil {
		t.Error(err)
	}
	for what, err := range map[string]error{
		"another service":     ask("events.amazonaws.com", group, roleR),
		"on another's behalf": ask(service, group+"2", roleR),
		"without the role":    ask(service, group, roleR+"2"),
	} {
		if err == nil || !strings.Contains(err.Error(), "AccessDenied") {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestABoundaryLimitsARole(t *testing.T) {
	a := newAccount(t)
	const limit = "arn:aws:iam::000000000000:policy/limit"
	a.must(t, nil, "CreatePolicy", "PolicyName=limit", "PolicyDocument="+sendToQ)
	a.must(t, []string{"<PermissionsBoundaryArn>" + limit}, "CreateRole", "RoleName=r", "PermissionsBoundary="+limit, "AssumeRolePolicyDocument="+trustLambda)
	key, _, _, err := a.iam.SessionFor(roleR, "f")
	if err != nil {
		t.Fatal(err)
	}
	boundary := func() []policy.Document {
		session, _ := a.iam.Session(key)
		subject, err := a.iam.Subject(session)
		if err != nil {
			t.Fatal(err)
		}
		return subject.Policies.Boundary
	}
	if docs := boundary(); len(docs) != 1 || docs[0].Name != limit {
		t.Errorf("boundary %v", docs)
	}
	a.refused(t, 409, "DeleteConflict", "DeletePolicy", "PolicyArn="+limit)
	a.must(t, nil, "DeleteRolePermissionsBoundary", "RoleName=r")
	if docs := boundary(); docs != nil {
		t.Errorf("boundary %v after it was deleted", docs)
	}
	a.must(t, nil, "PutRolePermissionsBoundary", "RoleName=r", "PermissionsBoundary="+limit)
	a.must(t, []string{"<PermissionsBoundaryType>Policy<"}, "GetRole", "RoleName=r")
}

func TestASessionPolicyLimitsASession(t *testing.T) {
	a := newAccount(t)
	a.must(t, nil, "CreateRole", "RoleName=r", "AssumeRolePolicyDocument="+trustRoot)
	out, err := client(a, "test", "test", "").AssumeRole(t.Context(), &awssts.AssumeRoleInput{
		RoleArn: aws.String(roleR), RoleSessionName: aws.String("me"), Policy: aws.String(sendToQ),
		PolicyArns: []types.PolicyDescriptorType{{Arn: aws.String("arn:aws:iam::aws:policy/AWSXRayDaemonWriteAccess")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	session, _ := a.iam.Session(aws.ToString(out.Credentials.AccessKeyId))
	subject, err := a.iam.Subject(session)
	if err != nil || len(subject.Policies.Session) != 2 {
		t.Errorf("session policies %v, %v", subject.Policies.Session, err)
	}
}

// policies returns the identity policies of the only role.
func (a *account) policies(t *testing.T) []policy.Document {
	t.Helper()
	roles, err := a.iam.Roles()
	if err != nil || len(roles) != 1 {
		t.Fatalf("roles %v, %v", roles, err)
	}
	return roles[0].Policies
}

func TestRolesSurviveARestart(t *testing.T) {
	a := newAccount(t)
	a.must(t, nil, "CreateRole", "RoleName=r", "AssumeRolePolicyDocument="+trustLambda)
	a.must(t, nil, "PutRolePolicy", "RoleName=r", "PolicyName=i", "PolicyDocument="+sendToQ)
	again, err := iam.New(iam.Config{Store: a.store, Clock: a.clock})
	if err != nil {
		t.Fatal(err)
	}
	a.iam = again
	docs := a.policies(t)
	if len(docs) != 1 || policy.Evaluate(docs, policy.Request{Action: "sqs:SendMessage", Resource: queueQ}) != policy.Allow {
		t.Errorf("after a restart the role has %d policies", len(docs))
	}
}

// GitHub's provider, as a role for deployments trusts it.
func TestOpenIDProviders(t *testing.T) {
	a := newAccount(t)
	const provider = "arn:aws:iam::000000000000:oidc-provider/token.actions.githubusercontent.com"
	named := "OpenIDConnectProviderArn=" + provider
	a.refused(t, 404, "NoSuchEntity", "GetOpenIDConnectProvider", named)
	a.must(t, []string{"<OpenIDConnectProviderArn>" + provider}, "CreateOpenIDConnectProvider", "Url=https://token.actions.githubusercontent.com",
		"ClientIDList.member.1=sts.amazonaws.com", "Tags.member.1.Key=k", "Tags.member.1.Value=v")
	a.must(t, []string{
		"<Url>token.actions.githubusercontent.com</Url>", "<ClientIDList><member>sts.amazonaws.com</member></ClientIDList>",
		"<Tags><member><Key>k</Key><Value>v</Value></member></Tags>", "<CreateDate>20",
	}, "GetOpenIDConnectProvider", named)
	a.must(t, []string{provider}, "ListOpenIDConnectProviders")
	a.must(t, nil, "AddClientIDToOpenIDConnectProvider", named, "ClientID=other")
	a.must(t, nil, "RemoveClientIDFromOpenIDConnectProvider", named, "ClientID=sts.amazonaws.com")
	a.must(t, nil, "UpdateOpenIDConnectProviderThumbprint", named, "ThumbprintList.member.1="+strings.Repeat("0f", 20))
	a.must(t, nil, "TagOpenIDConnectProvider", named, "Tags.member.1.Key=k2", "Tags.member.1.Value=v2")
	a.must(t, nil, "UntagOpenIDConnectProvider", named, "TagKeys.member.1=k")
	a.must(t, []string{"<ClientIDList><member>other</member></ClientIDList>", "<ThumbprintList><member>0f0f"}, "GetOpenIDConnectProvider", named)
	a.must(t, []string{"<Tags><member><Key>k2</Key><Value>v2</Value></member></Tags>"}, "ListOpenIDConnectProviderTags", named)

	a.refused(t, 409, "EntityAlreadyExists", "CreateOpenIDConnectProvider", "Url=https://token.actions.githubusercontent.com/")
	a.refused(t, 400, "InvalidInput", "CreateOpenIDConnectProvider", "Url=http://example.com")
	a.refused(t, 400, "ValidationError", "UpdateOpenIDConnectProviderThumbprint", named, "ThumbprintList.member.1=0f")

	inventory, err := a.iam.Inventory()
	if err != nil || !slices.Equal(inventory, []string{provider}) {
		t.Errorf("inventory %q, %v", inventory, err)
	}
	a.must(t, nil, "DeleteOpenIDConnectProvider", named)
	a.must(t, nil, "DeleteOpenIDConnectProvider", named)
	a.refused(t, 404, "NoSuchEntity", "GetOpenIDConnectProvider", named)
}
