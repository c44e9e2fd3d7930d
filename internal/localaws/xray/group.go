package xray

import (
	"context"
	"encoding/hex"
	"regexp"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/the-alchemiser/alchemiser/internal/localaws/arn"
	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

// Tag is a tag of a group or a sampling rule.
type Tag struct{ Key, Value string }

// Insights says what X-Ray does with anomalies of a group. The endpoint keeps it and finds none.
type Insights struct{ InsightsEnabled, NotificationsEnabled bool }

// Group is a filter expression with a name.
type Group struct {
	GroupName             string
	GroupARN              string
	FilterExpression      string
	InsightsConfiguration Insights
}

// groupRecord is a group as it is stored.
type groupRecord struct {
	Group
	Tags []Tag
}

// GroupInput creates, changes or names a group; nil leaves a member as it is.
type GroupInput struct {
	GroupName             string
	GroupARN              string
	FilterExpression      *string
	InsightsConfiguration *Insights
	Tags                  []Tag
}

// GroupOutput is one group.
type GroupOutput struct{ Group Group }

// GroupsOutput is all groups.
type GroupsOutput struct {
	Groups    []Group
	NextToken string `json:",omitempty"`
}

// defaultGroup is there from the start and takes every trace.
const defaultGroup = "Default"

// maxGroups is the quota of an account. https://docs.aws.amazon.com/general/latest/gr/xray.html
const maxGroups = 25

var groupExpr = regexp.MustCompile(`^[A-Za-z0-9_-]{1,32}$`)

func (s *Service) createGroup(_ context.Context, in GroupInput) (out GroupOutput, err error) {
	if !groupExpr.MatchString(in.GroupName) || in.GroupName == defaultGroup {
		return out, invalid("Invalid group name: %s", in.GroupName)
	}
	if err := in.check(); err != nil {
		return out, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	groups, err := s.allGroups()
	switch {
	case err != nil:
		return out, err
	case slices.ContainsFunc(groups, func(g groupRecord) bool { return g.GroupName == in.GroupName }):
		return out, invalid("Group already exists with given name: %s", in.GroupName)
	case len(groups) >= maxGroups:
		return out, wire.Errorf("ThrottledException", "An account has at most %d groups.", maxGroups)
	}
	id := uuid.New()
	g := groupRecord{Tags: in.Tags, Group: Group{
		GroupName: in.GroupName,
		GroupARN:  arn.New("xray", "group/"+in.GroupName+"/"+strings.ToUpper(hex.EncodeToString(id[:]))),
	}}
	in.change(&g)
	return GroupOutput{g.Group}, s.groups.Put(g.GroupName, g)
}

func (in GroupInput) check() error {
	if in.FilterExpression == nil || *in.FilterExpression == "" {
		return nil
	}
	if _, err := parseFilter(*in.FilterExpression); err != nil {
		return invalid("Invalid filter expression: %v", err)
	}
	return nil
}

func (in GroupInput) change(g *groupRecord) {
	if in.FilterExpression != nil {
		g.FilterExpression = *in.FilterExpression
	}
	if in.InsightsConfiguration != nil {
		g.InsightsConfiguration = *in.InsightsConfiguration
	}
}

// group returns the group that is named by its name or its ARN.
func (s *Service) group(name, groupARN string) (groupRecord, error) {
	groups, err := s.allGroups()
	if err != nil {
		return groupRecord{}, err
	}
	for _, g := range groups {
		if g.GroupName == name || g.GroupARN == groupARN && groupARN != "" {
			return g, nil
		}
	}
	return groupRecord{}, invalid("Group not found")
}

func (s *Service) allGroups() ([]groupRecord, error) {
	var groups []groupRecord
	err := s.groups.Scan("", "", func(_ string, g groupRecord) bool {
		groups = append(groups, g)
		return true
	})
	return groups, err
}

func (s *Service) getGroup(_ context.Context, in GroupInput) (out GroupOutput, err error) {
	g, err := s.group(in.GroupName, in.GroupARN)
	return GroupOutput{g.Group}, err
}

func (s *Service) getGroups(context.Context, wire.Empty) (out GroupsOutput, err error) {
	groups, err := s.allGroups()
	out.Groups = []Group{{GroupName: defaultGroup, GroupARN: arn.New("xray", "group/"+defaultGroup)}}
	for _, g := range groups {
		out.Groups = append(out.Groups, g.Group)
	}
	return out, err
}

func (s *Service) updateGroup(_ context.Context, in GroupInput) (out GroupOutput, err error) {
	if err := in.check(); err != nil {
		return out, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	g, err := s.group(in.GroupName, in.GroupARN)
	if err != nil {
		return out, err
	}
	in.change(&g)
	return GroupOutput{g.Group}, s.groups.Put(g.GroupName, g)
}

func (s *Service) deleteGroup(_ context.Context, in GroupInput) (out wire.Empty, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g, err := s.group(in.GroupName, in.GroupARN)
	if err != nil {
		return out, err
	}
	return out, s.groups.Delete(g.GroupName)
}

func invalid(format string, args ...any) *wire.Error {
	return wire.Errorf("InvalidRequestException", format, args...)
}
