// Package simulation_test runs the real functions in simulated worlds in which everything goes wrong that can, and checks that no
// event is lost and no order is made twice.
package simulation_test

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/the-alchemiser/alchemiser/internal/nyse"
)

// The environment of a run: how many workflows are traded at least, and the one seed that is looked at.
const (
	envWorkflows = "SIM_WORKFLOWS"
	envSeed      = "SIM_SEED"
)

// standard is how many workflows are enough for every change.
const standard = 1000

// live lets the world of a seed come to its end.
func live(t *testing.T, seed uint64, calendar *nyse.Calendar, trace func(string)) (w *world) {
	t.Helper()
	named := func() { // what breaks the simulation itself names the seed as well
		if broken := recover(); broken != nil {
			panic(fmt.Sprintf("%v\n%s", broken, again(seed)))
		}
	}
	defer named()
	synctest.Test(t, func(*testing.T) {
		defer named()
		w = newWorld(seed, calendar, trace)
		w.run()
		w.settle()
		if w.over {
			return
		}
		w.check()
		if seed%5 == 0 {
			w.forget()
		}
	})
	return w
}

// settle ends all faults and gives what has failed back, until nothing changes any more.
func (w *world) settle() {
	w.rates, w.trading = rates{}, true
	for range 3 {
		if w.undone() == 0 {
			break
		}
		w.after(time.Hour, w.cloud.redrive)
		w.run()
	}
	w.after(time.Hour, w.cloud.watch)
	w.run()
}

func again(seed uint64) string { return fmt.Sprintf("make sim SEED=%d", seed) }

func TestSimulation(t *testing.T) {
	if one := os.Getenv(envSeed); one != "" {
		lookAt(t, number(t, envSeed, one))
		return
	}
	want := uint64(standard)
	if enough := os.Getenv(envWorkflows); enough != "" {
		want = number(t, envWorkflows, enough)
	}
	seen := liveAll(t, int64(want))
	t.Log(seen)
	if uint64(seen.traded) < want && !t.Failed() {
		t.Errorf("%d workflows have traded, want %d", seen.traded, want)
	}
	if !seen.everything() {
		t.Error("a simulation in which something never happens shows nothing")
	}
}

func number(t *testing.T, name, value string) uint64 {
	t.Helper()
	n, err := strconv.ParseUint(value, 10, 64)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

// lookAt lives one world and shows its history.
func lookAt(t *testing.T, seed uint64) {
	t.Helper()
	w := live(t, seed, must(nyse.New()), func(line string) { fmt.Println(line) })
	for _, f := range w.faults {
		t.Errorf("seed %d: %s", seed, f)
	}
	t.Logf("history %x\n%s", w.history.Sum(nil), w.counts)
}

// liveAll lives the worlds of the seeds from 1 on, several at a time, until want workflows have traded.
func liveAll(t *testing.T, want int64) (seen counts) {
	t.Helper()
	defer debug.SetGCPercent(debug.SetGCPercent(800)) // a world is small and soon forgotten
	calendar := must(nyse.New())
	var seeds, traded, broken atomic.Int64
	var mu sync.Mutex
	t.Run("worlds", func(t *testing.T) {
		for i := range runtime.GOMAXPROCS(0) {
			t.Run(strconv.Itoa(i), func(t *testing.T) {
				t.Parallel()
				// Each world trades every day, so there are never more worlds than workflows; some broken ones say enough.
				for traded.Load() < want && seeds.Load() < want && broken.Load() < 10 {
					seed := uint64(seeds.Add(1))
					w := live(t, seed, calendar, nil)
					traded.Add(int64(w.traded))
					mu.Lock()
					seen.add(w.counts)
					mu.Unlock()
					if len(w.faults) > 0 {
						broken.Add(1)
						t.Errorf("seed %d: %s\n%s", seed, strings.Join(w.faults, "\n"), again(seed))
					}
				}
			})
		}
	})
	return seen
}

func TestASeedGivesTheSameHistoryAgain(t *testing.T) {
	calendar := must(nyse.New())
	for seed := range uint64(10) {
		once, again := live(t, seed, calendar, nil), live(t, seed, calendar, nil)
		if a, b := once.history.Sum(nil), again.history.Sum(nil); !bytes.Equal(a, b) {
			t.Errorf("seed %d: the first history is %x, the second %x", seed, a, b)
		}
	}
}
