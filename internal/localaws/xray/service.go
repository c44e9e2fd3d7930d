// Package xray is AWS X-Ray: segments over UDP as the daemon takes them and over the API, traces put together from
// them, and summaries found by filter expressions.
//
// It does not do service graphs, insights and the analysis of root causes; requests for them are refused.
//
// API: https://docs.aws.amazon.com/xray/latest/api/Welcome.html
package xray

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/the-alchemiser/alchemiser/internal/localaws/clock"
	"github.com/the-alchemiser/alchemiser/internal/localaws/state"
	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

// Config is what the service needs. Store and clock are required.
type Config struct {
	Store *state.Store
	Clock *clock.Clock
	// May says whether the owner of a daemon is allowed an action, such as "xray:PutTraceSegments"; nil allows all.
	May func(owner, action string) bool
	// MaxBytes is about how much is kept: beyond it the oldest traces go. 0 means 256 MiB.
	MaxBytes int
}

// Service is X-Ray. It is safe for concurrent use.
type Service struct {
	cfg      Config
	segments state.Table[record]
	groups   state.Table[groupRecord]
	rules    state.Table[storedRule]
	// incoming are segments on their way to the store: tracing must not hold up whoever is traced.
	incoming chan document
	closed   chan struct{}

	// mu guards what follows and makes changes of groups and rules one at a time.
	mu      sync.Mutex
	held    held
	daemons map[string]*daemon // by owner
	serving bool
}

// New returns the service with what the store holds.
func New(cfg Config) (*Service, error) {
	if cfg.Store == nil || cfg.Clock == nil {
		return nil, errors.New("xray: store and clock are required")
	}
	if cfg.MaxBytes == 0 {
		cfg.MaxBytes = 256 << 20
	}
	s := &Service{
		cfg: cfg, segments: state.NewTable[record](cfg.Store, "xray.segments"),
		groups: state.NewTable[groupRecord](cfg.Store, "xray.groups"), rules: state.NewTable[storedRule](cfg.Store, "xray.rules"),
		incoming: make(chan document, 4096), closed: make(chan struct{}),
		daemons: map[string]*daemon{},
	}
	err := s.segments.Scan("", "", func(_ string, r record) bool { s.held.add(len(r.Document)); return true })
	if err != nil {
		return nil, fmt.Errorf("load segments: %w", err)
	}
	return s, nil
}

// DaemonFor returns "127.0.0.1:PORT", where the X-Ray SDKs of an owner send segments (UDP) and ask for sampling rules (TCP):
// the value of AWS_XRAY_DAEMON_ADDRESS. Each owner, such as the role of a function, has a daemon of its own, which acts with
// the owner's permissions.
func (s *Service) DaemonFor(owner string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d, ok := s.daemons[owner]
	if !ok {
		var err error
		if d, err = s.newDaemon(owner); err != nil {
			return "", fmt.Errorf("open the daemon's port: %w", err)
		}
		s.daemons[owner] = d
		if s.serving {
			d.start()
		}
	}
	return d.udp.LocalAddr().String(), nil
}

// PutSegment hands a segment document over to be stored. A document that is not a segment is an error. It does not wait
// for the store.
func (s *Service) PutSegment(ctx context.Context, raw []byte) error {
	doc, err := decode(raw)
	if err != nil {
		return err
	}
	select {
	case s.incoming <- doc:
		return nil
	case <-s.closed:
		return nil // the endpoint ends
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Inventory returns the ARNs of the groups and sampling rules; traces are data, not resources.
func (s *Service) Inventory() ([]string, error) {
	groups, err := s.allGroups()
	if err != nil {
		return nil, err
	}
	rules, err := s.allRules()
	var arns []string
	for _, g := range groups {
		arns = append(arns, g.GroupARN)
	}
	for _, r := range rules {
		arns = append(arns, r.SamplingRule.RuleARN)
	}
	return arns, err
}

// API returns the operations.
func (s *Service) API() wire.Service {
	return wire.Service{
		Name: "xray", Protocol: wire.REST, Access: s.access,
		Gaps: []string{
			"There are no telemetry records, insights, root causes, indexing rules and resource policies: a client gets UnknownOperationException.",
			"The oldest traces go when there are more than 200,000 segments or 256 MiB of them.",
			"Traces are complete as soon as they are sent: there is no delay of indexing.",
		},
		Operations: []wire.Operation{
			wire.Rest("PutTraceSegments", "POST", "/TraceSegments", s.putSegments),
			wire.Rest("GetTraceSummaries", "POST", "/TraceSummaries", s.getSummaries).
				But("TimeRangeType, Sampling and SamplingStrategy are ignored: all traces that began in the time are looked at; the filter keywords edge, group, inferred, root, first, last, index, remote, coverage, message, instance.id, availabilityzone and rootcause are refused."),
			wire.Rest("BatchGetTraces", "POST", "/Traces", s.getTraces),
			wire.Rest("GetServiceGraph", "POST", "/ServiceGraph", s.getServiceGraph).But("All services come in one answer; durations are counted by the millisecond."),
			wire.Rest("GetTraceGraph", "POST", "/TraceGraph", s.getTraceGraph),
			wire.Rest("CreateGroup", "POST", "/CreateGroup", s.createGroup).But("Insights are noted and never found."),
			wire.Rest("GetGroup", "POST", "/GetGroup", s.getGroup),
			wire.Rest("GetGroups", "POST", "/Groups", s.getGroups),
			wire.Rest("UpdateGroup", "POST", "/UpdateGroup", s.updateGroup),
			wire.Rest("DeleteGroup", "POST", "/DeleteGroup", s.deleteGroup),
			wire.Rest("CreateSamplingRule", "POST", "/CreateSamplingRule", s.createRule),
			wire.Rest("UpdateSamplingRule", "POST", "/UpdateSamplingRule", s.updateRule),
			wire.Rest("DeleteSamplingRule", "POST", "/DeleteSamplingRule", s.deleteRule),
			wire.Rest("GetSamplingRules", "POST", "/GetSamplingRules", s.getSamplingRules).
				But("The default rule takes every request, not one a second and 5 % of the rest, and cannot be changed."),
			wire.Rest("GetSamplingTargets", "POST", "/SamplingTargets", s.getSamplingTargets).
				But("Every host gets the whole reservoir of a rule."),
			wire.Rest("ListTagsForResource", "POST", "/ListTagsForResource", s.listTags),
			wire.Rest("TagResource", "POST", "/TagResource", s.tag),
			wire.Rest("UntagResource", "POST", "/UntagResource", s.untag),
		},
	}
}
