package events

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/the-alchemiser/alchemiser/internal/localaws/arn"
	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

const defaultBus = "default"

// bus is an event bus as it is stored.
type bus struct {
	Name, Description string
	Created, Modified time.Time
	Policy            json.RawMessage `json:",omitempty"`
	Tags              map[string]string
	// DeadLetter is kept and shown; nothing comes to it here.
	DeadLetter *DeadLetterConfig `json:",omitempty"`
	// Key is what the bus calls its key of KMS.
	Key string `json:",omitempty"`
}

func busARN(name string) string { return arn.New("events", "event-bus/"+name) }

func (b bus) arn() string { return busARN(b.Name) }

// DeadLetterConfig names a queue.
type DeadLetterConfig struct {
	Arn string `json:",omitempty"`
}

// busName returns the name of a bus given by name, by ARN or not at all. ok is false for one of another account or
// region.
func busName(nameOrARN string) (name string, ok bool) {
	if nameOrARN == "" {
		return defaultBus, true
	}
	a, isARN := arn.Parse(nameOrARN)
	if !isARN {
		return nameOrARN, true
	}
	name, isBus := strings.CutPrefix(a.Resource, "event-bus/")
	return name, isBus && a.Service == "events" && a.Region == arn.Region && a.Account == arn.Account
}

// bus returns the bus given by name or ARN. The caller holds the lock.
func (s *Service) bus(nameOrARN string) (bus, *wire.Error) {
	name, ok := busName(nameOrARN)
	b, found := s.buses[name]
	if !ok || !found {
		return bus{}, notFound("Event bus %s does not exist.", name)
	}
	return b, nil
}

// putBus stores b. The caller holds the lock.
func (s *Service) putBus(b bus) error {
	if err := s.tables.buses.Put(b.Name, b); err != nil {
		return err
	}
	s.buses[b.Name] = b
	return nil
}

// BusSpec is the input of CreateEventBus and UpdateEventBus.
type BusSpec struct {
	Name             string
	Description      *string
	DeadLetterConfig *DeadLetterConfig
	Tags             []Tag
	EventSourceName  string
	KmsKeyIdentifier *string
}

// BusCreated answers CreateEventBus and UpdateEventBus.
type BusCreated struct {
	Name             string            `json:",omitempty"`
	EventBusArn      string            `json:",omitempty"`
	Arn              string            `json:",omitempty"`
	Description      string            `json:",omitempty"`
	DeadLetterConfig *DeadLetterConfig `json:",omitempty"`
	KmsKeyIdentifier string            `json:",omitempty"`
}

func (s *Service) createEventBus(_ context.Context, in BusSpec) (BusCreated, error) {
	if strings.HasPrefix(in.Name, "aws.partner/") || in.EventSourceName != "" {
		return BusCreated{}, notFound("Event source %s does not exist.", in.Name)
	}
	if strings.Contains(in.Name, "/") {
		return BusCreated{}, invalid("Event bus name must not contain '/'.")
	}
	if err := checkName(in.Name, "name", 256); err != nil {
		return BusCreated{}, err
	}
	tags, err := newTags(in.Tags)
	if err != nil {
		return BusCreated{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.buses[in.Name]; ok {
		return BusCreated{}, exists("Event bus %s already exists.", in.Name)
	}
	now := s.now()
	b := bus{Name: in.Name, Created: now, Modified: now, Tags: tags, DeadLetter: in.DeadLetterConfig}
	if in.Description != nil {
		b.Description = *in.Description
	}
	if in.KmsKeyIdentifier != nil {
		b.Key = *in.KmsKeyIdentifier
	}
	return BusCreated{EventBusArn: b.arn(), Description: b.Description, DeadLetterConfig: b.DeadLetter, KmsKeyIdentifier: b.Key}, s.putBus(b)
}

func (s *Service) updateEventBus(_ context.Context, in BusSpec) (BusCreated, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, refused := s.bus(in.Name)
	if refused != nil {
		return BusCreated{}, refused
	}
	if in.Description != nil {
		b.Description = *in.Description
	}
	if in.DeadLetterConfig != nil {
		b.DeadLetter = in.DeadLetterConfig
	}
	if in.KmsKeyIdentifier != nil {
		b.Key = *in.KmsKeyIdentifier
	}
	b.Modified = s.now()
	return BusCreated{
		Name: b.Name, Arn: b.arn(), Description: b.Description, DeadLetterConfig: b.DeadLetter, KmsKeyIdentifier: b.Key,
	}, s.putBus(b)
}

// Named is the input of requests about one thing.
type Named struct{ Name string }

// BusDescription is a bus as the API shows it.
type BusDescription struct {
	Name, Arn        string
	Description      string `json:",omitempty"`
	Policy           string `json:",omitempty"`
	CreationTime     wire.Time
	LastModifiedTime wire.Time
	DeadLetterConfig *DeadLetterConfig `json:",omitempty"`
	KmsKeyIdentifier string            `json:",omitempty"`
}

func (b bus) describe() BusDescription {
	return BusDescription{
		Name: b.Name, Arn: b.arn(), Description: b.Description, Policy: string(b.Policy),
		CreationTime: wire.Time{Time: b.Created}, LastModifiedTime: wire.Time{Time: b.Modified},
		DeadLetterConfig: b.DeadLetter, KmsKeyIdentifier: b.Key,
	}
}

func (s *Service) describeEventBus(_ context.Context, in Named) (BusDescription, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	b, refused := s.bus(in.Name)
	if refused != nil {
		return BusDescription{}, refused
	}
	return b.describe(), nil
}

func (s *Service) deleteEventBus(_ context.Context, in Named) (wire.Empty, error) {
	name, _ := busName(in.Name)
	if name == defaultBus {
		return wire.Empty{}, invalid("Cannot delete event bus default.")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.rules[name]) > 0 {
		return wire.Empty{}, invalid("Event bus can't be deleted since it has rules.")
	}
	if err := s.tables.buses.Delete(name); err != nil {
		return wire.Empty{}, err
	}
	delete(s.buses, name)
	return wire.Empty{}, nil
}

// ListByPrefix is the input of list requests with a prefix.
type ListByPrefix struct {
	Page
	NamePrefix string
}

// BusList answers ListEventBuses.
type BusList struct {
	EventBuses []BusDescription
	NextToken  string `json:",omitempty"`
}

func (s *Service) listEventBuses(_ context.Context, in ListByPrefix) (BusList, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	names, next, err := in.cut(slices.Collect(maps.Keys(s.buses)), in.NamePrefix)
	if err != nil {
		return BusList{}, err
	}
	out := BusList{EventBuses: []BusDescription{}, NextToken: next}
	for _, name := range names {
		out.EventBuses = append(out.EventBuses, s.buses[name].describe())
	}
	return out, nil
}
