package ssm

import (
	"context"
	"maps"
	"strconv"
	"strings"

	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

// access returns the permissions that a call needs.
//
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssystemsmanager.html
func (s *Service) access(_ context.Context, operation string, in any) []wire.Access {
	switch in := in.(type) {
	case PutParameterInput:
		return s.accessToPut(in)
	case GetParameterInput:
		return s.accessTo(operation, in.Name)
	case GetParametersInput:
		return s.accessTo(operation, in.Names...)
	case GetParametersByPathInput:
		// Who may read a path may read all levels below it.
		return []wire.Access{{
			Action: "ssm:" + operation, Resource: parameterARN(strings.TrimSuffix(in.Path, "/")),
			Context: map[string][]string{"ssm:Recursive": {strconv.FormatBool(in.Recursive)}},
		}}
	case DeleteParameterInput:
		return s.accessTo(operation, in.Name)
	case DeleteParametersInput:
		return s.accessTo(operation, in.Names...)
	case TagInput:
		needs := s.accessTo(operation, in.ResourceId)
		maps.Copy(needs[0].Context, wire.TagConditions(in.Tags, in.TagKeys))
		return needs
	}
	return []wire.Access{{Action: "ssm:" + operation, Resource: "*"}}
}

// accessToPut is one permission, and the one for tagging if tags come with the parameter.
func (s *Service) accessToPut(in PutParameterInput) []wire.Access {
	needs := s.accessTo("PutParameter", in.Name)
	if len(in.Tags) > 0 {
		needs = append(needs, s.accessTo("AddTagsToResource", in.Name)...)
	}
	for _, need := range needs {
		maps.Copy(need.Context, wire.TagConditions(in.Tags, nil))
	}
	needs[0].Context["ssm:Overwrite"] = []string{strconv.FormatBool(in.Overwrite)}
	if in.Policies != "" {
		needs[0].Context["ssm:Policies"] = []string{"true"}
	}
	return needs
}

// accessTo is the permission for an action on each of the parameters, which are named as clients do.
func (s *Service) accessTo(operation string, names ...string) []wire.Access {
	needs := make([]wire.Access, 0, len(names))
	for _, name := range names {
		plain, _ := split(name)
		tags := map[string][]string{}
		if p, _, err := s.find(plain); err == nil {
			for _, t := range p.Tags {
				tags["aws:ResourceTag/"+t.Key] = []string{t.Value}
				tags["ssm:resourceTag/"+t.Key] = []string{t.Value}
			}
		}
		needs = append(needs, wire.Access{Action: "ssm:" + operation, Resource: parameterARN(plain), Context: tags})
	}
	return needs
}
