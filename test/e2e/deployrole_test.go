package e2e_test

import (
	"encoding/json"
	"maps"
	"net/url"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/gruntwork-io/terratest/modules/terraform"
)

var deployRole = "deploy-alchemiser-" + stage

// inPlace are the permissions that only other variables or a later version of the stack use: on an archive, a queue, a schedule or a trust policy that it
// changes. lambda:UpdateFunctionCode is what every release uses, here under the account's root.
var inPlace = []string{"events:UpdateArchive", "iam:UpdateAssumeRolePolicy", "kms:PutKeyPolicy", "lambda:UpdateFunctionCode", "scheduler:UpdateSchedule", "sqs:SetQueueAttributes"}

// assumeDeployRole makes the role of terraform/examples/deploy-role and lets Terraform deploy under it from now on. Nobody issues
// GitHub's tokens here, so the role first gets another trust than the one that it was made with.
func (d *deployment) assumeDeployRole(t *testing.T) {
	t.Helper()
	folder := t.TempDir()
	env := maps.Clone(d.terraform.EnvVars)
	env["TF_DATA_DIR"] = filepath.Join(folder, "terraform")
	d.role = &terraform.Options{
		TerraformDir:  filepath.Join(d.terraform.TerraformDir, "examples", "deploy-role"),
		BackendConfig: map[string]any{"path": filepath.Join(folder, "terraform.tfstate")},
		Reconfigure:   true,
		EnvVars:       env,
		Vars:          map[string]any{"stage": stage, "repository": "the-alchemiser/alchemiser", "environment": "production", "customer_key": true},
		NoColor:       true,
		Logger:        d.terraform.Logger,
	}
	initialise(t, d.role)
	terraform.ApplyContext(t, t.Context(), d.role)
	if code := terraform.PlanExitCodeContext(t, t.Context(), d.role); code != 0 {
		t.Errorf("terraform plan -detailed-exitcode of the deploy role = %d after apply, want 0", code)
	}

	client := iam.NewFromConfig(d.aws)
	made, err := client.GetRole(t.Context(), &iam.GetRoleInput{RoleName: aws.String(deployRole)})
	if err != nil {
		t.Fatal(err)
	}
	const trust = `{"Version":"2012-10-17","Statement":[{"Sid":"GitHubEnvironment","Effect":"Allow","Action":"sts:AssumeRoleWithWebIdentity",
		"Principal":{"Federated":"arn:aws:iam::000000000000:oidc-provider/token.actions.githubusercontent.com"},
		"Condition":{"StringEquals":{"token.actions.githubusercontent.com:aud":"sts.amazonaws.com",
			"token.actions.githubusercontent.com:sub":"repo:the-alchemiser/alchemiser:environment:production"}}}]}`
	if got := document(t, aws.ToString(made.Role.AssumeRolePolicyDocument)); !reflect.DeepEqual(got, document(t, trust)) {
		t.Errorf("the deploy role trusts %v, want %s", got, trust)
	}

	if _, err := client.UpdateAssumeRolePolicy(t.Context(), &iam.UpdateAssumeRolePolicyInput{RoleName: aws.String(deployRole), PolicyDocument: aws.String(
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::000000000000:root"},"Action":"sts:AssumeRole"}]}`)}); err != nil {
		t.Fatal(err)
	}
	session, err := sts.NewFromConfig(d.aws).AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: made.Role.Arn, RoleSessionName: aws.String("deploy")})
	if err != nil {
		t.Fatal(err)
	}
	d.terraform.EnvVars = maps.Clone(d.terraform.EnvVars)
	maps.Copy(d.terraform.EnvVars, map[string]string{
		"AWS_ACCESS_KEY_ID":     *session.Credentials.AccessKeyId,
		"AWS_SECRET_ACCESS_KEY": *session.Credentials.SecretAccessKey,
		"AWS_SESSION_TOKEN":     *session.Credentials.SessionToken,
	})
}

// document parses a policy, which IAM returns URL-encoded.
func document(t *testing.T, text string) (doc map[string]any) {
	t.Helper()
	if text[0] == '%' {
		var err error
		if text, err = url.QueryUnescape(text); err != nil {
			t.Fatal(err)
		}
	}
	if err := json.Unmarshal([]byte(text), &doc); err != nil {
		t.Fatalf("policy %s: %v", text, err)
	}
	return doc
}

// dropDeployRole removes the role when everything that Terraform does has been done under it: nothing was refused, and no permission
// was for nothing.
func (d *deployment) dropDeployRole(t *testing.T) {
	t.Helper()
	var got permissions
	d.control(t, "permissions", &got)
	statements := 0
	for _, r := range got.Roles {
		if !strings.HasSuffix(r.Role, "/"+deployRole) {
			continue
		}
		for _, s := range r.Statements {
			statements++
			if s.Sid == "UseKey" { // what Lambda and DynamoDB do with the key for whoever deploys does not happen here
				continue
			}
			idle := slices.DeleteFunc(s.IdleActions, func(action string) bool { return slices.Contains(inPlace, action) })
			if s.Uses == 0 || len(idle) > 0 {
				t.Errorf("deploy role: statement %s was used %d times, and never for %q", s.Sid, s.Uses, idle)
			}
		}
	}
	if statements < 15 {
		t.Errorf("the deploy role has %d statements: the report is not whole", statements)
	}
	if n := d.refusals(t, deployRole); n > 0 {
		t.Errorf("the deploy role was refused %d calls: %+v", n, got.Refused)
	}
	terraform.DestroyContext(t, t.Context(), d.role)
}
