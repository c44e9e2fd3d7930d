package simulation_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"
)

// rates are how often a call goes wrong, each as a part of all calls.
type rates struct {
	crash, lost, throttled, repeated, slow float64
	duplicate, delayed                     float64
	// partial is for orders that are filled by half, or rest, and for publications that are accepted in part.
	partial float64
}

func (r rates) times(f float64) rates {
	return rates{
		crash: r.crash * f, lost: r.lost * f, throttled: r.throttled * f, repeated: r.repeated * f, slow: r.slow * f,
		duplicate: r.duplicate * f, delayed: r.delayed * f, partial: r.partial * f,
	}
}

// usual are the rates of a world at strength 1.
func usual() rates {
	return rates{
		crash: 0.01, lost: 0.01, throttled: 0.01, repeated: 0.01, slow: 0.01, duplicate: 0.1, delayed: 0.1, partial: 0.1,
	}
}

// The errors that a caller sees.
var (
	errLost      = errors.New("connection reset by peer")
	errThrottled = errors.New("throttled")
)

// effect is what a call does to what is called. It is done where the call comes from, in its turn.
type effect func() error

// call carries out do for the actor of ctx, unless the seed has it go wrong: the process dies before or after the effect,
// or with the request on its way, which then takes effect later; the request or its answer is lost, or arrives when nobody
// waits for it any more; it is refused, sent twice or slow. A call outside of any actor just works.
func (w *world) call(ctx context.Context, name string, do effect) error {
	return w.callWithin(ctx, longestFlight, name, do)
}

// longestFlight is how long a request may be on its way: longer than the pause between two attempts, so that what a dead
// one has sent meets what its successor has done.
const longestFlight = 3 * time.Minute

// callWithin is call for a request that takes effect within flight, if at all.
func (w *world) callWithin(ctx context.Context, flight time.Duration, name string, do effect) error {
	a, ok := ctx.Value(actorKey{}).(*actor)
	if !ok {
		return do()
	}
	if a.dead {
		runtime.Goexit()
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	w.park(a)
	w.expire(a)
	r := w.rates
	draw := w.rng.Float64()
	// under says whether the draw falls into the next p of all cases.
	under := func(p float64) bool {
		draw -= p
		return draw < 0
	}
	switch {
	case under(r.crash / 3):
		w.note("%s %s: dies before", a.label, name)
		w.die(a, "killed before "+name)
	case under(r.crash / 3):
		err := do()
		w.note("%s %s: dies after (%s)", a.label, name, outcome(err))
		w.die(a, "killed after "+name)
	case under(r.crash / 3):
		w.note("%s %s: dies with it on its way", a.label, name)
		w.bury(a, "killed in "+name)
		time.Sleep(w.between(time.Millisecond, flight))
		w.park(a)
		w.arrive(a, name, do)
		runtime.Goexit()
	case under(r.lost / 3):
		w.lost++
		w.note("%s %s: request lost", a.label, name)
		return errLost
	case under(r.lost / 3):
		w.note("%s %s: gives up, it is on its way", a.label, name)
		w.straggle(a, flight, name, do) //nolint:contextcheck // it outlives its caller
		return errLost
	case under(r.lost / 3):
		w.lost++
		w.note("%s %s: answer lost (%s)", a.label, name, outcome(do()))
		return errLost
	case under(r.throttled):
		w.throttled++
		w.note("%s %s: throttled", a.label, name)
		return errThrottled
	case under(r.repeated):
		first := do()
		second := do()
		w.note("%s %s: twice (%s, %s)", a.label, name, outcome(first), outcome(second))
		return second
	case under(r.slow):
		return w.slowly(ctx, a, flight, name, do)
	}
	err := do()
	w.note("%s %s: %s", a.label, name, outcome(err))
	return err
}

// arrive lets a request take effect after its process has died or given up.
func (w *world) arrive(a *actor, name string, do effect) {
	err := do()
	w.stray[name] = err == nil
	w.note("%s %s: arrives late (%s)", a.label, name, outcome(err))
}

// straggle lets a request arrive after its caller has given up.
func (w *world) straggle(a *actor, flight time.Duration, name string, do effect) {
	w.late++
	packet := &actor{label: fmt.Sprintf("packet %d of %s", w.late, a.label)}
	w.after(w.between(time.Millisecond, flight), func() {
		w.start(context.Background(), packet, func(context.Context) {
			w.arrive(packet, name, do)
		})
	})
}

// slowly lets the request take its time. It takes effect even if nobody waits for the answer any more.
func (w *world) slowly(ctx context.Context, a *actor, flight time.Duration, name string, do effect) error {
	d := w.between(100*time.Millisecond, 4*time.Second)
	if w.chance(0.1) {
		d = w.between(4*time.Second, flight)
	}
	w.note("%s %s: takes %s", a.label, name, d)
	time.Sleep(d)
	w.park(a)
	err := do()
	w.note("%s %s: arrives (%s)", a.label, name, outcome(err))
	w.expire(a)
	if late := ctx.Err(); late != nil {
		return fmt.Errorf("%s: %w", name, late)
	}
	return err
}

// expire ends a process whose time is up.
func (w *world) expire(a *actor) {
	if !a.deadline.IsZero() && !time.Now().Before(a.deadline) {
		w.note("%s: time-out", a.label)
		w.die(a, "timed out")
	}
}

func outcome(err error) string {
	if err != nil {
		return err.Error()
	}
	return "ok"
}
