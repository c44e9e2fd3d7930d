// Package logs is Amazon CloudWatch Logs: groups, streams, events, filter patterns, resource policies and metric
// filters as resources.
//
// It does not do Insights queries, live tail, subscriptions and exports; requests for them are refused.
//
// API: https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/Welcome.html
package logs

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/the-alchemiser/alchemiser/internal/localaws/arn"
	"github.com/the-alchemiser/alchemiser/internal/localaws/clock"
	"github.com/the-alchemiser/alchemiser/internal/localaws/delivery"
	"github.com/the-alchemiser/alchemiser/internal/localaws/metrics"
	"github.com/the-alchemiser/alchemiser/internal/localaws/state"
	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

// Config is what the service needs. Store and clock are required.
type Config struct {
	Store *state.Store
	Clock *clock.Clock
	// Metrics gets what lines in the embedded metric format say; nil discards it.
	Metrics metrics.Sink
	// MaxBytes is about how much is kept in all groups together; beyond it the oldest lines of the largest group go. 0 means
	// 256 MiB.
	MaxBytes int64
}

// Service is CloudWatch Logs. It is safe for concurrent use.
type Service struct {
	cfg      Config
	groups   state.Table[group]
	streams  state.Table[stream]
	events   state.Table[event]
	policies state.Table[policyRecord]
	metrics  state.Table[MetricFilter]
	// last numbers events: it tells those of one millisecond apart and keeps their order.
	last atomic.Uint64
	// ingested are the bytes that have come since they were last counted; crowded wakes the loop when they are many.
	ingested atomic.Int64
	crowded  chan struct{}

	// mu guards the groups, streams, policies and filters; events are only ever added and swept.
	mu     sync.RWMutex
	byName map[string]*open
}

// open is a group with its streams by name.
type open struct {
	group
	streams map[string]stream
}

// group is a log group as it is stored.
type group struct {
	// ID tells this group from an earlier one of the same name, so that no event of the old one can come back.
	ID        uint64
	Name      string
	Class     string
	KMSKey    string `json:",omitempty"`
	Created   int64
	Retention int               `json:",omitempty"`
	Tags      map[string]string `json:",omitempty"`
}

func (g group) arn() string { return arn.New("logs", "log-group:"+g.Name) }

// rows is the prefix of the rows of all events of the group, oldest first.
func (g group) rows() string { return fmt.Sprintf("%016x/", g.ID) }

// stream is a log stream as it is stored. Times are milliseconds since the epoch.
type stream struct {
	Name     string
	Created  int64
	First    int64
	Last     int64
	Ingested int64
}

func streamRow(g group, name string) string { return g.rows() + name }

// event is one line as it is stored.
type event struct {
	Stream   string
	Time     int64
	Ingested int64
	Message  string
}

var _ delivery.Receiver = (*Service)(nil)

// New returns the service with what the store holds.
func New(cfg Config) (*Service, error) {
	if cfg.Store == nil || cfg.Clock == nil {
		return nil, errors.New("logs: store and clock are required")
	}
	if cfg.Metrics == nil {
		cfg.Metrics = metrics.Discard{}
	}
	if cfg.MaxBytes == 0 {
		cfg.MaxBytes = 256 << 20
	}
	s := &Service{
		cfg:      cfg,
		groups:   state.NewTable[group](cfg.Store, "logs.groups"),
		streams:  state.NewTable[stream](cfg.Store, "logs.streams"),
		events:   state.NewTable[event](cfg.Store, "logs.events"),
		policies: state.NewTable[policyRecord](cfg.Store, "logs.policies"),
		metrics:  state.NewTable[MetricFilter](cfg.Store, "logs.metricfilters"),
		byName:   map[string]*open{},
		crowded:  make(chan struct{}, 1),
	}
	// The time is greater than any number given before the last restart.
	s.last.Store(uint64(max(cfg.Clock.Now().UnixNano(), 1)))
	if err := s.load(); err != nil {
		return nil, fmt.Errorf("load log groups: %w", err)
	}
	return s, nil
}

func (s *Service) load() error {
	var groups []*open
	err := s.groups.Scan("", "", func(name string, g group) bool {
		o := &open{group: g, streams: map[string]stream{}}
		s.byName[name] = o
		groups = append(groups, o)
		return true
	})
	for _, o := range groups {
		err = errors.Join(err, s.streams.Scan(o.rows(), "", func(_ string, st stream) bool {
			o.streams[st.Name] = st
			return true
		}))
	}
	return err
}

// Run deletes events beyond their retention once an hour, and the oldest when there are too many, until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	tick := time.NewTicker(time.Hour)
	defer tick.Stop()
	for {
		moved := s.cfg.Clock.Changed()
		if err := s.sweep(); err != nil {
			return fmt.Errorf("expire log events: %w", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			if err := s.bound(); err != nil {
				return err
			}
		case <-s.crowded:
			if err := s.bound(); err != nil {
				return err
			}
		case <-moved:
		}
	}
}

// sweep deletes the events beyond their retention.
func (s *Service) sweep() error {
	s.mu.RLock()
	var kept []group
	for _, o := range s.byName {
		if o.Retention > 0 {
			kept = append(kept, o.group)
		}
	}
	s.mu.RUnlock()
	for _, g := range kept {
		oldest := s.now() - retention(g.Retention).Milliseconds()
		if err := s.dropEvents(g, func(e event) bool { return e.Time < oldest }); err != nil {
			return err
		}
	}
	return nil
}

func retention(days int) time.Duration { return time.Duration(days) * 24 * time.Hour }

// dropEvents deletes events of a group from the oldest on while they satisfy old, a thousand a commit.
func (s *Service) dropEvents(g group, old func(event) bool) error {
	for {
		var rows []string
		err := s.events.Scan(g.rows(), "", func(row string, e event) bool {
			if !old(e) {
				return false
			}
			rows = append(rows, row)
			return len(rows) < 1000
		})
		if err != nil || len(rows) == 0 {
			return err
		}
		err = s.cfg.Store.Update(func(tx *state.Tx) error {
			for _, row := range rows {
				s.events.DeleteTx(tx, row)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
}

// Inventory returns the ARNs of all log groups.
func (s *Service) Inventory() ([]string, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var arns []string
	for _, name := range slices.Sorted(maps.Keys(s.byName)) {
		arns = append(arns, s.byName[name].arn())
	}
	return arns, nil
}

// now returns the time in milliseconds, the unit of everything in CloudWatch Logs.
func (s *Service) now() int64 { return s.cfg.Clock.Now().UnixMilli() }

// find returns a group by name or ARN. The caller holds the lock.
func (s *Service) find(nameOrARN string) (*open, error) {
	if o, ok := s.byName[groupName(nameOrARN)]; ok {
		return o, nil
	}
	return nil, wire.Errorf("ResourceNotFoundException", "The specified log group does not exist.")
}

// groupName returns the name in an ARN, with or without ":*" at its end, or the name itself.
func groupName(nameOrARN string) string {
	a, ok := arn.Parse(nameOrARN)
	if !ok {
		return nameOrARN
	}
	return strings.TrimSuffix(strings.TrimPrefix(a.Resource, "log-group:"), ":*")
}

func errParameter(format string, args ...any) *wire.Error {
	return wire.Errorf("InvalidParameterException", format, args...)
}

// API returns the operations of CloudWatch Logs.
func (s *Service) API() wire.Service {
	return wire.Service{
		Name: "logs", Protocol: wire.JSON11, Target: "Logs_20140328", Access: s.access,
		Gaps: []string{
			"There are no Insights queries, live tails, exports, delivery destinations and anomaly detectors: a client gets UnknownOperationException.",
			"storedBytes is always 0; about 256 MiB of lines are kept, beyond which the oldest of the largest group go.",
		},
		Operations: []wire.Operation{
			wire.Op("CreateLogGroup", s.createGroup).But("A KMS key is noted and nothing is encrypted."),
			wire.Op("DeleteLogGroup", s.deleteGroup),
			wire.Op("DescribeLogGroups", s.describeGroups),
			wire.Op("PutRetentionPolicy", s.putRetention),
			wire.Op("DeleteRetentionPolicy", s.deleteRetention),
			wire.Op("ListTagsForResource", s.listTags),
			wire.Op("TagResource", s.tag),
			wire.Op("UntagResource", s.untag),
			wire.Op("ListTagsLogGroup", s.listTags),
			wire.Op("TagLogGroup", s.tag),
			wire.Op("UntagLogGroup", s.untagGroup),
			wire.Op("CreateLogStream", s.createStream),
			wire.Op("DeleteLogStream", s.deleteStream),
			wire.Op("DescribeLogStreams", s.describeStreams),
			wire.Op("PutLogEvents", s.putEvents),
			wire.Op("GetLogEvents", s.getEvents),
			wire.Op("FilterLogEvents", s.filterEvents).But("A call searches the whole group before it answers; searchedLogStreams is empty, as on AWS today."),
			wire.Op("PutResourcePolicy", s.putPolicy),
			wire.Op("DescribeResourcePolicies", s.describePolicies),
			wire.Op("DeleteResourcePolicy", s.deletePolicy),
			wire.Op("PutMetricFilter", s.putMetricFilter).But("The filter is kept and counts nothing."),
			wire.Op("DescribeMetricFilters", s.describeMetricFilters),
			wire.Op("DeleteMetricFilter", s.deleteMetricFilter),
			wire.Op("PutSubscriptionFilter", s.putSubscription).But("It is always refused: nothing is delivered to subscribers."),
			wire.Op("DescribeSubscriptionFilters", s.describeSubscriptions).But("The list is always empty."),
		},
	}
}
