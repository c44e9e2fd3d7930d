package execution_test

import (
	"testing"
	"testing/synctest"

	"github.com/the-alchemiser/alchemiser/pkg/fault"
	"github.com/the-alchemiser/alchemiser/pkg/market"
)

// A submission in doubt is sent again by nobody, not in the same attempt and not in the next ones, while the broker does not
// say whether it knows the order.
func TestSubmissionInDoubtIsNotSentAgainWhileTheBrokerCannotBeAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		sent := 0
		w.fail = func(_ int, name string) failure {
			switch name {
			case "Submit":
				sent++
				return lostBefore // sent again it would be accepted: the broker has never seen it
			case "OrderByClientID":
				return lostBefore
			}
			return works
		}
		in := planned(w, trade(market.Sell, "OLD", "10", "100"))
		for attempt := 1; attempt <= 3; attempt++ {
			if _, err := w.service(t).Handle(t.Context(), in); err == nil || fault.CodeOf(err) == fault.Invalid {
				t.Errorf("attempt %d: got %v, want an error that asks for another attempt", attempt, err)
			}
		}
		if sent != 1 {
			t.Errorf("sent %d times, want once", sent)
		}
		w.fail = nil
		run(t, w, in)
		if wrong := w.audit(); wrong != nil {
			t.Error(wrong)
		}
	})
}
