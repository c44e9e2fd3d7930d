package host

import (
	"context"

	"github.com/the-alchemiser/alchemiser/internal/deadletter"
	"github.com/the-alchemiser/alchemiser/pkg/bus"
)

// letters are the dead letter queues of the functions: what a process gives up lies where Lambda's would.
type letters map[string]*deadletter.Queue

func openLetters(members []Member) (letters, error) {
	all := letters{}
	for _, m := range members {
		queue, err := m.DeadLetters()
		if err != nil {
			return nil, err
		}
		all[m.Name] = queue
	}
	return all, nil
}

// send puts a delivery to function into its queue. last is the error of the last attempt; nil if there was none.
func (l letters) send(ctx context.Context, function string, d bus.Delivery, condition string, attempts int, last error) error {
	f := deadletter.Failure{RequestID: ownDelivery + d.RequestID, Condition: condition, Attempts: attempts, Raw: d.Raw}
	if last != nil {
		f.Message = last.Error()
	}
	return l[function].SendFailed(ctx, f)
}
