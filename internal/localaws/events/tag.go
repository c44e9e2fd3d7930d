package events

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/the-alchemiser/alchemiser/internal/localaws/arn"
	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

// Tag is a tag of a bus or rule.
type Tag struct{ Key, Value string }

// maxTags is how many tags a resource may have.
const maxTags = 50

func newTags(list []Tag) (map[string]string, error) {
	return addTags(nil, list)
}

// addTags returns a copy of tags with list.
func addTags(tags map[string]string, list []Tag) (map[string]string, error) {
	out := maps.Clone(tags)
	if out == nil {
		out = map[string]string{}
	}
	for _, t := range list {
		if t.Key == "" {
			return nil, constraint(t.Key, "tags.1.member.key", "have length greater than or equal to 1")
		}
		out[t.Key] = t.Value
	}
	if len(out) > maxTags {
		return nil, limitExceeded()
	}
	return out, nil
}

// TagInput is the input of the requests about tags.
type TagInput struct {
	ResourceARN string
	Tags        []Tag
	TagKeys     []string
}

// TagList answers ListTagsForResource.
type TagList struct{ Tags []Tag }

func (s *Service) tagResource(_ context.Context, in TagInput) (wire.Empty, error) {
	return wire.Empty{}, s.changeTags(in.ResourceARN, func(tags map[string]string) (map[string]string, error) {
		return addTags(tags, in.Tags)
	})
}

func (s *Service) untagResource(_ context.Context, in TagInput) (wire.Empty, error) {
	return wire.Empty{}, s.changeTags(in.ResourceARN, func(tags map[string]string) (map[string]string, error) {
		out := maps.Clone(tags)
		for _, key := range in.TagKeys {
			delete(out, key)
		}
		return out, nil
	})
}

func (s *Service) listTagsForResource(_ context.Context, in TagInput) (TagList, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	b, r, err := s.tagged(in.ResourceARN)
	if err != nil {
		return TagList{}, err
	}
	tags := b.Tags
	if r != nil {
		tags = r.Tags
	}
	out := TagList{Tags: []Tag{}}
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		out.Tags = append(out.Tags, Tag{key, tags[key]})
	}
	return out, nil
}

func (s *Service) changeTags(resource string, change func(map[string]string) (map[string]string, error)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, r, err := s.tagged(resource)
	if err != nil {
		return err
	}
	if r != nil {
		changed := r.rule
		if changed.Tags, err = change(r.Tags); err != nil {
			return err
		}
		return s.putStoredRule(changed)
	}
	if b.Tags, err = change(b.Tags); err != nil {
		return err
	}
	return s.putBus(b)
}

// tagged returns the bus, or the rule if r is not nil, that the ARN names. The caller holds the lock.
func (s *Service) tagged(resource string) (b bus, r *compiledRule, err error) {
	a, ok := arn.Parse(resource)
	kind, name, hasName := strings.Cut(a.Resource, "/")
	switch {
	case ok && hasName && kind == "event-bus":
		found, refused := s.bus(name)
		if refused != nil {
			return bus{}, nil, refused
		}
		return found, nil, nil
	case ok && hasName && kind == "rule":
		busName, ruleName, custom := strings.Cut(name, "/")
		if !custom {
			busName, ruleName = defaultBus, name
		}
		if r = s.rules[busName][ruleName]; r == nil {
			return bus{}, nil, notFound("Rule %s does not exist on EventBus %s.", ruleName, busName)
		}
		return bus{}, r, nil
	}
	return bus{}, nil, invalid("Parameter ResourceARN is not valid. Reason: Provided Arn is not in correct format.")
}
