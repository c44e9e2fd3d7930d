package lambda

import (
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/the-alchemiser/alchemiser/internal/localaws/lambda/sandbox"
	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

// idleFor is how long an environment is kept warm. AWS does not say; observed are five minutes and more.
const idleFor = 10 * time.Minute

// revision names the code and configuration that an environment runs.
type revision struct{ name, version, id string }

func revisionOf(cfg configuration) revision {
	return revision{cfg.FunctionName, cfg.Version, cfg.RevisionID}
}

// instance is an execution environment in the pool.
type instance struct {
	*sandbox.Environment
	revision revision
	log      *transcript
	idle     time.Time
	// failure is why the last initialisation failed.
	failure *sandbox.InitError
}

// pool keeps warm environments and counts running invocations. It is safe for concurrent use.
type pool struct {
	mu   sync.Mutex
	warm map[revision][]*instance
	busy map[string]int
	// running are the environments that carry out an invocation.
	running map[*instance]bool
}

func newPool() *pool {
	return &pool{warm: map[revision][]*instance{}, busy: map[string]int{}, running: map[*instance]bool{}}
}

// acquire takes the right to one invocation of a function, which release gives back, and returns how many of the function
// and of all functions run then. reserved is nil for a function that shares what the others, in reservations, have left:
// unreserved.
func (p *pool) acquire(name string, reserved *int, reservations map[string]int, unreserved int) (own, all int, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	sharing := 0
	for other, n := range p.busy {
		all += n
		if _, apart := reservations[other]; !apart {
			sharing += n
		}
	}
	switch {
	case reserved != nil && p.busy[name] >= *reserved:
		return 0, 0, throttled("ReservedFunctionConcurrentInvocationLimitExceeded")
	case reserved == nil && sharing >= unreserved:
		return 0, 0, throttled("ConcurrentInvocationLimitExceeded")
	}
	p.busy[name]++
	return p.busy[name], all + 1, nil
}

func (p *pool) release(name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.busy[name]--; p.busy[name] == 0 {
		delete(p.busy, name)
	}
}

func (p *pool) began(i *instance) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.running[i] = true
}

func (p *pool) ended(i *instance) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.running, i)
}

// kill kills the environments of a function that carry out an invocation, and says whether there was any.
func (p *pool) kill(name string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	killed := false
	for i := range p.running {
		if i.revision.name == name {
			i.Kill()
			killed = true
		}
	}
	return killed
}

// throttled is the answer to an invocation beyond a limit.
func throttled(reason string) *wire.Error {
	err := fail(http.StatusTooManyRequests, "TooManyRequestsException", "Rate Exceeded.")
	err.Members["Reason"] = reason
	return err
}

// take returns the environment that was used last, or nil.
func (p *pool) take(r revision) *instance {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := p.warm[r]
	if len(all) == 0 {
		return nil
	}
	i := all[len(all)-1]
	p.warm[r] = all[:len(all)-1]
	return i
}

// put keeps an environment warm from now on.
func (p *pool) put(i *instance, now time.Time) {
	i.idle = now
	p.mu.Lock()
	defer p.mu.Unlock()
	p.warm[i.revision] = append(p.warm[i.revision], i)
}

// retire ends the warm environments of a function whose revision is no longer current.
func (p *pool) retire(name string, current func(revision) bool) {
	p.drop(func(i *instance) bool { return i.revision.name == name && !current(i.revision) })
}

// expire ends environments that have been idle for too long.
func (p *pool) expire(now time.Time) {
	p.drop(func(i *instance) bool { return now.Sub(i.idle) > idleFor })
}

// flush writes the log lines that still wait.
func (p *pool) flush() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, all := range p.warm {
		for _, i := range all {
			i.log.flush()
		}
	}
}

func (p *pool) drop(which func(*instance) bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for r, all := range p.warm {
		for _, i := range all {
			if which(i) {
				go i.Close()
			}
		}
		if p.warm[r] = slices.DeleteFunc(all, which); len(p.warm[r]) == 0 {
			delete(p.warm, r)
		}
	}
}
