package sandbox_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/the-alchemiser/alchemiser/internal/localaws/lambda/sandbox"
)

var code string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "sandbox-test")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	build := exec.Command("go", "build", "-o", filepath.Join(dir, "bootstrap"), "../testdata/function")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		panic(err)
	}
	code = dir
	return m.Run()
}

// lines collects what a function prints.
type lines struct {
	mu  sync.Mutex
	all []string
}

func (l *lines) add(line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, line)
}

func (l *lines) get() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.all)
}

func host(t *testing.T) *sandbox.Host {
	t.Helper()
	h := sandbox.NewHost()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); h.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	return h
}

func start(t *testing.T, env ...string) (*sandbox.Environment, *lines) {
	t.Helper()
	return startWithin(t, 0, env...)
}

// startWithin is start with a limit of memory.
func startWithin(t *testing.T, memory int64, env ...string) (*sandbox.Environment, *lines) {
	t.Helper()
	out := &lines{}
	e, err := host(t).Start(sandbox.Spec{
		Dir: code, Output: out.add, Memory: memory,
		Env: append([]string{"AWS_XRAY_DAEMON_ADDRESS=127.0.0.1:9", "AWS_LAMBDA_FUNCTION_NAME=f"}, env...),
	})
	if err != nil {
		t.Fatal(err)
	}
	return e, out
}

func ready(t *testing.T) (*sandbox.Environment, *lines) {
	t.Helper()
	e, out := start(t)
	if err := e.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	return e, out
}

func call(id, do string) sandbox.Invocation {
	return sandbox.Invocation{
		RequestID: id, FunctionARN: "arn:aws:lambda:us-east-1:000000000000:function:f:live",
		Payload: []byte(`{"do":"` + do + `"}`), Timeout: 30 * time.Second,
	}
}

func TestEnvironmentServesOneInvocationAfterAnother(t *testing.T) {
	t.Parallel()
	e, _ := ready(t)
	for i, id := range []string{"one", "two", "three"} {
		out := e.Invoke(t.Context(), call(id, "context"))
		if out.Status != sandbox.Success || out.Gone {
			t.Fatalf("invocation %d: %+v", i, out)
		}
		for _, want := range []string{`"request":"` + id + `"`, `function:f:live`, `"left":true`} {
			if !strings.Contains(string(out.Payload), want) {
				t.Errorf("invocation %d = %s, want %s", i, out.Payload, want)
			}
		}
	}
}

func TestOutputIsCompleteWhenAnInvocationEnds(t *testing.T) {
	t.Parallel()
	e, out := ready(t)
	for range 50 {
		before := len(out.get())
		if got := e.Invoke(t.Context(), call("one", "print")); got.Status != sandbox.Success {
			t.Fatalf("%+v", got)
		}
		got := out.get()[before:]
		if want := []string{"to stdout", "to stderr", "without newline"}; !slices.Equal(got, want) {
			t.Fatalf("printed %q, want %q", got, want)
		}
	}
}

func TestOutcomes(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		do      string
		timeout time.Duration
		status  sandbox.Status
		kind    string
		payload string
		exit    string
		gone    bool
	}{
		"an error is reported and the process lives on": {
			do: "error", status: sandbox.Failure, kind: "errorString", payload: `"errorMessage":"this went wrong"`,
		},
		"a panic is reported and ends the process": {
			do: "panic", status: sandbox.Failure, kind: "string", payload: "this is beyond repair",
			exit: "Runtime exited with error: exit status 1", gone: true,
		},
		"an exit is a crash": {
			do: "exit", status: sandbox.Failure, kind: "Runtime.ExitError",
			payload: "RequestId: r Error: Runtime exited with error: exit status 3",
			exit:    "Runtime exited with error: exit status 3", gone: true,
		},
		"a time-out kills the process": {
			do: "hang", timeout: 200 * time.Millisecond, status: sandbox.Timeout, kind: "Sandbox.Timedout",
			payload: "RequestId: r Error: Task timed out after 0.20 seconds", gone: true,
		},
		"a response beyond 6 MB is an error": {
			do: "large", status: sandbox.Failure, kind: "Function.ResponseSizeTooLarge",
			payload: "Response payload size exceeded maximum allowed payload size (6291556 bytes).",
			exit:    "Runtime exited with error: exit status 1", gone: true,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e, _ := ready(t)
			in := call("r", tt.do)
			if tt.timeout > 0 {
				in.Timeout = tt.timeout
			}
			out := e.Invoke(t.Context(), in)
			if out.Status != tt.status || out.ErrorType != tt.kind || out.Exit != tt.exit || out.Gone != tt.gone {
				t.Errorf("outcome %+v", out)
			}
			if !strings.Contains(string(out.Payload), tt.payload) {
				t.Errorf("payload %s, want %s in it", out.Payload, tt.payload)
			}
			if out.Gone {
				return
			}
			if again := e.Invoke(t.Context(), call("s", "echo")); again.Status != sandbox.Success {
				t.Errorf("next invocation: %+v", again)
			}
		})
	}
}

func TestInitThatFailsIsAnError(t *testing.T) {
	t.Parallel()
	t.Run("exit", func(t *testing.T) {
		t.Parallel()
		e, _ := start(t, "INIT=exit")
		var initErr *sandbox.InitError
		if err := e.Ready(t.Context()); !errors.As(err, &initErr) || initErr.Type != "Runtime.ExitError" {
			t.Errorf("Ready = %v, want Runtime.ExitError", err)
		}
	})
	t.Run("time-out", func(t *testing.T) {
		t.Parallel()
		e, _ := start(t, "INIT=hang")
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		var initErr *sandbox.InitError
		if err := e.Ready(ctx); !errors.As(err, &initErr) || !initErr.TimedOut {
			t.Errorf("Ready = %v, want a time-out", err)
		}
	})
	t.Run("no bootstrap", func(t *testing.T) {
		t.Parallel()
		_, err := host(t).Start(sandbox.Spec{Dir: t.TempDir(), Output: func(string) {}})
		var initErr *sandbox.InitError
		if !errors.As(err, &initErr) || initErr.Type != "Runtime.InvalidEntrypoint" {
			t.Errorf("Start = %v, want Runtime.InvalidEntrypoint", err)
		}
	})
}

func TestHostLeavesNoProcess(t *testing.T) {
	t.Parallel()
	h := sandbox.NewHost()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); h.Run(ctx) }()
	e, err := h.Start(sandbox.Spec{Dir: code, Output: func(string) {}, Env: []string{"AWS_XRAY_DAEMON_ADDRESS=127.0.0.1:9"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	out := e.Invoke(t.Context(), call("one", "context"))
	_, pid, _ := strings.Cut(string(out.Payload), `"pid":`)
	cancel()
	<-done
	var n int
	for _, c := range pid {
		if c < '0' || c > '9' {
			break
		}
		n = 10*n + int(c-'0')
	}
	if err := syscall.Kill(n, 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("process %d is still there: %v", n, err)
	}
	if _, err := h.Start(sandbox.Spec{Dir: code, Output: func(string) {}}); !errors.Is(err, sandbox.ErrClosed) {
		t.Errorf("Start after the end = %v, want ErrClosed", err)
	}
}
