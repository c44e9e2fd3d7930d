package e2e_test

import (
	"bytes"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// interruptedStage is a stage of its own: its processes are known by it.
const interruptedStage = "interrupted"

// TestInterruptedDemoLeavesNoProcess sends the demo Ctrl-C at random moments of its life, INTERRUPTS of them (default
// 10), and looks for whatever it started. The seed is printed, so that a failing moment can be tried again.
func TestInterruptedDemoLeavesNoProcess(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	moments := 10
	if s := os.Getenv("INTERRUPTS"); s != "" {
		if moments, err = strconv.Atoi(s); err != nil {
			t.Fatalf("INTERRUPTS=%s: want a number", s)
		}
	}
	seed := uint64(time.Now().UnixNano())
	if s := os.Getenv("SEED"); s != "" {
		if seed, err = strconv.ParseUint(s, 10, 64); err != nil {
			t.Fatalf("SEED=%s: want a number", s)
		}
	}
	t.Logf("SEED=%d", seed)
	random := rand.New(rand.NewPCG(seed, 0)) //nolint:gosec // moments, not secrets
	for range moments {
		// The demo takes about 50 s; the apply, with most processes at work, begins after a second.
		after := time.Duration(random.Int64N(int64(20 * time.Second)))
		t.Run(after.Round(time.Millisecond).String(), func(t *testing.T) {
			mark := "ALCHEMISER_TEST_RUN=" + strconv.FormatUint(random.Uint64(), 36)
			cmd := exec.CommandContext(t.Context(), filepath.Join(root, "bin", "alchemiser"), "--stage", interruptedStage, "demo")
			cmd.Dir = root
			cmd.Env = append(os.Environ(), mark)
			cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
			var said bytes.Buffer
			cmd.Stdout, cmd.Stderr = &said, &said
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			time.Sleep(after)
			// A terminal sends Ctrl-C to the whole foreground group.
			if err := syscall.Kill(-cmd.Process.Pid, syscall.SIGINT); err != nil {
				t.Fatal(err)
			}
			_ = cmd.Wait() // an interrupted demo has failed; how does not matter here
			for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(50 * time.Millisecond) {
				left := processesWith(t, mark)
				if len(left) == 0 {
					return
				}
				if time.Now().After(deadline) {
					t.Fatalf("still running after Ctrl-C at %s:\n%s\nit had said:\n%s", after, strings.Join(left, "\n"), said.String())
				}
			}
		})
	}
}

// processesWith returns the command lines of the processes whose environment holds the mark: whatever the demo
// started, directly or not. Lambda functions get an environment of their own and are recognised by their name in it.
func processesWith(t *testing.T, mark string) []string {
	t.Helper()
	entries, err := filepath.Glob("/proc/[0-9]*")
	if err != nil || len(entries) == 0 {
		t.Skip("SKIPPED: no /proc on this system to look for processes in")
	}
	var left []string
	for _, entry := range entries {
		env, err := os.ReadFile(filepath.Join(entry, "environ"))
		if err != nil {
			continue // it ended, or is not ours
		}
		line, err := os.ReadFile(filepath.Join(entry, "cmdline"))
		if err != nil || len(line) == 0 {
			continue // a zombie runs no more
		}
		ours := bytes.Contains(env, []byte(mark)) || bytes.Contains(env, []byte("AWS_LAMBDA_FUNCTION_NAME=alchemiser-")) &&
			bytes.Contains(env, []byte("-"+interruptedStage))
		if ours {
			left = append(left, filepath.Base(entry)+" "+string(bytes.ReplaceAll(line, []byte{0}, []byte{' '})))
		}
	}
	return left
}
