package sns

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/the-alchemiser/alchemiser/internal/localaws/events/pattern"
)

// Where a filter policy looks.
const (
	scopeAttributes = "MessageAttributes"
	scopeBody       = "MessageBody"
)

// checkFilter refuses what is no filter policy. Its operators are those of EventBridge's patterns.
//
// https://docs.aws.amazon.com/sns/latest/dg/sns-subscription-filter-policies.html
func checkFilter(policy string) error {
	if unfiltered(policy) {
		return nil
	}
	_, err := pattern.Compile(policy)
	var refused *pattern.Error
	if errors.As(err, &refused) {
		return errParameter("FilterPolicy: %s", refused.Message)
	}
	return err
}

func checkScope(scope string) error {
	if !slices.Contains([]string{"", scopeAttributes, scopeBody}, scope) {
		return errParameter("FilterPolicyScope: Invalid value [%s]. Please use either MessageBody or MessageAttributes", scope)
	}
	return nil
}

// unfiltered says whether a policy lets everything through.
func unfiltered(policy string) bool {
	text := strings.TrimSpace(policy)
	return text == "" || text == "{}"
}

// wants says whether the subscription's filter policy lets m through. A message whose body is no JSON never passes a policy
// that looks at the body.
func (sub subscription) wants(m message) (bool, error) {
	policy := sub.Attributes["FilterPolicy"]
	if unfiltered(policy) {
		return true, nil
	}
	compiled, err := pattern.Compile(policy)
	if err != nil {
		return false, err
	}
	text := m.Texts["default"]
	if sub.Attributes["FilterPolicyScope"] != scopeBody {
		if text, err = m.filtered(); err != nil {
			return false, err
		}
	}
	event, err := pattern.ParseEvent(text)
	if err != nil {
		return false, nil //nolint:nilerr // what cannot be read matches nothing
	}
	return compiled.Match(event), nil
}

// filtered returns the message's attributes as the JSON object that a policy is held against: strings, numbers and arrays
// of them. Binary attributes take no part.
func (m message) filtered() (string, error) {
	object := map[string]json.RawMessage{}
	for name, a := range m.Attributes {
		switch a.DataType {
		case "String":
			text, err := json.Marshal(a.StringValue)
			if err != nil {
				return "", err
			}
			object[name] = text
		case "Number", "String.Array":
			if json.Valid([]byte(a.StringValue)) {
				object[name] = json.RawMessage(a.StringValue)
			}
		}
	}
	text, err := json.Marshal(object)
	return string(text), err
}
