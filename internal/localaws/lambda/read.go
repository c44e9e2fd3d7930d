package lambda

import (
	"context"
	"strconv"

	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

type functionOutput struct {
	Configuration configuration
	Code          codeLocation
	Concurrency   *concurrency      `json:",omitempty"`
	Tags          map[string]string `json:",omitempty"`
}

type codeLocation struct{ RepositoryType, Location string }

func (s *Service) getFunction(_ context.Context, in namedInput) (functionOutput, error) {
	r, f, err := s.find(in.FunctionName, in.Qualifier)
	if err != nil {
		return functionOutput{}, err
	}
	cfg, ok := f.resolve(r.qualifier)
	if !ok {
		return functionOutput{}, errNoFunction(r.arn())
	}
	return functionOutput{
		Configuration: cfg.as(r.qualifier),
		Code:          codeLocation{"S3", s.cfg.EndpointURL() + CodePath + codeKey(cfg.CodeSHA256)},
		Concurrency:   f.concurrency(),
		Tags:          f.Tags,
	}, nil
}

func (s *Service) getConfiguration(_ context.Context, in namedInput) (configuration, error) {
	r, f, err := s.find(in.FunctionName, in.Qualifier)
	if err != nil {
		return configuration{}, err
	}
	cfg, ok := f.resolve(r.qualifier)
	if !ok {
		return configuration{}, errNoFunction(r.arn())
	}
	return cfg.as(r.qualifier), nil
}

type pageInput struct {
	Marker   string `query:"Marker" json:"-"`
	MaxItems int    `query:"MaxItems" json:"-"`
}

// page cuts a page out of a list. Its marker is the position of the next element.
func page[T any](all []T, in pageInput) (items []T, next string, err error) {
	start := 0
	if in.Marker != "" {
		if start, err = strconv.Atoi(in.Marker); err != nil || start < 0 || start > len(all) {
			return nil, "", invalid("Invalid value for Marker: %s", in.Marker)
		}
	}
	size := 50
	if in.MaxItems > 0 {
		size = min(in.MaxItems, size)
	}
	end := min(start+size, len(all))
	if end < len(all) {
		next = strconv.Itoa(end)
	}
	return append([]T{}, all[start:end]...), next, nil
}

type listFunctionsInput struct {
	pageInput
	FunctionVersion string `query:"FunctionVersion" json:"-"`
}

type listFunctionsOutput struct {
	Functions  []configuration
	NextMarker string `json:",omitempty"`
}

func (s *Service) listFunctions(_ context.Context, in listFunctionsInput) (listFunctionsOutput, error) {
	if in.FunctionVersion != "" && in.FunctionVersion != "ALL" {
		return listFunctionsOutput{}, validation(in.FunctionVersion, "functionVersion",
			"Member must satisfy enum value set: [ALL]")
	}
	var all []configuration
	for _, f := range s.all() {
		if in.FunctionVersion == "" {
			all = append(all, f.Latest.as("").listed())
			continue
		}
		all = append(all, f.Latest.as(latest).listed())
		for _, v := range f.Versions {
			all = append(all, v.as(v.Version).listed())
		}
	}
	items, next, err := page(all, in.pageInput)
	return listFunctionsOutput{items, next}, err
}

// getCodeSigning answers as for a function without a code signing configuration.
func (s *Service) getCodeSigning(_ context.Context, in namedInput) (codeSigningOutput, error) {
	r, _, err := s.find(in.FunctionName, "")
	return codeSigningOutput{FunctionName: r.name}, err
}

type codeSigningOutput struct {
	CodeSigningConfigArn string
	FunctionName         string
}

// accountConcurrency is how many environments may run at once; minUnreserved of it cannot be reserved.
// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
const (
	accountConcurrency = 1000
	minUnreserved      = 100
)

type accountOutput struct {
	AccountLimit struct {
		TotalCodeSize                  int64
		CodeSizeUnzipped               int64
		CodeSizeZipped                 int64
		ConcurrentExecutions           int
		UnreservedConcurrentExecutions int
	}
	AccountUsage struct {
		TotalCodeSize int64
		FunctionCount int
	}
}

func (s *Service) getAccountSettings(context.Context, wire.Empty) (accountOutput, error) {
	var out accountOutput
	out.AccountLimit.TotalCodeSize = 80_530_636_800
	out.AccountLimit.CodeSizeUnzipped, out.AccountLimit.CodeSizeZipped = maxUnzipped, maxZip
	out.AccountLimit.ConcurrentExecutions = accountConcurrency
	reservedSum := 0
	for _, f := range s.all() {
		out.AccountUsage.FunctionCount++
		out.AccountUsage.TotalCodeSize += f.Latest.CodeSize
		for _, v := range f.Versions {
			out.AccountUsage.TotalCodeSize += v.CodeSize
		}
		if f.Reserved != nil {
			reservedSum += *f.Reserved
		}
	}
	out.AccountLimit.UnreservedConcurrentExecutions = accountConcurrency - reservedSum
	return out, nil
}
