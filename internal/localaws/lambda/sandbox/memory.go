package sandbox

import "time"

// sampleEvery is how often the memory of a running invocation is looked at. What a function takes and gives back in between
// is seen at its end, as the process keeps its peak. Looking at what it has started takes far longer: that is done at every
// fourth time.
const (
	sampleEvery     = 50 * time.Millisecond
	childrenEachNth = 4
)

// guard kills the process, with all that it has started, once they take more memory than they have. It ends with stop.
func (e *Environment) guard() (stop func()) {
	done := make(chan struct{})
	if e.limit > 0 {
		go func() {
			tick := time.NewTicker(sampleEvery)
			defer tick.Stop()
			for n := 1; ; n++ {
				select {
				case <-tick.C:
				case <-done:
					return
				case <-e.exited:
					return
				}
				if memory(e.cmd.Process.Pid, n%childrenEachNth == 0) > e.limit {
					e.overrun.Store(true)
					e.Kill()
					return
				}
			}
		}()
	}
	return func() { close(done) }
}

// exceeded says whether the process took more memory than it has, at any time.
func (e *Environment) exceeded() bool {
	if e.limit > 0 && e.memory > e.limit {
		e.overrun.Store(true)
	}
	return e.overrun.Load()
}

// peak returns the most memory that the process took: all it had, if it was killed for that.
func (e *Environment) peak() int64 {
	if e.overrun.Load() {
		return e.limit
	}
	return e.memory
}
