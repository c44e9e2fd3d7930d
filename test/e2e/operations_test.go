package e2e_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"github.com/the-alchemiser/alchemiser/internal/stack"
)

// subscribe stands in for the person who follows the link in the first mail of each topic.
func (d *deployment) subscribe(t *testing.T) {
	t.Helper()
	for _, m := range d.mails(t) {
		if token, ok := m.Token(); ok {
			if _, err := sns.NewFromConfig(d.aws).ConfirmSubscription(t.Context(), &sns.ConfirmSubscriptionInput{TopicArn: &m.TopicARN, Token: &token}); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func (d *deployment) mails(t *testing.T) []stack.Mail {
	t.Helper()
	mails, err := d.stack.Record.Outbox(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return mails
}

// testOperations is a bad day: something fails, the right alarm rings and reaches people, the operator finds the dead letter,
// mends the cause and redrives it, and afterwards the stage passes its validation again.
func (d *deployment) testOperations(t *testing.T) {
	d.subscribe(t)
	if out, err := d.alchemiser(t, "validate", "--since", "15m").CombinedOutput(); err != nil {
		t.Fatalf("before, validate says: %v\n%s", err, out)
	}

	d.breakBroker(t)
	mend := func() { d.request(t, http.MethodDelete, d.stack.Record.BrokerURL+"/_control/faults", "") }
	defer mend()
	id := fmt.Sprintf("run-main-ops-%d", time.Now().UnixNano())
	d.operate(t, "publish", "--set", "portfolio_id=main-ops", "--set", "correlation_id="+id, "--set", "causation_id="+id, "--yes")

	t.Run("the dead letter is found and explained", func(t *testing.T) {
		var letters []struct {
			Queue         string `json:"queue"`
			CorrelationID string `json:"correlation_id"`
			Why           string `json:"why"`
		}
		eventually(t, func() (bool, string) {
			d.read(t, &letters, "dlq", "list")
			return len(letters) > 0, "no dead letter"
		})
		if l := letters[0]; len(letters) != 1 || l.Queue != "strategy" || l.CorrelationID != id || !strings.Contains(l.Why, "failed 3 times") || !strings.Contains(l.Why, "503") {
			t.Errorf("dead letters: %+v, want one of strategy that failed three times on the broker's 503", letters)
		}
		if state := d.stateOf(t, id); state != "failed" {
			t.Errorf("the workflow is %s, want failed", state)
		}
	})
	if out, err := d.alchemiser(t, "validate", "--since", "15m", "--wait", "0s").CombinedOutput(); err == nil || !strings.Contains(string(out), "dead letters") {
		t.Errorf("with a dead letter, validate says: %v\n%s", err, out)
	}

	mend()
	t.Run("redriven, the workflow completes", func(t *testing.T) {
		d.operate(t, "dlq", "redrive", "--function", "strategy", "--yes")
		eventually(t, func() (bool, string) {
			state := d.stateOf(t, id)
			return state == "completed" || state == "nothing_to_do", "the workflow is " + state
		})
	})
	if out, err := d.alchemiser(t, "validate", "--since", "15m").CombinedOutput(); err != nil {
		t.Errorf("afterwards, validate says: %v\n%s", err, out)
	}
	t.Run("the trace names where the time went", func(t *testing.T) {
		out := d.operate(t, "trace", d.run)
		var percent float64
		if said := regexp.MustCompile(`([0-9.]+) % of the time lies in spans`).FindStringSubmatch(out); said != nil {
			percent, _ = strconv.ParseFloat(said[1], 64)
		}
		if percent < 95 {
			t.Errorf("the trace names %.1f %% of the time, want at least 95 %%:\n%s", percent, out)
		}
	})
	t.Run("the runbook", func(t *testing.T) { d.testRunbook(t, id) })
}

// testAlarmsRang looks for the mails of the bad day. Alarms look at whole minutes, so other tests run in between.
func (d *deployment) testAlarmsRang(t *testing.T) {
	for _, alarm := range []string{"strategy-dead-letters", "strategy-errors", "workflow-failed"} {
		subject := fmt.Sprintf(`ALARM: "alchemiser-%s-%s" in US East (N. Virginia)`, stage, alarm)
		told := func() bool {
			return slices.ContainsFunc(d.mails(t), func(m stack.Mail) bool { return m.Subject == subject })
		}
		for end := time.Now().Add(7 * time.Minute); !told(); time.Sleep(time.Second) {
			if time.Now().After(end) {
				t.Fatalf("nobody was told of %s", alarm)
			}
		}
	}
	digest := slices.ContainsFunc(d.mails(t), func(m stack.Mail) bool {
		return strings.HasPrefix(m.Subject, "Alchemiser main-ops: FAILED") && strings.Contains(m.Body, "redrive")
	})
	if !digest {
		t.Error("the trader was not told what failed")
	}
}

// operate runs a command that must succeed.
func (d *deployment) operate(t *testing.T, args ...string) string {
	t.Helper()
	out, err := d.alchemiser(t, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("alchemiser %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// read runs a command that must succeed and decodes its JSON.
func (d *deployment) read(t *testing.T, into any, args ...string) {
	t.Helper()
	cmd := d.alchemiser(t, append(args, "--json")...)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("alchemiser %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	if err := json.Unmarshal(out, into); err != nil {
		t.Fatalf("alchemiser %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

func (d *deployment) stateOf(t *testing.T, id string) string {
	t.Helper()
	var workflows []struct {
		CorrelationID string `json:"correlation_id"`
		State         string `json:"state"`
	}
	d.read(t, &workflows, "workflow", "list")
	for _, w := range workflows {
		if w.CorrelationID == id {
			return w.State
		}
	}
	return "unknown"
}

// testRunbook runs every command of the runbook, as it stands there, and looks for the page of every alarm.
func (d *deployment) testRunbook(t *testing.T, id string) {
	folder := filepath.Join("..", "..", "docs", "runbook")
	pages := cloudwatch.NewDescribeAlarmsPaginator(cloudwatch.NewFromConfig(d.aws), &cloudwatch.DescribeAlarmsInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, alarm := range page.MetricAlarms {
			text := aws.ToString(alarm.AlarmDescription)
			if _, err := os.Stat(filepath.Join(folder, filepath.Base(text))); err != nil {
				t.Errorf("alarm %s leads to no page of the runbook: %q", aws.ToString(alarm.AlarmName), text)
			}
		}
	}
	files, err := filepath.Glob(filepath.Join(folder, "*.md"))
	if err != nil || len(files) < 10 {
		t.Fatalf("the runbook has %d pages, %v", len(files), err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(strings.TrimSuffix(filepath.Base(file), ".md"), func(t *testing.T) {
			dir := t.TempDir()
			for _, block := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
				for line := range strings.Lines(block[1]) {
					d.shell(t, dir, strings.TrimSpace(line), id)
				}
			}
		})
	}
}

// shell runs a line of the runbook. Whoever types it is asked before something changes; here nobody is.
func (d *deployment) shell(t *testing.T, dir, line, id string) {
	t.Helper()
	for _, asks := range []string{"dlq redrive", "dlq purge", "publish", "trading on", "trading off"} {
		if strings.Contains(line, asks) {
			line += " --yes"
		}
	}
	cmd := exec.CommandContext(t.Context(), "sh", "-c", line)
	cmd.Dir = dir
	template := d.alchemiser(t)
	cmd.Env = append(template.Env, "PATH="+filepath.Dir(template.Path)+":"+os.Getenv("PATH"), "STAGE="+stage, "FUNCTION=strategy", "ID="+id)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%s: %v\n%s", line, err, out)
	}
}
