package expr

import (
	"maps"
	"slices"
	"strings"

	"github.com/the-alchemiser/alchemiser/internal/localaws/dynamodb/attr"
)

// Env is what the placeholders of one request stand for. It notes which were used: DynamoDB refuses a request that
// defines one in vain. An Env belongs to one request.
type Env struct {
	names  map[string]string
	values map[string]attr.Value
	used   map[string]bool
	// filtered are the paths that the filter mentions.
	filtered []Path
}

// NewEnv checks the spelling of the placeholders. A nil map means that the request has none.
func NewEnv(names map[string]string, values map[string]attr.Value) (*Env, error) {
	if names != nil && len(names) == 0 {
		return nil, attr.Invalidf("ExpressionAttributeNames must not be empty")
	}
	if values != nil && len(values) == 0 {
		return nil, attr.Invalidf("ExpressionAttributeValues must not be empty")
	}
	for key := range names {
		if !isPlaceholder(key, '#') {
			return nil, attr.Invalidf("ExpressionAttributeNames contains invalid key: Syntax error; key: %q", key)
		}
	}
	for key := range values {
		if !isPlaceholder(key, ':') {
			return nil, attr.Invalidf("ExpressionAttributeValues contains invalid key: Syntax error; key: %q", key)
		}
	}
	return &Env{names: names, values: values, used: map[string]bool{}}, nil
}

func isPlaceholder(key string, mark byte) bool {
	return len(key) > 1 && key[0] == mark && run(key, 1) == len(key)
}

// Filtered returns the document paths that the filter expression mentions.
func (e *Env) Filtered() []Path { return e.filtered }

// Unused returns an error if a placeholder is defined that no expression has used.
func (e *Env) Unused() error {
	if len(e.used) == len(e.names)+len(e.values) {
		return nil
	}
	unused := func(have []string) string {
		return strings.Join(slices.DeleteFunc(have, func(k string) bool { return e.used[k] }), ", ")
	}
	if keys := unused(slices.Sorted(maps.Keys(e.names))); keys != "" {
		return attr.Invalidf("Value provided in ExpressionAttributeNames unused in expressions: keys: {%s}", keys)
	}
	return attr.Invalidf("Value provided in ExpressionAttributeValues unused in expressions: keys: {%s}",
		unused(slices.Sorted(maps.Keys(e.values))))
}
