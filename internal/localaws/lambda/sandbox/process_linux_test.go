package sandbox_test

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/the-alchemiser/alchemiser/internal/localaws/lambda/sandbox"
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

func TestFunctionThatTakesTooMuchMemoryIsKilled(t *testing.T) {
	t.Parallel()
	for _, do := range []string{"allocate and hang", "allocate and answer", "allocate in a child"} {
		t.Run(do, func(t *testing.T) {
			t.Parallel()
			e, _ := startWithin(t, 128<<20)
			if err := e.Ready(t.Context()); err != nil {
				t.Fatal(err)
			}
			out := e.Invoke(t.Context(), call("one", do))
			if out.Status != sandbox.Failure || out.ErrorType != "Runtime.ExitError" || !out.Gone || out.MaxMemory != 128<<20 ||
				!strings.Contains(string(out.Payload), "RequestId: one Error: Runtime exited with error: signal: killed") {
				t.Errorf("outcome %+v", out)
			}
		})
	}
}

func TestInitThatTakesTooMuchMemoryIsKilled(t *testing.T) {
	t.Parallel()
	e, _ := startWithin(t, 128<<20, "INIT=allocate")
	var failure *sandbox.InitError
	if err := e.Ready(t.Context()); !errors.As(err, &failure) || failure.Type != "Runtime.ExitError" || failure.Message != "Runtime exited with error: signal: killed" {
		t.Errorf("%v", err)
	}
}

func TestMemoryThatIsTakenForAMomentCounts(t *testing.T) {
	t.Parallel()
	e, _ := startWithin(t, 1<<20) // less than any process has: it is over before it can be looked at
	var failure *sandbox.InitError
	if err := e.Ready(t.Context()); !errors.As(err, &failure) || failure.Message != "Runtime exited with error: signal: killed" {
		t.Errorf("%v", err)
	}
}

func TestFunctionWithinItsMemoryIsLeftAlone(t *testing.T) {
	t.Parallel()
	e, _ := startWithin(t, 512<<20)
	if err := e.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	if out := e.Invoke(t.Context(), call("one", "allocate and answer")); string(out.Payload) != `"allocated"` || out.MaxMemory < 256<<20 {
		t.Errorf("outcome %+v", out)
	}
}
