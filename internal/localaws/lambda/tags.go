package lambda

import (
	"context"
	"maps"
	"regexp"

	"github.com/the-alchemiser/alchemiser/internal/localaws/arn"
	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

const (
	maxTags    = 50
	tagPattern = `arn:(aws[a-zA-Z-]*):lambda:(eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:\d{12}:` +
		`(function:[a-zA-Z0-9-_]+(:(\$LATEST|[a-zA-Z0-9-_]+))?|layer:([a-zA-Z0-9-_]+)|` +
		`code-signing-config:csc-[a-z0-9]{17}|event-source-mapping:[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-` +
		`[0-9a-fA-F]{4}-[0-9a-fA-F]{12}|capacity-provider:[a-zA-Z0-9-_]+)`
)

var tagExpr = regexp.MustCompile(`^` + tagPattern + `$`)

// retag lets edit change the tags of a function or an event source mapping.
func (s *Service) retag(resource string, edit func(tags map[string]string) error) error {
	if uuid, ok := mappingOf(resource); ok {
		err := s.mappings.change(uuid, func(m *mapping) error {
			m.Tags = withTags(m.Tags)
			return edit(m.Tags)
		})
		return mappingError(err, resource)
	}
	r, err := tagged(resource)
	if err != nil {
		return err
	}
	return s.change(r.name, errNoFunction(r.arn()), func(f *function) error {
		f.Tags = withTags(f.Tags)
		return edit(f.Tags)
	})
}

// mappingError returns err as operations on tags word it.
func mappingError(err error, resource string) error {
	if err == errNoMapping { //nolint:errorlint // our own, as it was returned
		return notFound("Event source mapping not found: %s", resource)
	}
	return err
}

// withTags returns a copy of tags that may be changed.
func withTags(tags map[string]string) map[string]string {
	all := map[string]string{}
	maps.Copy(all, tags)
	return all
}

// tagged returns the name of the function that a tag operation is about.
func tagged(resource string) (ref, error) {
	r, ok := isFunction(resource)
	if !ok {
		a, _ := arn.Parse(resource)
		return ref{}, notFound("Resource not found: %s", a.Resource)
	}
	if r.qualifier != "" {
		return ref{}, invalid("Tags on function aliases and versions are not supported. Please specify a function ARN.")
	}
	return r, nil
}

// checkTagged refuses what is not the ARN of anything that has tags.
func checkTagged(resource string) error {
	if !tagExpr.MatchString(resource) {
		return validation(resource, "resource", patternConstraint(tagPattern))
	}
	return nil
}

type tagInput struct {
	Resource string `path:"Resource" json:"-"`
	Tags     map[string]string
}

func (s *Service) tagResource(_ context.Context, in tagInput) (gone, error) {
	if err := checkTagged(in.Resource); err != nil {
		return gone{}, err
	}
	return deleted, s.retag(in.Resource, func(tags map[string]string) error {
		if len(in.Tags) == 0 {
			return invalid("An error occurred and the request cannot be processed.")
		}
		maps.Copy(tags, in.Tags)
		if len(tags) > maxTags {
			return invalid("Number of tags exceeds resource tag limit.")
		}
		return nil
	})
}

type untagInput struct {
	Resource string   `path:"Resource" json:"-"`
	TagKeys  []string `query:"tagKeys" json:"-"`
}

func (s *Service) untagResource(_ context.Context, in untagInput) (gone, error) {
	if err := checkTagged(in.Resource); err != nil {
		return gone{}, err
	}
	if len(in.TagKeys) == 0 {
		return gone{}, wire.Errorf("ValidationException",
			"1 validation error detected: Value null at 'tagKeys' failed to satisfy constraint: Member must not be null")
	}
	return deleted, s.retag(in.Resource, func(tags map[string]string) error {
		for _, key := range in.TagKeys {
			delete(tags, key)
		}
		return nil
	})
}

type tagsInput struct {
	Resource string `path:"Resource" json:"-"`
}

type tagsOutput struct{ Tags map[string]string }

func (s *Service) listTags(_ context.Context, in tagsInput) (tagsOutput, error) {
	if err := checkTagged(in.Resource); err != nil {
		return tagsOutput{}, err
	}
	if uuid, ok := mappingOf(in.Resource); ok {
		m, err := s.mappings.get(uuid)
		return tagsOutput{withTags(m.Tags)}, mappingError(err, in.Resource)
	}
	r, err := tagged(in.Resource)
	if err != nil {
		return tagsOutput{}, err
	}
	f, ok := s.lookup(r.name)
	if !ok {
		return tagsOutput{}, errNoFunction(r.arn())
	}
	return tagsOutput{withTags(f.Tags)}, nil
}
