package lambda

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// publish makes a version of $LATEST and returns it; if nothing has changed since the last one it returns that.
func (f *function) publish(description string) (configuration, error) {
	content, err := f.Latest.content()
	if err != nil {
		return configuration{}, err
	}
	if content == f.PublishedContent && len(f.Versions) > 0 {
		return f.Versions[len(f.Versions)-1], nil
	}
	f.Published++
	v := f.Latest
	v.Version, v.Description = strconv.Itoa(f.Published), description
	v.Architectures = slices.Clone(v.Architectures)
	if v.Environment != nil {
		v.Environment = &environmentVariables{maps.Clone(v.Environment.Variables)}
	}
	f.Versions = append(f.Versions, v)
	f.PublishedContent = content
	return v, nil
}

type publishInput struct {
	FunctionName string `path:"FunctionName" json:"-"`
	CodeSHA256   string `json:"CodeSha256"`
	Description  *string
	RevisionID   string `json:"RevisionId"`
}

func (s *Service) publishVersion(_ context.Context, in publishInput) (created, error) {
	r, err := parseRef(in.FunctionName, "")
	if err != nil {
		return created{}, err
	}
	var v configuration
	err = s.change(r.name, errNoFunction(r.arn()), func(f *function) error {
		if err := f.checkRevision(in.RevisionID); err != nil {
			return err
		}
		if in.CodeSHA256 != "" && in.CodeSHA256 != f.Latest.CodeSHA256 {
			return invalid("CodeSHA256 (%s) is different from current CodeSHA256 in $LATEST (%s). "+
				"Please try again with the CodeSHA256 in $LATEST.", in.CodeSHA256, f.Latest.CodeSHA256)
		}
		description := f.Latest.Description
		set(&description, in.Description)
		v, err = f.publish(description)
		return err
	})
	return created{v.as(v.Version), 201}, err
}

func (s *Service) deleteVersion(r ref) error {
	if !versionExpr.MatchString(r.qualifier) {
		return invalid("Deletion of aliases is done with DeleteAlias; %s is not a version.", r.qualifier)
	}
	return s.change(r.name, errNoFunction(r.arn()), func(f *function) error {
		var by []string
		for name, a := range f.Aliases {
			if a.sendsTo(r.qualifier) {
				by = append(by, name)
			}
		}
		if len(by) > 0 {
			slices.Sort(by)
			return conflict("Unable to delete version because the following aliases reference it: [%s]", strings.Join(by, ", "))
		}
		f.Versions = slices.DeleteFunc(f.Versions, func(c configuration) bool { return c.Version == r.qualifier })
		delete(f.Policies, r.qualifier)
		delete(f.InvokeConfigs, r.qualifier)
		return nil
	})
}

type listVersionsInput struct {
	pageInput
	FunctionName string `path:"FunctionName" json:"-"`
}

type listVersionsOutput struct {
	Versions   []configuration
	NextMarker string `json:",omitempty"`
}

func (s *Service) listVersions(_ context.Context, in listVersionsInput) (listVersionsOutput, error) {
	_, f, err := s.find(in.FunctionName, "")
	if err != nil {
		return listVersionsOutput{}, err
	}
	all := []configuration{f.Latest.as(latest).listed()}
	for _, v := range f.Versions {
		all = append(all, v.as(v.Version).listed())
	}
	items, next, err := page(all, in.pageInput)
	return listVersionsOutput{items, next}, err
}
