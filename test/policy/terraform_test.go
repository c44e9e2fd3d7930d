package policy_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/the-alchemiser/alchemiser/internal/stack"
)

// TestTerraformModules runs the modules' own tests (terraform/tests), which need the provider's schema but no account.
func TestTerraformModules(t *testing.T) {
	if _, err := exec.LookPath("terraform"); err != nil {
		t.Skipf("SKIPPED: %v", stack.ErrNoTerraform)
	}
	config, err := stack.ProviderConfig(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	env := append(os.Environ(), "TF_CLI_CONFIG_FILE="+config, "TF_DATA_DIR="+filepath.Join(t.TempDir(), "data"))
	for _, args := range [][]string{{"init", "-input=false", "-backend=false", "-no-color"}, {"validate", "-no-color"}, {"test", "-no-color"}} {
		cmd := exec.CommandContext(t.Context(), "terraform", args...)
		cmd.Dir = "../../terraform"
		cmd.Env = env
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("terraform %s: %v\n%s", args[0], err, out)
		}
	}
}
