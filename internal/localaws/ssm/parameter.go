package ssm

import (
	"context"
	"encoding/base64"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/the-alchemiser/alchemiser/internal/localaws/arn"
	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

// The longest values of the two tiers, and the most levels of a hierarchy.
const (
	maxStandard = 4096
	maxAdvanced = 8192
	maxLevels   = 15
)

// record is a parameter as it is stored.
type record struct {
	Name, Type, Value, Description    string
	AllowedPattern, KeyID, Tier, Kind string
	Version                           int64
	Modified                          wire.Time
	ModifiedBy                        string
	Tags                              []Tag
}

// PutParameterInput creates or replaces a parameter.
type PutParameterInput struct {
	Name, Value, Type, Description, AllowedPattern string
	KeyId, Tier, DataType, Policies                string
	Overwrite                                      bool
	Tags                                           []Tag
}

// PutParameterOutput tells the version that was written.
type PutParameterOutput struct {
	Version int64
	Tier    string
}

// namePattern is what a name consists of. Its length is checked apart: a regular expression repeats 1000 times at most.
var namePattern = regexp.MustCompile(`^[a-zA-Z0-9_.\-/]+$`)

// reserved says whether a name belongs to AWS.
func reserved(name string) bool {
	lower := strings.ToLower(strings.TrimPrefix(name, "/"))
	return strings.HasPrefix(lower, "aws") || strings.HasPrefix(lower, "ssm")
}

func (in *PutParameterInput) check() error {
	switch {
	case len(in.Name) > 1011 || !namePattern.MatchString(in.Name):
		return errValidation("Parameter name %q: only a-z, A-Z, 0-9, and the following symbols are allowed: . _ - /", in.Name)
	case strings.Contains(in.Name, "/") && in.Name[0] != '/':
		return errValidation("Parameter name must be a fully qualified name.")
	case reserved(in.Name):
		return errValidation("Parameter name: can't be prefixed with \"aws\" or \"ssm\" (case-insensitive).")
	case strings.Count(in.Name, "/") > maxLevels:
		return wire.Errorf("HierarchyLevelLimitExceededException", "A parameter hierarchy has %d levels at most.", maxLevels)
	case in.Value == "":
		return errValidation("Parameter %s: the value must not be empty.", in.Name)
	case in.Overwrite && len(in.Tags) > 0:
		return errValidation("Invalid request: tags and overwrite can't be used together. To create a parameter with tags, please remove overwrite flag. To update tags for an existing parameter, please use AddTagsToResource or RemoveTagsFromResource.")
	case in.Policies != "" && in.Policies != "[]":
		return errValidation("parameter policies are not implemented by this endpoint")
	case in.Tier == "Intelligent-Tiering" && len(in.Value) > maxStandard:
		in.Tier = "Advanced"
	case in.Tier == "" || in.Tier == "Intelligent-Tiering":
		in.Tier = "Standard"
	}
	limit := maxStandard
	if in.Tier == "Advanced" {
		limit = maxAdvanced
	}
	if len(in.Value) > limit {
		return errValidation("%s tier parameters support a maximum parameter value of %d characters.", in.Tier, limit)
	}
	if in.AllowedPattern != "" {
		pattern, err := regexp.Compile(in.AllowedPattern)
		if err != nil {
			return wire.Errorf("InvalidAllowedPatternException", "%s: %v", in.AllowedPattern, err)
		}
		if !pattern.MatchString(in.Value) {
			return wire.Errorf("ParameterPatternMismatchException", "Parameter value, cannot be validated against allowedPattern: %s", in.AllowedPattern)
		}
	}
	return nil
}

func (s *Service) putParameter(ctx context.Context, in PutParameterInput) (out PutParameterOutput, err error) {
	if err := in.check(); err != nil {
		return out, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	p, exists, err := s.parameters.Get(in.Name)
	if err != nil {
		return out, err
	}
	if exists && !in.Overwrite {
		return out, wire.Errorf("ParameterAlreadyExists", "The parameter already exists. To overwrite this value, set the overwrite option in the request to true.")
	}
	if in.Type == "" {
		in.Type = p.Type
	}
	switch in.Type {
	case "String", "StringList", "SecureString":
	default:
		return out, errValidation("A parameter type is required when you create a parameter: String, StringList or SecureString, not %q.", in.Type)
	}
	if exists && (p.Type == "SecureString") != (in.Type == "SecureString") {
		return out, wire.Errorf("HierarchyTypeMismatchException", "Parameter %s is a %s and cannot become a %s.", in.Name, p.Type, in.Type)
	}
	p.Name, p.Type, p.Value, p.Tier, p.AllowedPattern = in.Name, in.Type, in.Value, in.Tier, in.AllowedPattern
	p.Kind = in.DataType
	if p.Kind == "" {
		p.Kind = "text"
	}
	if in.Description != "" || !exists {
		p.Description = in.Description
	}
	if in.Type == "SecureString" {
		p.KeyID = in.KeyId
		if p.KeyID == "" {
			p.KeyID = "alias/aws/ssm"
		}
	}
	if !exists {
		p.Tags = in.Tags
	}
	caller, _ := wire.CallerFrom(ctx)
	p.ModifiedBy, p.Modified = caller.ARN, wire.Time{Time: s.clock.Now()}
	p.Version++
	return PutParameterOutput{Version: p.Version, Tier: p.Tier}, s.parameters.Put(in.Name, p)
}

// Parameter is a parameter with its value as the API shows it.
type Parameter struct {
	Name, Type, Value string
	Version           int64
	Selector          string `json:",omitempty"`
	LastModifiedDate  wire.Time
	ARN               string
	DataType          string
}

// show returns p with its value, encrypted in appearance unless decryption is asked for.
func (p record) show(decrypt bool) Parameter {
	value := p.Value
	if p.Type == "SecureString" && !decrypt {
		value = base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "encrypted with %s: ask for it with decryption", p.KeyID))
	}
	return Parameter{
		Name: p.Name, Type: p.Type, Value: value, Version: p.Version,
		LastModifiedDate: p.Modified, ARN: parameterARN(p.Name), DataType: p.Kind,
	}
}

// split returns the name in what a client names a parameter by, and the version if there is one: name or ARN, with
// ":version" after it.
func split(name string) (plain, version string) {
	if a, ok := arn.Parse(name); ok && a.Service == "ssm" {
		name = strings.TrimPrefix(a.Resource, "parameter")
	}
	plain, version, _ = strings.Cut(name, ":")
	return plain, version
}

// find returns the parameter that a client names, and the selector of its version.
func (s *Service) find(name string) (record, string, error) {
	plain, version := split(name)
	p, ok, err := s.parameters.Get(plain)
	if err == nil && !ok && strings.HasPrefix(name, "arn:") {
		// The ARN of a name without a slash has one all the same.
		p, ok, err = s.parameters.Get(strings.TrimPrefix(plain, "/"))
	}
	if err != nil {
		return p, "", err
	}
	if !ok {
		return p, "", errNotFound(name)
	}
	if version == "" {
		return p, "", nil
	}
	if n, err := strconv.ParseInt(version, 10, 64); err != nil || n != p.Version {
		return p, "", wire.Errorf("ParameterVersionNotFound", "Systems Manager could not find version %s of %s: this endpoint keeps the newest one, %d, only.", version, plain, p.Version)
	}
	return p, ":" + version, nil
}

// GetParameterInput names a parameter.
type GetParameterInput struct {
	Name           string
	WithDecryption bool
}

// GetParameterOutput is the answer with one parameter.
type GetParameterOutput struct{ Parameter Parameter }

func (s *Service) getParameter(_ context.Context, in GetParameterInput) (out GetParameterOutput, err error) {
	p, selector, err := s.find(in.Name)
	if err != nil {
		return out, err
	}
	out.Parameter = p.show(in.WithDecryption)
	out.Parameter.Selector = selector
	return out, nil
}

// GetParametersInput names parameters.
type GetParametersInput struct {
	Names          []string
	WithDecryption bool
}

// GetParametersOutput is the answer with those that exist, and the names of the others.
type GetParametersOutput struct {
	Parameters        []Parameter
	InvalidParameters []string
}

func (s *Service) getParameters(_ context.Context, in GetParametersInput) (GetParametersOutput, error) {
	out := GetParametersOutput{Parameters: []Parameter{}, InvalidParameters: []string{}}
	if len(in.Names) == 0 || len(in.Names) > 10 {
		return out, errValidation("Names has %d entries: want 1 to 10", len(in.Names))
	}
	for _, name := range in.Names {
		p, selector, err := s.find(name)
		if isRefusal(err) {
			out.InvalidParameters = append(out.InvalidParameters, name)
			continue
		}
		if err != nil {
			return out, err
		}
		shown := p.show(in.WithDecryption)
		shown.Selector = selector
		out.Parameters = append(out.Parameters, shown)
	}
	return out, nil
}

// DeleteParameterInput names a parameter.
type DeleteParameterInput struct{ Name string }

func (s *Service) deleteParameter(_ context.Context, in DeleteParameterInput) (out wire.Empty, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, _, err := s.find(in.Name)
	if err != nil {
		return out, err
	}
	return out, s.parameters.Delete(p.Name)
}

// DeleteParametersInput names parameters.
type DeleteParametersInput struct{ Names []string }

// DeleteParametersOutput tells which of them are gone and which did not exist.
type DeleteParametersOutput struct{ DeletedParameters, InvalidParameters []string }

func (s *Service) deleteParameters(ctx context.Context, in DeleteParametersInput) (DeleteParametersOutput, error) {
	out := DeleteParametersOutput{DeletedParameters: []string{}, InvalidParameters: []string{}}
	for _, name := range in.Names {
		_, err := s.deleteParameter(ctx, DeleteParameterInput{name})
		switch {
		case isRefusal(err):
			out.InvalidParameters = append(out.InvalidParameters, name)
		case err != nil:
			return out, err
		default:
			out.DeletedParameters = append(out.DeletedParameters, name)
		}
	}
	return out, nil
}
