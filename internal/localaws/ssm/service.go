// Package ssm is the Parameter Store of AWS Systems Manager.
//
// Secure strings are kept as they are: the endpoint's data is as safe as the folder it lies in. It does not do labels,
// parameter policies, history beyond the version number and the rest of Systems Manager; requests for them are refused.
//
// API: https://docs.aws.amazon.com/systems-manager/latest/APIReference/Welcome.html
package ssm

import (
	"errors"
	"strings"
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
		Access: s.access,
		Gaps: []string{
			"Secure strings are kept in clear text in the endpoint's data: there is no KMS, so key IDs are not looked up and no permission of KMS is asked for.",
			"Only the newest version of a parameter is kept; there are no labels, no history, no parameter policies and no expiry.",
			"Limits on rates and on the number of parameters do not exist.",
		},
		Operations: []wire.Operation{
			wire.Op("PutParameter", s.putParameter).But("Parameter policies are refused, and the data types aws:ec2:image and aws:ssm:integration are not validated."),
			wire.Op("GetParameter", s.getParameter).But("A selector names the newest version only; public parameters of AWS (/aws/...) and Secrets Manager references do not exist."),
			wire.Op("GetParameters", s.getParameters).But("As GetParameter."),
			wire.Op("GetParametersByPath", s.getParametersByPath).But("The path \"/\" does not find names without a slash; filters by label are refused."),
			wire.Op("DescribeParameters", s.describeParameters).But("Policies is always empty; parameters shared by other accounts do not exist."),
			wire.Op("DeleteParameter", s.deleteParameter).But("The name can be used again at once; AWS asks to wait 30 seconds."),
			wire.Op("DeleteParameters", s.deleteParameters).But("As DeleteParameter."),
			wire.Op("ListTagsForResource", s.listTags).But("Only parameters have tags."),
			wire.Op("AddTagsToResource", s.addTags).But("Only parameters have tags; the limit of 50 tags is not enforced."),
			wire.Op("RemoveTagsFromResource", s.removeTags).But("Only parameters have tags."),
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
	return arn.New("ssm", "parameter/"+strings.TrimPrefix(name, "/"))
}

// limited returns the size of a page: the largest one if the client names none.
func limited(want, most int) (int, error) {
	if want > most {
		return 0, errValidation("1 validation error detected: Value '%d' at 'maxResults' failed to satisfy constraint: Member must have value less than or equal to %d", want, most)
	}
	if want < 1 {
		return most, nil
	}
	return want, nil
}

func errNotFound(name string) *wire.Error {
	return wire.Errorf("ParameterNotFound", "Parameter %s not found.", name)
}

func errValidation(format string, args ...any) *wire.Error {
	return wire.Errorf("ValidationException", format, args...)
}
