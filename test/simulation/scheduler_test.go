package simulation_test

import (
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"hash"
	"math/rand/v2"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"
	"testing/synctest"
	"time"
)

// scheduler runs one actor at a time. An actor runs until it parks, which it does before it touches anything that it shares
// with others; who goes on is drawn from the seed. Time is the bubble's, and moves only when everybody waits for it. A
// timer may wake several actors in one moment: they park first, so the order is the seed's and not the Go scheduler's.
type scheduler struct {
	rng     *rand.Rand
	tasks   []task // by time, then by order of planning
	planned int
	history hash.Hash
	counts
	// trace, if there is one, is told every line of the history.
	trace func(line string)
	// faults are what should not have happened.
	faults []string
	// over says that the world ends here and now: every actor does with its next turn.
	over bool

	mu    sync.Mutex
	ready []*actor
	alive int
	wake  chan struct{}
}

// task is something that happens at a moment, outside of any actor.
type task struct {
	at    time.Time
	order int
	do    func()
}

// actor is one process at work: one attempt of a function, or a person's command.
type actor struct {
	label  string
	resume chan struct{}
	// dead says that the process has ended: the goroutine goes no further.
	dead bool
	// deadline is when Lambda ends the process; zero means never.
	deadline time.Time
	// died is called once if the process ends before its work.
	died func(why string)
	// replay says that the work is on a replayed event.
	replay bool
}

// lives says whether the process may still do something.
func (a *actor) lives() bool {
	return !a.dead && (a.deadline.IsZero() || time.Now().Before(a.deadline))
}

func newScheduler(seed uint64, trace func(string)) *scheduler {
	return &scheduler{
		rng:     rand.New(rand.NewPCG(seed, 0)),
		history: sha256.New(), trace: trace, wake: make(chan struct{}, 1),
	}
}

// at plans something to happen.
func (s *scheduler) at(when time.Time, do func()) {
	s.planned++
	t := task{at: when, order: s.planned, do: do}
	i, _ := slices.BinarySearchFunc(s.tasks, t, func(a, b task) int {
		return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.order, b.order))
	})
	s.tasks = slices.Insert(s.tasks, i, t)
}

func (s *scheduler) after(d time.Duration, do func()) { s.at(time.Now().Add(d), do) }

type actorKey struct{}

// start lets work run as an actor. Before its end it parks once more, so that whatever follows has its place in the order.
func (s *scheduler) start(ctx context.Context, a *actor, work func(context.Context)) {
	a.resume = make(chan struct{})
	s.mu.Lock()
	s.alive++
	s.mu.Unlock()
	go func() {
		defer func() {
			if broken := recover(); broken != nil {
				s.fault("%s: panic: %v\n%s", a.label, broken, debug.Stack())
			}
			s.mu.Lock()
			s.alive--
			s.mu.Unlock()
			s.rouse()
		}()
		s.park(a)
		work(context.WithValue(ctx, actorKey{}, a))
	}()
}

// park waits until it is a's turn.
func (s *scheduler) park(a *actor) {
	s.mu.Lock()
	s.ready = append(s.ready, a)
	s.mu.Unlock()
	s.rouse()
	<-a.resume
	if s.over {
		runtime.Goexit()
	}
}

func (s *scheduler) rouse() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// die ends the process of a, whose turn it is.
func (s *scheduler) die(a *actor, why string) {
	s.bury(a, why)
	runtime.Goexit()
}

// bury makes a dead for all others; its goroutine may still carry what was on its way.
func (s *scheduler) bury(a *actor, why string) {
	a.dead = true
	s.deaths++
	a.died(why)
}

// mostSteps is far more than any world takes.
const mostSteps = 50_000

// run lets everything happen that is planned and that follows from it.
func (s *scheduler) run() {
	for {
		synctest.Wait() // nobody runs while the scheduler does
		if s.steps >= mostSteps && !s.over {
			s.fault("no end after %d steps", s.steps)
			s.over = true
		}
		if s.over {
			s.tasks = nil
		}
		if s.begin() {
			synctest.Wait()
		}
		if a := s.pick(); a != nil {
			a.resume <- struct{}{}
			continue
		}
		switch {
		case len(s.tasks) > 0:
			timer := time.NewTimer(time.Until(s.tasks[0].at))
			select {
			case <-timer.C:
			case <-s.wake:
			}
			timer.Stop()
		case s.living() > 0:
			<-s.wake
		default:
			return
		}
	}
}

// begin does what is due, and says whether anything was.
func (s *scheduler) begin() (begun bool) {
	for len(s.tasks) > 0 && !s.tasks[0].at.After(time.Now()) {
		t := s.tasks[0]
		s.tasks = s.tasks[1:]
		t.do()
		begun = true
	}
	return begun
}

// pick draws one of those that wait for their turn.
func (s *scheduler) pick() *actor {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.ready) == 0 {
		return nil
	}
	slices.SortFunc(s.ready, func(a, b *actor) int { return cmp.Compare(a.label, b.label) })
	i := s.rng.IntN(len(s.ready))
	a := s.ready[i]
	s.ready = slices.Delete(s.ready, i, i+1)
	s.steps++
	return a
}

func (s *scheduler) living() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.alive
}

// note writes a line of the history.
func (s *scheduler) note(format string, args ...any) {
	line := time.Now().UTC().Format("2006-01-02 15:04:05.000000 ") + fmt.Sprintf(format, args...)
	fmt.Fprintln(s.history, line)
	if s.trace != nil {
		s.trace(line)
	}
}

// fault says that something should not have happened.
func (s *scheduler) fault(format string, args ...any) {
	f := fmt.Sprintf(format, args...)
	s.note("VIOLATION %s", f)
	s.faults = append(s.faults, f)
}

// chance is true in p of all cases.
func (s *scheduler) chance(p float64) bool { return s.rng.Float64() < p }

// between draws a duration.
func (s *scheduler) between(least, most time.Duration) time.Duration {
	return least + time.Duration(s.rng.Int64N(int64(most-least)))
}
