// Package lambdamain is what the mains of the four functions share: it reads the environment, builds the adapters that
// every function needs, and serves the handler through the consumer on the Lambda Runtime API.
//
// It makes no request before the first event comes, so that a start takes no longer than the process. It knows no domain:
// which service handles what is each main's part.
package lambdamain

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/the-alchemiser/alchemiser/internal/awsclient"
	"github.com/the-alchemiser/alchemiser/internal/config"
	"github.com/the-alchemiser/alchemiser/internal/consumer"
	"github.com/the-alchemiser/alchemiser/internal/deadletter"
	"github.com/the-alchemiser/alchemiser/internal/store"
	"github.com/the-alchemiser/alchemiser/internal/telemetry"
	"github.com/the-alchemiser/alchemiser/pkg/bus"
	"github.com/the-alchemiser/alchemiser/pkg/bus/ebbus"
	"github.com/the-alchemiser/alchemiser/pkg/bus/lambdabus"
	"github.com/the-alchemiser/alchemiser/pkg/events"
)

const (
	// maxAttempts is Lambda's: the first and the two retries that Terraform sets for every function.
	maxAttempts = 3
	// flushMargin is enough for a transaction, a publication with retries and a dead letter.
	flushMargin  = 3 * time.Second
	pollInterval = 500 * time.Millisecond
	// longest is the longest time that Lambda gives a function; it always says how long exactly.
	longest = 15 * time.Minute
)

// Function is a function while it is put together.
type Function struct {
	Name   string
	Config config.Config
	AWS    aws.Config
	Store  *store.Store
}

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
}

// Main runs the function name with the service that wire builds, until Lambda ends the process.
func Main(name string, wire func(*Function) (Service, error)) {
	if err := run(context.Background(), name, wire); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, name string, wire func(*Function) (Service, error)) error {
	cfg, err := config.Load(os.Environ())
	if err != nil {
		return err
	}
	tracer, err := telemetry.NewTracer(telemetry.TracerConfig{Stage: cfg.Stage})
	if err != nil {
		return err
	}
	f := &Function{Name: name, Config: cfg}
	if f.AWS, err = awsclient.Load(ctx); err != nil {
		return err
	}
	telemetry.TraceAWS(&f.AWS)
	f.Store, err = store.New(store.Config{Client: dynamodb.NewFromConfig(f.AWS), Table: cfg.StateTable, Now: time.Now})
	if err != nil {
		return err
	}
	service, err := wire(f)
	if err != nil {
		return err
	}
	c, err := f.consumer(ctx, service, tracer)
	if err != nil {
		return err
	}
	entry := lambdabus.New(service.Watchdog)
	entry.Subscribe(name, c.Handle, service.Types...)
	lambda.StartWithOptions(entry, lambda.WithContext(ctx))
	return nil
}

func (f *Function) consumer(ctx context.Context, service Service, tracer consumer.Tracer) (*consumer.Consumer, error) {
	deadLetters, err := deadletter.New(sqs.NewFromConfig(f.AWS), f.Config.DeadLettersURL)
	if err != nil {
		return nil, err
	}
	logger := telemetry.NewLogger(os.Stdout, f.Name, f.Config.Lambda.Version)
	for _, warning := range service.Warnings {
		logger.Info(ctx, "warning: "+warning, nil)
	}
	cfg := consumer.Config{
		Function: f.Name, Component: "handler", SourcePrefix: f.Config.Bus.SourcePrefix, SizeLimit: f.Config.Bus.MaxEventBytes,
		Handler: service.Handle, Observer: service.Observer, Claims: f.Store, DeadLetters: deadLetters,
		Tracer: tracer, Logger: logger, Now: time.Now,
		MaxAttempts: maxAttempts, FlushMargin: flushMargin, Lease: longest, PollInterval: pollInterval,
	}
	if !service.Observer {
		if cfg.Publisher, err = f.publisher(); err != nil {
			return nil, err
		}
	}
	return consumer.New(cfg)
}

func (f *Function) publisher() (bus.Publisher, error) {
	return ebbus.New(ebbus.Config{
		Client: eventbridge.NewFromConfig(f.AWS), BusName: f.Config.Bus.EventBusName, SourcePrefix: f.Config.Bus.SourcePrefix,
		SizeLimit: f.Config.Bus.MaxEventBytes, MaxRetries: f.Config.Bus.MaxRetryAttempts, TraceHeader: telemetry.TraceHeader,
	})
}
