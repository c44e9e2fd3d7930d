package stack

import (
	"strings"
	"testing"
)

func TestUIReaderTellsProgressAndErrors(t *testing.T) {
	output := `{"type":"version","terraform":"1.11.4"}
{"type":"change_summary","changes":{"add":2,"change":0,"remove":0,"operation":"plan"}}
{"type":"apply_complete","hook":{"resource":{"addr":"aws_sqs_queue.a"}}}
{"type":"apply_complete","hook":{"action":"read","resource":{"addr":"data.aws_region.this"}}}
prose in between
{"type":"diagnostic","diagnostic":{"severity":"warning","summary":"old"}}
{"type":"diagnostic","diagnostic":{"severity":"error","summary":"no such bus","detail":"bus x","address":"aws_rule.b"}}
`
	var seen []string
	u := &uiReader{progress: func(done, total int, resource string) {
		if done != 1 || total != 2 {
			t.Errorf("progress %d of %d, want 1 of 2", done, total)
		}
		seen = append(seen, resource)
	}}
	for i := 0; i < len(output); i += 7 { // pipes break lines anywhere
		if _, err := u.Write([]byte(output[i:min(i+7, len(output))])); err != nil {
			t.Fatal(err)
		}
	}
	if got := strings.Join(seen, ","); got != "aws_sqs_queue.a" {
		t.Errorf("resources %q, want aws_sqs_queue.a", got)
	}
	if got := strings.Join(u.diagnostics, ","); got != "aws_rule.b no such bus: bus x" {
		t.Errorf("diagnostics %q", got)
	}
}

func TestEnvironLeavesNoWayElsewhere(t *testing.T) {
	t.Setenv("AWS_PROFILE", "production")
	t.Setenv("AWS_REGION", "eu-central-1")
	env := strings.Join(environ(map[string]string{"AWS_REGION": "us-east-1"}), "\n") + "\n"
	if strings.Contains(env, "AWS_PROFILE=") {
		t.Error("the operator's profile would win over the endpoint's keys")
	}
	if !strings.Contains(env, "AWS_REGION=us-east-1\n") || strings.Contains(env, "eu-central-1") {
		t.Error("the stack's own region must win")
	}
}
