package e2e_test

import (
	"bufio"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gruntwork-io/terratest/modules/terraform"
)

// testCLI runs the unmodified AWS CLI against the endpoint, with nothing but the environment saying where.
func (d *deployment) testCLI(t *testing.T) {
	if _, err := exec.LookPath("aws"); err != nil {
		t.Skip("SKIPPED: the AWS CLI is not installed; the same calls are tested with the SDK")
	}
	bus := "alchemiser-trading-events-" + stage
	tests := map[string]struct {
		args []string
		want string
	}{
		"events list-rules":       {[]string{"events", "list-rules", "--event-bus-name", bus}, "alchemiser-rebalance-planned-" + stage},
		"events put-events":       {[]string{"events", "put-events", "--entries", `[{"EventBusName":"` + bus + `","Source":"test","DetailType":"Test","Detail":"{}"}]`}, `"FailedEntryCount": 0`},
		"lambda invoke":           {[]string{"lambda", "invoke", "--function-name", "alchemiser-monitor-" + stage + ":live", "--payload", "fileb://testdata/watchdog.json", os.DevNull}, `"StatusCode": 200`},
		"logs filter-log-events":  {[]string{"logs", "filter-log-events", "--log-group-name", "/aws/events/alchemiser-" + stage, "--filter-pattern", "RebalancePlanned"}, "RebalancePlanned"},
		"sqs get-queue-url":       {[]string{"sqs", "get-queue-url", "--queue-name", "alchemiser-execution-dlq-" + stage}, "alchemiser-execution-dlq-" + stage},
		"events disable-rule":     {[]string{"events", "disable-rule", "--event-bus-name", bus, "--name", "alchemiser-trade-executed-" + stage}, ""},
		"events enable-rule":      {[]string{"events", "enable-rule", "--event-bus-name", bus, "--name", "alchemiser-trade-executed-" + stage}, ""},
		"events describe-archive": {[]string{"events", "describe-archive", "--archive-name", "alchemiser-event-archive-" + stage}, `"State": "ENABLED"`},
		"cloudwatch get-metric-statistics": {[]string{"cloudwatch", "get-metric-statistics", "--namespace", "AWS/Events", "--metric-name", "Invocations",
			"--dimensions", "Name=EventBusName,Value=" + bus, "Name=RuleName,Value=alchemiser-all-events-monitor-" + stage,
			"--start-time", day(-1), "--end-time", day(1), "--period", "86400", "--statistics", "Sum"}, `"Sum": `},
		"cloudwatch describe-alarms": {[]string{"cloudwatch", "describe-alarms", "--alarm-name-prefix", "alchemiser-" + stage + "-execution"}, "alchemiser-" + stage + "-execution-dead-letters"},
		"dynamodb query": {[]string{"dynamodb", "query", "--table-name", "alchemiser-state-" + stage, "--key-condition-expression", "pk = :workflow",
			"--expression-attribute-values", `{":workflow": {"S": "WF#` + d.run + `"}}`}, "WorkflowCompleted"},
		"lambda update-function-configuration": {[]string{"lambda", "update-function-configuration", "--function-name", "alchemiser-monitor-" + stage,
			"--environment", "Variables={STAGE=" + stage + "}"}, `"Version": "$LATEST"`},
		"xray get-trace-summaries": {[]string{"xray", "get-trace-summaries", "--start-time", "2020-01-01", "--end-time", "2100-01-01", "--filter-expression", `annotation.stage = "` + stage + `"`}, `"Id": "1-`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if out := d.cli(t, tt.args...); !strings.Contains(out, tt.want) {
				t.Errorf("want %s in the answer:\n%s", tt.want, out)
			}
		})
	}
	t.Run("events start-replay and describe-replay", func(t *testing.T) {
		archive := "arn:aws:events:us-east-1:000000000000:archive/alchemiser-event-archive-" + stage
		d.cli(t, "events", "start-replay", "--replay-name", "by-hand", "--event-source-arn", archive, "--event-start-time", day(-1), "--event-end-time", day(0),
			"--destination", "Arn=arn:aws:events:us-east-1:000000000000:event-bus/"+bus)
		if out := d.cli(t, "events", "describe-replay", "--replay-name", "by-hand"); !strings.Contains(out, `"ReplayName": "by-hand"`) {
			t.Errorf("want the replay:\n%s", out)
		}
	})
	t.Run("logs tail --follow", d.testTail)
	t.Run("sqs get-queue-attributes", func(t *testing.T) {
		var url struct {
			QueueURL string `json:"QueueUrl"`
		}
		if err := json.Unmarshal([]byte(d.cli(t, "sqs", "get-queue-url", "--queue-name", "alchemiser-monitor-dlq-"+stage)), &url); err != nil {
			t.Fatal(err)
		}
		if out := d.cli(t, "sqs", "get-queue-attributes", "--queue-url", url.QueueURL, "--attribute-names", "ApproximateNumberOfMessages"); !strings.Contains(out, `"ApproximateNumberOfMessages": "0"`) {
			t.Errorf("want no messages:\n%s", out)
		}
	})
	t.Run("terraform takes back what was changed by hand", func(t *testing.T) {
		if code := terraform.PlanExitCodeContext(t, t.Context(), d.terraform); code != 2 {
			t.Errorf("terraform plan -detailed-exitcode = %d, want 2: the monitor's environment on $LATEST is another", code)
		}
		terraform.ApplyContext(t, t.Context(), d.terraform)
	})
}

// day returns midnight (UTC) of a day relative to today.
func day(n int) string { return time.Now().UTC().AddDate(0, 0, n).Format(time.DateOnly) }

// testTail follows the log of all events with version 2 of the CLI, which alone can, until it has shown something.
func (d *deployment) testTail(t *testing.T) {
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		path := filepath.Join(dir, "aws")
		if out, err := exec.CommandContext(t.Context(), path, "--version").CombinedOutput(); err != nil || !strings.HasPrefix(string(out), "aws-cli/2") {
			continue
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		// 2.13 or later needs no more than the environment to know where the endpoint is.
		cmd := exec.CommandContext(ctx, path, "logs", "tail", "/aws/events/alchemiser-"+stage, "--follow", "--since", "1d", "--endpoint-url", d.stack.Record.URL)
		cmd.Env = os.Environ()
		for name, value := range d.stack.Env() {
			cmd.Env = append(cmd.Env, name+"="+value)
		}
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines, found := bufio.NewScanner(out), false
		lines.Buffer(nil, 1<<20)
		for !found && lines.Scan() {
			found = strings.Contains(lines.Text(), "WorkflowCompleted")
		}
		cancel()
		_ = cmd.Wait() // it follows until it is killed
		if !found {
			t.Errorf("logs tail showed no WorkflowCompleted: %v", lines.Err())
		}
		return
	}
	t.Skip("SKIPPED: version 2 of the AWS CLI is not installed, and version 1 cannot follow a log")
}

func (d *deployment) cli(t *testing.T, args ...string) string {
	t.Helper()
	args = append(args, "--output", "json")
	if args[0] == "sqs" {
		// Version 1 of the CLI goes to queue.amazonaws.com in us-east-1, whatever AWS_ENDPOINT_URL says.
		args = append(args, "--endpoint-url", d.stack.Record.URL)
	}
	cmd := exec.CommandContext(t.Context(), "aws", args...)
	cmd.Env = os.Environ()
	for name, value := range d.stack.Env() {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("aws %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}
