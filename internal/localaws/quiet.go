package localaws

import (
	"context"
	"runtime"
	"runtime/debug"
	"time"
)

// quietAfter is how long nobody must have asked for anything before memory is given back.
const quietAfter = 5 * time.Second

// giveBack returns memory to the machine whenever a burst of requests is over, until ctx ends: a deployment leaves some 50 MB
// behind, of the packages that it uploads, which the runtime would keep for later.
func (s *Server) giveBack(ctx context.Context) error {
	tick := time.NewTicker(quietAfter)
	defer tick.Stop()
	var seen, freed int64
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		n := s.requests.Load()
		if n == seen && n != freed {
			runtime.GC() // pools let go of what they hold in the second collection only
			debug.FreeOSMemory()
			freed = n
		}
		seen = n
	}
}
