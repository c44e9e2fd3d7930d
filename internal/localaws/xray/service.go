// Package xray is AWS X-Ray: segments over UDP as the daemon takes them and over the API, traces put together from
// them, and summaries found by filter expressions.
//
// It does not do groups, sampling rules of one's own, insights and the service graph; requests for them are refused.
//
// API: https://docs.aws.amazon.com/xray/latest/api/Welcome.html
package xray

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"

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
type Service struct {
	cfg      Config
	segments state.Table[record]
	udp      net.PacketConn
	tcp      net.Listener
	// incoming are segments on their way to the store: tracing must not hold up whoever is traced.
	incoming chan document
	closed   chan struct{}

	mu    sync.Mutex
	count int
}

// New returns the service with what the store holds and opens the daemon's port; Run serves it.
func New(cfg Config) (*Service, error) {
	if cfg.Store == nil || cfg.Clock == nil {
		return nil, errors.New("xray: store and clock are required")
	}
	s := &Service{
		cfg: cfg, segments: state.NewTable[record](cfg.Store, "xray.segments"),
		incoming: make(chan document, 4096), closed: make(chan struct{}),
	}
	err := s.segments.Scan("", "", func(string, record) bool { s.count++; return true })
	if err != nil {
		return nil, fmt.Errorf("load segments: %w", err)
	}
	if err := s.listen(); err != nil {
		return nil, fmt.Errorf("open the daemon's port: %w", err)
	}
	return s, nil
}

// DaemonAddress returns "127.0.0.1:PORT", where the X-Ray SDKs send segments (UDP) and ask for sampling rules (TCP): the
// value of AWS_XRAY_DAEMON_ADDRESS.
func (s *Service) DaemonAddress() string { return s.udp.LocalAddr().String() }

// PutSegment hands a segment document over to be stored. A document that is not a segment is an error. It does not wait
// for the store.
func (s *Service) PutSegment(ctx context.Context, raw []byte) error {
	doc, err := decode(raw)
	if err != nil {
		return err
	}
	select {
	case s.incoming <- doc:
		return nil
	case <-s.closed:
		return nil // the endpoint ends
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Inventory returns nothing: traces are data, not resources.
func (s *Service) Inventory() ([]string, error) { return nil, nil }

// API returns the operations.
func (s *Service) API() wire.Service {
	return wire.Service{
		Name: "xray", Protocol: wire.REST,
		Operations: []wire.Operation{
			wire.Rest("PutTraceSegments", "POST", "/TraceSegments", s.putSegments),
			wire.Rest("GetTraceSummaries", "POST", "/TraceSummaries", s.getSummaries),
			wire.Rest("BatchGetTraces", "POST", "/Traces", s.getTraces),
			wire.Rest("GetSamplingRules", "POST", "/GetSamplingRules", s.getSamplingRules),
			wire.Rest("GetSamplingTargets", "POST", "/SamplingTargets", s.getSamplingTargets),
		},
	}
}
