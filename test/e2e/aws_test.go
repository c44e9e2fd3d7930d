package e2e_test

import (
	"cmp"
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/gruntwork-io/terratest/modules/logger"
	"github.com/gruntwork-io/terratest/modules/terraform"

	"github.com/the-alchemiser/alchemiser/cmd/alchemiser/workflow"
	"github.com/the-alchemiser/alchemiser/internal/naming"
	"github.com/the-alchemiser/alchemiser/pkg/events"
)

// onAWS is where test/e2e/aws.sh lets the same tests run: on the account of the environment, without faults.
var onAWS = os.Getenv("E2E_AWS") != ""

// stage is what is deployed: aws.sh gives each run a name of its own.
var stage = cmp.Or(os.Getenv("E2E_STAGE"), "e2e")

// testOnAWS is the part of the life of a deployment that needs neither faults nor the endpoint's own questions.
func (d *deployment) testOnAWS(t *testing.T) {
	t.Run("a second plan is empty", d.testSecondPlan)
	t.Run("rules and event types belong together", d.testCatalogue)
	t.Run("a run goes from schedule to fills, or is skipped", d.testRun)
	t.Run("destroy leaves nothing", func(t *testing.T) {
		terraform.DestroyContext(t, t.Context(), d.terraform)
		if left := resources(t, d.terraform); len(left) > 0 {
			t.Errorf("destroy left %q", left)
		}
	})
}

// deployToAWS deploys to the account of the environment. Its state is where aws.sh looks for it, which destroys what a test that was
// interrupted has left. The daily schedules are off: only the tests start a run.
func deployToAWS(t *testing.T) *deployment {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(root, ".alchemiser", stage)
	d := &deployment{terraform: &terraform.Options{
		TerraformDir:  filepath.Join(root, "terraform"),
		BackendConfig: map[string]any{"path": filepath.Join(folder, "terraform.tfstate")},
		Reconfigure:   true,
		EnvVars:       map[string]string{"TF_DATA_DIR": filepath.Join(folder, "terraform")},
		Vars:          map[string]any{"stage": stage, "schedules_enabled": false},
		NoColor:       true,
		Logger:        logger.Discard,
	}}
	if d.aws, err = config.LoadDefaultConfig(t.Context()); err != nil {
		t.Fatal(err)
	}
	secrets := ssm.NewFromConfig(d.aws)
	if _, err := secrets.PutParameter(t.Context(), &ssm.PutParameterInput{
		Name: aws.String(brokerSecret), Type: ssmtypes.ParameterTypeSecureString,
		Value: aws.String(`{"key_id":"` + os.Getenv("ALPACA_KEY_ID") + `","secret_key":"` + os.Getenv("ALPACA_SECRET") + `"}`),
	}); err != nil {
		t.Fatalf("store the broker's keys: %v", err)
	}
	t.Cleanup(func() {
		if _, err := secrets.DeleteParameter(context.WithoutCancel(t.Context()), &ssm.DeleteParameterInput{Name: aws.String(brokerSecret)}); err != nil {
			t.Errorf("remove the broker's keys: %v", err)
		}
	})
	initialise(t, d.terraform)
	terraform.ApplyContext(t, t.Context(), d.terraform)
	return d
}

// workflows returns what follows the workflows of the stage.
func (d *deployment) workflows() (*workflow.Client, error) {
	return workflow.New(d.aws, naming.Stage(stage))
}

// patient is how long to wait for what takes a moment on the endpoint: on AWS traces and logs take minutes.
func patient(here time.Duration) time.Duration {
	if onAWS {
		return 10 * here
	}
	return here
}

// skipped says whether a run outside the last minutes of a session was skipped, as it should be there, and nothing else happened.
func skipped(t *testing.T, byType map[events.Type]events.Event) bool {
	t.Helper()
	completed, ok := byType[events.TypeWorkflowCompleted]
	if !onAWS || !ok || completed.Payload.(events.WorkflowCompleted).Outcome != events.OutcomeSkipped {
		return false
	}
	if len(byType) != 2 || completed.CausationID != byType[events.TypeWorkflowStarted].ID {
		t.Errorf("a skipped run is a start and its end, not %v", byType)
	}
	t.Logf("the run was skipped: %s", completed.Payload.(events.WorkflowCompleted).Reason)
	return true
}
