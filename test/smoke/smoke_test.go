// Package smoke_test lets clients that know nothing of this endpoint, boto3 and the AWS CLI in both versions, ask every
// service for what it is there for. The endpoint is the real program.
package smoke_test

import (
	"archive/zip"
	"bufio"
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// architecture is this machine's processor as Lambda names it.
func architecture() string {
	return map[string]string{"amd64": "x86_64", "arm64": "arm64"}[runtime.GOARCH]
}

func TestClients(t *testing.T) {
	program, echo := build(t, "../../cmd/alchemiser", "alchemiser"), echoZip(t)
	t.Run("boto3", func(t *testing.T) {
		t.Parallel()
		if out, err := exec.CommandContext(t.Context(), "python3", "-c", "import boto3").CombinedOutput(); err != nil {
			t.Skipf("SKIPPED: boto3 over every service: python3 cannot import it (%v %s); `pip install boto3` brings it", err, out)
		}
		run(t, startEndpoint(t, program), "python3", "smoke.py", echo, architecture())
	})
	t.Run("aws-cli", func(t *testing.T) {
		clients := commandLines()
		if len(clients) == 0 {
			t.Skip("SKIPPED: the AWS CLI over every service: no `aws` on the PATH runs; https://docs.aws.amazon.com/cli/latest/userguide/getting-started-install.html")
		}
		for path, version := range clients {
			t.Run(version, func(t *testing.T) {
				t.Parallel()
				run(t, startEndpoint(t, program), "./smoke.sh", path, echo, architecture())
			})
		}
	})
}

// commandLines returns one client of each version that is on the PATH, with its version.
func commandLines() map[string]string {
	found, seen := map[string]string{}, map[string]bool{}
	for _, folder := range filepath.SplitList(os.Getenv("PATH")) {
		path := filepath.Join(folder, "aws")
		out, err := exec.Command(path, "--version").CombinedOutput()
		version, _, ok := strings.Cut(strings.TrimPrefix(string(out), "aws-cli/"), " ")
		if err != nil || !ok || seen[version] {
			continue
		}
		found[path], seen[version] = version, true
	}
	return found
}

// run runs a client against the endpoint at url and fails the test with what it says if it does. What it leaves out is logged.
func run(t *testing.T, url, program string, args ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	// Whatever the user's environment says about AWS is about another one.
	cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "AWS_") })
	cmd.Env = append(cmd.Env,
		"AWS_ENDPOINT_URL="+url, "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "AWS_REGION=us-east-1",
		"AWS_DEFAULT_REGION=us-east-1", "AWS_EC2_METADATA_DISABLED=true", "AWS_CONFIG_FILE=/dev/null",
		"AWS_SHARED_CREDENTIALS_FILE=/dev/null")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", program, strings.Join(args, " "), err, out)
	}
	for line := range strings.Lines(string(out)) {
		if strings.HasPrefix(line, "SKIPPED") {
			t.Log(strings.TrimSpace(line))
		}
	}
}

// startEndpoint runs the endpoint on a free port until the test ends and returns its address.
func startEndpoint(t *testing.T, program string) string {
	t.Helper()
	// Replays and retries are not what is waited for here.
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), program, "local", "up", "--port", "0", "--retry-scale", "0.05")
	var log bytes.Buffer
	cmd.Stderr = &log
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cmd.Process.Signal(os.Interrupt); err != nil {
			t.Errorf("stop the endpoint: %v", err)
		}
		if err := cmd.Wait(); err != nil {
			t.Errorf("the endpoint ended with %v", err)
		}
		if log.Len() > 0 {
			t.Errorf("the endpoint logged faults of its own:\n%s", log.String())
		}
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	url, ok := strings.CutPrefix(strings.TrimSpace(line), "ready ")
	if err != nil || !ok {
		t.Fatalf("the endpoint said %q, %v", line, err)
	}
	return url
}

// echoZip returns the path of a package with the function of testdata/echo.
func echoZip(t *testing.T) string {
	t.Helper()
	binary, err := os.ReadFile(build(t, "./testdata/echo", "bootstrap"))
	if err != nil {
		t.Fatal(err)
	}
	var content bytes.Buffer
	z := zip.NewWriter(&content)
	header := &zip.FileHeader{Name: "bootstrap", Method: zip.Deflate}
	header.SetMode(0o755)
	w, err := z.CreateHeader(header)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(binary); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "echo.zip")
	if err := os.WriteFile(path, content.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// build compiles a package of this module and returns the program's path.
func build(t *testing.T, pkg, name string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	cmd := exec.CommandContext(t.Context(), "go", "build", "-tags", "lambda.norpc", "-o", path, pkg)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build %s: %v\n%s", pkg, err, out)
	}
	return path
}
