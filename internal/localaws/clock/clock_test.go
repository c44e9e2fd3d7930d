package clock_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/the-alchemiser/alchemiser/internal/localaws/clock"
)

func TestAMovedClockGoesOnAndWakesWhoWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := clock.New()
		if !c.Now().Equal(time.Now()) {
			t.Errorf("a new clock shows %s", c.Now())
		}
		changed, woken := c.Changed(), make(chan struct{})
		go func() { <-changed; close(woken) }()
		at := time.Date(2031, 3, 2, 20, 45, 0, 0, time.UTC)
		c.Set(at)
		<-woken
		time.Sleep(time.Minute)
		if got, want := c.Now(), at.Add(time.Minute); !got.Equal(want) {
			t.Errorf("a minute later it shows %s, want %s", got, want)
		}
		select {
		case <-c.Changed():
			t.Error("it says that it was moved, and it was not")
		default:
		}
	})
}
