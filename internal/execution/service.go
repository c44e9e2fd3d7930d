package execution

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/the-alchemiser/alchemiser/pkg/events"
	"github.com/the-alchemiser/alchemiser/pkg/fault"
)

// Config is what a Service needs. Every field is required.
type Config struct {
	Broker Broker
	Ledger Ledger
	Plans  Plans
	Switch Switch
	// MaxPlanAge is how old a plan may be, by the broker's clock, for an order to be submitted.
	MaxPlanAge time.Duration
	// StepInterval is how long a limit order is left working before the next step of its trade.
	StepInterval time.Duration
	// Now is the host's clock. It measures how much time has passed and is left; what time it is, the broker says.
	Now func() time.Time
}

// Service answers RebalancePlanned. It is safe for concurrent use.
type Service struct {
	cfg Config
}

// New checks cfg whole.
func New(cfg Config) (*Service, error) {
	var faults []error
	for name, missing := range map[string]bool{
		"broker": cfg.Broker == nil, "ledger": cfg.Ledger == nil, "plans": cfg.Plans == nil, "switch": cfg.Switch == nil, "now": cfg.Now == nil,
	} {
		if missing {
			faults = append(faults, fmt.Errorf("%s is required", name))
		}
	}
	if cfg.MaxPlanAge <= 0 {
		faults = append(faults, fmt.Errorf("maximum plan age is %s, want more than 0", cfg.MaxPlanAge))
	}
	if cfg.StepInterval <= 0 {
		faults = append(faults, fmt.Errorf("step interval is %s, want more than 0", cfg.StepInterval))
	}
	if err := errors.Join(faults...); err != nil {
		return nil, fmt.Errorf("execution: invalid config: %w", err)
	}
	return &Service{cfg: cfg}, nil
}

// Handle answers a RebalancePlanned with a TradeExecuted and a WorkflowCompleted.
func (s *Service) Handle(ctx context.Context, in events.Event) ([]events.Payload, error) {
	return nil, fault.New(fault.Invalid, "execution handles no %s", in.Type())
}
