package iam

import (
	"context"
	"slices"

	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

// Tag is a label of a role or a policy.
type Tag struct{ Key, Value string }

// TagInput sets or removes labels of the role or the policy that it names.
type TagInput struct {
	RoleName, PolicyArn string
	Tags                []Tag
	TagKeys             []string
}

// TagsOutput lists labels.
type TagsOutput struct {
	Tags        []Tag
	IsTruncated bool
}

// retag returns tags with those of in set and removed.
func retag(tags []Tag, in TagInput) []Tag {
	tags = slices.DeleteFunc(slices.Clone(tags), func(t Tag) bool {
		return slices.Contains(in.TagKeys, t.Key) || slices.ContainsFunc(in.Tags, func(n Tag) bool { return n.Key == t.Key })
	})
	return append(tags, in.Tags...)
}

func (s *Service) tagRole(_ context.Context, in TagInput) (out wire.Empty, err error) {
	return out, s.changeRole(in.RoleName, func(r *role) error {
		r.Tags = retag(r.Tags, in)
		return nil
	})
}

func (s *Service) untagRole(ctx context.Context, in TagInput) (wire.Empty, error) {
	return s.tagRole(ctx, in)
}

func (s *Service) listRoleTags(_ context.Context, in RoleInput) (TagsOutput, error) {
	r, err := s.role(in.RoleName)
	return TagsOutput{Tags: r.Tags}, err
}

func (s *Service) tagPolicy(_ context.Context, in TagInput) (out wire.Empty, err error) {
	return out, s.changePolicy(in.PolicyArn, func(p *managedPolicy) error {
		p.Tags = retag(p.Tags, in)
		return nil
	})
}

func (s *Service) untagPolicy(ctx context.Context, in TagInput) (wire.Empty, error) {
	return s.tagPolicy(ctx, in)
}

func (s *Service) listPolicyTags(_ context.Context, in PolicyInput) (TagsOutput, error) {
	p, err := s.managed(in.PolicyArn)
	return TagsOutput{Tags: p.Tags}, err
}
