package scheduler

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/the-alchemiser/alchemiser/internal/localaws/arn"
	"github.com/the-alchemiser/alchemiser/internal/localaws/state"
	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

const (
	defaultGroup = "default"
	active       = "ACTIVE"
)

// group is a schedule group as it is stored.
type group struct {
	Name              string
	Created, Modified time.Time
	// Request tells the request that made the group from others.
	Request string
	Tags    map[string]string
}

func groupARN(name string) string { return arn.New("scheduler", "schedule-group/"+name) }

// Tag is a tag of a group.
type Tag struct{ Key, Value string }

// GroupInput is the input of requests about one group.
type GroupInput struct {
	Name        string `path:"Name"`
	ClientToken string
	Tags        []Tag
}

// GroupCreated answers CreateScheduleGroup.
type GroupCreated struct{ ScheduleGroupArn string }

// GroupDescription is a group as the API shows it.
type GroupDescription struct {
	Arn, Name, State     string
	CreationDate         wire.Time
	LastModificationDate wire.Time
}

func (g group) describe() GroupDescription {
	return GroupDescription{
		Arn: groupARN(g.Name), Name: g.Name, State: active,
		CreationDate: wire.Time{Time: g.Created}, LastModificationDate: wire.Time{Time: g.Modified},
	}
}

// group returns the group called name, "" being the default one. The caller holds the lock.
func (s *Service) group(name string) (group, error) {
	if name == "" {
		name = defaultGroup
	}
	g, ok := s.groups[name]
	if !ok {
		return group{}, notFound("Schedule group %s does not exist.", name)
	}
	return g, nil
}

// putGroup stores g. The caller holds the lock.
func (s *Service) putGroup(g group) error {
	if err := s.tables.groups.Put(g.Name, g); err != nil {
		return err
	}
	s.groups[g.Name] = g
	return nil
}

func (s *Service) createGroup(_ context.Context, in GroupInput) (GroupCreated, error) {
	if err := checkName(in.Name, "name"); err != nil {
		return GroupCreated{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	request, err := fingerprint(in.ClientToken, in.Tags)
	if err != nil {
		return GroupCreated{}, err
	}
	if old, ok := s.groups[in.Name]; ok {
		if in.ClientToken != "" && old.Request == request {
			return GroupCreated{groupARN(in.Name)}, nil // the answer was lost
		}
		return GroupCreated{}, conflict("Schedule group %s already exists.", in.Name)
	}
	if len(s.groups) >= maxGroups {
		return GroupCreated{}, exceeded("schedule groups", maxGroups)
	}
	g := group{Name: in.Name, Created: s.now(), Modified: s.now(), Request: request, Tags: map[string]string{}}
	for _, t := range in.Tags {
		g.Tags[t.Key] = t.Value
	}
	return GroupCreated{groupARN(g.Name)}, s.putGroup(g)
}

func (s *Service) getGroup(_ context.Context, in GroupInput) (GroupDescription, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g, err := s.group(in.Name)
	if err != nil {
		return GroupDescription{}, err
	}
	return g.describe(), nil
}

// deleteGroup removes a group with its schedules.
func (s *Service) deleteGroup(_ context.Context, in GroupInput) (wire.Empty, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if in.Name == defaultGroup {
		return wire.Empty{}, invalid("Schedule group default can not be deleted.")
	}
	g, err := s.group(in.Name)
	if err != nil {
		return wire.Empty{}, err
	}
	of := func(key string) bool { return strings.HasPrefix(key, g.Name+"/") }
	err = s.cfg.Store.Update(func(tx *state.Tx) error {
		s.tables.groups.DeleteTx(tx, g.Name)
		for key := range s.schedules {
			if of(key) {
				s.tables.schedules.DeleteTx(tx, key)
			}
		}
		return nil
	})
	if err != nil {
		return wire.Empty{}, err
	}
	delete(s.groups, g.Name)
	maps.DeleteFunc(s.schedules, func(key string, _ schedule) bool { return of(key) })
	return wire.Empty{}, nil
}

// GroupList answers ListScheduleGroups.
type GroupList struct {
	ScheduleGroups []GroupDescription
	NextToken      string `json:",omitempty"`
}

func (s *Service) listGroups(_ context.Context, in Page) (GroupList, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	names := slices.DeleteFunc(slices.Collect(maps.Keys(s.groups)), func(n string) bool {
		return !strings.HasPrefix(n, in.NamePrefix)
	})
	page, next, err := in.cut(names)
	if err != nil {
		return GroupList{}, err
	}
	out := GroupList{ScheduleGroups: []GroupDescription{}, NextToken: next}
	for _, name := range page {
		out.ScheduleGroups = append(out.ScheduleGroups, s.groups[name].describe())
	}
	return out, nil
}

// TagInput is the input of the requests about tags.
type TagInput struct {
	ResourceArn string `path:"ResourceArn"`
	Tags        []Tag
	TagKeys     []string `query:"TagKeys"`
}

// TagList answers ListTagsForResource.
type TagList struct{ Tags []Tag }

// tagged returns the group that the ARN names: schedules have no tags. The caller holds the lock.
func (s *Service) tagged(resource string) (group, error) {
	name, ok := strings.CutPrefix(resource, groupARN(""))
	if !ok {
		return group{}, invalid("%s is not the ARN of a schedule group.", resource)
	}
	return s.group(name)
}

func (s *Service) tagResource(_ context.Context, in TagInput) (wire.Empty, error) {
	return wire.Empty{}, s.changeTags(in.ResourceArn, func(tags map[string]string) {
		for _, t := range in.Tags {
			tags[t.Key] = t.Value
		}
	})
}

func (s *Service) untagResource(_ context.Context, in TagInput) (wire.Empty, error) {
	return wire.Empty{}, s.changeTags(in.ResourceArn, func(tags map[string]string) {
		for _, key := range in.TagKeys {
			delete(tags, key)
		}
	})
}

func (s *Service) changeTags(resource string, change func(map[string]string)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	g, err := s.tagged(resource)
	if err != nil {
		return err
	}
	tags := map[string]string{}
	maps.Copy(tags, g.Tags)
	change(tags)
	g.Tags, g.Modified = tags, s.now()
	return s.putGroup(g)
}

func (s *Service) listTags(_ context.Context, in TagInput) (TagList, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g, err := s.tagged(in.ResourceArn)
	if err != nil {
		return TagList{}, err
	}
	out := TagList{Tags: []Tag{}}
	for _, key := range slices.Sorted(maps.Keys(g.Tags)) {
		out.Tags = append(out.Tags, Tag{key, g.Tags[key]})
	}
	return out, nil
}
