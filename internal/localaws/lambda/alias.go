package lambda

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"
)

// alias is what an alias stands for. https://docs.aws.amazon.com/lambda/latest/api/API_AliasConfiguration.html
type alias struct {
	AliasArn        string
	Name            string
	FunctionVersion string
	Description     string
	// RoutingConfig is nil unless it has weights: an empty one must not come back.
	RoutingConfig *routing `json:",omitempty"`
	RevisionID    string   `json:"RevisionId"`
}

type routing struct{ AdditionalVersionWeights map[string]float64 }

func (a alias) sendsTo(version string) bool {
	if a.RoutingConfig != nil {
		if _, ok := a.RoutingConfig.AdditionalVersionWeights[version]; ok {
			return true
		}
	}
	return a.FunctionVersion == version
}

type aliasInput struct {
	FunctionName    string `path:"FunctionName" json:"-"`
	Name            string `path:"Name"`
	FunctionVersion *string
	Description     *string
	RoutingConfig   *routing
	RevisionID      string `json:"RevisionId"`
}

type createAliasInput struct {
	FunctionName    string `path:"FunctionName" json:"-"`
	Name            string
	FunctionVersion *string
	Description     *string
	RoutingConfig   *routing
}

type createdAlias struct {
	alias
	Status int `status:"" json:"-"`
}

func (s *Service) createAlias(_ context.Context, in createAliasInput) (createdAlias, error) {
	r, err := parseRef(in.FunctionName, "")
	if err != nil {
		return createdAlias{}, err
	}
	if !aliasExpr.MatchString(in.Name) || versionExpr.MatchString(in.Name) {
		return createdAlias{}, validation(in.Name, "name", patternConstraint(aliasPattern))
	}
	if in.FunctionVersion == nil {
		return createdAlias{}, validation("null", "functionVersion", "Member must not be null")
	}
	a := alias{Name: in.Name, AliasArn: functionARN(r.name, in.Name)}
	err = s.change(r.name, errNoFunction(functionARN(r.name, *in.FunctionVersion)), func(f *function) error {
		if err := f.editAlias(&a, in.FunctionVersion, in.Description, in.RoutingConfig); err != nil {
			return err
		}
		if _, exists := f.Aliases[a.Name]; exists {
			return conflict("Alias already exists: %s", a.AliasArn)
		}
		f.Aliases[a.Name] = a
		return nil
	})
	return createdAlias{a, 201}, err
}

// editAlias writes what is given into a and checks the result.
func (f *function) editAlias(a *alias, version, description *string, r *routing) error {
	set(&a.FunctionVersion, version)
	set(&a.Description, description)
	if r != nil {
		a.RoutingConfig = nil
		if len(r.AdditionalVersionWeights) > 0 {
			a.RoutingConfig = &routing{maps.Clone(r.AdditionalVersionWeights)}
		}
	}
	if _, ok := f.resolve(a.FunctionVersion); !ok || f.isAlias(a.FunctionVersion) {
		return errNoFunction(functionARN(f.Name, a.FunctionVersion))
	}
	a.RevisionID = uuid.NewString()
	if a.RoutingConfig == nil {
		return nil
	}
	return f.checkWeights(*a)
}

// checkWeights refuses weights that Lambda does not take.
func (f *function) checkWeights(a alias) error {
	weights := a.RoutingConfig.AdditionalVersionWeights
	if len(weights) > 1 {
		return invalid("Number of items in AdditionalVersionWeights cannot be greater than 1")
	}
	for v, w := range weights {
		_, known := f.resolve(v)
		refuse := func(constraint string) error {
			share := strconv.FormatFloat(w, 'f', -1, 64)
			if !strings.Contains(share, ".") {
				share += ".0"
			}
			return validation("{"+v+"="+share+"}", "routingConfig.additionalVersionWeights", constraint)
		}
		switch {
		case !versionExpr.MatchString(v):
			return refuse("Map keys must satisfy constraint: [Member must have length less than or equal to 1024, " +
				"Member must have length greater than or equal to 1, Member must satisfy regular expression pattern: [0-9]+]")
		case w < 0 || w > 1:
			return refuse("Map value must satisfy constraint: [Member must have value less than or equal to 1.0, " +
				"Member must have value greater than or equal to 0.0, Member must not be null]")
		case v == a.FunctionVersion:
			return invalid("Invalid function version %s. Function version %[1]s is already included in routing configuration.", v)
		case a.FunctionVersion == latest:
			return invalid("$LATEST is not supported for an alias pointing to more than 1 version")
		case !known:
			return errNoFunction(functionARN(f.Name, v))
		}
	}
	return nil
}

func (f *function) isAlias(qualifier string) bool {
	_, ok := f.Aliases[qualifier]
	return ok
}

type namedAliasInput struct {
	FunctionName string `path:"FunctionName" json:"-"`
	Name         string `path:"Name" json:"-"`
}

func (s *Service) getAlias(_ context.Context, in namedAliasInput) (alias, error) {
	r, f, err := s.find(in.FunctionName, "")
	if err != nil {
		return alias{}, err
	}
	a, ok := f.Aliases[in.Name]
	if !ok {
		return alias{}, notFound("Cannot find alias arn: %s", functionARN(r.name, in.Name))
	}
	return a, nil
}

func (s *Service) updateAlias(_ context.Context, in aliasInput) (alias, error) {
	r, err := parseRef(in.FunctionName, "")
	if err != nil {
		return alias{}, err
	}
	missing := notFound("Alias not found: %s", functionARN(r.name, in.Name))
	var a alias
	err = s.change(r.name, missing, func(f *function) error {
		var ok bool
		if a, ok = f.Aliases[in.Name]; !ok {
			return missing
		}
		if in.RevisionID != "" && in.RevisionID != a.RevisionID {
			return stale("The RevisionId provided does not match the latest RevisionId. Call the GetAlias API to retrieve " +
				"the latest RevisionId for your resource.")
		}
		if err := f.editAlias(&a, in.FunctionVersion, in.Description, in.RoutingConfig); err != nil {
			return err
		}
		f.Aliases[in.Name] = a
		return nil
	})
	return a, err
}

// deleteAlias also succeeds for an alias that does not exist.
func (s *Service) deleteAlias(_ context.Context, in namedAliasInput) (gone, error) {
	r, err := parseRef(in.FunctionName, "")
	if err != nil {
		return gone{}, err
	}
	return deleted, s.change(r.name, errNoFunction(r.arn()), func(f *function) error {
		delete(f.Aliases, in.Name)
		delete(f.Policies, in.Name)
		delete(f.InvokeConfigs, in.Name)
		return nil
	})
}

type listAliasesInput struct {
	pageInput
	FunctionName    string `path:"FunctionName" json:"-"`
	FunctionVersion string `query:"FunctionVersion" json:"-"`
}

type listAliasesOutput struct {
	Aliases    []alias
	NextMarker string `json:",omitempty"`
}

func (s *Service) listAliases(_ context.Context, in listAliasesInput) (listAliasesOutput, error) {
	_, f, err := s.find(in.FunctionName, "")
	if err != nil {
		return listAliasesOutput{}, err
	}
	all := slices.SortedFunc(maps.Values(f.Aliases), func(a, b alias) int { return cmp.Compare(a.Name, b.Name) })
	if in.FunctionVersion != "" {
		all = slices.DeleteFunc(all, func(a alias) bool { return a.FunctionVersion != in.FunctionVersion })
	}
	items, next, err := page(all, in.pageInput)
	return listAliasesOutput{items, next}, err
}
