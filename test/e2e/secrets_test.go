package e2e_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
)

// The broker's keys of this stack. No other string looks like them, so that they are found wherever they stand.
const (
	brokerKeyID     = "PKQ7ZX41E2EKEYID"
	brokerKeySecret = "s9Vw2nR8e2eSecretKeyThatMustNotLeak"
)

// testKeysStayHidden looks for the broker's keys in all that the run has written: every line of every log group, the logs of the
// processes, Terraform's state and the mails.
func (d *deployment) testKeysStayHidden(t *testing.T) {
	lines := 0
	leaked := func(where, text string) {
		lines++
		for _, key := range []string{brokerKeyID, brokerKeySecret} {
			if strings.Contains(text, key) {
				t.Errorf("%s holds a key of the broker: %s", where, strings.ReplaceAll(text, key, "<the key>"))
			}
		}
	}
	client := cloudwatchlogs.NewFromConfig(d.aws)
	groups := cloudwatchlogs.NewDescribeLogGroupsPaginator(client, &cloudwatchlogs.DescribeLogGroupsInput{})
	for groups.HasMorePages() {
		page, err := groups.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, group := range page.LogGroups {
			events := cloudwatchlogs.NewFilterLogEventsPaginator(client, &cloudwatchlogs.FilterLogEventsInput{LogGroupName: group.LogGroupName})
			for events.HasMorePages() {
				page, err := events.NextPage(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				for _, e := range page.Events {
					leaked(*group.LogGroupName, *e.Message)
				}
			}
		}
	}
	if lines < 100 {
		t.Errorf("looked at %d lines of log: where are the others?", lines)
	}
	folder := filepath.Join("../../.alchemiser", stage)
	files := []string{filepath.Join(folder, "terraform.tfstate")}
	logs, err := filepath.Glob(filepath.Join(folder, "logs", "*"))
	if err != nil || len(logs) == 0 {
		t.Fatalf("no logs of the processes: %v", err)
	}
	for _, file := range append(files, logs...) {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		leaked(file, string(raw))
	}
	mails, err := d.stack.Record.Outbox(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range mails {
		leaked("a mail", m.Subject+"\n"+m.Body)
	}
}
