package events

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/the-alchemiser/alchemiser/internal/localaws/arn"
	"github.com/the-alchemiser/alchemiser/internal/localaws/state"
	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

// maxArchiveName is the longest name of an archive.
const maxArchiveName = 48

// archive keeps the events of a bus that match its pattern. A managed rule on the bus feeds it.
type archive struct {
	Name, Bus, Description, Pattern string
	RetentionDays                   int // 0 is for ever
	Created                         time.Time
}

// archivedEvent is one event of an archive as it is stored.
type archivedEvent struct {
	Archive  string
	Ingested time.Time
	Unique   string
	Event    envelope
}

// key orders the events of an archive by when they came.
func (a archivedEvent) key() string {
	return fmt.Sprintf("%s/%020d/%s", a.Archive, a.Ingested.UnixNano(), a.Unique)
}

func archiveARN(name string) string { return arn.New("events", "archive/"+name) }

// rule returns the rule that feeds a. Events of a replay are not archived again.
func (a archive) rule() (rule, error) {
	fields := map[string]json.RawMessage{}
	if a.Pattern != "" {
		if err := json.Unmarshal([]byte(a.Pattern), &fields); err != nil {
			return rule{}, fmt.Errorf("pattern of archive %s: %w", a.Name, err)
		}
	}
	fields["replay-name"] = json.RawMessage(`[{"exists":false}]`)
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(fields); err != nil {
		return rule{}, err
	}
	return rule{
		Name: "Events-Archive-" + a.Name, Bus: a.Bus, Pattern: strings.TrimSpace(text.String()), State: enabled,
		ManagedBy: managedBy, Archive: a.Name,
	}, nil
}

// putArchive stores an archive and its rule in one commit. The caller holds the lock.
func (s *Service) putArchive(a archive) error {
	r, err := a.rule()
	if err != nil {
		return err
	}
	err = s.cfg.Store.Update(func(tx *state.Tx) error {
		s.tables.archives.PutTx(tx, a.Name, a)
		s.tables.rules.PutTx(tx, r.key(), r)
		return nil
	})
	if err != nil {
		return err
	}
	s.archives[a.Name] = a
	if err := s.remember(r); err != nil {
		return err
	}
	s.reindex(r.Bus)
	return nil
}

// archive returns the archive called name. The caller holds the lock.
func (s *Service) archive(name string) (archive, *wire.Error) {
	a, ok := s.archives[name]
	if !ok {
		return archive{}, notFound("Archive %s does not exist.", name)
	}
	return a, nil
}

// ArchiveSpec is the input of requests about one archive.
type ArchiveSpec struct {
	ArchiveName, EventSourceArn string
	Description, EventPattern   *string
	RetentionDays               *int
	KmsKeyIdentifier            string
}

// ArchiveChanged answers CreateArchive and UpdateArchive.
type ArchiveChanged struct {
	ArchiveArn, State string
	CreationTime      wire.Time
}

// apply returns a with what in gives.
func (in ArchiveSpec) apply(a archive) (archive, error) {
	if in.EventPattern != nil && *in.EventPattern != "" {
		if err := checkPattern(*in.EventPattern); err != nil {
			return archive{}, err
		}
	}
	if in.KmsKeyIdentifier != "" {
		return archive{}, invalid("KmsKeyIdentifier is not implemented by the local endpoint.")
	}
	if n := in.RetentionDays; n != nil {
		if *n < 0 {
			return archive{}, constraint(*n, "retentionDays", "have value greater than or equal to 0")
		}
		a.RetentionDays = *n
	}
	if in.Description != nil {
		a.Description = *in.Description
	}
	if in.EventPattern != nil {
		a.Pattern = *in.EventPattern
	}
	return a, nil
}

func (a archive) changed() ArchiveChanged {
	return ArchiveChanged{ArchiveArn: archiveARN(a.Name), State: enabled, CreationTime: wire.Time{Time: a.Created}}
}

func (s *Service) createArchive(_ context.Context, in ArchiveSpec) (ArchiveChanged, error) {
	if err := checkName(in.ArchiveName, "archiveName", maxArchiveName); err != nil {
		return ArchiveChanged{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.archives[in.ArchiveName]; ok {
		return ArchiveChanged{}, exists("Archive %s already exists.", in.ArchiveName)
	}
	b, refused := s.bus(in.EventSourceArn)
	if refused != nil {
		return ArchiveChanged{}, refused
	}
	a, err := in.apply(archive{Name: in.ArchiveName, Bus: b.Name, Created: s.now()})
	if err != nil {
		return ArchiveChanged{}, err
	}
	return a.changed(), s.putArchive(a)
}

func (s *Service) updateArchive(_ context.Context, in ArchiveSpec) (ArchiveChanged, error) {
	if in.EventPattern == nil && in.RetentionDays == nil && in.Description == nil {
		return ArchiveChanged{}, invalid("At least one of EventPattern, RetentionDays or Description must be provided.")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	a, refused := s.archive(in.ArchiveName)
	if refused != nil {
		return ArchiveChanged{}, refused
	}
	a, err := in.apply(a)
	if err != nil {
		return ArchiveChanged{}, err
	}
	return a.changed(), s.putArchive(a)
}

func (s *Service) deleteArchive(_ context.Context, in ArchiveSpec) (wire.Empty, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, refused := s.archive(in.ArchiveName)
	if refused != nil {
		return wire.Empty{}, refused
	}
	r, err := a.rule()
	if err != nil {
		return wire.Empty{}, err
	}
	var keys []string
	err = s.tables.archived.Scan(a.Name+"/", "", func(key string, _ archivedEvent) bool {
		keys = append(keys, key)
		return true
	})
	if err != nil {
		return wire.Empty{}, err
	}
	err = s.cfg.Store.Update(func(tx *state.Tx) error {
		s.tables.archives.DeleteTx(tx, a.Name)
		s.tables.rules.DeleteTx(tx, r.key())
		for _, key := range keys {
			s.tables.archived.DeleteTx(tx, key)
		}
		return nil
	})
	if err != nil {
		return wire.Empty{}, err
	}
	delete(s.archives, a.Name)
	s.forget(r)
	return wire.Empty{}, nil
}

// ArchiveSummary is an archive as ListArchives shows it.
type ArchiveSummary struct {
	ArchiveName, EventSourceArn, State string
	RetentionDays, EventCount          int
	SizeBytes                          int64
	CreationTime                       wire.Time
}

// ArchiveDescription is an archive as DescribeArchive shows it.
type ArchiveDescription struct {
	ArchiveSummary
	ArchiveArn   string
	Description  string `json:",omitempty"`
	EventPattern string `json:",omitempty"`
}

func (s *Service) summary(a archive) (ArchiveSummary, error) {
	out := ArchiveSummary{
		ArchiveName: a.Name, EventSourceArn: busARN(a.Bus), State: enabled, RetentionDays: a.RetentionDays,
		CreationTime: wire.Time{Time: a.Created},
	}
	err := s.tables.archived.Scan(a.Name+"/", "", func(_ string, e archivedEvent) bool {
		out.EventCount++
		out.SizeBytes += int64(e.Event.size())
		return true
	})
	return out, err
}

func (s *Service) describeArchive(_ context.Context, in ArchiveSpec) (ArchiveDescription, error) {
	s.mu.RLock()
	a, refused := s.archive(in.ArchiveName)
	s.mu.RUnlock()
	if refused != nil {
		return ArchiveDescription{}, refused
	}
	summary, err := s.summary(a)
	return ArchiveDescription{
		ArchiveSummary: summary, ArchiveArn: archiveARN(a.Name), Description: a.Description, EventPattern: a.Pattern,
	}, err
}

// ListArchivesInput is the input of ListArchives and ListReplays: one filter at most.
type ListArchivesInput struct {
	ListByPrefix
	EventSourceArn, State string
}

func (in ListArchivesInput) check(operation string, states ...string) error {
	filters := 0
	for _, f := range []string{in.State, in.EventSourceArn, in.NamePrefix} {
		if f != "" {
			filters++
		}
	}
	if filters > 1 {
		return invalid("At most one filter is allowed for %s. Use either : State, EventSourceArn, or NamePrefix.", operation)
	}
	if in.State != "" {
		if err := checkEnum(in.State, "state", states...); err != nil {
			return err
		}
	}
	return nil
}

// ArchiveList answers ListArchives.
type ArchiveList struct {
	Archives  []ArchiveSummary
	NextToken string `json:",omitempty"`
}

func (s *Service) listArchives(_ context.Context, in ListArchivesInput) (ArchiveList, error) {
	err := in.check("ListArchives", "ENABLED", "DISABLED", "CREATING", "UPDATING", "CREATE_FAILED", "UPDATE_FAILED")
	if err != nil {
		return ArchiveList{}, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if in.EventSourceArn != "" {
		if _, refused := s.bus(in.EventSourceArn); refused != nil {
			return ArchiveList{}, refused
		}
	}
	all := slices.DeleteFunc(slices.Collect(maps.Keys(s.archives)), func(name string) bool {
		return in.State != "" && in.State != enabled ||
			in.EventSourceArn != "" && busARN(s.archives[name].Bus) != in.EventSourceArn
	})
	names, next, err := in.cut(all, in.NamePrefix)
	if err != nil {
		return ArchiveList{}, err
	}
	out := ArchiveList{Archives: []ArchiveSummary{}, NextToken: next}
	for _, name := range names {
		summary, err := s.summary(s.archives[name])
		if err != nil {
			return ArchiveList{}, err
		}
		out.Archives = append(out.Archives, summary)
	}
	return out, nil
}

// expireArchives drops events beyond the retention of their archives once an hour, and when the clock is moved.
func (s *Service) expireArchives(ctx context.Context) error {
	tick := time.NewTicker(time.Hour)
	defer tick.Stop()
	for {
		changed := s.cfg.Clock.Changed()
		s.mu.RLock()
		archives := slices.Collect(maps.Values(s.archives))
		s.mu.RUnlock()
		for _, a := range archives {
			if err := s.expire(a); err != nil {
				return fmt.Errorf("expire archive %s: %w", a.Name, err)
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		case <-changed:
		}
	}
}

func (s *Service) expire(a archive) error {
	if a.RetentionDays == 0 {
		return nil
	}
	oldest := s.now().AddDate(0, 0, -a.RetentionDays)
	var keys []string
	err := s.tables.archived.Scan(a.Name+"/", "", func(key string, e archivedEvent) bool {
		if e.Ingested.Before(oldest) {
			keys = append(keys, key)
		}
		return e.Ingested.Before(oldest)
	})
	if err != nil || len(keys) == 0 {
		return err
	}
	return s.cfg.Store.Update(func(tx *state.Tx) error {
		for _, key := range keys {
			s.tables.archived.DeleteTx(tx, key)
		}
		return nil
	})
}
