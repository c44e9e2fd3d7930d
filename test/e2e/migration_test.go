package e2e_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/gruntwork-io/terratest/modules/terraform"

	"github.com/the-alchemiser/alchemiser/internal/fingerprint"
	"github.com/the-alchemiser/alchemiser/pkg/events"
)

// The way from a bus in the process to EventBridge and back: dual publish with the functions as shadow, a shadow that
// fails, the rollback of the functions in the middle of a run, a process that is killed, and a process on EventBridge.
func (d *deployment) testMigration(t *testing.T) {
	d.applyMode(t, "shadow")
	t.Run("in a dual run both sides have the same, and only the process trades", func(t *testing.T) {
		d.post(t, d.stack.Record.BrokerURL+"/_control/reset", "")
		d.mustRun(t, "dual", "main-dual")
		d.wantTraded(t, "main-dual")
		report, err := d.compare(t)
		if err != nil || !report.Consistent() || report.Total.Both != 5 || report.Publish.Overhead.N != 5 {
			t.Errorf("compare: %v, %+v, want the five events on both sides", err, report)
		}
	})
	t.Run("EventBridge out of order costs the process nothing, and compare says so", func(t *testing.T) {
		d.post(t, d.stack.Record.BrokerURL+"/_control/reset", "")
		d.post(t, d.stack.Record.URL+"/_alchemiser/faults", `{"seed":1,"rules":[
			{"fault":"throttle","service":"events","operation":"PutEvents","probability":0.5},
			{"fault":"lose","service":"events","operation":"PutEvents","probability":0.3},
			{"fault":"refuse"}]}`)
		func() {
			defer d.post(t, d.stack.Record.URL+"/_alchemiser/faults", `{"rules":[]}`)
			d.mustRun(t, "dual", "main-alone")
		}()
		d.wantTraded(t, "main-alone")
		report, err := d.compare(t)
		var failed *exec.ExitError
		if !errors.As(err, &failed) || failed.ExitCode() != 1 || report.Total.Missing != 5 || report.Total.Both != 5 {
			t.Errorf("compare: %v, %+v, want exit code 1 and the five events of the second run missing", err, report)
		}
	})

	d.applyMode(t, "live")
	t.Run("a run of the functions that is rolled back in its middle is ended by the process", func(t *testing.T) {
		d.post(t, d.stack.Record.BrokerURL+"/_control/reset", "")
		if out, err := d.alchemiser(t, "run", "--mode", "memory", "--once", "--yes").CombinedOutput(); err == nil || !strings.Contains(string(out), "disable") {
			t.Errorf("beside live functions: %v, %s; want that their rules are to be disabled", err, out)
		}
		d.disable(t, "signal-generated")
		at := lastTick(t).Format(time.RFC3339)
		id := "run-main-rolled-" + at
		d.put(t, "alchemiser.scheduler", "WorkflowStarted", fmt.Sprintf(`{"event_id":"start-main-rolled-%s","event_type":"WorkflowStarted",
			"schema_version":"1.0","correlation_id":%q,"causation_id":%[2]q,"timestamp":%q,"source_module":"scheduler","source_component":"schedule",
			"metadata":{},"portfolio_id":"main-rolled"}`, at, id, time.Now().UTC().Format(time.RFC3339)))
		table := dynamodb.NewFromConfig(d.aws)
		eventually(t, func() (bool, string) {
			status := text(getItem(t, table, "CLAIM#strategy#start-main-rolled-"+at, "CLAIM")["status"])
			return status == "done", "strategy's claim is " + status
		})
		d.disable(t, "workflow-started")
		d.disable(t, "rebalance-planned")

		process := d.alchemiser(t, "run", "--mode", "memory", "--portfolio", "main-rolled", "--yes")
		var said bytes.Buffer
		process.Stdout, process.Stderr = &said, &said
		if err := process.Start(); err != nil {
			t.Fatal(err)
		}
		d.wantEnded(t, id)
		if err := process.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		if err := process.Wait(); err != nil {
			t.Errorf("the process ended with %v after SIGTERM, want 0; it had said:\n%s", err, said.String())
		}
		d.wantTraded(t, "main-rolled")
	})
	t.Run("a process that is killed in the middle of its orders goes on", func(t *testing.T) {
		d.post(t, d.stack.Record.BrokerURL+"/_control/reset", "")
		process := d.alchemiser(t, "run", "--mode", "memory", "--portfolio", "main-killed", "--once", "--yes")
		if err := process.Start(); err != nil {
			t.Fatal(err)
		}
		for deadline := time.Now().Add(time.Minute); len(d.orders(t)) < 3 && time.Now().Before(deadline); {
			time.Sleep(time.Millisecond)
		}
		if err := process.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = process.Wait() // it was killed
		out := d.mustRun(t, "memory", "main-killed")
		if !strings.Contains(out, "Resumed run run-main-killed-") {
			t.Errorf("the second process did not go on where the first one stopped:\n%s", out)
		}
		d.wantTraded(t, "main-killed")
	})

	d.applyMode(t, "hosted")
	t.Run("a process handles what EventBridge carries", func(t *testing.T) {
		d.post(t, d.stack.Record.BrokerURL+"/_control/reset", "")
		d.mustRun(t, "eventbridge", "main-hosted")
		d.wantTraded(t, "main-hosted")
	})
}

// applyMode applies Terraform with a mode.
func (d *deployment) applyMode(t *testing.T, mode string) {
	t.Helper()
	d.terraform.Vars["mode"] = mode
	terraform.ApplyContext(t, t.Context(), d.terraform)
}

// alchemiser is the CLI with the environment of the stack.
func (d *deployment) alchemiser(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), filepath.Join(root, "bin", "alchemiser"), append([]string{"--stage", stage}, args...)...)
	cmd.Dir = root
	cmd.Env = cmd.Environ()
	for name, value := range d.stack.Env() {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	return cmd
}

// mustRun runs one workflow in a process of its own and returns what it said.
func (d *deployment) mustRun(t *testing.T, mode, portfolio string) string {
	t.Helper()
	out, err := d.alchemiser(t, "run", "--mode", mode, "--portfolio", portfolio, "--once", "--yes").CombinedOutput()
	if err != nil {
		t.Fatalf("run --mode %s: %v\n%s", mode, err, out)
	}
	return string(out)
}

func (d *deployment) compare(t *testing.T) (r fingerprint.Report, err error) {
	t.Helper()
	out, err := d.alchemiser(t, "compare", "--json", "--wait", "5s").Output()
	line, _ := bufio.NewReader(bytes.NewReader(out)).ReadBytes('\n')
	if unread := json.Unmarshal(line, &r); unread != nil {
		t.Fatalf("compare said %s: %v", out, unread)
	}
	return r, err
}

// disable turns a rule of the functions off, as an operator does it in a hurry.
func (d *deployment) disable(t *testing.T, rule string) {
	t.Helper()
	_, err := eventbridge.NewFromConfig(d.aws).DisableRule(t.Context(), &eventbridge.DisableRuleInput{
		Name: aws.String("alchemiser-" + rule + "-" + stage), EventBusName: aws.String("alchemiser-trading-events-" + stage),
	})
	if err != nil {
		t.Fatal(err)
	}
}

type brokerOrder struct {
	ClientOrderID string `json:"client_order_id"`
	Status        string `json:"status"`
}

func (d *deployment) orders(t *testing.T) (all []brokerOrder) {
	t.Helper()
	d.get(t, d.stack.Record.BrokerURL+"/v2/orders?status=all&limit=500", &all)
	return all
}

// wantTraded checks that the broker, which was reset before, has the orders of one run: some, each once, all filled, and
// each in the ledger as one of the portfolio's only run.
func (d *deployment) wantTraded(t *testing.T, portfolio string) {
	t.Helper()
	orders, seen, table := d.orders(t), map[string]bool{}, dynamodb.NewFromConfig(d.aws)
	if len(orders) < 5 {
		t.Errorf("%s: the broker has %d orders, want those of a whole portfolio", portfolio, len(orders))
	}
	trades := map[string]int{}
	for _, o := range orders {
		item := getItem(t, table, "ORDER#"+o.ClientOrderID, "ORDER")
		if seen[o.ClientOrderID] || o.Status != "filled" || item == nil {
			t.Errorf("%s: order %+v, in the ledger as %v", portfolio, o, item)
		}
		seen[o.ClientOrderID] = true
		trades[text(item["symbol"])+" "+text(item["side"])]++
	}
	for trade, n := range trades {
		if n > 1 {
			t.Errorf("%s: %d orders to %s, want one: each is filled at once", portfolio, n, trade)
		}
	}
}

// wantEnded waits until the timeline of a workflow has its end.
func (d *deployment) wantEnded(t *testing.T, id string) {
	t.Helper()
	client, err := d.workflows()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	entries, err := client.Timeline(ctx, id, 5)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Type == events.TypeWorkflowFailed {
			t.Errorf("%s failed: %s", id, e.Summary)
		}
	}
}

// lastTick is the last time of the schedule, UTC.
func lastTick(t *testing.T) time.Time {
	t.Helper()
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	for at := time.Now().In(zone).Truncate(time.Minute); ; at = at.Add(-time.Minute) {
		weekend := at.Weekday() == time.Saturday || at.Weekday() == time.Sunday
		if at.Minute() == 45 && (at.Hour() == 12 || at.Hour() == 15) && !weekend {
			return at.UTC()
		}
	}
}
