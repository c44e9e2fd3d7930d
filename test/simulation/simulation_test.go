package simulation_test

import (
	"testing"
	"testing/synctest"

	"github.com/the-alchemiser/alchemiser/internal/nyse"
)

func TestOne(t *testing.T) {
	cal := must(nyse.New())
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(1, cal, func(l string) { t.Log(l) })
		w.run()
	})
}
