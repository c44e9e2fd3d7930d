package scheduler

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

// ScheduleInput is the input of CreateSchedule and UpdateSchedule.
type ScheduleInput struct {
	Spec
	Name        string `path:"Name"`
	GroupName   string
	ClientToken string
}

// ScheduleRef is the input of GetSchedule and DeleteSchedule.
type ScheduleRef struct {
	Name      string `path:"Name"`
	GroupName string `query:"groupName"`
}

// ScheduleChanged answers CreateSchedule and UpdateSchedule.
type ScheduleChanged struct{ ScheduleArn string }

// ScheduleDescription answers GetSchedule.
type ScheduleDescription struct {
	Spec
	Arn, Name, GroupName string
	CreationDate         wire.Time
	LastModificationDate wire.Time
}

// schedule returns a schedule. The caller holds the lock.
func (s *Service) schedule(group, name string) (schedule, error) {
	g, err := s.group(group)
	if err != nil {
		return schedule{}, err
	}
	sc, ok := s.schedules[g.Name+"/"+name]
	if !ok {
		return schedule{}, notFound("Schedule %s does not exist.", name)
	}
	return sc, nil
}

// putSchedule stores sc. The caller holds the lock.
func (s *Service) putSchedule(sc schedule) error {
	if err := s.tables.schedules.Put(sc.key(), sc); err != nil {
		return err
	}
	s.schedules[sc.key()] = sc
	return nil
}

func (s *Service) createSchedule(_ context.Context, in ScheduleInput) (ScheduleChanged, error) {
	if err := checkName(in.Name, "name"); err != nil {
		return ScheduleChanged{}, err
	}
	in.complete()
	now := s.now()
	if err := in.check(now); err != nil {
		return ScheduleChanged{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	g, err := s.group(in.GroupName)
	if err != nil {
		return ScheduleChanged{}, err
	}
	sc := schedule{Name: in.Name, Group: g.Name, Created: now, Modified: now, Spec: in.Spec}
	if sc.Request, err = fingerprint(in.ClientToken, in.Spec); err != nil {
		return ScheduleChanged{}, err
	}
	if old, ok := s.schedules[sc.key()]; ok {
		if in.ClientToken != "" && old.Request == sc.Request {
			return ScheduleChanged{sc.arn()}, nil // the answer was lost
		}
		return ScheduleChanged{}, conflict("Schedule %s already exists.", in.Name)
	}
	if len(s.schedules) >= maxSchedules {
		return ScheduleChanged{}, exceeded("schedules", maxSchedules)
	}
	sc.plan(now.Add(-time.Nanosecond)) // a rate without a start date begins at once
	defer s.nudge()
	return ScheduleChanged{sc.arn()}, s.putSchedule(sc)
}

// updateSchedule replaces all of a schedule: what in leaves out takes its default.
func (s *Service) updateSchedule(_ context.Context, in ScheduleInput) (ScheduleChanged, error) {
	in.complete()
	s.mu.Lock()
	defer s.mu.Unlock()
	sc, err := s.schedule(in.GroupName, in.Name)
	if err != nil {
		return ScheduleChanged{}, err
	}
	now := s.now()
	if sc.Spec.StartDate != nil && in.StartDate != nil && in.StartDate.Equal(sc.Spec.StartDate.Time) {
		now = in.StartDate.Time // an old start date may stay
	}
	if err := in.check(now); err != nil {
		return ScheduleChanged{}, err
	}
	sc.Spec, sc.Modified = in.Spec, s.now()
	sc.plan(s.now())
	defer s.nudge()
	return ScheduleChanged{sc.arn()}, s.putSchedule(sc)
}

func (s *Service) getSchedule(_ context.Context, in ScheduleRef) (ScheduleDescription, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	sc, err := s.schedule(in.GroupName, in.Name)
	if err != nil {
		return ScheduleDescription{}, err
	}
	return ScheduleDescription{
		Spec: sc.Spec, Arn: sc.arn(), Name: sc.Name, GroupName: sc.Group,
		CreationDate: wire.Time{Time: sc.Created}, LastModificationDate: wire.Time{Time: sc.Modified},
	}, nil
}

func (s *Service) deleteSchedule(_ context.Context, in ScheduleRef) (wire.Empty, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	sc, err := s.schedule(in.GroupName, in.Name)
	if err != nil {
		return wire.Empty{}, err
	}
	if err := s.tables.schedules.Delete(sc.key()); err != nil {
		return wire.Empty{}, err
	}
	delete(s.schedules, sc.key())
	return wire.Empty{}, nil
}

// ListInput is the input of ListSchedules.
type ListInput struct {
	Page
	GroupName string `query:"ScheduleGroup"`
	State     string `query:"State"`
}

// ScheduleSummary is a schedule as ListSchedules shows it.
type ScheduleSummary struct {
	Arn, Name, GroupName, State string
	Target                      struct{ Arn string }
	CreationDate                wire.Time
	LastModificationDate        wire.Time
}

// ScheduleList answers ListSchedules.
type ScheduleList struct {
	Schedules []ScheduleSummary
	NextToken string `json:",omitempty"`
}

func (s *Service) listSchedules(_ context.Context, in ListInput) (ScheduleList, error) {
	if in.State != "" {
		if err := checkEnum(in.State, "state", enabled, disabled); err != nil {
			return ScheduleList{}, err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if in.GroupName != "" {
		if _, err := s.group(in.GroupName); err != nil {
			return ScheduleList{}, err
		}
	}
	keys := slices.DeleteFunc(slices.Collect(maps.Keys(s.schedules)), func(key string) bool {
		sc := s.schedules[key]
		return in.GroupName != "" && sc.Group != in.GroupName || in.State != "" && sc.Spec.State != in.State ||
			!strings.HasPrefix(sc.Name, in.NamePrefix)
	})
	page, next, err := in.cut(keys)
	if err != nil {
		return ScheduleList{}, err
	}
	out := ScheduleList{Schedules: []ScheduleSummary{}, NextToken: next}
	for _, key := range page {
		sc := s.schedules[key]
		out.Schedules = append(out.Schedules, ScheduleSummary{
			Arn: sc.arn(), Name: sc.Name, GroupName: sc.Group, State: sc.Spec.State,
			Target:       struct{ Arn string }{sc.Spec.Target.Arn},
			CreationDate: wire.Time{Time: sc.Created}, LastModificationDate: wire.Time{Time: sc.Modified},
		})
	}
	return out, nil
}
