package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestLocalUpServesUntilItIsStopped(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	out, in := io.Pipe()
	cmd := newRootCommand()
	cmd.SetArgs([]string{"local", "up", "--port", "0"})
	cmd.SetOut(in)
	done := make(chan error, 1)
	go func() {
		done <- errors.Join(cmd.ExecuteContext(ctx), in.Close())
	}()
	lines := bufio.NewReader(out)
	line, err := lines.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	url, ok := strings.CutPrefix(strings.TrimSpace(line), "ready http://127.0.0.1:")
	if !ok {
		t.Fatalf("the first line is %q", line)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://127.0.0.1:"+url+"/_alchemiser/inventory", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	if err != nil || strings.TrimSpace(string(raw)) != `{"resources":[]}` {
		t.Errorf("inventory: %s, %v", raw, err)
	}
	stop()
	rest, err := io.ReadAll(lines)
	if err != nil || len(rest) > 0 {
		t.Errorf("more than one line: %q, %v", rest, err)
	}
	if err := <-done; err != nil {
		t.Errorf("ended with %v", err)
	}
}

func TestLocalUpRefusesATakenPort(t *testing.T) {
	taken := httptest.NewServer(nil)
	defer taken.Close()
	_, port, err := net.SplitHostPort(taken.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	cmd := newRootCommand()
	cmd.SetArgs([]string{"local", "up", "--port", port})
	cmd.SetOut(io.Discard)
	err = cmd.ExecuteContext(t.Context())
	if err == nil || exitCode(err) != exitPortTaken || !strings.Contains(err.Error(), "--port") {
		t.Errorf("exit %d, %v", exitCode(err), err)
	}
}

func TestLocalUpRefusesABadPlanOfFaults(t *testing.T) {
	file := filepath.Join(t.TempDir(), "faults.json")
	if err := os.WriteFile(file, []byte(`{"rules":[{"fault":"explode"}]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for plan, want := range map[string]string{file: "faults.json: fault plan: rules[0]", "none.json": "no such file"} {
		cmd := newRootCommand()
		cmd.SetArgs([]string{"local", "up", "--port", "0", "--faults", plan})
		cmd.SetOut(io.Discard)
		if err := cmd.ExecuteContext(t.Context()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", plan, err, want)
		}
	}
}

func TestLocalEnvPrintsTheStacksVariables(t *testing.T) {
	t.Chdir(t.TempDir())
	env := func() (string, error) {
		var out bytes.Buffer
		cmd := newRootCommand()
		cmd.SetArgs([]string{"--stage", "staging", "local", "env"})
		cmd.SetOut(&out)
		err := cmd.ExecuteContext(t.Context())
		return out.String(), err
	}
	if _, err := env(); err == nil || !strings.Contains(err.Error(), "no local stack") {
		t.Errorf("without a stack: %v", err)
	}
	folder := filepath.Join(".alchemiser", "staging")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	record, err := json.Marshal(map[string]any{"env": map[string]string{"AWS_ENDPOINT_URL": "http://127.0.0.1:1", "TF_VAR_it": "it's so"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "endpoint.json"), record, 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := env()
	if want := "export AWS_ENDPOINT_URL=http://127.0.0.1:1\nexport TF_VAR_it='it'\\''s so'\n"; err != nil || got != want {
		t.Errorf("printed %q (%v), want %q", got, err, want)
	}
}
