package stack_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/the-alchemiser/alchemiser/internal/stack"
)

// checkout returns a folder that passes for one.
func checkout(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	write(t, filepath.Join(root, "terraform", "main.tf"), "")
	return root
}

// program returns an executable that stands in for alchemiser.
func program(t *testing.T, script string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "alchemiser")
	write(t, path, "#!/bin/sh\n"+script)
	if err := os.Chmod(path, 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestStartSaysWhatIsWrong(t *testing.T) {
	tests := map[string]struct {
		change func(*stack.Config)
		want   string
	}{
		"outside of the checkout": {func(c *stack.Config) { c.Root = t.TempDir() }, "run from the checkout"},
		"no stage":                {func(c *stack.Config) { c.Stage = "" }, "stage is required"},
		"another processor":       {func(c *stack.Config) { c.Architecture = "riscv" }, "want arm64 or x86_64"},
		"a program that refuses":  {func(c *stack.Config) { c.Executable = program(t, "echo 'SPY.csv:3: no price' >&2; exit 1") }, "SPY.csv:3: no price"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			cfg := stack.Config{Root: checkout(t), Stage: "dev", Architecture: "x86_64", Executable: program(t, "exit 1")}
			tt.change(&cfg)
			_, err := stack.Start(t.Context(), cfg)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Start = %v, want an error with %q", err, tt.want)
			}
		})
	}
}

func TestStartNeedsTerraform(t *testing.T) {
	t.Setenv("PATH", "/bin:/usr/bin/nowhere")
	cfg := stack.Config{Root: checkout(t), Stage: "dev", Architecture: "x86_64", Executable: program(t, "echo ready http://127.0.0.1:1; exec sleep 60")}
	if _, err := stack.Start(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), "terraform is not on the PATH") {
		t.Errorf("Start = %v, want a word about Terraform", err)
	}
}

func TestAStackIsFoundUntilItStops(t *testing.T) {
	if _, err := exec.LookPath("terraform"); err != nil {
		t.Skipf("SKIPPED: %v", stack.ErrNoTerraform)
	}
	cfg := stack.Config{Root: checkout(t), Stage: "dev", Architecture: "x86_64", Executable: program(t, "echo ready http://127.0.0.1:1; exec sleep 60")}
	if _, err := stack.Find(cfg); err == nil || !strings.Contains(err.Error(), "make up") {
		t.Errorf("Find before Start = %v, want how to start one", err)
	}
	s, err := stack.Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stack.Start(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), "make down") {
		t.Errorf("a second Start = %v, want how to stop the first", err)
	}
	found, err := stack.Find(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if got := found.Env()["AWS_ENDPOINT_URL"]; got != "http://127.0.0.1:1" {
		t.Errorf("the found stack is at %q", got)
	}
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	if _, err := stack.Find(cfg); err == nil {
		t.Error("a stopped stack is found")
	}
}
