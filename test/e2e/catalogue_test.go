package e2e_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
)

// testCatalogue holds rules and publishers together: every event type that we publish reaches the functions that it is
// for, and every rule has a type that it matches. The samples are the golden files of pkg/events.
func (d *deployment) testCatalogue(t *testing.T) {
	client := eventbridge.NewFromConfig(d.aws)
	rules, err := client.ListRules(t.Context(), &eventbridge.ListRulesInput{EventBusName: aws.String("alchemiser-trading-events-" + stage)})
	if err != nil {
		t.Fatal(err)
	}
	wants := map[string]struct {
		publisher string
		rules     []string
	}{
		"WorkflowStarted":   {"scheduler", []string{"workflow-started", "all-events-monitor"}},
		"SignalGenerated":   {"strategy", []string{"signal-generated", "all-events-monitor"}},
		"RebalancePlanned":  {"portfolio", []string{"rebalance-planned", "all-events-monitor"}},
		"TradeExecuted":     {"execution", []string{"trade-executed", "all-events-monitor"}},
		"WorkflowCompleted": {"execution", []string{"all-events-monitor"}},
		"WorkflowFailed":    {"strategy", []string{"all-events-monitor"}},
	}
	used := map[string]bool{}
	for detailType, want := range wants {
		got := map[string]bool{}
		for _, rule := range rules.Rules {
			if rule.ManagedBy != nil { // the archive's own
				continue
			}
			answer, err := client.TestEventPattern(t.Context(), &eventbridge.TestEventPatternInput{
				EventPattern: rule.EventPattern, Event: aws.String(sample(t, want.publisher, detailType)),
			})
			if err != nil {
				t.Fatalf("test %s against rule %s: %v", detailType, aws.ToString(rule.Name), err)
			}
			if answer.Result {
				name := strings.TrimSuffix(strings.TrimPrefix(aws.ToString(rule.Name), "alchemiser-"), "-"+stage)
				got[name], used[name] = true, true
			}
		}
		for _, name := range want.rules {
			if !got[name] {
				t.Errorf("%s does not match rule %s", detailType, name)
			}
			delete(got, name)
		}
		for name := range got {
			t.Errorf("%s matches rule %s, which is not meant for it", detailType, name)
		}
	}
	for _, rule := range rules.Rules {
		name := strings.TrimSuffix(strings.TrimPrefix(aws.ToString(rule.Name), "alchemiser-"), "-"+stage)
		if rule.ManagedBy == nil && !used[name] {
			t.Errorf("rule %s matches no event type", name)
		}
	}
}

// sample returns an envelope around the golden file of a type.
func sample(t *testing.T, publisher, detailType string) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("..", "..", "pkg", "events", "testdata", detailType+".json"))
	if err != nil {
		t.Fatal(err)
	}
	envelope, err := json.Marshal(map[string]any{
		"version": "0", "id": "1", "detail-type": detailType, "source": "alchemiser." + publisher,
		"account": "000000000000", "time": "2026-03-02T20:45:00Z", "region": "us-east-1", "resources": []string{}, "detail": json.RawMessage(raw),
	})
	if err != nil {
		t.Fatal(err)
	}
	return string(envelope)
}
