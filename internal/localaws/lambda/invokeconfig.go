package lambda

import (
	"cmp"
	"context"
	"maps"
	"regexp"
	"slices"
	"time"

	"github.com/the-alchemiser/alchemiser/internal/localaws/arn"
	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

// invokeConfig is how asynchronous invocations of one qualifier are retried and where their records go; nil means
// Lambda's default.
type invokeConfig struct {
	MaximumRetryAttempts     *int
	MaximumEventAgeInSeconds *int
	OnSuccess, OnFailure     string
	LastModified             time.Time
}

// Defaults of the asynchronous queue.
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
const (
	defaultRetries  = 2
	defaultEventAge = 6 * time.Hour
)

func (c invokeConfig) retries() int {
	if c.MaximumRetryAttempts == nil {
		return defaultRetries
	}
	return *c.MaximumRetryAttempts
}

func (c invokeConfig) eventAge() time.Duration {
	if c.MaximumEventAgeInSeconds == nil {
		return defaultEventAge
	}
	return time.Duration(*c.MaximumEventAgeInSeconds) * time.Second
}

type destination struct {
	Destination string `json:",omitempty"`
}

type destinationConfig struct {
	OnSuccess destination
	OnFailure destination
}

type invokeConfigOutput struct {
	LastModified             wire.Time
	FunctionARN              string `json:"FunctionArn"`
	MaximumRetryAttempts     *int   `json:",omitempty"`
	MaximumEventAgeInSeconds *int   `json:",omitempty"`
	DestinationConfig        destinationConfig
}

func (c invokeConfig) output(r ref) invokeConfigOutput {
	return invokeConfigOutput{
		LastModified: wire.Time{Time: c.LastModified}, FunctionARN: r.orLatest().arn(),
		MaximumRetryAttempts: c.MaximumRetryAttempts, MaximumEventAgeInSeconds: c.MaximumEventAgeInSeconds,
		DestinationConfig: destinationConfig{destination{c.OnSuccess}, destination{c.OnFailure}},
	}
}

type invokeConfigInput struct {
	namedInput
	MaximumRetryAttempts     *int
	MaximumEventAgeInSeconds *int
	DestinationConfig        *struct{ OnSuccess, OnFailure *destination }
}

// check refuses an input before the function is looked for.
func (in invokeConfigInput) check() error {
	if in.MaximumRetryAttempts == nil && in.MaximumEventAgeInSeconds == nil && in.DestinationConfig == nil {
		return invalid("You must specify at least one of error handling or destination setting.")
	}
	if err := checkRange("maximumRetryAttempts", in.MaximumRetryAttempts, 0, 2); err != nil {
		return err
	}
	if err := checkRange("maximumEventAgeInSeconds", in.MaximumEventAgeInSeconds, 60, 21600); err != nil {
		return err
	}
	if in.DestinationConfig == nil {
		return nil
	}
	var wrong violations
	for member, d := range map[string]*destination{"onSuccess": in.DestinationConfig.OnSuccess, "onFailure": in.DestinationConfig.OnFailure} {
		if d != nil && !destinationExpr.MatchString(d.Destination) {
			wrong.add(d.Destination, "destinationConfig."+member+".destination", patternConstraint(destinationPattern))
		}
	}
	return wrong.err()
}

const destinationPattern = `$|kafka://([^.]([a-zA-Z0-9\-_.]{0,248}))|arn:(aws[a-zA-Z0-9-]*):([a-zA-Z0-9\-])+:` +
	`((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1})?:(\d{12})?:(.*)`

var destinationExpr = regexp.MustCompile(`^(` + destinationPattern + `)$`)

// String returns the destinations as Lambda prints them.
func (c destinationConfig) String() string {
	show := func(kind string, d destination) string {
		if d.Destination == "" {
			return "null"
		}
		return kind + "(destination=" + d.Destination + ")"
	}
	return "DestinationConfig(onSuccess=" + show("OnSuccess", c.OnSuccess) + ", onFailure=" + show("OnFailure", c.OnFailure) + ")"
}

// apply writes what is given into c.
func (in invokeConfigInput) apply(c *invokeConfig, check func(destination string, of destinationConfig) error) error {
	if in.MaximumRetryAttempts != nil {
		c.MaximumRetryAttempts = in.MaximumRetryAttempts
	}
	if in.MaximumEventAgeInSeconds != nil {
		c.MaximumEventAgeInSeconds = in.MaximumEventAgeInSeconds
	}
	if in.DestinationConfig == nil {
		return nil
	}
	if d := in.DestinationConfig.OnSuccess; d != nil {
		c.OnSuccess = d.Destination
	}
	if d := in.DestinationConfig.OnFailure; d != nil {
		c.OnFailure = d.Destination
	}
	whole := destinationConfig{destination{c.OnSuccess}, destination{c.OnFailure}}
	return cmp.Or(check(c.OnSuccess, whole), check(c.OnFailure, whole))
}

// checkDestination refuses a destination of f that Lambda cannot send to. s.mu is held.
func (s *Service) checkDestination(f *function) func(string, destinationConfig) error {
	return func(destination string, of destinationConfig) error {
		if destination == "" {
			return nil
		}
		a, _ := arn.Parse(destination)
		switch a.Service {
		case "sqs", "sns", "events":
			return nil
		case "lambda":
			r, ok := isFunction(destination)
			if ok && r.name == f.Name {
				return invalid("You can't specify the function as a destination for itself.")
			}
			if _, exists := s.functions[r.name]; !ok || !exists {
				return invalid("The destination ARN %s is invalid.", destination)
			}
			return nil
		}
		return invalid("The provided destination config %s is invalid.", of)
	}
}

// putInvokeConfig replaces the configuration of a qualifier.
func (s *Service) putInvokeConfig(_ context.Context, in invokeConfigInput) (invokeConfigOutput, error) {
	return s.editInvokeConfig(in, func(*function, ref) (invokeConfig, error) { return invokeConfig{}, nil })
}

// updateInvokeConfig changes what is given.
func (s *Service) updateInvokeConfig(_ context.Context, in invokeConfigInput) (invokeConfigOutput, error) {
	return s.editInvokeConfig(in, func(f *function, r ref) (invokeConfig, error) {
		c, ok := f.InvokeConfigs[r.qualifier]
		if !ok {
			return c, errNoInvokeConfig(r)
		}
		return c, nil
	})
}

func (s *Service) editInvokeConfig(
	in invokeConfigInput, base func(*function, ref) (invokeConfig, error),
) (invokeConfigOutput, error) {
	if err := in.check(); err != nil {
		return invokeConfigOutput{}, err
	}
	r, err := parseRef(in.FunctionName, in.Qualifier)
	if err != nil {
		return invokeConfigOutput{}, err
	}
	r = r.orLatest()
	missing := notFound("The function doesn't exist.")
	var c invokeConfig
	err = s.change(r.name, missing, func(f *function) error {
		if _, ok := f.resolve(r.qualifier); !ok {
			return missing
		}
		if c, err = base(f, r); err != nil {
			return err
		}
		if err := in.apply(&c, s.checkDestination(f)); err != nil {
			return err
		}
		c.LastModified = s.cfg.Clock.Now()
		f.InvokeConfigs[r.qualifier] = c
		return nil
	})
	return c.output(r), err
}

func errNoInvokeConfig(r ref) error {
	return notFound("The function %s doesn't have an EventInvokeConfig", r.orLatest().arn())
}

func (s *Service) getInvokeConfig(_ context.Context, in namedInput) (invokeConfigOutput, error) {
	r, err := parseRef(in.FunctionName, in.Qualifier)
	if err != nil {
		return invokeConfigOutput{}, err
	}
	r = r.orLatest()
	f, ok := s.lookup(r.name)
	if !ok {
		return invokeConfigOutput{}, errNoInvokeConfig(r)
	}
	c, ok := f.InvokeConfigs[r.qualifier]
	if !ok {
		return invokeConfigOutput{}, errNoInvokeConfig(r)
	}
	return c.output(r), nil
}

func (s *Service) deleteInvokeConfig(_ context.Context, in namedInput) (gone, error) {
	r, err := parseRef(in.FunctionName, in.Qualifier)
	if err != nil {
		return gone{}, err
	}
	r = r.orLatest()
	return deleted, s.change(r.name, errNoInvokeConfig(r), func(f *function) error {
		if _, ok := f.InvokeConfigs[r.qualifier]; !ok {
			return errNoInvokeConfig(r)
		}
		delete(f.InvokeConfigs, r.qualifier)
		return nil
	})
}

type listInvokeConfigsInput struct {
	pageInput
	FunctionName string `path:"FunctionName" json:"-"`
}

type listInvokeConfigsOutput struct {
	FunctionEventInvokeConfigs []invokeConfigOutput
	NextMarker                 string `json:",omitempty"`
}

func (s *Service) listInvokeConfigs(_ context.Context, in listInvokeConfigsInput) (listInvokeConfigsOutput, error) {
	r, err := parseRef(in.FunctionName, "")
	if err != nil {
		return listInvokeConfigsOutput{}, err
	}
	f, ok := s.lookup(r.name)
	if !ok {
		return listInvokeConfigsOutput{}, notFound("The function doesn't exist.")
	}
	var all []invokeConfigOutput
	for _, qualifier := range slices.Sorted(maps.Keys(f.InvokeConfigs)) {
		all = append(all, f.InvokeConfigs[qualifier].output(ref{r.name, qualifier}))
	}
	items, next, err := page(all, in.pageInput)
	return listInvokeConfigsOutput{items, next}, err
}
