package e2e_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"
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
		"events list-rules":        {[]string{"events", "list-rules", "--event-bus-name", bus}, "alchemiser-rebalance-planned-" + stage},
		"events put-events":        {[]string{"events", "put-events", "--entries", `[{"EventBusName":"` + bus + `","Source":"test","DetailType":"Test","Detail":"{}"}]`}, `"FailedEntryCount": 0`},
		"lambda invoke":            {[]string{"lambda", "invoke", "--function-name", "alchemiser-monitor-" + stage + ":live", "--payload", "fileb://testdata/watchdog.json", os.DevNull}, `"StatusCode": 200`},
		"logs filter-log-events":   {[]string{"logs", "filter-log-events", "--log-group-name", "/aws/events/alchemiser-" + stage, "--filter-pattern", "RebalancePlanned"}, "RebalancePlanned"},
		"sqs get-queue-url":        {[]string{"sqs", "get-queue-url", "--queue-name", "alchemiser-execution-dlq-" + stage}, "alchemiser-execution-dlq-" + stage},
		"xray get-trace-summaries": {[]string{"xray", "get-trace-summaries", "--start-time", "2020-01-01", "--end-time", "2100-01-01", "--filter-expression", `annotation.stage = "` + stage + `"`}, `"Id": "1-`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if out := d.cli(t, tt.args...); !strings.Contains(out, tt.want) {
				t.Errorf("want %s in the answer:\n%s", tt.want, out)
			}
		})
	}
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
