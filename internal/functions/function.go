// Package functions puts the four functions together: which service handles what, with which adapters. Lambda runs one of
// them in a process (functions/), `alchemiser run` all of them (internal/host); both get the same parts from here.
//
// Nothing here makes a request: a function starts as fast as its process does.
package functions

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/the-alchemiser/alchemiser/internal/config"
	"github.com/the-alchemiser/alchemiser/internal/consumer"
	"github.com/the-alchemiser/alchemiser/internal/deadletter"
	"github.com/the-alchemiser/alchemiser/internal/monitor"
	"github.com/the-alchemiser/alchemiser/internal/store"
	"github.com/the-alchemiser/alchemiser/internal/telemetry"
	"github.com/the-alchemiser/alchemiser/pkg/bus"
	"github.com/the-alchemiser/alchemiser/pkg/bus/ebbus"
	"github.com/the-alchemiser/alchemiser/pkg/events"
)

const (
	// MaxAttempts is how often a delivery is tried: the first and the two retries that Terraform sets for every function.
	MaxAttempts = 3
	// flushMargin is enough for a transaction, a publication with retries and a dead letter.
	flushMargin  = 3 * time.Second
	pollInterval = 500 * time.Millisecond
	// longest is the longest time that Lambda gives a function; whoever delivers says how long exactly.
	longest = 15 * time.Minute
)

// Function is a function while it is put together.
type Function struct {
	Name   string
	Config config.Config
	AWS    aws.Config
	Store  *store.Store
	Meter  Meter
}

// New returns the function name, to be given to its Wire.
func New(name string, cfg config.Config, aws aws.Config, meter Meter) (*Function, error) {
	table, err := store.New(store.Config{Client: dynamodb.NewFromConfig(aws), Table: cfg.StateTable, Now: time.Now})
	if err != nil {
		return nil, err
	}
	return &Function{Name: name, Config: cfg, AWS: aws, Store: table, Meter: meter}, nil
}

// Wire builds the service of a function.
type Wire func(*Function) (Service, error)

// Service is what makes a function this one and no other.
type Service struct {
	Handle consumer.Handler
	// Types are the events that it handles; none means all.
	Types []events.Type
	// Observer publishes nothing and handles replays: see consumer.Config.
	Observer bool
	// Warnings are told at every start: what is allowed but probably a mistake.
	Warnings []string
	// Watchdog answers the schedule's constant JSON; nil refuses it.
	Watchdog func(context.Context) error
	// Checks are what the function proves on the smoke event beside what every function does.
	Checks []Check
}

// Ports are what differs from one host to the other.
type Ports struct {
	// Publisher is nil for an observer only.
	Publisher bus.Publisher
	Tracer    consumer.Tracer
	Logger    consumer.Logger
}

// Meter takes the figures of a function.
type Meter interface {
	consumer.Meter
	monitor.Meter
}

// Consumer returns the consumer that hands events to service. It tells the service's warnings.
func (f *Function) Consumer(ctx context.Context, service Service, ports Ports) (*consumer.Consumer, error) {
	deadLetters, err := f.DeadLetters()
	if err != nil {
		return nil, err
	}
	for _, warning := range service.Warnings {
		ports.Logger.Info(ctx, "warning: "+warning, nil)
	}
	return consumer.New(consumer.Config{
		Function: f.Name, Component: "handler", SourcePrefix: f.Config.Bus.SourcePrefix, SizeLimit: f.Config.Bus.MaxEventBytes,
		Handler: service.Handle, Observer: service.Observer, Claims: f.Store, DeadLetters: deadLetters,
		Publisher: ports.Publisher, Tracer: ports.Tracer, Logger: ports.Logger, Meter: f.Meter, Now: time.Now,
		MaxAttempts: MaxAttempts, FlushMargin: flushMargin, Lease: longest, PollInterval: pollInterval,
	})
}

// DeadLetters returns the function's own dead letter queue.
func (f *Function) DeadLetters() (*deadletter.Queue, error) {
	return deadletter.New(sqs.NewFromConfig(f.AWS), f.Config.DeadLettersURL)
}

// EventBridge returns the publisher on the bus that the configuration names.
func (f *Function) EventBridge() (*ebbus.Publisher, error) {
	return ebbus.New(ebbus.Config{
		Client: eventbridge.NewFromConfig(f.AWS), BusName: f.Config.Bus.EventBusName, SourcePrefix: f.Config.Bus.SourcePrefix,
		SizeLimit: f.Config.Bus.MaxEventBytes, MaxRetries: f.Config.Bus.MaxRetryAttempts, TraceHeader: telemetry.TraceHeader,
	})
}

// The names of the functions.
const (
	NameStrategy  = "strategy"
	NamePortfolio = "portfolio"
	NameExecution = "execution"
	NameMonitor   = "monitor"
)
