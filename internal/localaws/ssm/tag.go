package ssm

import (
	"context"
	"slices"

	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

// Tag is a label of a parameter.
type Tag struct{ Key, Value string }

// TagInput names a parameter and its labels to set or to remove.
type TagInput struct {
	ResourceType, ResourceId string
	Tags                     []Tag
	TagKeys                  []string
}

// TagsOutput lists labels.
type TagsOutput struct{ TagList []Tag }

// tagged returns the parameter that in names.
func (s *Service) tagged(in TagInput) (record, error) {
	if in.ResourceType != "Parameter" {
		return record{}, wire.Errorf("InvalidResourceType", "The resource type %q is not implemented by this endpoint.", in.ResourceType)
	}
	p, ok, err := s.parameters.Get(in.ResourceId)
	if err == nil && !ok {
		err = wire.Errorf("InvalidResourceId", "The resource ID %q is not valid.", in.ResourceId)
	}
	return p, err
}

func (s *Service) listTags(_ context.Context, in TagInput) (TagsOutput, error) {
	p, err := s.tagged(in)
	return TagsOutput{TagList: append([]Tag{}, p.Tags...)}, err
}

func (s *Service) addTags(_ context.Context, in TagInput) (out wire.Empty, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, err := s.tagged(in)
	if err != nil {
		return out, err
	}
	p.Tags = slices.DeleteFunc(p.Tags, func(t Tag) bool {
		return slices.Contains(in.TagKeys, t.Key) || slices.ContainsFunc(in.Tags, func(n Tag) bool { return n.Key == t.Key })
	})
	p.Tags = append(p.Tags, in.Tags...)
	return out, s.parameters.Put(p.Name, p)
}

func (s *Service) removeTags(ctx context.Context, in TagInput) (wire.Empty, error) {
	return s.addTags(ctx, in)
}
