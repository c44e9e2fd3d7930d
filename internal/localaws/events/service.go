// Package events is Amazon EventBridge: buses, rules, targets, archives and replays, and the delivery of matched
// events to targets with retries and dead letter queues.
//
// API: https://docs.aws.amazon.com/eventbridge/latest/APIReference/Welcome.html
package events

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
	// RetryScale multiplies the delays between delivery attempts; 0 means 1, as on AWS.
	RetryScale float64
}

// Service is EventBridge. It is safe for concurrent use.
type Service struct{ cfg Config }

var _ delivery.Receiver = (*Service)(nil)

// New returns the service with what the store holds.
func New(cfg Config) (*Service, error) {
	if cfg.Store == nil || cfg.Clock == nil || cfg.Sender == nil {
		return nil, errors.New("events: store, clock and sender are required")
	}
	return &Service{cfg: cfg}, nil
}

// API returns the operations.
func (s *Service) API() wire.Service {
	return wire.Service{Name: "events", Protocol: wire.JSON11, Target: "AWSEvents"}
}

// Receive takes an event for the bus arn: from another bus (an envelope) or from Scheduler (a PutEvents entry).
func (s *Service) Receive(ctx context.Context, arn string, m delivery.Message) error {
	return delivery.Errorf("NO_RESOURCE", "Event bus %s does not exist.", arn)
}

// Run delivers events until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	<-ctx.Done()
	return nil
}

// Inventory returns the ARNs of all resources but the default bus.
func (s *Service) Inventory() ([]string, error) { return nil, nil }
