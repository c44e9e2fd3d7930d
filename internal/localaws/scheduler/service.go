// Package scheduler is Amazon EventBridge Scheduler: schedule groups and schedules that fire by the endpoint's clock.
// A firing and its retries lie in the store from the moment that the schedule is due. What fell due while the endpoint was
// down fires once when it is up again, however many times it was due.
//
// It does not do universal targets, targets other than Lambda, SQS, SNS and EventBridge's PutEvents, nor encryption;
// requests for them are refused.
//
// API: https://docs.aws.amazon.com/scheduler/latest/APIReference/Welcome.html
package scheduler

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
	_ "time/tzdata" // zones must be known on any machine

	"golang.org/x/sync/errgroup"

	"github.com/the-alchemiser/alchemiser/internal/localaws/clock"
	"github.com/the-alchemiser/alchemiser/internal/localaws/delivery"
	"github.com/the-alchemiser/alchemiser/internal/localaws/metrics"
	"github.com/the-alchemiser/alchemiser/internal/localaws/state"
	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

// Config is what the service needs.
type Config struct {
	Store  *state.Store
	Clock  *clock.Clock
	Sender delivery.Sender
	// RetryScale multiplies the delays between attempts; 0 means 1, as on AWS.
	RetryScale float64
	// Metrics counts invocations; without it nothing does.
	Metrics metrics.Sink
}

// Service is EventBridge Scheduler. It is safe for concurrent use.
type Service struct {
	cfg    Config
	tables tables
	// wake tells the loop that something may be due sooner.
	wake chan struct{}

	mu          sync.Mutex // guards what follows and the tables of the same names
	groups      map[string]group
	schedules   map[string]schedule // by group and name
	invocations map[string]invocation
}

// tables are the service's own in the store.
type tables struct {
	groups      state.Table[group]
	schedules   state.Table[schedule]
	invocations state.Table[invocation]
}

// New returns the service with what the store holds.
func New(cfg Config) (*Service, error) {
	if cfg.Store == nil || cfg.Clock == nil || cfg.Sender == nil {
		return nil, errors.New("scheduler: store, clock and sender are required")
	}
	if cfg.RetryScale == 0 {
		cfg.RetryScale = 1
	}
	if cfg.Metrics == nil {
		cfg.Metrics = metrics.Discard{}
	}
	s := &Service{
		cfg: cfg,
		tables: tables{
			groups:      state.NewTable[group](cfg.Store, "scheduler.groups"),
			schedules:   state.NewTable[schedule](cfg.Store, "scheduler.schedules"),
			invocations: state.NewTable[invocation](cfg.Store, "scheduler.invocations"),
		},
		wake:   make(chan struct{}, 1),
		groups: map[string]group{}, schedules: map[string]schedule{}, invocations: map[string]invocation{},
	}
	err := errors.Join(
		s.tables.groups.Scan("", "", func(key string, g group) bool { s.groups[key] = g; return true }),
		s.tables.schedules.Scan("", "", func(key string, sc schedule) bool { s.schedules[key] = sc; return true }),
		s.tables.invocations.Scan("", "", func(key string, i invocation) bool { s.invocations[key] = i; return true }),
	)
	if err != nil {
		return nil, fmt.Errorf("load schedules: %w", err)
	}
	if _, ok := s.groups[defaultGroup]; !ok {
		err = s.putGroup(group{Name: defaultGroup, Created: s.now(), Modified: s.now()})
	}
	return s, err
}

// API returns the operations.
func (s *Service) API() wire.Service {
	return wire.Service{
		Name: "scheduler", Protocol: wire.REST,
		Access: s.access,
		Gaps: []string{
			"Targets are Lambda, SQS, SNS and EventBridge's PutEvents; there are no universal targets and no encryption.",
			"What fell due while the endpoint was down fires once when it is up again, however many times it was due.",
			"There are up to 100,000 schedules; AWS has a million.",
		},
		Operations: []wire.Operation{
			wire.Rest("CreateSchedule", "POST", "/schedules/{Name}", s.createSchedule),
			wire.Rest("GetSchedule", "GET", "/schedules/{Name}", s.getSchedule),
			wire.Rest("UpdateSchedule", "PUT", "/schedules/{Name}", s.updateSchedule),
			wire.Rest("DeleteSchedule", "DELETE", "/schedules/{Name}", s.deleteSchedule),
			wire.Rest("ListSchedules", "GET", "/schedules", s.listSchedules),
			wire.Rest("CreateScheduleGroup", "POST", "/schedule-groups/{Name}", s.createGroup),
			wire.Rest("GetScheduleGroup", "GET", "/schedule-groups/{Name}", s.getGroup),
			wire.Rest("DeleteScheduleGroup", "DELETE", "/schedule-groups/{Name}", s.deleteGroup),
			wire.Rest("ListScheduleGroups", "GET", "/schedule-groups", s.listGroups),
			wire.Rest("TagResource", "POST", "/tags/{ResourceArn}", s.tagResource),
			wire.Rest("UntagResource", "DELETE", "/tags/{ResourceArn}", s.untagResource),
			wire.Rest("ListTagsForResource", "GET", "/tags/{ResourceArn}", s.listTags),
		},
	}
}

// attempts is how many targets are invoked at once.
const attempts = 16

// Run fires schedules and retries invocations until ctx ends. What was not delivered by then is delivered by the next
// service on the same store.
func (s *Service) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(attempts)
	busy := newBusy()
	for {
		changed := s.cfg.Clock.Changed()
		if err := s.fireDue(); err != nil {
			return errors.Join(err, g.Wait())
		}
		for _, key := range s.dueInvocations(busy) {
			g.Go(func() error {
				defer s.nudge()
				defer busy.remove(key)
				return s.attempt(ctx, key)
			})
		}
		var due <-chan time.Time
		if at, ok := s.nextDue(busy); ok {
			due = time.After(at.Sub(s.now()))
		}
		select {
		case <-ctx.Done():
			return g.Wait()
		case <-due:
		case <-changed:
			if err := s.replan(); err != nil {
				return errors.Join(err, g.Wait())
			}
		case <-s.wake:
		}
	}
}

// nudge lets the loop look again.
func (s *Service) nudge() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Inventory returns the ARNs of all groups but the default one, and of all schedules.
func (s *Service) Inventory() ([]string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var arns []string
	for name := range s.groups {
		if name != defaultGroup {
			arns = append(arns, groupARN(name))
		}
	}
	for _, sc := range s.schedules {
		arns = append(arns, sc.arn())
	}
	slices.Sort(arns)
	return arns, nil
}

func (s *Service) now() time.Time { return s.cfg.Clock.Now().UTC() }
