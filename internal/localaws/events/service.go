// Package events is Amazon EventBridge: buses, rules, targets, archives and replays, and the delivery of matched
// events to targets with retries and dead letter queues. What is accepted lies in the store together with its pending
// deliveries before it is acknowledged; definitions are also kept in memory, where events are matched.
//
// It does not do schedules of rules, API destinations, connections, endpoints and partner buses; requests for them are
// refused.
//
// API: https://docs.aws.amazon.com/eventbridge/latest/APIReference/Welcome.html
package events

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/the-alchemiser/alchemiser/internal/localaws/clock"
	"github.com/the-alchemiser/alchemiser/internal/localaws/delivery"
	"github.com/the-alchemiser/alchemiser/internal/localaws/events/pattern"
	"github.com/the-alchemiser/alchemiser/internal/localaws/faults"
	"github.com/the-alchemiser/alchemiser/internal/localaws/metrics"
	"github.com/the-alchemiser/alchemiser/internal/localaws/state"
	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

// Config is what the service needs.
type Config struct {
	Store  *state.Store
	Clock  *clock.Clock
	Sender delivery.Sender
	// RetryScale multiplies the delays between delivery attempts; 0 means 1, as on AWS.
	RetryScale float64
	// MaxPending is how many deliveries may wait before events are refused as throttled; 0 means 100,000.
	MaxPending int
	// Faults strike entries and deliveries; nil injects none.
	Faults *faults.Injector
	// Metrics gets the service's own metrics; nil discards them.
	Metrics metrics.Sink
}

// Service is EventBridge. It is safe for concurrent use.
type Service struct {
	cfg    Config
	tables tables
	queue  *queue
	// replay wakes the loop that replays.
	replay chan struct{}
	// scheduled wakes the loop of rules with schedules.
	scheduled chan struct{}
	// stepping is held while a replay is moved on; it is taken before mu.
	stepping sync.Mutex

	mu       sync.RWMutex // guards what follows and the tables of the same names
	buses    map[string]bus
	rules    map[string]map[string]*compiledRule      // by bus and name
	index    map[string]*pattern.Index[*compiledRule] // by bus: the rules that are enabled
	archives map[string]archive
	replays  map[string]replay
}

// tables are the service's own in the store.
type tables struct {
	buses    state.Table[bus]
	rules    state.Table[rule]
	archives state.Table[archive]
	archived state.Table[archivedEvent]
	replays  state.Table[replay]
	pending  state.Table[pending]
}

var _ delivery.Receiver = (*Service)(nil)

// New returns the service with what the store holds.
func New(cfg Config) (*Service, error) {
	if cfg.Store == nil || cfg.Clock == nil || cfg.Sender == nil {
		return nil, errors.New("events: store, clock and sender are required")
	}
	if cfg.RetryScale == 0 {
		cfg.RetryScale = 1
	}
	if cfg.MaxPending == 0 {
		cfg.MaxPending = 100_000
	}
	s := &Service{
		cfg: cfg,
		tables: tables{
			buses:    state.NewTable[bus](cfg.Store, "events.buses"),
			rules:    state.NewTable[rule](cfg.Store, "events.rules"),
			archives: state.NewTable[archive](cfg.Store, "events.archives"),
			archived: state.NewTable[archivedEvent](cfg.Store, "events.archived"),
			replays:  state.NewTable[replay](cfg.Store, "events.replays"),
			pending:  state.NewTable[pending](cfg.Store, "events.pending"),
		},
		queue:     newQueue(),
		replay:    make(chan struct{}, 1),
		scheduled: make(chan struct{}, 1),
		buses:     map[string]bus{},
		rules:     map[string]map[string]*compiledRule{},
		index:     map[string]*pattern.Index[*compiledRule]{},
		archives:  map[string]archive{},
		replays:   map[string]replay{},
	}
	if err := s.load(); err != nil {
		return nil, fmt.Errorf("load events: %w", err)
	}
	return s, nil
}

func (s *Service) load() error {
	var broken error
	err := errors.Join(
		s.tables.buses.Scan("", "", func(name string, b bus) bool { s.buses[name] = b; return true }),
		s.tables.rules.Scan("", "", func(_ string, r rule) bool {
			broken = s.remember(r)
			return broken == nil
		}),
		s.tables.archives.Scan("", "", func(name string, a archive) bool { s.archives[name] = a; return true }),
		s.tables.replays.Scan("", "", func(name string, r replay) bool { s.replays[name] = r; return true }),
		s.tables.pending.Scan("", "", func(key string, p pending) bool { s.queue.restore(key, p); return true }),
	)
	for bus := range s.rules {
		s.reindex(bus)
	}
	if _, ok := s.buses[defaultBus]; !ok && err == nil {
		err = s.putBus(bus{Name: defaultBus, Created: s.now(), Modified: s.now()})
	}
	return errors.Join(err, broken)
}

// API returns the operations.
func (s *Service) API() wire.Service {
	return wire.Service{
		Name: "events", Protocol: wire.JSON11, Target: "AWSEvents",
		Access: s.access,
		Gaps: []string{
			"A scheduled event of a rule that is more than a minute late, as the endpoint was down, is left out; there are no API destinations, connections, global endpoints, partner and second-generation buses.",
			"A replay begins after two seconds and sends 1,000 events a second; on AWS it takes minutes.",
			"A retry waits 50 to 100 % of its step: AWS says exponential back off with jitter, not how long.",
			"Patterns longer than 2,048 characters are taken.",
			"FIFO queues cannot be targets.",
		},
		Operations: []wire.Operation{
			wire.Op("CreateEventBus", s.createEventBus),
			wire.Op("DescribeEventBus", s.describeEventBus),
			wire.Op("UpdateEventBus", s.updateEventBus),
			wire.Op("DeleteEventBus", s.deleteEventBus),
			wire.Op("ListEventBuses", s.listEventBuses),
			wire.Op("PutPermission", s.putPermission),
			wire.Op("RemovePermission", s.removePermission),
			wire.Op("PutRule", s.putRule),
			wire.Op("DescribeRule", s.describeRule),
			wire.Op("DeleteRule", s.deleteRule),
			wire.Op("EnableRule", s.enableRule),
			wire.Op("DisableRule", s.disableRule),
			wire.Op("ListRules", s.listRules),
			wire.Op("ListRuleNamesByTarget", s.listRuleNamesByTarget),
			wire.Op("PutTargets", s.putTargets),
			wire.Op("RemoveTargets", s.removeTargets),
			wire.Op("ListTargetsByRule", s.listTargetsByRule),
			wire.Op("TagResource", s.tagResource),
			wire.Op("UntagResource", s.untagResource),
			wire.Op("ListTagsForResource", s.listTagsForResource),
			wire.Op("CreateArchive", s.createArchive),
			wire.Op("DescribeArchive", s.describeArchive),
			wire.Op("UpdateArchive", s.updateArchive),
			wire.Op("DeleteArchive", s.deleteArchive),
			wire.Op("ListArchives", s.listArchives),
			wire.Op("StartReplay", s.startReplay),
			wire.Op("DescribeReplay", s.describeReplay),
			wire.Op("CancelReplay", s.cancelReplay),
			wire.Op("ListReplays", s.listReplays),
			wire.Op("TestEventPattern", s.testEventPattern),
			wire.Op("PutEvents", s.putEvents),
		},
	}
}

// Run delivers events, sends scheduled ones, replays archives and drops archived events beyond their retention until ctx ends. What was not
// delivered by then is delivered by the next service on the same store.
func (s *Service) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return s.deliver(ctx) })
	g.Go(func() error { return s.runReplays(ctx) })
	g.Go(func() error { return s.runSchedules(ctx) })
	g.Go(func() error { return s.expireArchives(ctx) })
	return g.Wait()
}

// maxPendingBytes bounds the memory of what waits, whatever the number.
const maxPendingBytes = 256 << 20

// full says whether so much waits for its delivery that events are refused: an endpoint that is overloaded pushes back with
// AWS's throttling error, and drops nothing.
func (s *Service) full() bool { return s.queue.full(s.cfg.MaxPending, maxPendingBytes) }

// Inventory returns the ARNs of all buses but the default one, rules that no archive manages, and archives.
func (s *Service) Inventory() ([]string, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var arns []string
	for name, b := range s.buses {
		if name != defaultBus {
			arns = append(arns, b.arn())
		}
	}
	for _, rules := range s.rules {
		for _, r := range rules {
			if r.ManagedBy == "" {
				arns = append(arns, r.arn())
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.archives)) {
		arns = append(arns, archiveARN(name))
	}
	slices.Sort(arns)
	return arns, nil
}
