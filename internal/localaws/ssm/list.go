package ssm

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

func isRefusal(err error) bool {
	var refused *wire.Error
	return errors.As(err, &refused)
}

// GetParametersByPathInput names a branch of the hierarchy.
type GetParametersByPathInput struct {
	Path                      string
	Recursive, WithDecryption bool
	ParameterFilters          []Filter
	MaxResults                int
	NextToken                 string
}

// GetParametersByPathOutput is a page of parameters.
type GetParametersByPathOutput struct {
	Parameters []Parameter
	NextToken  string `json:",omitempty"`
}

func (s *Service) getParametersByPath(_ context.Context, in GetParametersByPathInput) (GetParametersByPathOutput, error) {
	out := GetParametersByPathOutput{Parameters: []Parameter{}}
	if !strings.HasPrefix(in.Path, "/") {
		return out, errValidation("The parameter path %q must start with a slash.", in.Path)
	}
	prefix := strings.TrimSuffix(in.Path, "/") + "/"
	limit, err := limited(in.MaxResults, 10)
	if err != nil {
		return out, err
	}
	found, next, err := s.page(prefix, in.NextToken, limit, func(p record) (bool, error) {
		if !in.Recursive && strings.Contains(p.Name[len(prefix):], "/") {
			return false, nil
		}
		return matchAll(in.ParameterFilters, p)
	})
	for _, p := range found {
		out.Parameters = append(out.Parameters, p.show(in.WithDecryption))
	}
	out.NextToken = next
	return out, err
}

// page returns up to limit parameters below prefix that keep accepts, from the name after on.
func (s *Service) page(prefix, after string, limit int, keep func(record) (bool, error)) (found []record, next string, err error) {
	var failed error
	err = s.parameters.Scan(prefix, after, func(name string, p record) bool {
		ok, err := keep(p)
		if err != nil {
			failed = err
			return false
		}
		if !ok {
			return true
		}
		if len(found) == limit {
			next = name
			return false
		}
		found = append(found, p)
		return true
	})
	return found, next, errors.Join(failed, err)
}

// Filter restricts a list of parameters.
type Filter struct {
	Key    string
	Option string
	Values []string
}

func matchAll(filters []Filter, p record) (bool, error) {
	for _, f := range filters {
		ok, err := f.match(p)
		if !ok || err != nil {
			return false, err
		}
	}
	return true, nil
}

func (f Filter) match(p record) (bool, error) {
	have := ""
	switch f.Key {
	case "Name":
		have = p.Name
	case "Type":
		have = p.Type
	case "KeyId":
		have = p.KeyID
	case "Tier":
		have = p.Tier
	case "DataType":
		have = p.Kind
	case "Path":
		return slices.ContainsFunc(f.Values, func(path string) bool {
			rest, ok := strings.CutPrefix(p.Name, strings.TrimSuffix(path, "/")+"/")
			return ok && (f.Option == "Recursive" || !strings.Contains(rest, "/"))
		}), nil
	default:
		key, ok := strings.CutPrefix(f.Key, "tag:")
		if !ok {
			return false, wire.Errorf("InvalidFilterKey", "The filter key %q is not implemented by this endpoint.", f.Key)
		}
		i := slices.IndexFunc(p.Tags, func(t Tag) bool { return t.Key == key })
		if i < 0 || len(f.Values) == 0 {
			return i >= 0, nil
		}
		have = p.Tags[i].Value
	}
	return slices.ContainsFunc(f.Values, func(want string) bool {
		switch f.Option {
		case "BeginsWith":
			return strings.HasPrefix(have, want)
		case "Contains":
			return strings.Contains(have, want)
		}
		return have == want
	}), nil
}

// DescribeParametersInput restricts a list of parameters. Filters is the older form.
type DescribeParametersInput struct {
	Filters          []Filter
	ParameterFilters []Filter
	MaxResults       int
	NextToken        string
}

// Metadata is a parameter without its value.
type Metadata struct {
	Name             string
	ARN              string
	Type             string
	KeyId            string `json:",omitempty"`
	LastModifiedDate wire.Time
	LastModifiedUser string
	Description      string `json:",omitempty"`
	AllowedPattern   string `json:",omitempty"`
	Version          int64
	Tier             string
	Policies         []string
	DataType         string
}

// DescribeParametersOutput is a page of parameters.
type DescribeParametersOutput struct {
	Parameters []Metadata
	NextToken  string `json:",omitempty"`
}

func (s *Service) describeParameters(_ context.Context, in DescribeParametersInput) (DescribeParametersOutput, error) {
	out := DescribeParametersOutput{Parameters: []Metadata{}}
	limit, err := limited(in.MaxResults, 50)
	if err != nil {
		return out, err
	}
	filters := slices.Concat(in.Filters, in.ParameterFilters)
	found, next, err := s.page("", in.NextToken, limit, func(p record) (bool, error) { return matchAll(filters, p) })
	for _, p := range found {
		out.Parameters = append(out.Parameters, Metadata{
			Name: p.Name, ARN: parameterARN(p.Name), Type: p.Type, KeyId: p.KeyID, LastModifiedDate: p.Modified,
			LastModifiedUser: p.ModifiedBy, Description: p.Description, AllowedPattern: p.AllowedPattern,
			Version: p.Version, Tier: p.Tier, Policies: []string{}, DataType: p.Kind,
		})
	}
	out.NextToken = next
	return out, err
}
