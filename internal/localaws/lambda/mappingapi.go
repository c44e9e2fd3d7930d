package lambda

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/the-alchemiser/alchemiser/internal/localaws/arn"
	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

const (
	reportFailures = "ReportBatchItemFailures"
	// defaultBatch and maxUnhurried are batch sizes: beyond the latter a batch has to wait for its messages.
	defaultBatch = 10
	maxUnhurried = 10
	// maxFilters is what an account starts with.
	maxFilters = 5
)

// mappingSettings are what CreateEventSourceMapping and UpdateEventSourceMapping share; nil means not given.
type mappingSettings struct {
	FunctionName                   string
	Enabled                        *bool
	BatchSize                      *int
	MaximumBatchingWindowInSeconds *int
	FilterCriteria                 *filterCriteria
	FunctionResponseTypes          *[]string
	ScalingConfig                  *scalingConfig

	// What only other event sources have.
	DestinationConfig           *struct{ OnSuccess, OnFailure *destination }
	ParallelizationFactor       *int
	MaximumRecordAgeInSeconds   *int
	MaximumRetryAttempts        *int
	BisectBatchOnFunctionError  *bool
	TumblingWindowInSeconds     *int
	SourceAccessConfigurations  []json.RawMessage
	DocumentDBEventSourceConfig *json.RawMessage `json:"DocumentDBEventSourceConfig"`
	StartingPosition            string
	// What this endpoint does not do.
	KMSKeyArn               string
	MetricsConfig           *json.RawMessage
	ProvisionedPollerConfig *json.RawMessage
}

// check refuses values that are out of range, and members that a queue does not have.
func (in mappingSettings) check() error {
	for member, given := range map[string]bool{
		"DestinationConfig":           in.DestinationConfig != nil && (in.DestinationConfig.OnSuccess != nil || in.DestinationConfig.OnFailure != nil),
		"ParallelizationFactor":       in.ParallelizationFactor != nil,
		"MaximumRecordAgeInSeconds":   in.MaximumRecordAgeInSeconds != nil,
		"MaximumRetryAttempts":        in.MaximumRetryAttempts != nil,
		"BisectBatchOnFunctionError":  in.BisectBatchOnFunctionError != nil,
		"TumblingWindowInSeconds":     in.TumblingWindowInSeconds != nil,
		"SourceAccessConfigurations":  len(in.SourceAccessConfigurations) > 0,
		"DocumentDBEventSourceConfig": in.DocumentDBEventSourceConfig != nil,
		"StartingPosition":            in.StartingPosition != "",
	} {
		if given {
			return invalid("Unsupported %s parameter for given event source mapping type.", member)
		}
	}
	switch {
	case in.KMSKeyArn != "":
		return unsupported("KMSKeyArn")
	case in.MetricsConfig != nil:
		return unsupported("MetricsConfig")
	case in.ProvisionedPollerConfig != nil:
		return unsupported("ProvisionedPollerConfig")
	}
	if err := checkRange("batchSize", in.BatchSize, 1, 10_000); err != nil {
		return err
	}
	if err := checkRange("maximumBatchingWindowInSeconds", in.MaximumBatchingWindowInSeconds, 0, 300); err != nil {
		return err
	}
	if in.ScalingConfig != nil {
		if err := checkRange("scalingConfig.maximumConcurrency", in.ScalingConfig.MaximumConcurrency, 2, 1000); err != nil {
			return err
		}
	}
	if in.FunctionResponseTypes != nil && len(*in.FunctionResponseTypes) > 0 && !slices.Equal(*in.FunctionResponseTypes, []string{reportFailures}) {
		return validation("["+strings.Join(*in.FunctionResponseTypes, ", ")+"]", "functionResponseTypes",
			"Member must satisfy constraint: [Member must satisfy enum value set: ["+reportFailures+"]]")
	}
	if in.FilterCriteria != nil && len(in.FilterCriteria.Filters) > maxFilters {
		return invalid("Too many filters: an event source mapping has at most %d.", maxFilters)
	}
	return nil
}

// apply writes what is given into m and checks the whole.
func (in mappingSettings) apply(m *mapping) error {
	set(&m.Enabled, in.Enabled)
	set(&m.BatchSize, in.BatchSize)
	set(&m.Window, in.MaximumBatchingWindowInSeconds)
	if in.ScalingConfig != nil {
		m.MaximumConcurrency = 0
		set(&m.MaximumConcurrency, in.ScalingConfig.MaximumConcurrency)
	}
	if in.FunctionResponseTypes != nil {
		m.ReportsFailures = len(*in.FunctionResponseTypes) > 0
	}
	if in.FilterCriteria != nil {
		m.Filters = nil
		for _, f := range in.FilterCriteria.Filters {
			m.Filters = append(m.Filters, f.Pattern)
		}
	}
	if m.BatchSize > maxUnhurried && m.Window == 0 {
		return invalid("Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than %d", maxUnhurried)
	}
	if strings.HasSuffix(m.QueueARN, ".fifo") && m.Window > 0 {
		return invalid("Batching window is not supported for FIFO queues")
	}
	_, err := m.patterns()
	return err
}

type createMappingInput struct {
	mappingSettings
	EventSourceArn         *string
	SelfManagedEventSource *json.RawMessage
	Tags                   map[string]string
}

func (s *Service) createMapping(ctx context.Context, in createMappingInput) (mappingOutput, error) {
	switch {
	case in.SelfManagedEventSource != nil:
		return mappingOutput{}, unsupported("SelfManagedEventSource")
	case in.EventSourceArn == nil:
		return mappingOutput{}, invalid("Unrecognized event source.")
	}
	if a, ok := arn.Parse(*in.EventSourceArn); !ok || a.Service != "sqs" {
		return mappingOutput{}, unsupported("Event source " + *in.EventSourceArn)
	}
	if err := in.check(); err != nil {
		return mappingOutput{}, err
	}
	if len(in.Tags) > maxTags {
		return mappingOutput{}, invalid("Number of tags exceeds resource tag limit.")
	}
	m := mapping{
		UUID: uuid.NewString(), QueueARN: *in.EventSourceArn, BatchSize: defaultBatch, Enabled: true,
		Modified: s.cfg.Clock.Now(), Tags: maps.Clone(in.Tags), Revision: uuid.NewString(),
	}
	if err := in.apply(&m); err != nil {
		return mappingOutput{}, err
	}
	if err := s.aim(ctx, &m, in.FunctionName); err != nil {
		return mappingOutput{}, err
	}
	if err := s.mappings.add(m); err != nil {
		return mappingOutput{}, err
	}
	now := "Creating"
	if !m.Enabled {
		now = m.state()
	}
	return m.output(now).accepted(), nil
}

// accepted returns the answer to a change, which on AWS takes effect later.
func (o mappingOutput) accepted() mappingOutput {
	o.Status = 202
	return o
}

// aim lets m invoke a function, if that and the queue exist and fit each other, and if its role may read the queue.
func (s *Service) aim(ctx context.Context, m *mapping, functionName string) error {
	r, err := parseRef(functionName, "")
	if err != nil {
		return err
	}
	f, ok := s.lookup(r.name)
	if !ok {
		return invalid("Function does not exist")
	}
	cfg, ok := f.resolve(r.qualifier)
	if !ok {
		return invalid("Function does not exist")
	}
	for _, action := range []string{"ReceiveMessage", "DeleteMessage", "GetQueueAttributes"} {
		if !s.mayRead(cfg.Role, action, m.QueueARN) {
			return invalid("The function execution role does not have permissions to call %s on SQS", action)
		}
	}
	visibility, err := s.cfg.Queues.Visibility(ctx, m.QueueARN)
	var refused *wire.Error
	if errors.As(err, &refused) {
		code, _, _ := strings.Cut(refused.QueryCode, ";")
		return invalid("Error occurred while ReceiveMessage. SQS Error Code: %s. SQS Error Message: %s", code, refused.Message)
	}
	if err != nil {
		return err
	}
	if timeout := time.Duration(cfg.Timeout) * time.Second; visibility < timeout {
		return invalid("Queue visibility timeout: %d seconds is less than Function timeout: %d seconds",
			int(visibility.Seconds()), cfg.Timeout)
	}
	m.Function, m.Qualifier = r.name, r.qualifier
	return nil
}

// mayRead says whether a role may do an action of SQS on a queue.
func (s *Service) mayRead(role, action, queueARN string) bool {
	return s.cfg.May(role, wire.Access{Action: "sqs:" + action, Resource: queueARN})
}

type mappingInput struct {
	UUID string `path:"UUID" json:"-"`
}

func (s *Service) getMapping(_ context.Context, in mappingInput) (mappingOutput, error) {
	m, err := s.mappings.get(in.UUID)
	return m.output(m.state()), err
}

func (s *Service) deleteMapping(_ context.Context, in mappingInput) (mappingOutput, error) {
	m, err := s.mappings.remove(in.UUID)
	return m.output("Deleting").accepted(), err
}

type updateMappingInput struct {
	mappingInput
	mappingSettings
}

func (s *Service) updateMapping(ctx context.Context, in updateMappingInput) (mappingOutput, error) {
	if err := in.check(); err != nil {
		return mappingOutput{}, err
	}
	var out mappingOutput
	err := s.mappings.change(in.UUID, func(m *mapping) error {
		before := m.Enabled
		if in.FunctionName != "" {
			if err := s.aim(ctx, m, in.FunctionName); err != nil {
				return err
			}
		}
		if err := in.apply(m); err != nil {
			return err
		}
		m.Modified, m.Revision = s.cfg.Clock.Now(), uuid.NewString()
		now := "Updating"
		switch {
		case m.Enabled && !before:
			now = "Enabling"
		case before && !m.Enabled:
			now = "Disabling"
		}
		out = m.output(now).accepted()
		return nil
	})
	return out, err
}

type listMappingsInput struct {
	pageInput
	EventSourceArn string `query:"EventSourceArn" json:"-"`
	FunctionName   string `query:"FunctionName" json:"-"`
}

type listMappingsOutput struct {
	EventSourceMappings []mappingOutput
	NextMarker          string `json:",omitempty"`
}

func (s *Service) listMappings(_ context.Context, in listMappingsInput) (listMappingsOutput, error) {
	var r ref
	if in.FunctionName != "" {
		var err error
		if r, err = parseRef(in.FunctionName, ""); err != nil {
			return listMappingsOutput{}, err
		}
	}
	var found []mappingOutput
	all, _ := s.mappings.list()
	for _, m := range all {
		if in.EventSourceArn != "" && m.QueueARN != in.EventSourceArn || in.FunctionName != "" && (m.Function != r.name || m.Qualifier != r.qualifier) {
			continue
		}
		found = append(found, m.output(m.state()))
	}
	items, next, err := page(found, in.pageInput)
	return listMappingsOutput{items, next}, err
}
