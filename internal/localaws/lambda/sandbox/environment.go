package sandbox

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"time"
)

// Spec is what an environment runs.
type Spec struct {
	// Dir is the folder of the unpacked code. Its file "bootstrap" is run, with Dir as working directory.
	Dir string
	// Env is the whole environment of the process but AWS_LAMBDA_RUNTIME_API.
	Env []string
	// Memory is how many bytes the process and what it starts may take; 0 is no limit. Linux alone keeps them to it.
	Memory int64
	// Output takes each line that the process prints, without its newline. Calls never overlap.
	Output func(line string)
}

// Environment is one process. Its methods must not be called at the same time, except Close and Kill.
type Environment struct {
	host   *Host
	cmd    *exec.Cmd
	api    *runtimeAPI
	server *http.Server
	output *output
	// exited is closed when the process is gone and all it printed has been handed out.
	exited chan struct{}
	frozen bool
	memory int64 // peak, as last measured
	limit  int64
	// overrun is true once the process was killed because of its memory.
	overrun atomic.Bool
}

// Start starts the process. It returns an *InitError if the code cannot be run at all.
func (h *Host) Start(spec Spec) (*Environment, error) {
	bootstrap := filepath.Join(spec.Dir, "bootstrap")
	if _, err := os.Stat(bootstrap); err != nil {
		return nil, &InitError{
			Type:    "Runtime.InvalidEntrypoint",
			Message: "Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]",
		}
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for the runtime API: %w", err)
	}
	out, err := newOutput(spec.Output)
	if err != nil {
		return nil, fmt.Errorf("open the output pipe: %w", err)
	}
	cmd := exec.Command(bootstrap)
	cmd.Dir = spec.Dir
	cmd.Env = append(spec.Env[:len(spec.Env):len(spec.Env)], "AWS_LAMBDA_RUNTIME_API="+listener.Addr().String())
	cmd.Stdout, cmd.Stderr = out.write, out.write
	cmd.SysProcAttr = processAttributes()

	e := &Environment{host: h, cmd: cmd, api: newRuntimeAPI(), output: out, exited: make(chan struct{}), limit: spec.Memory}
	var startErr error
	if err := h.onThread(func() {
		if startErr = cmd.Start(); startErr == nil {
			h.add(e)
		}
	}); err != nil {
		startErr = err
	}
	if startErr != nil {
		out.close()
		_ = listener.Close()
		if startErr == ErrClosed { //nolint:errorlint // our own sentinel, set three lines above
			return nil, ErrClosed
		}
		return nil, &InitError{Type: "Runtime.InvalidEntrypoint", Message: startErr.Error()}
	}
	e.server = &http.Server{Handler: e.api, ReadHeaderTimeout: time.Minute}
	go func() { _ = e.server.Serve(listener) }() // ends with Close in wait
	go e.wait()
	return e, nil
}

// wait reaps the process and everything it left behind.
func (e *Environment) wait() {
	_ = e.cmd.Wait() // the outcome is in ProcessState
	e.signal(syscall.SIGKILL)
	close(e.api.closed)
	_ = e.server.Close()
	e.output.close()
	e.host.remove(e)
	close(e.exited)
}

// Close kills the process and returns when it is gone. Calling it again does nothing.
func (e *Environment) Close() {
	e.signal(syscall.SIGKILL)
	<-e.exited
}

// Kill ends the process at once and does not wait for it. It is safe at any time: an invocation that runs ends as one
// whose process has crashed.
func (e *Environment) Kill() { e.signal(syscall.SIGKILL) }

// Ready waits until the function has initialised: until it polls for its first invocation. It returns an *InitError if
// it fails or ctx ends before; then the environment is closed.
func (e *Environment) Ready(ctx context.Context) error {
	var reported *InitError
	defer e.guard()()
	for {
		select {
		case ev := <-e.api.events:
			switch ev.kind {
			case polled:
				e.measure()
				if e.exceeded() {
					e.Close()
					return &InitError{Type: "Runtime.ExitError", Message: e.exitReason()}
				}
				return nil
			case initFailed:
				reported = &InitError{Type: ev.errorType, Payload: ev.body, Message: "init error"}
			case responded, failed:
			}
		case <-e.exited:
			if reported != nil {
				return reported
			}
			return &InitError{Type: "Runtime.ExitError", Message: e.exitReason()}
		case <-ctx.Done():
			e.Close()
			return &InitError{Type: "Sandbox.Timedout", TimedOut: true, Message: "init timed out"}
		}
	}
}

// InitError is a function that did not get as far as its first invocation.
type InitError struct {
	// Type is Runtime.ExitError, Runtime.InvalidEntrypoint, Sandbox.Timedout or what the function reported.
	Type    string
	Message string
	// Payload is the error document that the function reported, if it did.
	Payload  []byte
	TimedOut bool
}

// Error returns type and message.
func (e *InitError) Error() string { return e.Type + ": " + e.Message }

// exitReason says how the process ended, in Lambda's words.
func (e *Environment) exitReason() string {
	if e.cmd.ProcessState.Success() {
		return "Runtime exited without providing a reason"
	}
	return "Runtime exited with error: " + e.cmd.ProcessState.String()
}

func (e *Environment) measure() { e.memory = max(e.memory, maxMemory(e.cmd.Process.Pid)) }

func (e *Environment) freeze() {
	e.frozen = true
	e.signal(syscall.SIGSTOP)
}

func (e *Environment) thaw() {
	if e.frozen {
		e.frozen = false
		e.signal(syscall.SIGCONT)
	}
}

// signal signals the process and whatever it has started. A process that is gone is no error.
func (e *Environment) signal(s syscall.Signal) { _ = syscall.Kill(-e.cmd.Process.Pid, s) }
