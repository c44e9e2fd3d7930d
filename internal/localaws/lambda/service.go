// Package lambda is AWS Lambda: functions, versions, aliases, permissions and event invoke configurations, the
// asynchronous queue with its retries and destinations, event source mappings of queues, and the execution of functions as
// processes of this machine.
//
// It does not do images, layers, VPCs, function URLs, provisioned concurrency, response streaming, code signing and event
// source mappings of streams; requests for them are refused.
//
// API: https://docs.aws.amazon.com/lambda/latest/api/Welcome.html
package lambda

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/the-alchemiser/alchemiser/internal/localaws/clock"
	"github.com/the-alchemiser/alchemiser/internal/localaws/delivery"
	"github.com/the-alchemiser/alchemiser/internal/localaws/faults"
	"github.com/the-alchemiser/alchemiser/internal/localaws/lambda/sandbox"
	"github.com/the-alchemiser/alchemiser/internal/localaws/metrics"
	"github.com/the-alchemiser/alchemiser/internal/localaws/state"
	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

// Session is a set of temporary credentials of a role.
type Session struct {
	AccessKeyID, SecretAccessKey, SessionToken string
}

// Credentials gives out the role of a function.
type Credentials interface {
	// SessionFor returns credentials of roleARN under the name sessionName, for as long as the endpoint runs. It returns
	// an error if Lambda cannot assume the role.
	SessionFor(roleARN, sessionName string) (Session, error)
}

// Line is one line that a function prints or Lambda says of it.
type Line struct {
	Time    time.Time
	Message string
}

// Logs keeps log streams.
type Logs interface {
	// Write appends lines to a stream if role may; else they are lost, as on AWS.
	Write(ctx context.Context, role, group, stream string, lines []Line) error
}

// Tracer takes X-Ray segments.
type Tracer interface {
	// DaemonFor returns where the SDK of a function that has the role sends its own.
	DaemonFor(role string) (address string, err error)
	PutSegment(ctx context.Context, document []byte) error
}

// Config is what the service needs. All fields but RetryScale, Packages, MaxQueued, Metrics, Random and Faults are required.
type Config struct {
	Store       *state.Store
	Clock       *clock.Clock
	Sender      delivery.Sender
	Credentials Credentials
	Logs        Logs
	Tracer      Tracer
	// Queues are what event source mappings read, as the role of the function May.
	Queues delivery.Source
	May    func(role string, need wire.Access) bool
	// EndpointURL returns the endpoint's own URL, such as "http://127.0.0.1:4566": the functions' AWS_ENDPOINT_URL.
	EndpointURL func() string
	// RetryScale multiplies the delays between attempts of the asynchronous queue; 0 means 1, as on AWS.
	RetryScale float64
	// Packages is the folder that keeps deployment packages across restarts; empty, they go with the endpoint.
	Packages string
	// Faults strike invocations; nil injects none.
	Faults *faults.Injector
	// MaxQueued is how many asynchronous invocations are kept before further ones are refused as throttled; 0 means 100,000.
	MaxQueued int
	// Metrics gets the service's own metrics; nil discards them.
	Metrics metrics.Sink
	// Random returns a number from 0 to below 1, by which the invocations of an alias are shared out; nil is a random one.
	Random func() float64
}

// Service is Lambda. It is safe for concurrent use.
type Service struct {
	cfg     Config
	records state.Table[function]
	code    *code
	queue   *queue
	pool    *pool
	host    *sandbox.Host
	// mappings are the event source mappings.
	mappings *mappings
	// failure holds the first error after which the service cannot go on.
	failure chan error

	mu        sync.RWMutex
	functions map[string]*function
}

var _ delivery.Receiver = (*Service)(nil)

// New returns the service with the functions and queued events that the store holds. Functions run while Run runs.
func New(cfg Config) (*Service, error) {
	if cfg.Store == nil || cfg.Clock == nil || cfg.Sender == nil || cfg.Credentials == nil || cfg.Logs == nil ||
		cfg.Tracer == nil || cfg.EndpointURL == nil || cfg.Queues == nil || cfg.May == nil {
		return nil, errors.New("lambda: store, clock, sender, credentials, logs, tracer, queues, may and endpoint url are required")
	}
	if cfg.RetryScale == 0 {
		cfg.RetryScale = 1
	}
	if cfg.MaxQueued == 0 {
		cfg.MaxQueued = 100_000
	}
	if cfg.Random == nil {
		cfg.Random = rand.Float64
	}
	s := &Service{
		cfg: cfg, records: state.NewTable[function](cfg.Store, "lambda.functions"), code: newCode(cfg.Packages),
		pool: newPool(), host: sandbox.NewHost(), failure: make(chan error, 1), functions: map[string]*function{},
	}
	err := s.records.Scan("", "", func(name string, f function) bool {
		s.functions[name] = &f
		return true
	})
	if err != nil {
		return nil, fmt.Errorf("load functions: %w", err)
	}
	needed := map[string]bool{}
	for _, f := range s.functions {
		maps.Copy(needed, f.code())
	}
	if err := s.code.keep(needed); err != nil {
		return nil, fmt.Errorf("clear code: %w", err)
	}
	if s.queue, err = newQueue(cfg.Store, cfg.Clock, cfg.MaxQueued); err != nil {
		return nil, err
	}
	if s.mappings, err = newMappings(cfg.Store); err != nil {
		return nil, err
	}
	return s, nil
}

// Run carries out queued invocations, reads the queues of event source mappings and lets functions run until ctx ends; then no process of a function is left. It
// returns an error if the store fails.
func (s *Service) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var running sync.WaitGroup
	running.Go(func() { s.host.Run(ctx) })
	running.Go(func() { s.queue.run(ctx, s.work) })
	running.Go(func() { s.readQueues(ctx) })
	tick := time.NewTicker(30 * time.Second)
	defer tick.Stop()
	var failure error
	for ctx.Err() == nil {
		moved := s.cfg.Clock.Changed()
		s.pool.expire(s.cfg.Clock.Now())
		select {
		case <-ctx.Done():
		case <-moved:
		case <-tick.C:
		case failure = <-s.failure:
			cancel(failure)
		}
	}
	running.Wait()
	s.pool.flush() // the store closes next
	return errors.Join(failure, s.code.clear())
}

// broken ends the service because of an error that nobody else can be told.
func (s *Service) broken(err error) {
	select {
	case s.failure <- err:
	default: // the first one counts
	}
}

// Kill kills the processes of a function that carry out an invocation, as a crash would. It says whether there was any.
func (s *Service) Kill(function string) bool { return s.pool.kill(function) }

// Inventory returns the ARNs of all functions.
func (s *Service) Inventory() ([]string, error) {
	var arns []string
	for _, f := range s.all() {
		arns = append(arns, functionARN(f.Name, ""))
	}
	return arns, nil
}
