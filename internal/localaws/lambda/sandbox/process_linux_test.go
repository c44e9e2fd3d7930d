package sandbox_test

import (
	"os"
	"strings"
	"testing"
	"time"
)

func TestProcessIsFrozenBetweenInvocations(t *testing.T) {
	t.Parallel()
	e, _ := ready(t)
	out := e.Invoke(t.Context(), call("one", "context"))
	_, pid, ok := strings.Cut(string(out.Payload), `"pid":`)
	if !ok {
		t.Fatalf("no pid in %s", out.Payload)
	}
	pid = pid[:strings.IndexAny(pid, ",}")]
	for end := time.Now().Add(time.Minute); ; { // a stop signal takes effect a moment after it is sent
		stat, err := os.ReadFile("/proc/" + pid + "/stat")
		if err != nil {
			t.Fatal(err)
		}
		if _, after, _ := strings.Cut(string(stat), ") "); after[0] == 'T' {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("process %s is not stopped: %s", pid, stat)
		}
	}
	if out := e.Invoke(t.Context(), call("two", "echo")); string(out.Payload) != `"echo"` {
		t.Errorf("after a freeze: %+v", out)
	}
}
