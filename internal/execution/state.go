package execution

// State is where an order stands.
type State string

// The states of an order.
const (
	// StateNew is an order that nobody else knows.
	StateNew State = "new"
	// StatePendingSubmit is an order that may have been sent: from here on only the broker knows.
	StatePendingSubmit   State = "pending_submit"
	StateWorking         State = "working"
	StatePartiallyFilled State = "partially_filled"
	StateFilled          State = "filled"
	StateCancelled       State = "cancelled"
	StateRejected        State = "rejected"
	StateExpired         State = "expired"
)

// Final says that the order is not traded any further.
func (s State) Final() bool {
	switch s {
	case StateFilled, StateCancelled, StateRejected, StateExpired:
		return true
	case StateNew, StatePendingSubmit, StateWorking, StatePartiallyFilled:
	}
	return false
}
