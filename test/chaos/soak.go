package main

import (
	"context"
	"fmt"
	"math/rand/v2"
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
	"github.com/the-alchemiser/alchemiser/internal/stack"
	"github.com/the-alchemiser/alchemiser/internal/store"
	"github.com/the-alchemiser/alchemiser/pkg/bus/ebbus"
	"github.com/the-alchemiser/alchemiser/pkg/events"
	"github.com/the-alchemiser/alchemiser/test/chaos/invariants"
)

const (
	// patience is how long something may take before what is left of it counts as lost.
	patience = 2 * time.Minute
	// look is the time between two looks at a workflow, lookAround that between two at everything.
	look       = 50 * time.Millisecond
	lookAround = time.Second
)

// soak is one run of the program.
type soak struct {
	stack     *stack.Stack
	rng       *rand.Rand
	seed      uint64
	functions []function
	table     *store.Store
	publisher *ebbus.Publisher
	bus       *eventbridge.Client
	sqs       *sqs.Client
	logs      *cloudwatchlogs.Client
	dynamodb  *dynamodb.Client

	runs     []invariants.Run
	letters  []invariants.Letter
	shapes   map[deadletter.Shape]int
	redriven int
	struck   map[string]int // faults that struck, by name
	placed   int            // orders
}

func newSoak(ctx context.Context, s *stack.Stack, cloud aws.Config, seed uint64) (*soak, error) {
	k := &soak{
		stack: s, seed: seed, rng: rand.New(rand.NewPCG(seed, 1)), //nolint:gosec // faults, no secrets
		bus: eventbridge.NewFromConfig(cloud), sqs: sqs.NewFromConfig(cloud), logs: cloudwatchlogs.NewFromConfig(cloud), dynamodb: dynamodb.NewFromConfig(cloud),
		shapes: map[deadletter.Shape]int{}, struck: map[string]int{},
	}
	var err error
	if k.table, err = store.New(store.Config{Client: k.dynamodb, Table: tableName, Now: time.Now}); err != nil {
		return nil, err
	}
	if k.publisher, err = ebbus.New(ebbus.Config{Client: k.bus, BusName: busName, SourcePrefix: "alchemiser", MaxRetries: 9}); err != nil {
		return nil, err
	}
	k.functions, err = functions(ctx, cloud, k.table)
	return k, err
}

// workflows runs n workflows one after the other: they share the broker's account, and each is to trade.
func (k *soak) workflows(ctx context.Context, n int) error {
	for i := range n {
		if err := k.workflow(ctx, i); err != nil {
			return fmt.Errorf("workflow %d: %w", i, err)
		}
		if (i+1)%10 == 0 {
			fmt.Printf("%d of %d workflows, %d orders, %d dead letters redriven\n", i+1, n, k.placed, k.redriven)
		}
	}
	return nil
}

// workflow runs one workflow with a portfolio of its own on a fresh account: first under faults until every event is handled
// or given up, then without until what was given up is handled as well.
func (k *soak) workflow(ctx context.Context, i int) error {
	if err := k.freshAccount(ctx); err != nil {
		return err
	}
	run := invariants.Run{ID: fmt.Sprintf("run-chaos-%d", i)}
	var err error
	if run.Before, err = k.account(ctx); err != nil {
		return err
	}
	if err := k.breakBroker(ctx); err != nil {
		return err
	}
	if err := k.misbehave(ctx, i); err != nil {
		return err
	}
	start := events.Event{
		ID: "start-" + run.ID, CorrelationID: run.ID, CausationID: run.ID, SchemaVersion: events.SchemaVersion, Timestamp: time.Now().UTC(),
		SourceModule: "scheduler", SourceComponent: "chaos", Payload: events.WorkflowStarted{PortfolioID: fmt.Sprintf("main-chaos-%d", i)},
	}
	if err := k.publisher.Publish(ctx, start); err != nil {
		return err
	}
	given, err := k.settle(ctx, start)
	if err != nil {
		return err
	}
	if err := k.mendBroker(ctx); err != nil {
		return err
	}
	if err := k.behave(ctx); err != nil {
		return err
	}
	if err := k.redrive(ctx, given); err != nil {
		return err
	}
	if err := k.await(ctx, look, func() ([]string, error) {
		left, err := k.walk(ctx, start)
		return describe(left), err
	}); err != nil {
		return err
	}
	if run.Orders, err = k.orders(ctx); err != nil {
		return err
	}
	if run.After, err = k.account(ctx); err != nil {
		return err
	}
	k.runs, k.placed = append(k.runs, run), k.placed+len(run.Orders)
	return nil
}

// settle waits until every function has handled every event that follows from start, or has given it up. It returns the
// dead letters.
func (k *soak) settle(ctx context.Context, start events.Event) (given []letter, err error) {
	for end := time.Now().Add(patience); ; {
		taken, err := k.takeLetters(ctx)
		if err != nil {
			return nil, err
		}
		given = append(given, taken...)
		left, err := k.walk(ctx, start)
		if err != nil {
			return nil, err
		}
		left = slices.DeleteFunc(left, func(u unhandled) bool {
			return slices.ContainsFunc(given, func(l letter) bool { return l.of.Name == u.by && l.EventID == u.event.ID })
		})
		if len(left) == 0 {
			return given, nil
		}
		if time.Now().After(end) {
			return nil, fmt.Errorf("after %s these are neither handled nor dead letters: %s", patience, strings.Join(describe(left), ", "))
		}
		if err := pause(ctx, look); err != nil {
			return nil, err
		}
	}
}

// unhandled is an event that a function has not done with.
type unhandled struct {
	event events.Event
	by    string
	claim consumer.Claim // zero if there is none
}

func describe(all []unhandled) []string {
	var words []string
	for _, u := range all {
		words = append(words, fmt.Sprintf("%s %s by %s (%s, claimed by %q until %s)", u.event.Type(), u.event.ID, u.by, u.claim.Status, u.claim.Owner, u.claim.Lease.Format(time.TimeOnly)))
	}
	return words
}

// walk follows the events from start through the outboxes, and returns what is not handled.
func (k *soak) walk(ctx context.Context, start events.Event) (left []unhandled, err error) {
	for open := []events.Event{start}; len(open) > 0; open = open[1:] {
		e := open[0]
		for _, f := range k.functions {
			if !f.Wants(e.Type()) {
				continue
			}
			key := consumer.Key{Function: f.Name, EventID: e.ID}
			claim, _, err := k.table.Get(ctx, key)
			if err != nil {
				return nil, err
			}
			if claim.Status != consumer.StatusDone {
				left = append(left, unhandled{e, f.Name, claim})
				continue
			}
			follow, err := k.table.Outbox(ctx, key)
			if err != nil {
				return nil, err
			}
			open = append(open, follow...)
		}
	}
	return left, nil
}

// aftermath waits for what is still on its way, replays everything, and returns what there is then.
func (k *soak) aftermath(ctx context.Context) (s invariants.Snapshot, err error) {
	if err := k.await(ctx, lookAround, func() ([]string, error) {
		before, err := k.collect(ctx)
		if err != nil {
			return nil, err
		}
		return undone(before, k.names(), ""), nil
	}); err != nil {
		return s, err
	}
	before, err := k.collect(ctx)
	if err != nil {
		return s, err
	}
	ordersBefore, err := k.orders(ctx)
	if err != nil {
		return s, err
	}
	const name = "chaos"
	if err := k.replay(ctx, name); err != nil {
		return s, err
	}
	// On the timeline a replay is the monitor's; what strategy and portfolio would make of it was made long before this is through.
	if err := k.await(ctx, lookAround, func() ([]string, error) {
		if s, err = k.collect(ctx); err != nil {
			return nil, err
		}
		return undone(s, []string{"monitor"}, name+"/"), nil
	}); err != nil {
		return s, err
	}
	orders, err := k.orders(ctx)
	if err != nil {
		return s, err
	}
	s.Replay.Name, s.Replay.NewEvents, s.Replay.NewOrders = name, len(s.Events)-len(before.Events), len(orders)-len(ordersBefore)
	return s, nil
}

func (k *soak) names() (all []string) {
	for _, f := range k.functions {
		all = append(all, f.Name)
	}
	return all
}

// undone names what the functions have not done with, under ids that begin with prefix.
func undone(s invariants.Snapshot, names []string, prefix string) (left []string) {
	for _, f := range s.Functions {
		for _, e := range s.Events {
			key := consumer.Key{Function: f.Name, EventID: prefix + e.ID}
			if slices.Contains(names, f.Name) && f.Wants(e.Type()) && s.Claims[key].Status != consumer.StatusDone {
				left = append(left, f.Name+" "+key.EventID)
			}
		}
	}
	return left
}

// await calls left every so often until it names nothing, redriving what is given up meanwhile. What it still names after a while stays
// as it is: the invariants say what is wrong with it.
func (k *soak) await(ctx context.Context, every time.Duration, left func() ([]string, error)) error {
	for end := time.Now().Add(patience); ; {
		taken, err := k.takeLetters(ctx)
		if err != nil {
			return err
		}
		if err := k.redrive(ctx, taken); err != nil {
			return err
		}
		rest, err := left()
		if err != nil || len(rest) == 0 {
			return err
		}
		if time.Now().After(end) {
			fmt.Printf("after %s without faults these are left: %s\n", patience, strings.Join(rest, ", "))
			return nil
		}
		if err := pause(ctx, every); err != nil {
			return err
		}
	}
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
