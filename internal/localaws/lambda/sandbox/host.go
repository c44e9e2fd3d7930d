// Package sandbox runs functions as processes of this machine. One process is one execution environment: it takes one
// invocation at a time through the Lambda Runtime API and is frozen (SIGSTOP) in between.
//
// It knows nothing of functions, versions and queues, and does not limit processor time.
//
// Runtime API: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
package sandbox

import (
	"context"
	"errors"
	"runtime"
	"sync"
)

// ErrClosed says that the host has ended and starts nothing any more.
var ErrClosed = errors.New("sandbox: host is closed")

// Host owns the processes of all environments. It is safe for concurrent use.
type Host struct {
	starts chan func()
	done   chan struct{}

	mu   sync.Mutex
	live map[*Environment]struct{}
}

// NewHost returns a host; environments start while Run runs.
func NewHost() *Host {
	return &Host{starts: make(chan func()), done: make(chan struct{}), live: map[*Environment]struct{}{}}
}

// Run starts environments until ctx ends, then kills all of them and returns when every process is gone. It may be
// called once.
//
// All processes are started from one thread, because the kernel kills a child (PR_SET_PDEATHSIG) when the thread that
// forked it ends: https://github.com/golang/go/issues/27505
func (h *Host) Run(ctx context.Context) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for {
		select {
		case start := <-h.starts:
			start()
			continue
		case <-ctx.Done():
		}
		break
	}
	close(h.done)
	for _, e := range h.environments() {
		e.Close()
	}
}

// onThread runs f on the host's thread.
func (h *Host) onThread(f func()) error {
	ran := make(chan struct{})
	select {
	case h.starts <- func() { defer close(ran); f() }:
		<-ran
		return nil
	case <-h.done:
		return ErrClosed
	}
}

func (h *Host) environments() []*Environment {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := make([]*Environment, 0, len(h.live))
	for e := range h.live {
		all = append(all, e)
	}
	return all
}

func (h *Host) add(e *Environment) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.live[e] = struct{}{}
}

func (h *Host) remove(e *Environment) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.live, e)
}
