package symphony_test

import (
	"errors"
	"testing"

	"github.com/the-alchemiser/alchemiser/pkg/fault"
	"github.com/the-alchemiser/alchemiser/pkg/indicator"
	"github.com/the-alchemiser/alchemiser/pkg/symphony"
)

func TestValueSeesTheBarsUpToItsDate(t *testing.T) {
	t.Parallel()
	average, _ := indicator.Lookup("moving-average-price")
	h := uneven(t)
	for d, want := range map[int]float64{3: 3.5, 4: 4.5, 5: 5.5, 9: 5.5} {
		if got, err := h.Value(average, "UP", 2, day(d)); err != nil || got != want {
			t.Errorf("as of %s: %v, %v; want %v", day(d), got, err, want)
		}
	}
	_, err := h.Value(average, "UP", 3, day(3))
	var short *symphony.HistoryError
	want := symphony.HistoryError{Symbol: "UP", Indicator: "moving-average-price", Window: 3, Needed: 3, Present: 2, FirstUsable: day(4)}
	if !errors.As(err, &short) || *short != want {
		t.Errorf("Value of two bars = %v, want %+v", err, want)
	}
	if _, err := h.Value(average, "UP", 0, day(3)); fault.CodeOf(err) != fault.Invalid {
		t.Errorf("Value over no window = %v, want the window refused", err)
	}
}

func TestFirstDate(t *testing.T) {
	t.Parallel()
	h := uneven(t)
	if got, ok := h.FirstDate("UP"); got != day(2) || !ok {
		t.Errorf("FirstDate of UP = %s, %v; want %s", got, ok, day(2))
	}
	if got, ok := h.FirstDate("NONE"); ok {
		t.Errorf("FirstDate of NONE = %s, want none", got)
	}
}
