package lambda

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/the-alchemiser/alchemiser/internal/localaws/arn"
	"github.com/the-alchemiser/alchemiser/internal/localaws/events/pattern"
	"github.com/the-alchemiser/alchemiser/internal/localaws/state"
	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

// mapping is an event source mapping: a queue whose messages Lambda reads and hands to a function.
// https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html
type mapping struct {
	UUID, QueueARN      string
	Function, Qualifier string
	BatchSize           int
	// Window is how many seconds a batch may wait to be filled.
	Window int
	// Filters are event patterns: a message that none of them matches is deleted; none let everything through.
	Filters []string `json:",omitempty"`
	// ReportsFailures says that the function tells which messages of a batch failed.
	ReportsFailures bool
	// MaximumConcurrency is how many batches are worked on at once; 0 is Lambda's default.
	MaximumConcurrency int
	Enabled            bool
	Modified           time.Time
	Tags               map[string]string `json:",omitempty"`
	// Revision changes whenever the queue has to be read in another way.
	Revision string
}

// arn returns the ARN of the mapping itself.
func (m mapping) arn() string { return arn.New("lambda", mappingPrefix+m.UUID) }

const mappingPrefix = "event-source-mapping:"

// mappingOf returns the UUID in the ARN of a mapping; ok is false if it is not one.
func mappingOf(s string) (uuid string, ok bool) {
	a, _ := arn.Parse(s)
	return strings.CutPrefix(a.Resource, mappingPrefix)
}

// state is how the mapping stands once a change has taken effect, which it has here when the change is answered.
func (m mapping) state() string {
	if m.Enabled {
		return "Enabled"
	}
	return "Disabled"
}

// patterns compiles the filters.
func (m mapping) patterns() ([]*pattern.Pattern, error) {
	var all []*pattern.Pattern
	for _, text := range m.Filters {
		p, err := pattern.Compile(text)
		if err != nil {
			return nil, invalid("Invalid filter pattern definition.")
		}
		all = append(all, p)
	}
	return all, nil
}

type (
	filter         struct{ Pattern string }
	filterCriteria struct{ Filters []filter }
	scalingConfig  struct {
		MaximumConcurrency *int `json:",omitempty"`
	}
)

// mappingOutput is what the API shows of a mapping.
// https://docs.aws.amazon.com/lambda/latest/api/API_EventSourceMappingConfiguration.html
type mappingOutput struct {
	UUID                           string
	EventSourceMappingArn          string
	EventSourceArn                 string
	FunctionARN                    string `json:"FunctionArn"`
	BatchSize                      int
	MaximumBatchingWindowInSeconds int             // a client must see a 0
	FilterCriteria                 *filterCriteria `json:",omitempty"`
	FunctionResponseTypes          []string
	ScalingConfig                  *scalingConfig `json:",omitempty"`
	LastModified                   wire.Time
	State                          string
	StateTransitionReason          string
	Status                         int `status:"" json:"-"`
}

// output shows the mapping in a state.
func (m mapping) output(state string) mappingOutput {
	out := mappingOutput{
		UUID: m.UUID, EventSourceMappingArn: m.arn(), EventSourceArn: m.QueueARN,
		FunctionARN: functionARN(m.Function, m.Qualifier),
		BatchSize:   m.BatchSize, MaximumBatchingWindowInSeconds: m.Window, FunctionResponseTypes: []string{},
		LastModified: wire.Time{Time: m.Modified}, State: state, StateTransitionReason: "USER_INITIATED",
	}
	if m.ReportsFailures {
		out.FunctionResponseTypes = append(out.FunctionResponseTypes, reportFailures)
	}
	for _, text := range m.Filters {
		if out.FilterCriteria == nil {
			out.FilterCriteria = &filterCriteria{}
		}
		out.FilterCriteria.Filters = append(out.FilterCriteria.Filters, filter{text})
	}
	if m.MaximumConcurrency > 0 {
		out.ScalingConfig = &scalingConfig{&m.MaximumConcurrency}
	}
	return out
}

// mappings are all mappings, in the store and in memory. It is safe for concurrent use.
type mappings struct {
	table state.Table[mapping]

	mu   sync.Mutex
	all  map[string]mapping
	next chan struct{}
}

func newMappings(store *state.Store) (*mappings, error) {
	m := &mappings{table: state.NewTable[mapping](store, "lambda.mappings"), all: map[string]mapping{}, next: make(chan struct{})}
	err := m.table.Scan("", "", func(uuid string, found mapping) bool {
		m.all[uuid] = found
		return true
	})
	if err != nil {
		return nil, fmt.Errorf("load event source mappings: %w", err)
	}
	return m, nil
}

var errNoMapping error = notFound("The resource you requested does not exist.")

func (m *mappings) get(uuid string) (mapping, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	found, ok := m.all[uuid]
	if !ok {
		return mapping{}, errNoMapping
	}
	return found, nil
}

// list returns the mappings in the order of their ids, and a channel that is closed when they change.
func (m *mappings) list() (all []mapping, changed <-chan struct{}) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, uuid := range slices.Sorted(maps.Keys(m.all)) {
		all = append(all, m.all[uuid])
	}
	return all, m.next
}

// add stores a new mapping, unless there is one of the same queue and function.
func (m *mappings) add(added mapping) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, other := range m.all {
		if other.QueueARN == added.QueueARN && other.Function == added.Function && other.Qualifier == added.Qualifier {
			return conflict("An event source mapping with SQS arn (\" %s \") and function (\" %s \") already exists. "+
				"Please update or delete the existing mapping with UUID %s", added.QueueARN, added.Function, other.UUID)
		}
	}
	return m.store(added)
}

// change replaces a mapping by what edit makes of it. An error of edit changes nothing.
func (m *mappings) change(uuid string, edit func(*mapping) error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	next, ok := m.all[uuid]
	if !ok {
		return errNoMapping
	}
	if err := edit(&next); err != nil {
		return err
	}
	return m.store(next)
}

// store writes a mapping; m.mu is held.
func (m *mappings) store(next mapping) error {
	if err := m.table.Put(next.UUID, next); err != nil {
		return fmt.Errorf("store event source mapping %s: %w", next.UUID, err)
	}
	m.all[next.UUID] = next
	m.tell()
	return nil
}

// remove deletes a mapping and returns it.
func (m *mappings) remove(uuid string) (mapping, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	old, ok := m.all[uuid]
	if !ok {
		return mapping{}, errNoMapping
	}
	if err := m.table.Delete(uuid); err != nil {
		return mapping{}, fmt.Errorf("delete event source mapping %s: %w", uuid, err)
	}
	delete(m.all, uuid)
	m.tell()
	return old, nil
}

// tell wakes who waits for a change; m.mu is held.
func (m *mappings) tell() {
	close(m.next)
	m.next = make(chan struct{})
}
