package functions

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/the-alchemiser/alchemiser/internal/consumer"
	"github.com/the-alchemiser/alchemiser/pkg/events"
)

// Check is something that a version of a function proves before events come to it.
type Check struct {
	Name string
	// Do returns in a few words what it found. It has no effect: it reads, or asks for what is refused for its form alone.
	Do func(context.Context) (string, error)
}

// Report is what a version answers to the smoke event.
type Report struct {
	Function string    `json:"function"`
	Version  string    `json:"version"`
	Checks   []Finding `json:"checks"`
}

// Finding is how one check ended.
type Finding struct {
	Name   string `json:"name"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail"`
}

// settle is how long a check that fails is tried again: a permission that was just given takes seconds to be known everywhere.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html#troubleshoot_general_eventual-consistency
const settle = 12 * time.Second

// Smoke returns the answer to the smoke event: a Report, or an error that lists every check that failed. It trades, publishes,
// claims and mails nothing. That the configuration is complete is proven by the start of the process.
func (f *Function) Smoke(service Service) func(context.Context) (any, error) {
	checks := append([]Check{f.checkEvents(service), f.checkState()}, service.Checks...)
	if !service.Observer {
		checks = append(checks, f.checkBus())
	}
	return func(ctx context.Context) (any, error) {
		report := Report{Function: f.Name, Version: f.Config.Lambda.Version, Checks: make([]Finding, len(checks))}
		failed := make([]error, len(checks))
		var all sync.WaitGroup
		for i, check := range checks {
			all.Go(func() {
				detail, err := backoff.Retry(ctx, func() (string, error) { return check.Do(ctx) },
					backoff.WithBackOff(backoff.NewConstantBackOff(time.Second)), backoff.WithMaxElapsedTime(settle))
				report.Checks[i] = Finding{Name: check.Name, OK: err == nil, Detail: detail}
				if err != nil {
					failed[i] = fmt.Errorf("%s: %w", check.Name, err)
				}
			})
		}
		all.Wait()
		return report, errors.Join(failed...)
	}
}

// checkEvents proves that the function speaks the events' version that it writes.
func (f *Function) checkEvents(service Service) Check {
	return Check{Name: "events", Do: func(context.Context) (string, error) {
		sample := events.Event{
			ID: "smoke", CorrelationID: "smoke", CausationID: "smoke", SchemaVersion: events.SchemaVersion, Timestamp: time.Unix(0, 0).UTC(),
			SourceModule: f.Name, SourceComponent: "smoke", Payload: events.WorkflowStarted{PortfolioID: "smoke"},
		}
		wire, err := events.Encode(sample, f.Config.Bus.SourcePrefix)
		if err != nil {
			return "", err
		}
		if _, err := events.Decode(wire.DetailType, wire.Detail); err != nil {
			return "", err
		}
		if len(service.Types) == 0 {
			return "version " + events.SchemaVersion + ", every type", nil
		}
		names := make([]string, len(service.Types))
		for i, t := range service.Types {
			names[i] = string(t)
		}
		return "version " + events.SchemaVersion + ", " + strings.Join(names, ", "), nil
	}}
}

// checkState reads a claim that nobody has.
func (f *Function) checkState() Check {
	return Check{Name: "state", Do: func(ctx context.Context) (string, error) {
		_, _, err := f.Store.Get(ctx, consumer.Key{Function: f.Name, EventID: "smoke"})
		return "table " + f.Config.StateTable + " answers", err
	}}
}

// checkBus asks for a publication that is refused for its form, not for want of a permission.
func (f *Function) checkBus() Check {
	return Check{Name: "bus", Do: func(ctx context.Context) (string, error) {
		publisher, err := f.EventBridge()
		if err != nil {
			return "", err
		}
		return "may publish on " + f.Config.Bus.EventBusName, publisher.Probe(ctx)
	}}
}

// check is what a function that trades proves of its broker.
func (b Broker) check() Check {
	return Check{Name: "broker", Do: func(ctx context.Context) (string, error) {
		account, err := b.Account(ctx)
		if err != nil {
			return "", err
		}
		if account.Blocked {
			return "", errors.New("the account is blocked: orders would be refused")
		}
		return "keys are valid, equity " + account.Equity.StringFixed(2) + " US dollars", nil
	}}
}
