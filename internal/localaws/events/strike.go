package events

import (
	"github.com/the-alchemiser/alchemiser/internal/localaws/arn"
	"github.com/the-alchemiser/alchemiser/internal/localaws/faults"
)

// strike injects a fault into a delivery that is about to be made for the first time. held is true if it waits now
// instead. A copy that a Duplicate makes is no delivery of its own: its retries and its end are those of any other.
func (s *Service) strike(it item) (held bool, err error) {
	if it.Struck || it.Failures > 0 {
		return false, nil
	}
	fault, ok := s.cfg.Faults.Delivery(arn.FunctionName(it.Target))
	if !ok {
		return false, nil
	}
	it.Struck, it.Due = true, s.now().Add(fault.Delay)
	if fault.Kind == faults.Duplicate {
		it.key = s.queue.keys(1)[0]
	}
	return fault.Kind == faults.Delay, s.later(it)
}
