// Package e2e_test deploys the system to the local endpoint with the real Terraform and its AWS provider, and uses it
// as AWS clients do. One stack serves all tests of the package, as a Terraform cycle costs a minute.
package e2e_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/gruntwork-io/terratest/modules/logger"
	"github.com/gruntwork-io/terratest/modules/terraform"

	"github.com/the-alchemiser/alchemiser/internal/stack"
)

// TestStack is the life of a deployment: apply, empty second plan, use, break, destroy, nothing left.
func TestStack(t *testing.T) {
	t.Parallel()
	if onAWS {
		deployToAWS(t).testOnAWS(t)
		return
	}
	d := deploy(t)

	t.Run("a second plan is empty", d.testSecondPlan)
	t.Run("rules and event types belong together", d.testCatalogue)
	t.Run("a run goes from schedule to fills", d.testRun)
	t.Run("a bad day is seen, told, mended and over", d.testOperations)
	t.Run("a replayed day makes no order and says so", d.testReplay)
	t.Run("a plan is traded once, also after its claims have expired", d.testExpiredClaims)
	t.Run("a run survives kills, lost answers and duplicates", d.testFaults)
	t.Run("the AWS CLI answers", d.testCLI)
	t.Run("an invalid event is a dead letter at once", d.testInvalidEvent)
	t.Run("a rule without permission is a target dead letter at once", d.testMissingPermission)
	t.Run("a failing handler is a destination record after three attempts", d.testFailingHandler)
	t.Run("no permission is idle and none was missing", d.testPermissionsAreUsed)
	t.Run("every permission is needed", d.testPermissionsAreNeeded)
	t.Run("the bad day's alarms have rung and reached people", d.testAlarmsRang)
	t.Run("one function is deployed and rolled back", d.testRelease)
	journal := d.startExample(t)
	t.Run("from the process to EventBridge and back", d.testMigration)
	t.Run("one more function joins the bus", func(t *testing.T) { d.testExample(t, journal) })
	t.Run("the broker's keys stand in no log, state or mail", d.testKeysStayHidden)
	t.Run("destroy leaves nothing", d.testDestroy)
}

// deployment is a deployed stack with clients for it.
type deployment struct {
	stack     *stack.Stack
	terraform *terraform.Options
	aws       aws.Config
	// artifacts is the folder with the zips that Terraform deploys.
	artifacts string
	// role is what made the role under which terraform deploys.
	role *terraform.Options
	// run is the first run that has traded.
	run string
}

func deploy(t *testing.T) *deployment {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	zips := artifacts(t, root)
	cfg := stack.Config{
		Root:         root,
		Executable:   filepath.Join(root, "bin", "alchemiser"),
		Stage:        stage,
		Architecture: map[string]string{"amd64": "x86_64", "arm64": "arm64"}[runtime.GOARCH],
		Positions:    "GE=100,PFE=400,T=600",
		// A minute between attempts becomes a second.
		EndpointArgs: []string{"--retry-scale", "0.016"},
		// With a key of its own each delivery needs one permission more: what passes so passes without.
		Variables: map[string]string{"artifacts_dir": zips, "customer_key": "true"},
	}
	s, err := stack.Start(t.Context(), cfg)
	if err != nil {
		t.Fatalf("start the stack (built with `make build`?): %v", err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(s.LogTail())
		}
		if err := s.Stop(); err != nil {
			t.Errorf("stop the stack: %v", err)
		}
	})
	d := &deployment{
		stack:     s,
		artifacts: zips,
		terraform: &terraform.Options{
			TerraformDir:  filepath.Join(root, "terraform"),
			BackendConfig: map[string]any{"path": filepath.Join(cfg.Folder(), "terraform.tfstate")},
			Reconfigure:   true,
			EnvVars:       s.Env(),
			Vars:          map[string]any{"stage": stage},
			Parallelism:   30,
			NoColor:       true,
			Logger:        logger.Discard,
		},
		aws: aws.Config{
			Region:       "us-east-1",
			BaseEndpoint: aws.String(s.Record.URL),
			Credentials:  credentials.NewStaticCredentialsProvider("test", "test", ""),
		},
	}
	initialise(t, d.terraform)
	if _, err := ssm.NewFromConfig(d.aws).PutParameter(t.Context(), &ssm.PutParameterInput{
		Name: aws.String(brokerSecret), Type: ssmtypes.ParameterTypeSecureString,
		Value: aws.String(`{"key_id":"` + brokerKeyID + `","secret_key":"` + brokerKeySecret + `"}`),
	}); err != nil {
		t.Fatalf("store the broker's keys: %v", err)
	}
	d.assumeDeployRole(t)
	terraform.ApplyContext(t, t.Context(), d.terraform)
	return d
}

// initialising is held while Terraform writes the lock file, which lies beside the code and not in a folder of its own.
var initialising sync.Mutex

func initialise(t *testing.T, options *terraform.Options) {
	t.Helper()
	initialising.Lock()
	defer initialising.Unlock()
	terraform.InitContext(t, t.Context(), options)
}

// brokerSecret is made outside of Terraform, as on a real account, and so is removed there.
var brokerSecret = "/alchemiser/" + stage + "/broker"

func (d *deployment) testSecondPlan(t *testing.T) {
	if code := terraform.PlanExitCodeContext(t, t.Context(), d.terraform); code != 0 {
		t.Fatalf("terraform plan -detailed-exitcode = %d after apply, want 0: something drifts", code)
	}
}

func (d *deployment) testDestroy(t *testing.T) {
	if _, err := ssm.NewFromConfig(d.aws).DeleteParameter(t.Context(), &ssm.DeleteParameterInput{Name: aws.String(brokerSecret)}); err != nil {
		t.Fatalf("remove the broker's keys: %v", err)
	}
	terraform.DestroyContext(t, t.Context(), d.terraform)
	d.dropDeployRole(t)
	var inventory struct {
		Resources []string `json:"resources"`
	}
	d.control(t, "inventory", &inventory)
	if len(inventory.Resources) > 0 {
		t.Errorf("destroy left %d resources: %q", len(inventory.Resources), inventory.Resources)
	}
	if _, err := os.Stat(d.terraform.BackendConfig["path"].(string)); err != nil {
		t.Errorf("the state was not where it should be, so what was destroyed? %v", err)
	}
}

// control reads from the endpoint's control API.
func (d *deployment) control(t *testing.T, what string, into any) {
	t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, d.stack.Record.URL+"/_alchemiser/"+what, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatalf("control %s: %v", what, err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("control %s: status %d, %s, %v", what, res.StatusCode, raw, err)
	}
	if err := json.Unmarshal(raw, into); err != nil {
		t.Fatalf("control %s: %s: %v", what, raw, err)
	}
}
