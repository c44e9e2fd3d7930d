// Package scheduler is Amazon EventBridge Scheduler: schedule groups and schedules that fire by the endpoint's clock.
//
// API: https://docs.aws.amazon.com/scheduler/latest/APIReference/Welcome.html
package scheduler

import (
	"context"
	"errors"

	"github.com/the-alchemiser/alchemiser/internal/localaws/clock"
	"github.com/the-alchemiser/alchemiser/internal/localaws/delivery"
	"github.com/the-alchemiser/alchemiser/internal/localaws/state"
	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

// Config is what the service needs.
type Config struct {
	Store  *state.Store
	Clock  *clock.Clock
	Sender delivery.Sender
	// RetryScale multiplies the delays between attempts; 0 means 1, as on AWS.
	RetryScale float64
}

// Service is EventBridge Scheduler. It is safe for concurrent use.
type Service struct{ cfg Config }

// New returns the service with what the store holds.
func New(cfg Config) (*Service, error) {
	if cfg.Store == nil || cfg.Clock == nil || cfg.Sender == nil {
		return nil, errors.New("scheduler: store, clock and sender are required")
	}
	return &Service{cfg: cfg}, nil
}

// API returns the operations.
func (s *Service) API() wire.Service { return wire.Service{Name: "scheduler", Protocol: wire.REST} }

// Run fires schedules until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	<-ctx.Done()
	return nil
}

// Inventory returns the ARNs of all resources but the default group.
func (s *Service) Inventory() ([]string, error) { return nil, nil }
