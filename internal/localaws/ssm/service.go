// Package ssm is the Parameter Store of AWS Systems Manager.
//
// Secure strings are kept as they are: the endpoint's data is as safe as the folder it lies in. It does not do labels,
// parameter policies, history beyond the version number and the rest of Systems Manager; requests for them are refused.
//
// API: https://docs.aws.amazon.com/systems-manager/latest/APIReference/Welcome.html
package ssm

import (
	"errors"
	"sync"

	"github.com/the-alchemiser/alchemiser/internal/localaws/arn"
	"github.com/the-alchemiser/alchemiser/internal/localaws/clock"
	"github.com/the-alchemiser/alchemiser/internal/localaws/state"
	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

// Config is what the service needs. All fields are required.
type Config struct {
	Store *state.Store
	Clock *clock.Clock
}

// Service is the Parameter Store. It is safe for concurrent use.
type Service struct {
	clock      *clock.Clock
	parameters state.Table[record]
	mu         sync.Mutex // guards changes from reading to writing
}

// New returns the service with what the store holds.
func New(cfg Config) (*Service, error) {
	if cfg.Store == nil || cfg.Clock == nil {
		return nil, errors.New("ssm: store and clock are required")
	}
	return &Service{clock: cfg.Clock, parameters: state.NewTable[record](cfg.Store, "ssm.parameters")}, nil
}

// API returns the operations of the Parameter Store.
func (s *Service) API() wire.Service {
	return wire.Service{
		Name: "ssm", Protocol: wire.JSON11, Target: "AmazonSSM",
		Operations: []wire.Operation{
			wire.Op("PutParameter", s.putParameter),
			wire.Op("GetParameter", s.getParameter),
			wire.Op("GetParameters", s.getParameters),
			wire.Op("GetParametersByPath", s.getParametersByPath),
			wire.Op("DescribeParameters", s.describeParameters),
			wire.Op("DeleteParameter", s.deleteParameter),
			wire.Op("DeleteParameters", s.deleteParameters),
			wire.Op("ListTagsForResource", s.listTags),
			wire.Op("AddTagsToResource", s.addTags),
			wire.Op("RemoveTagsFromResource", s.removeTags),
		},
	}
}

// Inventory returns the ARNs of all parameters.
func (s *Service) Inventory() ([]string, error) {
	var arns []string
	err := s.parameters.Scan("", "", func(name string, _ record) bool {
		arns = append(arns, parameterARN(name))
		return true
	})
	return arns, err
}

// parameterARN has one slash between the type and the name, whether or not the name starts with one.
func parameterARN(name string) string {
	if name[0] != '/' {
		name = "/" + name
	}
	return arn.New("ssm", "parameter"+name)
}

func errNotFound(name string) *wire.Error {
	return wire.Errorf("ParameterNotFound", "Parameter %s not found.", name)
}

func errValidation(format string, args ...any) *wire.Error {
	return wire.Errorf("ValidationException", format, args...)
}
