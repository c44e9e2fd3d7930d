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
	// mentioned are the paths in each kind of expression.
	mentioned map[Kind][]Path
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
	return &Env{names: names, values: values, used: map[string]bool{}, mentioned: map[Kind][]Path{}}, nil
}

func isPlaceholder(key string, mark byte) bool {
	return len(key) > 1 && key[0] == mark && run(key, 1) == len(key)
}

// Mentioned returns the document paths that the expression of that kind mentions.
func (e *Env) Mentioned(k Kind) []Path { return e.mentioned[k] }

// Attributes returns the names of the attributes that any of the expressions mentions.
func (e *Env) Attributes() []string {
	var names []string
	for _, paths := range e.mentioned {
		for _, path := range paths {
			names = append(names, path[0].Name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

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
