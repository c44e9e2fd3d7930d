package policy_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/the-alchemiser/alchemiser/internal/localaws/policy"
)

const (
	queue = "arn:aws:sqs:us-east-1:000000000000:orders"
	rule  = "arn:aws:events:us-east-1:000000000000:rule/bus/orders"
)

// statement returns a policy of one statement that allows actions on everything, with more in it.
func statement(more string) string {
	return `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"sqs:SendMessage","Resource":"*"` + more + `}}`
}

func condition(operator, key, values string) string {
	return statement(fmt.Sprintf(`,"Condition":{%q:{%q:%s}}`, operator, key, values))
}

func TestConditions(t *testing.T) {
	// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
	tests := map[string]struct {
		operator, key, values string
		have                  []string // nil means that the request does not have the key
		want                  policy.Decision
	}{
		"equal":                              {"StringEquals", "aws:SourceAccount", `"000000000000"`, []string{"000000000000"}, policy.Allow},
		"one of several":                     {"StringEquals", "k", `["a","b"]`, []string{"b"}, policy.Allow},
		"none of several":                    {"StringEquals", "k", `["a","b"]`, []string{"c"}, policy.ImplicitDeny},
		"equal means the same case":          {"StringEquals", "k", `"A"`, []string{"a"}, policy.ImplicitDeny},
		"equal knows no wildcard":            {"StringEquals", "k", `"a*"`, []string{"ab"}, policy.ImplicitDeny},
		"an asterisk equals itself":          {"StringEquals", "k", `"a*"`, []string{"a*"}, policy.Allow},
		"names of keys have no case":         {"StringEquals", "AWS:SOURCEACCOUNT", `"1"`, []string{"1"}, policy.Allow},
		"a key that is missing":              {"StringEquals", "k", `"a"`, nil, policy.ImplicitDeny},
		"a missing key is not equal":         {"StringNotEquals", "k", `"a"`, nil, policy.Allow},
		"not equal to any":                   {"StringNotEquals", "k", `["a","b"]`, []string{"b"}, policy.ImplicitDeny},
		"if it exists, and it does not":      {"StringEqualsIfExists", "k", `"a"`, nil, policy.Allow},
		"if it exists, and it differs":       {"StringEqualsIfExists", "k", `"a"`, []string{"b"}, policy.ImplicitDeny},
		"without regard to case":             {"StringEqualsIgnoreCase", "k", `"A"`, []string{"a"}, policy.Allow},
		"like":                               {"StringLike", "k", `"a*c?"`, []string{"abbcd"}, policy.Allow},
		"not like":                           {"StringNotLike", "k", `"a*"`, []string{"abc"}, policy.ImplicitDeny},
		"ARNs are equal":                     {"ArnEquals", "aws:SourceArn", `"` + rule + `"`, []string{rule}, policy.Allow},
		"ARNs have wildcards":                {"ArnLike", "k", `"arn:aws:events:*:*:rule/bus/*"`, []string{rule}, policy.Allow},
		"ArnEquals has them too":             {"ArnEquals", "k", `"arn:aws:events:*:*:rule/bus/*"`, []string{rule}, policy.Allow},
		"a wildcard stays within its part":   {"ArnLike", "k", `"arn:aws:*:rule/bus/orders"`, []string{rule}, policy.ImplicitDeny},
		"another ARN":                        {"ArnNotLike", "k", `"arn:aws:events:*:*:rule/other/*"`, []string{rule}, policy.Allow},
		"a boolean":                          {"Bool", "aws:SecureTransport", `true`, []string{"true"}, policy.Allow},
		"a boolean as text":                  {"Bool", "k", `"false"`, []string{"true"}, policy.ImplicitDeny},
		"null: the key must be missing":      {"Null", "k", `"true"`, nil, policy.Allow},
		"null: it is there":                  {"Null", "k", `"true"`, []string{"a"}, policy.ImplicitDeny},
		"not null: it is there":              {"Null", "k", `"false"`, []string{"a"}, policy.Allow},
		"not null: it is missing":            {"Null", "k", `"false"`, nil, policy.ImplicitDeny},
		"numbers":                            {"NumericLessThanEquals", "k", `10`, []string{"10.0"}, policy.Allow},
		"numbers that are none":              {"NumericLessThan", "k", `"10"`, []string{"x"}, policy.ImplicitDeny},
		"a number is not equal":              {"NumericNotEquals", "k", `"10"`, []string{"11"}, policy.Allow},
		"dates":                              {"DateGreaterThan", "k", `"2026-01-01T00:00:00Z"`, []string{"2026-01-02T00:00:00Z"}, policy.Allow},
		"dates as seconds":                   {"DateLessThan", "k", `"1767225600"`, []string{"2025-12-31T23:59:59Z"}, policy.Allow},
		"an address in a network":            {"IpAddress", "aws:SourceIp", `"10.0.0.0/8"`, []string{"10.1.2.3"}, policy.Allow},
		"an address outside":                 {"NotIpAddress", "k", `"10.0.0.0/8"`, []string{"11.1.2.3"}, policy.Allow},
		"bytes":                              {"BinaryEquals", "k", `"QQ=="`, []string{"QQ=="}, policy.Allow},
		"all values of a set":                {"ForAllValues:StringEquals", "k", `["a","b"]`, []string{"a", "b"}, policy.Allow},
		"all but one":                        {"ForAllValues:StringEquals", "k", `["a","b"]`, []string{"a", "c"}, policy.ImplicitDeny},
		"all of none":                        {"ForAllValues:StringEquals", "k", `["a"]`, nil, policy.Allow},
		"any value of a set":                 {"ForAnyValue:StringEquals", "k", `["a"]`, []string{"c", "a"}, policy.Allow},
		"any of none":                        {"ForAnyValue:StringEquals", "k", `["a"]`, nil, policy.ImplicitDeny},
		"any of none, negated":               {"ForAnyValue:StringNotEquals", "k", `["a"]`, nil, policy.ImplicitDeny},
		"a variable":                         {"StringEquals", "k", `"${aws:PrincipalAccount}"`, []string{"111122223333"}, policy.Allow},
		"a variable's value is taken as is":  {"StringLike", "k", `"${aws:Star}x"`, []string{"abx"}, policy.ImplicitDeny},
		"a variable without a value":         {"StringEquals", "k", `"${aws:Nothing}"`, []string{""}, policy.ImplicitDeny},
		"a variable with a default":          {"StringEquals", "k", `"${aws:Nothing, 'd'}"`, []string{"d"}, policy.Allow},
		"an asterisk that means itself":      {"StringLike", "k", `"${*}"`, []string{"a"}, policy.ImplicitDeny},
		"an asterisk that is one":            {"StringLike", "k", `"${*}"`, []string{"*"}, policy.Allow},
		"a variable with a colon in an ARN":  {"ArnLike", "k", `"arn:aws:events:*:${aws:PrincipalAccount}:rule/*"`, []string{"arn:aws:events:x:111122223333:rule/a"}, policy.Allow},
		"what is not an ARN matches no ARN":  {"ArnLike", "k", `"arn:aws:events:*:*:*"`, []string{"events"}, policy.ImplicitDeny},
		"not-equal holds for all the values": {"StringNotEquals", "k", `"a"`, []string{"b", "a"}, policy.ImplicitDeny},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			doc, err := policy.Parse(policy.Identity, condition(tt.operator, tt.key, tt.values))
			if err != nil {
				t.Fatal(err)
			}
			r := policy.Request{Action: "sqs:SendMessage", Resource: queue, Context: map[string][]string{
				"aws:PrincipalAccount": {"111122223333"}, "aws:Star": {"*"},
			}}
			if tt.have != nil {
				r.Context[tt.key] = tt.have
			}
			if got := policy.Evaluate([]policy.Document{doc}, r); got != tt.want {
				t.Errorf("decision %d, want %d", got, tt.want)
			}
		})
	}
}

func TestStatements(t *testing.T) {
	const allow, deny = `{"Effect":"Allow",`, `{"Effect":"Deny",`
	tests := map[string]struct {
		kind             policy.Kind
		statements       string
		action, resource string
		who              policy.Principal
		want             policy.Decision
	}{
		"the action in another case":      {policy.Identity, allow + `"Action":"SQS:sendmessage","Resource":"*"}`, "sqs:SendMessage", queue, policy.Principal{}, policy.Allow},
		"an action by wildcard":           {policy.Identity, allow + `"Action":["s3:*","sqs:Send*"],"Resource":"*"}`, "sqs:SendMessage", queue, policy.Principal{}, policy.Allow},
		"any action":                      {policy.Identity, allow + `"Action":"*","Resource":"*"}`, "sqs:SendMessage", queue, policy.Principal{}, policy.Allow},
		"another action":                  {policy.Identity, allow + `"Action":"sqs:Receive*","Resource":"*"}`, "sqs:SendMessage", queue, policy.Principal{}, policy.ImplicitDeny},
		"all actions but one":             {policy.Identity, allow + `"NotAction":"sqs:DeleteQueue","Resource":"*"}`, "sqs:SendMessage", queue, policy.Principal{}, policy.Allow},
		"the one excepted":                {policy.Identity, allow + `"NotAction":"sqs:Send*","Resource":"*"}`, "sqs:SendMessage", queue, policy.Principal{}, policy.ImplicitDeny},
		"the resource":                    {policy.Identity, allow + `"Action":"*","Resource":"` + queue + `"}`, "sqs:SendMessage", queue, policy.Principal{}, policy.Allow},
		"the resource in another case":    {policy.Identity, allow + `"Action":"*","Resource":"` + queue + `"}`, "sqs:SendMessage", strings.Replace(queue, "orders", "Orders", 1), policy.Principal{}, policy.ImplicitDeny},
		"a resource by wildcard":          {policy.Identity, allow + `"Action":"*","Resource":"arn:aws:sqs:*:*:ord*"}`, "sqs:SendMessage", queue, policy.Principal{}, policy.Allow},
		"all resources but one":           {policy.Identity, allow + `"Action":"*","NotResource":"` + queue + `"}`, "sqs:SendMessage", queue, policy.Principal{}, policy.ImplicitDeny},
		"a denial wins over an allowance": {policy.Identity, `[` + allow + `"Action":"*","Resource":"*"},` + deny + `"Action":"sqs:*","Resource":"*"}]`, "sqs:SendMessage", queue, policy.Principal{}, policy.Deny},
		"a denial of something else":      {policy.Identity, `[` + deny + `"Action":"s3:*","Resource":"*"},` + allow + `"Action":"*","Resource":"*"}]`, "sqs:SendMessage", queue, policy.Principal{}, policy.Allow},
		"everyone":                        {policy.Resource, allow + `"Principal":"*","Action":"*","Resource":"*"}`, "sqs:SendMessage", queue, policy.Principal{Service: "events.amazonaws.com"}, policy.Allow},
		"every principal":                 {policy.Resource, allow + `"Principal":{"AWS":"*"},"Action":"*"}`, "sqs:SendMessage", queue, policy.Principal{Service: "events.amazonaws.com"}, policy.Allow},
		"the service":                     {policy.Resource, allow + `"Principal":{"Service":["s3.amazonaws.com","events.amazonaws.com"]},"Action":"*"}`, "sqs:SendMessage", queue, policy.Principal{Service: "events.amazonaws.com"}, policy.Allow},
		"another service":                 {policy.Resource, allow + `"Principal":{"Service":"s3.amazonaws.com"},"Action":"*"}`, "sqs:SendMessage", queue, policy.Principal{Service: "events.amazonaws.com"}, policy.ImplicitDeny},
		"a service is no account":         {policy.Resource, allow + `"Principal":{"AWS":"000000000000"},"Action":"*"}`, "sqs:SendMessage", queue, policy.Principal{Service: "events.amazonaws.com"}, policy.ImplicitDeny},
		"all but the service":             {policy.Resource, deny + `"NotPrincipal":{"Service":"events.amazonaws.com"},"Action":"*"}`, "sqs:SendMessage", queue, policy.Principal{Service: "s3.amazonaws.com"}, policy.Deny},
		"the account":                     {policy.Resource, allow + `"Principal":{"AWS":"000000000000"},"Action":"*"}`, "sqs:SendMessage", queue, policy.Principal{ARN: "arn:aws:sts::000000000000:assumed-role/r/s"}, policy.Allow},
		"the account's root":              {policy.Resource, allow + `"Principal":{"AWS":"arn:aws:iam::000000000000:root"},"Action":"*"}`, "sqs:SendMessage", queue, policy.Principal{ARN: "arn:aws:sts::000000000000:assumed-role/r/s"}, policy.Allow},
		"another account":                 {policy.Resource, allow + `"Principal":{"AWS":"111122223333"},"Action":"*"}`, "sqs:SendMessage", queue, policy.Principal{ARN: "arn:aws:iam::000000000000:root"}, policy.ImplicitDeny},
		"the role of a session":           {policy.Resource, allow + `"Principal":{"AWS":"arn:aws:iam::000000000000:role/p/r"},"Action":"*"}`, "sqs:SendMessage", queue, policy.Principal{ARN: "arn:aws:sts::000000000000:assumed-role/r/s", RoleARN: "arn:aws:iam::000000000000:role/p/r"}, policy.Allow},
		"the session itself":              {policy.Resource, allow + `"Principal":{"AWS":"arn:aws:sts::000000000000:assumed-role/r/s"},"Action":"*"}`, "sqs:SendMessage", queue, policy.Principal{ARN: "arn:aws:sts::000000000000:assumed-role/r/s"}, policy.Allow},
		"trust in a service":              {policy.Trust, allow + `"Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}`, "sts:AssumeRole", "arn:aws:iam::000000000000:role/r", policy.Principal{Service: "lambda.amazonaws.com"}, policy.Allow},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			doc, err := policy.Parse(tt.kind, `{"Version":"2012-10-17","Statement":`+tt.statements+`}`)
			if err != nil {
				t.Fatal(err)
			}
			r := policy.Request{Principal: tt.who, Action: tt.action, Resource: tt.resource}
			if got := policy.Evaluate([]policy.Document{doc}, r); got != tt.want {
				t.Errorf("decision %d, want %d", got, tt.want)
			}
		})
	}
}

func TestPoliciesAddUp(t *testing.T) {
	allow, err := policy.Parse(policy.Identity, statement(""))
	if err != nil {
		t.Fatal(err)
	}
	deny, err := policy.Parse(policy.Resource, `{"Statement":{"Effect":"Deny","Principal":"*","Action":"sqs:*","Resource":"*"}}`)
	if err != nil {
		t.Fatal(err)
	}
	r := policy.Request{Action: "sqs:SendMessage", Resource: queue}
	for want, docs := range map[policy.Decision][]policy.Document{
		policy.ImplicitDeny: {}, policy.Allow: {{}, allow}, policy.Deny: {allow, deny},
	} {
		if got := policy.Evaluate(docs, r); got != want {
			t.Errorf("%d policies: decision %d, want %d", len(docs), got, want)
		}
	}
}

// The policy that lets one rule send to one queue, as the documentation recommends it.
func TestConfusedDeputy(t *testing.T) {
	doc, err := policy.Parse(policy.Resource, `{"Version":"2012-10-17","Statement":[{"Sid":"x","Effect":"Allow",
		"Principal":{"Service":"events.amazonaws.com"},"Action":"sqs:SendMessage","Resource":"`+queue+`",
		"Condition":{"ArnEquals":{"aws:SourceArn":"`+rule+`"},"StringEquals":{"aws:SourceAccount":"000000000000"}}}]}`)
	if err != nil {
		t.Fatal(err)
	}
	ask := func(source, account string) policy.Decision {
		return policy.Evaluate([]policy.Document{doc}, policy.ServiceRequest("events.amazonaws.com", "sqs:SendMessage", queue, source, account))
	}
	if got := ask(rule, "000000000000"); got != policy.Allow {
		t.Errorf("the rule: %d", got)
	}
	for what, got := range map[string]policy.Decision{
		"another rule": ask(rule+"2", "000000000000"), "another account": ask(rule, "1"), "no source": ask("", ""),
	} {
		if got != policy.ImplicitDeny {
			t.Errorf("%s: %d", what, got)
		}
	}
}

func TestWrongPoliciesAreRefused(t *testing.T) {
	tests := map[string]struct {
		kind           policy.Kind
		document, says string
	}{
		"no JSON":                           {policy.Identity, `{`, "unexpected EOF"},
		"more than JSON":                    {policy.Identity, statement("") + `{}`, "more than one"},
		"no statement":                      {policy.Identity, `{"Version":"2012-10-17","Statement":[]}`, "no statement"},
		"another version":                   {policy.Identity, `{"Version":"2026-01-01","Statement":[]}`, "2026-01-01"},
		"an unknown element":                {policy.Identity, statement(`,"Conditions":{}`), "Conditions"},
		"an unknown effect":                 {policy.Identity, `{"Statement":{"Effect":"allow","Action":"*","Resource":"*"}}`, "allow"},
		"no action":                         {policy.Identity, `{"Statement":{"Effect":"Allow","Resource":"*"}}`, "Action"},
		"two kinds of actions":              {policy.Identity, statement(`,"NotAction":"s3:*"`), "either Action or NotAction"},
		"an action without a service":       {policy.Identity, `{"Statement":{"Effect":"Allow","Action":"SendMessage","Resource":"*"}}`, "SendMessage"},
		"no resource":                       {policy.Identity, `{"Statement":{"Effect":"Allow","Action":"*"}}`, "Resource"},
		"a resource that is no ARN":         {policy.Identity, `{"Statement":{"Effect":"Allow","Action":"*","Resource":"orders"}}`, "orders"},
		"a principal in an identity policy": {policy.Identity, statement(`,"Principal":"*"`), "Principal"},
		"none in a resource policy":         {policy.Resource, statement(""), "Principal"},
		"a resource in a trust policy":      {policy.Trust, statement(`,"Principal":"*"`), "Resource"},
		"a principal of no kind":            {policy.Resource, statement(`,"Principal":{"Services":"x"}`), "Services"},
		"a principal that is a name":        {policy.Resource, statement(`,"Principal":"me"`), "me"},
		"an unknown operator":               {policy.Identity, condition("StringMatches", "k", `"a"`), "StringMatches"},
		"an object for a value":             {policy.Identity, condition("StringEquals", "k", `{"a":1}`), "not a string"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := policy.Parse(tt.kind, tt.document)
			if err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("error %v, want one that says %q", err, tt.says)
			}
		})
	}
}

// No document makes the parser or an evaluation fail, and nothing that is refused allows anything.
func FuzzParse(f *testing.F) {
	f.Add(statement(""), queue)
	f.Add(condition("ForAllValues:StringLikeIfExists", "k", `["a*${aws:x, 'y'}?",1,true]`), "a")
	f.Add(condition("DateLessThanIfExists", "k", `["2026","1e9"]`), "1e999999999")
	f.Add(condition("NumericEquals", "k", `1e999999999`), "1")
	f.Add(condition("IpAddress", "k", `["::/0","1.2.3.4"]`), "::1")
	f.Add(`{"Statement":[{"Effect":"Deny","NotPrincipal":{"AWS":["*"],"Service":"x"},"NotAction":"a:*","NotResource":"${*}::::::"}]}`, "*")
	f.Fuzz(func(t *testing.T, document, value string) {
		for _, kind := range []policy.Kind{policy.Identity, policy.Resource, policy.Trust} {
			doc, err := policy.Parse(kind, document)
			r := policy.Request{
				Principal: policy.Principal{Service: value, ARN: value}, Action: value, Resource: value,
				Context: map[string][]string{"k": {value, ""}, "aws:x": {value}},
			}
			if got := policy.Evaluate([]policy.Document{doc}, r); err != nil && got != policy.ImplicitDeny {
				t.Errorf("%q was refused (%v) and still decides: %d", document, err, got)
			}
		}
	})
}
