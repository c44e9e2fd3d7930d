// Package lambdamain is what the mains of the four functions share: it reads the environment and serves one function on
// the Lambda Runtime API, live or as shadow.
//
// It makes no request before the first event comes, so that a start takes no longer than the process.
package lambdamain

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/the-alchemiser/alchemiser/internal/awsclient"
	"github.com/the-alchemiser/alchemiser/internal/config"
	"github.com/the-alchemiser/alchemiser/internal/fingerprint"
	"github.com/the-alchemiser/alchemiser/internal/functions"
	"github.com/the-alchemiser/alchemiser/internal/telemetry"
	"github.com/the-alchemiser/alchemiser/pkg/bus"
	"github.com/the-alchemiser/alchemiser/pkg/bus/lambdabus"
)

// Main runs the function name with the service that wire builds, until Lambda ends the process.
func Main(name string, wire functions.Wire) {
	if err := run(context.Background(), name, wire); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, name string, wire functions.Wire) error {
	cfg, err := config.Load(os.Environ())
	if err != nil {
		return err
	}
	if cfg.Bus.Mode() != bus.ModeEventBridge {
		return fmt.Errorf("the bus is set to mode %q: functions are always on EventBridge; other modes are for `alchemiser run`", cfg.Bus.Mode())
	}
	tracer, err := telemetry.NewTracer(telemetry.TracerConfig{Stage: cfg.Stage})
	if err != nil {
		return err
	}
	aws, err := awsclient.Load(ctx)
	if err != nil {
		return err
	}
	telemetry.TraceAWS(&aws)
	metrics := telemetry.NewMetrics(os.Stdout, cfg.Stage, name, time.Now)
	f, err := functions.New(name, cfg, aws, metrics)
	if err != nil {
		return err
	}
	service, err := wire(f)
	if err != nil {
		return err
	}
	serve := live
	if cfg.Mode == config.ModeShadow {
		serve = shadow
	}
	entry, err := serve(ctx, f, service, tracer, metrics)
	if err != nil {
		return err
	}
	lambda.StartWithOptions(entry, lambda.WithContext(ctx))
	return nil
}

// live returns the entry of a function that handles its events.
func live(ctx context.Context, f *functions.Function, service functions.Service, tracer *telemetry.Tracer, metrics *telemetry.Metrics) (*lambdabus.Entry, error) {
	ports := functions.Ports{Tracer: tracer, Logger: telemetry.NewLogger(os.Stdout, f.Name, f.Config.Lambda.Version)}
	if !service.Observer {
		publisher, err := f.EventBridge()
		if err != nil {
			return nil, err
		}
		ports.Publisher = bus.Observe(publisher, time.Now, metrics.Published)
	}
	c, err := f.Consumer(ctx, service, ports)
	if err != nil {
		return nil, err
	}
	entry := lambdabus.New(lambdabus.Commands{Watchdog: service.Watchdog, Smoke: f.Smoke(service)})
	entry.Subscribe(f.Name, c.Handle, service.Types...)
	return entry, nil
}

// shadow returns the entry of a function that only records what comes to it. The watchdog of the schedule is a no-op: the
// process that trades has its own.
func shadow(_ context.Context, f *functions.Function, service functions.Service, _ *telemetry.Tracer, _ *telemetry.Metrics) (*lambdabus.Entry, error) {
	entry := lambdabus.New(lambdabus.Commands{Watchdog: func(context.Context) error { return nil }, Smoke: f.Smoke(service)})
	entry.Subscribe(f.Name, fingerprint.ShadowHandler(f.Name, f.Store, time.Now), service.Types...)
	return entry, nil
}
