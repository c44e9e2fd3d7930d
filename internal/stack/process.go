package stack

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// grace is how long a process may take to end before it is killed.
const grace = 10 * time.Second

// process is one of our programs that serves HTTP.
type process struct {
	cmd  *exec.Cmd
	url  string
	done chan struct{} // closed when the process has ended
}

// startProcess runs our executable and returns when it has printed "ready URL". Standard error goes to the file log.
func startProcess(ctx context.Context, cfg Config, log string, args ...string) (*process, error) {
	out, err := os.Create(log)
	if err != nil {
		return nil, err
	}
	defer out.Close()

	cmd := exec.Command(cfg.Executable, args...) //nolint:noctx // it outlives ctx: stop ends it, in its own order
	cmd.Stderr = out
	cmd.SysProcAttr = attributes(cfg.Detach)
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &process{cmd: cmd, done: make(chan struct{})}

	ready := make(chan string, 1)
	go func() {
		defer close(p.done)
		lines := bufio.NewReader(stdout)
		line, _ := lines.ReadString('\n') // the end of the output is an empty line: not ready
		ready <- line
		_, _ = io.Copy(io.Discard, lines)
		_ = cmd.Wait() // how it ended is in its log
	}()
	select {
	case line := <-ready:
		url, ok := strings.CutPrefix(strings.TrimSpace(line), "ready ")
		if !ok {
			return nil, errors.Join(fmt.Errorf("%s did not start: %s", strings.Join(args, " "), lastLines(log)), p.stop())
		}
		p.url = url
		return p, nil
	case <-ctx.Done():
		return nil, errors.Join(ctx.Err(), p.stop())
	}
}

func (p *process) pid() int { return p.cmd.Process.Pid }

// stop asks the process to end and kills it if it does not.
func (p *process) stop() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stop %s: %w", p.cmd.Path, err)
	}
	select {
	case <-p.done:
		return nil
	case <-time.After(grace):
		err := p.cmd.Process.Kill()
		<-p.done
		return errors.Join(fmt.Errorf("%s did not end within %s and was killed", strings.Join(p.cmd.Args, " "), grace), err)
	}
}

// terminate ends a process that another one of ours started, and waits until it is gone.
func terminate(pid int) error {
	if !alive(pid) {
		return nil
	}
	if err := syscall.Kill(pid, syscall.SIGTERM); err != nil {
		return fmt.Errorf("stop process %d: %w", pid, err)
	}
	for deadline := time.Now().Add(grace); alive(pid); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			return errors.Join(fmt.Errorf("process %d did not end within %s and was killed", pid, grace), syscall.Kill(pid, syscall.SIGKILL))
		}
	}
	return nil
}

// alive says whether a process with this id exists and is not a zombie of ours.
func alive(pid int) bool {
	return pid > 0 && syscall.Kill(pid, 0) == nil
}

func lastLines(log string) string {
	raw, err := os.ReadFile(log)
	if err != nil {
		return err.Error()
	}
	return strings.TrimSpace(tail(raw, 5))
}
