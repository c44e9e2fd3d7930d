package cloudwatch

import (
	"context"
	"slices"
	"strings"

	"github.com/the-alchemiser/alchemiser/internal/localaws/arn"
	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

// Tag is a tag of an alarm or a dashboard.
type Tag struct{ Key, Value string }

// TagInput names an alarm or a dashboard and tags.
type TagInput struct {
	ResourceARN string
	Tags        []Tag
	TagKeys     []string
}

// TagsOutput is the tags of an alarm or a dashboard.
type TagsOutput struct{ Tags []Tag }

func (s *Service) listTags(_ context.Context, in TagInput) (out TagsOutput, err error) {
	s.changing.Lock()
	defer s.changing.Unlock()
	out.Tags = []Tag{}
	return out, s.changeTags(in.ResourceARN, func(tags []Tag) []Tag {
		out.Tags = append(out.Tags, tags...)
		return nil
	})
}

func (s *Service) tagResource(_ context.Context, in TagInput) (out wire.Empty, err error) {
	s.changing.Lock()
	defer s.changing.Unlock()
	return out, s.changeTags(in.ResourceARN, func(tags []Tag) []Tag {
		tags = slices.DeleteFunc(tags, func(t Tag) bool {
			return slices.ContainsFunc(in.Tags, func(n Tag) bool { return n.Key == t.Key })
		})
		return append(tags, in.Tags...)
	})
}

func (s *Service) untagResource(_ context.Context, in TagInput) (out wire.Empty, err error) {
	s.changing.Lock()
	defer s.changing.Unlock()
	return out, s.changeTags(in.ResourceARN, func(tags []Tag) []Tag {
		left := []Tag{}
		for _, t := range tags {
			if !slices.Contains(in.TagKeys, t.Key) {
				left = append(left, t)
			}
		}
		return left
	})
}

// changeTags gives the tags of a resource to change and stores what it returns, unless that is nil. The caller holds
// changing.
func (s *Service) changeTags(resource string, change func([]Tag) []Tag) error {
	parsed, _ := arn.Parse(resource)
	if name, ok := strings.CutPrefix(parsed.Resource, "alarm:"); ok {
		if a, ok, err := s.alarms.Get(name); err != nil {
			return err
		} else if ok {
			if tags := change(a.Tags); tags != nil {
				a.Tags = tags
				return s.alarms.Put(name, a)
			}
			return nil
		}
	}
	if name, ok := strings.CutPrefix(parsed.Resource, "dashboard/"); ok {
		if d, ok, err := s.dashboards.Get(name); err != nil {
			return err
		} else if ok {
			if tags := change(d.Tags); tags != nil {
				d.Tags = tags
				return s.dashboards.Put(name, d)
			}
			return nil
		}
	}
	return &wire.Error{Code: "ResourceNotFoundException", Status: 404, QueryCode: "ResourceNotFoundException;Sender", Message: "Unknown resource: " + resource}
}
