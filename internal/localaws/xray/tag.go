package xray

import (
	"context"
	"slices"

	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

// TagInput names a group or a sampling rule and tags.
type TagInput struct {
	ResourceARN string
	Tags        []Tag
	TagKeys     []string
}

// TagsOutput is the tags of a group or a sampling rule.
type TagsOutput struct{ Tags []Tag }

func (s *Service) listTags(_ context.Context, in TagInput) (out TagsOutput, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	tags, err := s.tags(in.ResourceARN)
	return TagsOutput{append([]Tag{}, tags...)}, err
}

func (s *Service) tag(_ context.Context, in TagInput) (out wire.Empty, err error) {
	return out, s.changeTags(in.ResourceARN, func(tags []Tag) []Tag {
		tags = slices.DeleteFunc(tags, func(t Tag) bool {
			return slices.ContainsFunc(in.Tags, func(n Tag) bool { return n.Key == t.Key })
		})
		return append(tags, in.Tags...)
	})
}

func (s *Service) untag(_ context.Context, in TagInput) (out wire.Empty, err error) {
	return out, s.changeTags(in.ResourceARN, func(tags []Tag) []Tag {
		return slices.DeleteFunc(tags, func(t Tag) bool { return slices.Contains(in.TagKeys, t.Key) })
	})
}

// tags returns the tags of what has the ARN. The caller holds the lock.
func (s *Service) tags(resource string) ([]Tag, error) {
	if g, err := s.group("", resource); err == nil {
		return g.Tags, nil
	}
	r, err := s.rule("", resource)
	if err != nil {
		return nil, wire.Errorf("ResourceNotFoundException", "The resource %s was not found.", resource)
	}
	return r.Tags, nil
}

func (s *Service) changeTags(resource string, change func([]Tag) []Tag) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if g, err := s.group("", resource); err == nil {
		g.Tags = change(g.Tags)
		return s.groups.Put(g.GroupName, g)
	}
	r, err := s.rule("", resource)
	if err != nil {
		return wire.Errorf("ResourceNotFoundException", "The resource %s was not found.", resource)
	}
	r.Tags = change(r.Tags)
	return s.rules.Put(r.SamplingRule.RuleName, r)
}
