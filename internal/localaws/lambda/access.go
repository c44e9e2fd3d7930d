package lambda

import (
	"context"
	"encoding/json"

	"github.com/the-alchemiser/alchemiser/internal/localaws/policy"
	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

// access returns the permissions that a call needs. Only what runs a function looks at its qualifier; who gives a function
// a role hands it over.
//
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_awslambda.html
func (s *Service) access(_ context.Context, operation string, in any) []wire.Access {
	action := "lambda:" + operation
	on := func(name, qualifier string) []wire.Access {
		r, err := parseRef(name, qualifier)
		if err != nil {
			return []wire.Access{{Action: action, Resource: "*"}} // the operation refuses the name
		}
		return []wire.Access{{Action: action, Resource: r.arn()}}
	}
	switch in := in.(type) {
	case invokeInput:
		action = "lambda:InvokeFunction"
		return on(in.FunctionName, in.Qualifier)
	case createInput:
		needs := append(on(in.FunctionName, ""), passRole(in.Role)...)
		if len(in.Tags) > 0 {
			needs = append(needs, wire.Access{Action: "lambda:TagResource", Resource: needs[0].Resource})
		}
		needs[0].Context = wire.TagMapConditions(in.Tags, nil)
		return needs
	case updateConfigurationInput:
		return append(on(in.FunctionName, ""), passRole(in.Role)...)
	case namedInput:
		return on(in.FunctionName, in.Qualifier)
	case updateCodeInput:
		return on(in.FunctionName, "")
	case publishInput:
		return on(in.FunctionName, "")
	case listVersionsInput:
		return on(in.FunctionName, "")
	case aliasInput:
		return on(in.FunctionName, "")
	case createAliasInput:
		return on(in.FunctionName, "")
	case namedAliasInput:
		return on(in.FunctionName, "")
	case listAliasesInput:
		return on(in.FunctionName, "")
	case concurrencyInput:
		return on(in.FunctionName, "")
	case invokeConfigInput:
		return on(in.FunctionName, in.Qualifier)
	case listInvokeConfigsInput:
		return on(in.FunctionName, "")
	case addPermissionInput:
		needs := on(in.FunctionName, in.Qualifier)
		needs[0].Context = map[string][]string{"lambda:Principal": {in.Principal}}
		return needs
	case removePermissionInput:
		return on(in.FunctionName, in.Qualifier)
	case createMappingInput:
		return onAnything(action, in.FunctionName, in.Tags)
	case mappingInput:
		return s.onMapping(action, in.UUID)
	case updateMappingInput:
		return s.onMapping(action, in.UUID)
	case tagInput:
		return []wire.Access{{Action: action, Resource: in.Resource, Context: wire.TagMapConditions(in.Tags, nil)}}
	case untagInput:
		return []wire.Access{{Action: action, Resource: in.Resource, Context: wire.TagMapConditions(nil, in.TagKeys)}}
	case tagsInput:
		return []wire.Access{{Action: action, Resource: in.Resource}}
	}
	return []wire.Access{{Action: action, Resource: "*"}}
}

// onAnything is the permission to make a mapping: it has no resource, but a condition key for the function.
func onAnything(action, function string, tags map[string]string) []wire.Access {
	need := wire.Access{Action: action, Resource: "*", Context: wire.TagMapConditions(tags, nil)}
	if r, err := parseRef(function, ""); err == nil {
		if need.Context == nil {
			need.Context = map[string][]string{}
		}
		need.Context["lambda:FunctionArn"] = []string{r.arn()}
	}
	return []wire.Access{need}
}

// onMapping is a permission on a mapping, with the function that it invokes.
func (s *Service) onMapping(action, uuid string) []wire.Access {
	need := wire.Access{Action: action, Resource: mapping{UUID: uuid}.arn()}
	if m, err := s.mappings.get(uuid); err == nil {
		need.Context = map[string][]string{"lambda:FunctionArn": {functionARN(m.Function, m.Qualifier)}}
	}
	return []wire.Access{need}
}

func passRole(role *string) []wire.Access {
	if role == nil || *role == "" {
		return nil
	}
	return []wire.Access{{
		Action: "iam:PassRole", Resource: *role, Context: map[string][]string{"iam:PassedToService": {"lambda.amazonaws.com"}},
	}}
}

// ResourcePolicy returns the policy of a function, a version or an alias; ok is false if it has none.
func (s *Service) ResourcePolicy(functionARN string) (doc policy.Document, ok bool, err error) {
	r, err := parseRef(functionARN, "")
	if err != nil {
		return doc, false, nil //nolint:nilerr // what is no function has no policy
	}
	f, ok := s.lookup(r.name)
	if !ok {
		return doc, false, nil
	}
	p, ok := f.Policies[r.qualifier]
	if !ok {
		return doc, false, nil
	}
	raw, err := json.Marshal(p.Document)
	if err != nil {
		return doc, false, err
	}
	doc, err = policy.Parse(policy.Resource, string(raw))
	return doc, err == nil, err
}
