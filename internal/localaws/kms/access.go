package kms

import (
	"context"
	"maps"
	"strings"

	"github.com/the-alchemiser/alchemiser/internal/localaws/arn"
	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

// access returns the permissions that a call needs. A call about an alias needs one on the alias and one on its key.
//
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_awskeymanagementservice.html
func (s *Service) access(_ context.Context, operation string, in any) []wire.Access {
	switch in := in.(type) {
	case KeyInput:
		return []wire.Access{s.accessTo(operation, in.KeyId)}
	case PutPolicyInput:
		return []wire.Access{s.accessTo(operation, in.KeyId)}
	case RotationInput:
		return []wire.Access{s.accessTo(operation, in.KeyId)}
	case DescribeInput:
		return []wire.Access{s.accessTo(operation, in.KeyId)}
	case DeletionInput:
		return []wire.Access{s.accessTo(operation, in.KeyId)}
	case TagInput:
		need := s.accessTo(operation, in.KeyId)
		maps.Copy(need.Context, wire.TagMapConditions(labels(in.Tags), in.TagKeys))
		return []wire.Access{need}
	case AliasInput:
		needs := []wire.Access{{Action: "kms:" + operation, Resource: arn.New("kms", in.AliasName)}}
		for _, name := range []string{in.TargetKeyId, s.target(in.AliasName)} {
			if name != "" {
				needs = append(needs, s.accessTo(operation, name))
			}
		}
		return needs
	case CreateKeyInput:
		tags := wire.TagMapConditions(labels(in.Tags), nil)
		needs := []wire.Access{{Action: "kms:CreateKey", Resource: "*", Context: tags}}
		if len(in.Tags) > 0 {
			needs = append(needs, wire.Access{Action: "kms:TagResource", Resource: keyARN("new"), Context: tags}) // its id is not known yet
		}
		return needs
	}
	return []wire.Access{{Action: "kms:" + operation, Resource: "*"}}
}

// target returns the key that an alias stands for, if any.
func (s *Service) target(name string) string {
	a, err := s.alias(name)
	if err != nil {
		return ""
	}
	return a.KeyID
}

func (s *Service) accessTo(operation, name string) wire.Access {
	k, err := s.find(name)
	if err != nil { // the caller may learn that it is not there only if it may ask for it
		k.ID = name[strings.LastIndexByte(name, '/')+1:]
	}
	conditions := map[string][]string{}
	for _, t := range k.Tags {
		conditions["aws:ResourceTag/"+t.TagKey] = []string{t.TagValue}
	}
	return wire.Access{Action: "kms:" + operation, Resource: k.arn(), Context: conditions}
}

func labels(tags []Tag) map[string]string {
	m := make(map[string]string, len(tags))
	for _, t := range tags {
		m[t.TagKey] = t.TagValue
	}
	return m
}
