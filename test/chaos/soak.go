package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/the-alchemiser/alchemiser/internal/consumer"
	"github.com/the-alchemiser/alchemiser/internal/deadletter"
	"github.com/the-alchemiser/alchemiser/internal/execution"
	"github.com/the-alchemiser/alchemiser/internal/stack"
	"github.com/the-alchemiser/alchemiser/internal/store"
	"github.com/the-alchemiser/alchemiser/pkg/bus/ebbus"
	"github.com/the-alchemiser/alchemiser/pkg/events"
)

const (
	// patience is how long a workflow may take before what is left of it counts as lost.
	patience = 2 * time.Minute
	// look is the time between two looks at a workflow.
	look = 50 * time.Millisecond
)

// soak is one run of the program.
type soak struct {
	stack     *stack.Stack
	rng       *rand.Rand
	seed      uint64
	table     *store.Store
	consumers []consumerOf
	bus       *eventbridge.Client
	publisher *ebbus.Publisher
	sqs       *sqs.Client
	logs      *cloudwatchlogs.Client

	done, placed, replayed int
	letters                map[deadletter.Shape]int
	struck                 []struck
	broken                 map[string]int // faults of the broker, by kind
	violations             []string
}

func newSoak(s *stack.Stack, cloud aws.Config, seed uint64) (*soak, error) {
	table, err := store.New(store.Config{Client: dynamodb.NewFromConfig(cloud), Table: "alchemiser-state-" + stage, Now: time.Now})
	if err != nil {
		return nil, err
	}
	k := &soak{
		stack: s, seed: seed, rng: rand.New(rand.NewPCG(seed, 1)), table: table, //nolint:gosec // faults, no secrets
		bus: eventbridge.NewFromConfig(cloud), sqs: sqs.NewFromConfig(cloud), logs: cloudwatchlogs.NewFromConfig(cloud),
		letters: map[deadletter.Shape]int{}, broken: map[string]int{},
	}
	k.publisher, err = ebbus.New(ebbus.Config{Client: k.bus, BusName: "alchemiser-trading-events-" + stage, SourcePrefix: "alchemiser", MaxRetries: 9})
	if err != nil {
		return nil, err
	}
	k.consumers, err = consumers(cloud, table, func(name string) (string, error) {
		out, err := k.sqs.GetQueueUrl(context.Background(), &sqs.GetQueueUrlInput{QueueName: &name})
		if err != nil {
			return "", fmt.Errorf("find queue %s: %w", name, err)
		}
		return aws.ToString(out.QueueUrl), nil
	})
	return k, err
}

func (k *soak) violate(format string, args ...any) {
	k.violations = append(k.violations, fmt.Sprintf(format, args...))
}

// workflows runs n workflows one after the other: they share the broker's account, and each is to trade.
func (k *soak) workflows(ctx context.Context, n int) error {
	if err := k.misbehave(ctx); err != nil {
		return err
	}
	for i := range n {
		if err := k.workflow(ctx, i); err != nil {
			return fmt.Errorf("workflow %d: %w", i, err)
		}
		if (i+1)%10 == 0 {
			fmt.Printf("%d of %d workflows, %d orders, %d dead letters redriven, %d violations\n", i+1, n, k.placed, k.redriven(), len(k.violations))
		}
	}
	return k.behave(ctx)
}

// workflow runs one workflow with a portfolio of its own on a fresh account, until nothing of it is left to do.
func (k *soak) workflow(ctx context.Context, i int) error {
	if err := k.call(ctx, http.MethodPost, k.stack.Record.BrokerURL+"/_control/reset", "", nil); err != nil {
		return err
	}
	w := ended{id: fmt.Sprintf("run-chaos-%d", i)}
	var err error
	if w.before, err = k.account(ctx); err != nil {
		return err
	}
	if err := k.breakBroker(ctx); err != nil {
		return err
	}
	now := time.Now().UTC().Truncate(time.Microsecond)
	start := events.Event{
		ID: "start-" + w.id, CorrelationID: w.id, CausationID: w.id, SchemaVersion: events.SchemaVersion, Timestamp: now,
		SourceModule: "scheduler", SourceComponent: "chaos", Payload: events.WorkflowStarted{PortfolioID: fmt.Sprintf("main-chaos-%d", i)},
	}
	if err := k.publisher.Publish(ctx, start); err != nil {
		return err
	}
	if w.events, err = k.settle(ctx, start); err != nil {
		return err
	}
	if err := k.mendBroker(ctx); err != nil {
		return err
	}
	if w.orders, err = k.orders(ctx); err != nil {
		return err
	}
	if w.after, err = k.account(ctx); err != nil {
		return err
	}
	if w.ledger, err = k.ledger(ctx, w); err != nil {
		return err
	}
	k.violations = append(k.violations, w.check()...)
	k.placed += len(w.orders)
	k.done++
	return nil
}

// settle waits until every function has handled every event of the workflow that start began, redriving what is given up.
// It returns the events. What is not handled in time is a violation.
func (k *soak) settle(ctx context.Context, start events.Event) ([]events.Event, error) {
	for end := time.Now().Add(patience); ; {
		if _, err := k.takeLetters(ctx); err != nil {
			return nil, err
		}
		all, left, err := k.walk(ctx, start)
		if err != nil || len(left) == 0 {
			return all, err
		}
		if time.Now().After(end) {
			k.violate("%s: after %s these are neither handled nor dead letters: %s", start.CorrelationID, patience, strings.Join(left, ", "))
			return all, nil
		}
		if err := pause(ctx, look); err != nil {
			return all, err
		}
	}
}

// walk follows the events from start through the outboxes. left names what is not handled.
func (k *soak) walk(ctx context.Context, start events.Event) (all []events.Event, left []string, err error) {
	for open := []events.Event{start}; len(open) > 0; open = open[1:] {
		e := open[0]
		all = append(all, e)
		for _, c := range k.consumers {
			if !c.wants(e.Type()) {
				continue
			}
			key := consumer.Key{Function: c.name, EventID: e.ID}
			claim, found, err := k.table.Get(ctx, key)
			if err != nil {
				return nil, nil, err
			}
			if claim.Status != consumer.StatusDone {
				left = append(left, fmt.Sprintf("%s by %s (claimed: %t, %s, by %s until %s)", e.Type(), c.name, found, claim.Status, claim.Owner, claim.Lease.Format(time.TimeOnly)))
				continue
			}
			follow, err := k.table.Outbox(ctx, key)
			if err != nil {
				return nil, nil, err
			}
			open = append(open, follow...)
		}
	}
	return all, left, nil
}

// ledger returns what was written down of the orders that the broker has, and of those that the report names.
func (k *soak) ledger(ctx context.Context, w ended) (map[string]execution.Order, error) {
	var ids []string
	for _, o := range w.orders {
		ids = append(ids, o.ClientID)
	}
	for _, e := range w.events {
		if x, ok := e.Payload.(events.TradeExecuted); ok {
			for _, o := range x.Orders {
				ids = append(ids, o.ClientOrderID)
			}
		}
	}
	slices.Sort(ids)
	kept := map[string]execution.Order{}
	for _, id := range slices.Compact(ids) {
		o, found, err := k.table.Order(ctx, id)
		if err != nil {
			return nil, err
		}
		if found {
			kept[id] = o
		}
	}
	return kept, nil
}

// aftermath looks at everything together, and replays it all.
func (k *soak) aftermath(ctx context.Context) error {
	originals, _, err := k.passed(ctx)
	if err != nil {
		return err
	}
	settled := func(id func(events.Event) string, consumers []consumerOf) (left []string, err error) {
		for _, e := range originals {
			for _, c := range consumers {
				if !c.wants(e.Type()) {
					continue
				}
				claim, _, err := k.table.Get(ctx, consumer.Key{Function: c.name, EventID: id(e)})
				if err != nil {
					return nil, err
				}
				if claim.Status != consumer.StatusDone {
					left = append(left, fmt.Sprintf("%s %s by %s is %q", e.Type(), e.ID, c.name, claim.Status))
				}
			}
		}
		return left, nil
	}
	if err := k.await(ctx, "accepted events are not handled", func() ([]string, error) {
		return settled(func(e events.Event) string { return e.ID }, k.consumers)
	}); err != nil {
		return err
	}
	before, err := k.orders(ctx)
	if err != nil {
		return err
	}
	name, err := k.replay(ctx)
	if err != nil {
		return err
	}
	observer := slices.DeleteFunc(slices.Clone(k.consumers), func(c consumerOf) bool { return c.name != "monitor" })
	if err := k.await(ctx, "the monitor has not recorded these replayed events", func() ([]string, error) {
		return settled(func(e events.Event) string { return name + "/" + e.ID }, observer)
	}); err != nil {
		return err
	}
	after, err := k.orders(ctx)
	if err != nil {
		return err
	}
	later, replayed, err := k.passed(ctx)
	if err != nil {
		return err
	}
	k.replayed = len(replayed)
	if len(after) != len(before) || len(later) != len(originals) || len(replayed) != len(originals) {
		k.violate("the replay of %d events delivered %d, made %d orders and %d new events", len(originals), len(replayed), len(after)-len(before), len(later)-len(originals))
	}
	return nil
}

// await calls left until nothing is, redriving what is given up. What is left after a while is a violation.
func (k *soak) await(ctx context.Context, what string, left func() ([]string, error)) error {
	for end := time.Now().Add(patience); ; {
		if _, err := k.takeLetters(ctx); err != nil {
			return err
		}
		rest, err := left()
		if err != nil || len(rest) == 0 {
			return err
		}
		if time.Now().After(end) {
			k.violate("%s: %s", what, strings.Join(rest, ", "))
			return nil
		}
		if err := pause(ctx, 20*look); err != nil {
			return err
		}
	}
}

// replay replays the whole archive to every rule, and returns its name.
func (k *soak) replay(ctx context.Context) (name string, err error) {
	bus, err := k.bus.DescribeEventBus(ctx, &eventbridge.DescribeEventBusInput{Name: aws.String("alchemiser-trading-events-" + stage)})
	if err != nil {
		return "", err
	}
	archive, err := k.bus.DescribeArchive(ctx, &eventbridge.DescribeArchiveInput{ArchiveName: aws.String("alchemiser-event-archive-" + stage)})
	if err != nil {
		return "", err
	}
	name = "chaos"
	_, err = k.bus.StartReplay(ctx, startReplay(name, aws.ToString(archive.ArchiveArn), aws.ToString(bus.Arn), time.Now()))
	return name, err
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
