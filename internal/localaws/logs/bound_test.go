package logs_test

import (
	"context"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/the-alchemiser/alchemiser/internal/localaws/clock"
	"github.com/the-alchemiser/alchemiser/internal/localaws/logs"
	"github.com/the-alchemiser/alchemiser/internal/localaws/state"
)

// A group that is written to without end loses its oldest lines, and no other group loses any.
func TestTheOldestLinesOfTheLargestGroupGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, err := state.Open("")
		if err != nil {
			t.Fatal(err)
		}
		s, err := logs.New(logs.Config{Store: store, Clock: clock.New(), MaxBytes: 100_000})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- s.Run(ctx) }()
		write := func(group, line string) {
			if err := s.Write(ctx, group, "stream", []logs.Event{{Time: time.Now(), Message: line}}); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		write("quiet", "a line")
		for n := range 1000 {
			write("loud", strings.Repeat("x", 1000)+strconv.Itoa(n))
		}
		kept := map[string]bool{}
		err = state.NewTable[struct{ Message string }](store, "logs.events").Scan("", "", func(_ string, e struct{ Message string }) bool {
			kept[strings.TrimLeft(e.Message, "x")] = true
			return true
		})
		if err != nil {
			t.Fatal(err)
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if len(kept) < 60 || len(kept) > 130 {
			t.Errorf("of 1,000 lines of a kilobyte, with room for 100, %d are there", len(kept))
		}
		if !kept["a line"] || !kept["999"] || kept["0"] {
			t.Errorf("the line of the quiet group is there: %t; the newest of the loud one: %t; its oldest: %t", kept["a line"], kept["999"], kept["0"])
		}
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
}
