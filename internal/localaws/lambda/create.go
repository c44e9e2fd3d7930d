package lambda

import (
	"context"
	"maps"
	"slices"

	"github.com/google/uuid"

	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

type createInput struct {
	settings
	FunctionName         string
	Code                 codeInput
	PackageType          string
	Architectures        []string
	Publish              bool
	Tags                 map[string]string
	CodeSigningConfigArn string
}

// codeInput is where code comes from.
type codeInput struct {
	ZipFile  []byte
	S3Bucket string
	ImageURI string `json:"ImageUri"`
}

// created is a FunctionConfiguration with the status of its answer.
type created struct {
	configuration
	Status int `status:"" json:"-"`
}

func (s *Service) createFunction(_ context.Context, in createInput) (created, error) {
	r, err := parseRef(in.FunctionName, "")
	if err != nil {
		return created{}, err
	}
	if len(r.name) > 64 {
		return created{}, invalid("1 validation error detected: Value '%s' at 'functionName' failed to satisfy constraint: "+
			"Member must have length less than or equal to 64", r.name)
	}
	if r.qualifier != "" {
		return created{}, validation(in.FunctionName, "functionName", patternConstraint(namePattern))
	}
	cfg, err := in.configuration(r.name)
	if err != nil {
		return created{}, err
	}
	cfg.LastModified, cfg.RevisionID = s.modified(), uuid.NewString()
	if err := s.checkRole(cfg); err != nil {
		return created{}, err
	}
	f := &function{
		Name: r.name, Latest: cfg, Tags: maps.Clone(in.Tags), Aliases: map[string]alias{},
		Policies: map[string]resourcePolicy{}, InvokeConfigs: map[string]invokeConfig{},
	}
	answer := f.Latest.as("")
	if in.Publish {
		published, err := f.publish(cfg.Description)
		if err != nil {
			return created{}, err
		}
		answer = published.as(published.Version)
	}

	s.mu.Lock()
	defer s.mu.Unlock()
	if _, exists := s.functions[r.name]; exists {
		return created{}, conflict("Function already exist: %s", r.name)
	}
	if err := s.putCode(in.Code.ZipFile); err != nil {
		return created{}, err
	}
	if err := s.commit(nil, f); err != nil {
		return created{}, err
	}
	return created{answer.pending(), 201}, nil
}

// configuration returns $LATEST as the input asks for it.
func (in createInput) configuration(name string) (configuration, error) {
	cfg := newConfiguration(name)
	if err := in.check(); err != nil {
		return cfg, err
	}
	switch {
	case in.Role == nil:
		return cfg, validation("null", "role", "Member must not be null")
	case in.PackageType != "" && in.PackageType != "Zip":
		return cfg, unsupported("PackageType " + in.PackageType)
	case in.CodeSigningConfigArn != "":
		return cfg, unsupported("CodeSigningConfigArn")
	case in.Runtime == nil:
		return cfg, invalid("Runtime is mandatory for functions created with deployment packages.")
	case in.Handler == nil || *in.Handler == "":
		return cfg, invalid("Handler is mandatory for functions created with deployment packages.")
	case len(in.Tags) > maxTags:
		return cfg, invalid("Number of tags exceeds resource tag limit.")
	}
	if len(in.Architectures) > 0 {
		cfg.Architectures = slices.Clone(in.Architectures)
	}
	if err := in.Code.check(&cfg); err != nil {
		return cfg, err
	}
	in.apply(&cfg)
	return cfg, nil
}

// check refuses code that cannot run and writes what is known of it into cfg.
func (in codeInput) check(cfg *configuration) error {
	switch {
	case in.S3Bucket != "":
		return unsupported("Code from S3")
	case in.ImageURI != "":
		return unsupported("Code from an image")
	case len(in.ZipFile) == 0:
		return invalid("Please provide a source for function code.")
	}
	if err := checkArchitectures(cfg.Architectures); err != nil {
		return err
	}
	if err := checkCode(in.ZipFile, cfg.Architectures[0]); err != nil {
		return err
	}
	cfg.CodeSHA256, cfg.CodeSize = sha256Of(in.ZipFile), int64(len(in.ZipFile))
	return nil
}

// putCode stores a package before the function that needs it. s.mu is held, so that no commit sees it as unused.
func (s *Service) putCode(pkg []byte) error { return s.code.put(pkg) }

// checkRole refuses a role that does not exist or does not trust Lambda.
func (s *Service) checkRole(cfg configuration) error {
	if _, err := s.cfg.Credentials.SessionFor(cfg.Role, cfg.FunctionName); err != nil {
		return invalid("The role defined for the function cannot be assumed by Lambda.")
	}
	return nil
}

type updateCodeInput struct {
	FunctionName  string `path:"FunctionName" json:"-"`
	ZipFile       []byte
	S3Bucket      string
	ImageURI      string `json:"ImageUri"`
	Architectures []string
	Publish       bool
	DryRun        bool
	RevisionID    string `json:"RevisionId"`
}

func (s *Service) updateCode(_ context.Context, in updateCodeInput) (configuration, error) {
	r, err := parseRef(in.FunctionName, "")
	if err != nil {
		return configuration{}, err
	}
	var answer configuration
	err = s.change(r.name, errNoFunction(r.arn()), func(f *function) error {
		if err := f.checkRevision(in.RevisionID); err != nil {
			return err
		}
		if len(in.Architectures) > 0 {
			f.Latest.Architectures = slices.Clone(in.Architectures)
		}
		code := codeInput{ZipFile: in.ZipFile, S3Bucket: in.S3Bucket, ImageURI: in.ImageURI}
		if err := code.check(&f.Latest); err != nil {
			return err
		}
		if in.DryRun {
			answer = f.Latest.as("")
			return errDryRun
		}
		if err := s.putCode(in.ZipFile); err != nil {
			return err
		}
		f.touch(s.modified())
		answer = f.Latest.as("").updating()
		if in.Publish {
			published, err := f.publish(f.Latest.Description)
			if err != nil {
				return err
			}
			answer = published.as(published.Version).pending()
		}
		return nil
	})
	if err == errDryRun { //nolint:errorlint // our own, returned by our own function
		err = nil
	}
	return answer, err
}

// errDryRun ends a change without making it.
var errDryRun = wire.Errorf("DryRun", "nothing is changed")

type updateConfigurationInput struct {
	settings
	FunctionName string `path:"FunctionName" json:"-"`
	RevisionID   string `json:"RevisionId"`
}

func (s *Service) updateConfiguration(_ context.Context, in updateConfigurationInput) (configuration, error) {
	r, err := parseRef(in.FunctionName, "")
	if err != nil {
		return configuration{}, err
	}
	if err := in.check(); err != nil {
		return configuration{}, err
	}
	var answer configuration
	err = s.change(r.name, errNoFunction(r.arn()), func(f *function) error {
		if err := f.checkRevision(in.RevisionID); err != nil {
			return err
		}
		in.apply(&f.Latest)
		if in.Role != nil {
			if err := s.checkRole(f.Latest); err != nil {
				return err
			}
		}
		f.touch(s.modified())
		answer = f.Latest.as("").updating()
		return nil
	})
	return answer, err
}

func (f *function) checkRevision(id string) error {
	if id != "" && id != f.Latest.RevisionID {
		return stale("The RevisionId provided does not match the latest RevisionId. Call the " +
			"GetFunction/GetFunctionConfiguration API to retrieve the latest RevisionId for your resource.")
	}
	return nil
}

// modified returns the time of a change in Lambda's format.
func (s *Service) modified() string {
	return s.cfg.Clock.Now().UTC().Format("2006-01-02T15:04:05.000+0000")
}

type namedInput struct {
	FunctionName string `path:"FunctionName" json:"-"`
	Qualifier    string `query:"Qualifier" json:"-"`
}

// gone is the answer to deletions.
type gone struct {
	Status int `status:"" json:"-"`
}

var deleted = gone{204}

func (s *Service) deleteFunction(_ context.Context, in namedInput) (gone, error) {
	r, err := parseUse(in.FunctionName, in.Qualifier)
	if err != nil {
		return gone{}, err
	}
	if r.qualifier == latest {
		return gone{}, invalid("$LATEST version cannot be deleted without deleting the function.")
	}
	if _, ok := s.lookup(r.name); !ok {
		return gone{}, errNoFunction(functionARN(r.name, ""))
	}
	if r.qualifier != "" {
		return deleted, s.deleteVersion(r)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	f, ok := s.functions[r.name]
	if !ok {
		return gone{}, errNoFunction(r.arn())
	}
	return deleted, s.commit(f, nil)
}
