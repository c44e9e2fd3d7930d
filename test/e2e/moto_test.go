package e2e_test

import (
	"bufio"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gruntwork-io/terratest/modules/logger"
	"github.com/gruntwork-io/terratest/modules/terraform"

	"github.com/the-alchemiser/alchemiser/internal/stack"
)

// TestMoto is a second opinion: another implementation of AWS, by people who do not know ours, takes the same Terraform. So
// what ours accepts is not accepted by it alone.
//
// What moto 5.2 lacks of it: it forgets the LoggingConfig of a function, so that a second plan would set it again; that plan
// is not looked at for this. With observability=false the stack has nothing else that moto lacks.
func TestMoto(t *testing.T) {
	t.Parallel()
	options := stackOn(t, startMoto(t), map[string]any{"stage": "moto", "observability": false})
	initialise(t, options)
	terraform.ApplyContext(t, t.Context(), options)
	made := resources(t, options)
	for _, want := range []string{
		`aws_cloudwatch_event_bus`, `aws_cloudwatch_event_archive`, `aws_dynamodb_table`, `aws_lambda_function`, `aws_lambda_alias`,
		`aws_lambda_function_event_invoke_config`, `aws_scheduler_schedule`, `aws_sqs_queue`, `aws_sns_topic`, `aws_iam_role_policy`,
	} {
		if !slices.ContainsFunc(made, func(address string) bool { return strings.Contains(address, want+".") }) {
			t.Errorf("moto has no %s: what was applied?\n%s", want, strings.Join(made, "\n"))
		}
	}
	terraform.DestroyContext(t, t.Context(), options)
	if left := resources(t, options); len(left) > 0 {
		t.Errorf("destroy left %q", left)
	}
}

// stackOn returns what Terraform needs to deploy the stack to the AWS that answers at url, in a folder of its own.
func stackOn(t *testing.T, url string, vars map[string]any) *terraform.Options {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	env := map[string]string{
		"AWS_ENDPOINT_URL":          url,
		"AWS_ACCESS_KEY_ID":         "test",
		"AWS_SECRET_ACCESS_KEY":     "test",
		"AWS_REGION":                "us-east-1",
		"AWS_EC2_METADATA_DISABLED": "true",
		"TF_DATA_DIR":               filepath.Join(folder, "terraform"),
	}
	config, err := stack.ProviderConfig(folder)
	if err != nil {
		t.Fatal(err)
	}
	if config != "" {
		env["TF_CLI_CONFIG_FILE"] = config
	}
	vars["smoke"] = false // no broker answers here
	vars["architecture"] = map[string]string{"amd64": "x86_64", "arm64": "arm64"}[runtime.GOARCH]
	return &terraform.Options{
		TerraformDir:  filepath.Join(root, "terraform"),
		BackendConfig: map[string]any{"path": filepath.Join(folder, "terraform.tfstate")},
		Reconfigure:   true,
		EnvVars:       env,
		Vars:          vars,
		Parallelism:   30,
		NoColor:       true,
		Logger:        logger.Discard,
	}
}

// resources returns the addresses of what the state holds.
func resources(t *testing.T, options *terraform.Options) []string {
	t.Helper()
	return strings.Fields(terraform.RunTerraformCommandContext(t, t.Context(), options, "state", "list"))
}

// startMoto runs moto on a free port until the test ends and returns its address.
func startMoto(t *testing.T) string {
	t.Helper()
	const skipped = "SKIPPED: the second opinion of moto: %s; `pip install 'moto[server]'` brings it"
	if _, err := exec.LookPath("moto_server"); err != nil {
		t.Skipf(skipped, "moto_server is not on the PATH")
	}
	// A shim of a Python that lacks moto is on the PATH as well.
	if out, err := exec.CommandContext(t.Context(), "moto_server", "--help").CombinedOutput(); err != nil {
		t.Skipf(skipped, "moto_server does not run: "+string(out))
	}
	ctx, stop := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, "moto_server", "--port", "0")
	cmd.Env = append(os.Environ(), "PYTHONUNBUFFERED=1")
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	output, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stop()
		_ = cmd.Wait() // it ends as interrupted
	})
	var said strings.Builder
	lines := bufio.NewScanner(output)
	for lines.Scan() {
		said.WriteString(lines.Text() + "\n")
		if url := regexp.MustCompile(`http://127\.0\.0\.1:\d+`).FindString(lines.Text()); url != "" {
			go io.Copy(io.Discard, output) //nolint:errcheck // it ends with the process
			return url
		}
	}
	t.Fatalf("moto_server did not start:\n%s", said.String())
	return ""
}
