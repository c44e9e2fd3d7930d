package policy_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/the-alchemiser/alchemiser/internal/stack"
)

// TestTerraformModules runs the modules' own tests (terraform/tests) and those of the examples that stand for themselves. They need
// the provider's schema but no account.
func TestTerraformModules(t *testing.T) {
	if _, err := exec.LookPath("terraform"); err != nil {
		t.Skipf("SKIPPED: %v", stack.ErrNoTerraform)
	}
	config, err := stack.ProviderConfig(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	env := append(os.Environ(), "TF_CLI_CONFIG_FILE="+config, "TF_DATA_DIR="+filepath.Join(t.TempDir(), "data"))
	for _, step := range []struct {
		args []string
		env  []string
	}{
		{args: []string{"init", "-input=false", "-backend=false", "-no-color"}},
		{args: []string{"validate", "-no-color"}},
		{args: []string{"test", "-no-color"}},
		{args: []string{"test", "-no-color", "-test-directory=tests/workspace"}, env: []string{"TF_WORKSPACE=other"}},
		{args: []string{"test", "-no-color", "-test-directory=examples/complete", "-var-file=examples/complete/prod.tfvars"}},
	} {
		cmd := exec.CommandContext(t.Context(), "terraform", step.args...)
		cmd.Dir = "../../terraform"
		cmd.Env = slices.Concat(env, step.env)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("terraform %q: %v\n%s", step.args, err, out)
		}
	}
}
