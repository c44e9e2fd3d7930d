package lambda_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/the-alchemiser/alchemiser/internal/localaws/faults"
)

func TestInvocationIsKilledOnPurpose(t *testing.T) {
	t.Parallel()
	h := start(t, "")
	h.create(t)
	h.faults.Set(faults.Plan{Rules: []faults.Rule{{Fault: faults.Kill, Function: "f", After: faults.Duration(time.Millisecond), Times: 1}}})
	out := h.do(t, `{"do":"hang"}`)
	if aws.ToString(out.FunctionError) != "Unhandled" || !strings.Contains(string(out.Payload), "Runtime.ExitError") || !strings.Contains(string(out.Payload), "signal: killed") {
		t.Errorf("answer %s %s", aws.ToString(out.FunctionError), out.Payload)
	}
	if out := h.do(t, `{"do":"fine"}`); string(out.Payload) != `"fine"` {
		t.Errorf("afterwards: %s", out.Payload)
	}
}

func TestInvocationTimesOutOnPurposeInTheWordsOfItsOwnLimit(t *testing.T) {
	t.Parallel()
	h := start(t, "")
	h.create(t)
	h.faults.Set(faults.Plan{Rules: []faults.Rule{{Fault: faults.Timeout}}})
	if out := h.do(t, `{"do":"hang"}`); !strings.Contains(string(out.Payload), "Task timed out after 60.00 seconds") {
		t.Errorf("answer %s", out.Payload)
	}
}

func TestKillStrikesWhatRuns(t *testing.T) {
	t.Parallel()
	h := start(t, "")
	h.create(t)
	h.do(t, `{"do":"fine"}`)
	if h.Kill("f") || h.Kill("other") {
		t.Error("killed a function that does not run")
	}
	go func() {
		eventually(t, "the function hangs", func() bool { return h.Kill("f") })
	}()
	if out := h.do(t, `{"do":"hang"}`); !strings.Contains(string(out.Payload), "signal: killed") {
		t.Errorf("answer %s", out.Payload)
	}
}
