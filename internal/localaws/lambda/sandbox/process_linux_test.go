package sandbox_test

import (
	"os"
	"strings"
	"testing"
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
	for { // a stop signal takes effect a moment after it is sent
		stat, err := os.ReadFile("/proc/" + pid + "/stat")
		if err != nil {
			t.Fatal(err)
		}
		if _, after, _ := strings.Cut(string(stat), ") "); after[0] == 'T' {
			break
		}
	}
	if out := e.Invoke(t.Context(), call("two", "echo")); string(out.Payload) != `"echo"` {
		t.Errorf("after a freeze: %+v", out)
	}
}
