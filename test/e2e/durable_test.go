package e2e_test

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/gruntwork-io/terratest/modules/terraform"
)

// TestTheStackSurvivesKill deploys to an endpoint with --data, kills it with SIGKILL at once, and starts it again: Terraform
// finds everything as it left it.
func TestTheStackSurvivesKill(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	endpoint, url := startDurable(t, data, "0")
	options := stackOn(t, url, map[string]any{"stage": "durable", "notification_email": "trader@example.com"})
	initialise(t, options)
	terraform.ApplyContext(t, t.Context(), options)
	if err := endpoint.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_ = endpoint.Wait() // as killed

	_, again := startDurable(t, data, url[strings.LastIndexByte(url, ':')+1:])
	if again != url {
		t.Fatalf("the endpoint is at %s, was at %s", again, url)
	}
	if code := terraform.PlanExitCodeContext(t, t.Context(), options); code != 0 {
		t.Errorf("terraform plan -detailed-exitcode = %d after the kill, want 0: something was lost", code)
	}
}

// startDurable runs an endpoint that keeps its state in a folder, until the test ends.
func startDurable(t *testing.T, data, port string) (cmd *exec.Cmd, url string) {
	t.Helper()
	program, err := filepath.Abs(filepath.Join("..", "..", "bin", "alchemiser"))
	if err != nil {
		t.Fatal(err)
	}
	cmd = exec.CommandContext(t.Context(), program, "local", "up", "--port", port, "--data", data, "--iam", "enforce")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it may be dead already
		_ = cmd.Wait()
	})
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if url, ok := strings.CutPrefix(lines.Text(), "ready "); ok {
			return cmd, url
		}
	}
	t.Fatal("the endpoint did not start")
	return nil, ""
}
