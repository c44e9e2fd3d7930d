package lambda

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/the-alchemiser/alchemiser/internal/localaws/delivery"
	"github.com/the-alchemiser/alchemiser/internal/localaws/policy"
	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

// Payload limits. https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
const (
	maxSyncPayload  = 6_291_456
	maxAsyncPayload = 1_048_576
)

type invokeInput struct {
	namedInput
	InvocationType string `header:"X-Amz-Invocation-Type" json:"-"`
	LogType        string `header:"X-Amz-Log-Type" json:"-"`
	TraceID        string `header:"X-Amzn-Trace-Id" json:"-"`
	Payload        []byte `body:"raw" json:"-"`
}

type invokeOutput struct {
	Status          int    `status:"" json:"-"`
	FunctionError   string `header:"X-Amz-Function-Error" json:"-"`
	LogResult       string `header:"X-Amz-Log-Result" json:"-"`
	ExecutedVersion string `header:"X-Amz-Executed-Version" json:"-"`
	TraceID         string `header:"X-Amzn-Trace-Id" json:"-"`
	Payload         []byte `body:"raw" json:"-"`
}

// invokeFunction is the Invoke operation. A synchronous invocation goes on when its caller hangs up.
func (s *Service) invokeFunction(ctx context.Context, in invokeInput) (invokeOutput, error) {
	r, err := parseUse(in.FunctionName, in.Qualifier)
	if err != nil {
		return invokeOutput{}, err
	}
	f, ok := s.lookup(r.name)
	if !ok {
		return invokeOutput{}, errNoFunction(r.orLatest().arn())
	}
	c, err := s.newCall(f, r.qualifier, in.Payload, in.TraceID)
	if err != nil {
		return invokeOutput{}, err
	}
	if request, ok := wire.RequestFrom(ctx); ok {
		c.requestID = request.ID
	}
	switch in.InvocationType {
	case "", "RequestResponse":
		if err := checkPayload(in.Payload, maxSyncPayload); err != nil {
			return invokeOutput{}, err
		}
		return s.invokeSync(context.WithoutCancel(ctx), c, in.LogType == "Tail")
	case "Event":
		if err := checkPayload(in.Payload, maxAsyncPayload); err != nil {
			return invokeOutput{}, err
		}
		return invokeOutput{Status: http.StatusAccepted}, s.accept(c)
	case "DryRun":
		return invokeOutput{Status: http.StatusNoContent}, nil
	}
	return invokeOutput{}, validation(in.InvocationType, "invocationType",
		"Member must satisfy enum value set: [Event, RequestResponse, DryRun]")
}

// newCall returns an invocation of what a qualifier stands for.
func (s *Service) newCall(f *function, qualifier string, payload []byte, traceHeader string) (call, error) {
	cfg, ok := f.route(qualifier, s.cfg.Random())
	if !ok {
		return call{}, errNoFunction(functionARN(f.Name, qualifier))
	}
	if len(payload) == 0 {
		payload = []byte("{}")
	}
	return call{
		f: f, cfg: cfg, qualifier: qualifier, requestID: uuid.NewString(), payload: payload,
		trace: newTrace(traceHeader, cfg.TracingConfig.Mode, time.Now()),
	}, nil
}

func checkPayload(payload []byte, limit int) error {
	if len(payload) > limit {
		return fail(http.StatusRequestEntityTooLarge, "RequestTooLargeException",
			"Request must be smaller than %d bytes for the InvokeFunction operation", limit)
	}
	if len(payload) > 0 && !json.Valid(payload) {
		return fail(http.StatusBadRequest, "InvalidRequestContentException",
			"Could not parse request body into json: the payload is not a JSON document")
	}
	return nil
}

func (s *Service) invokeSync(ctx context.Context, c call, tail bool) (invokeOutput, error) {
	start := time.Now()
	r, err := s.execute(ctx, c)
	status := http.StatusOK
	if refusal, ok := err.(*wire.Error); ok { //nolint:errorlint // the caller is told it as it is
		status = refusal.Status
	}
	if c.trace.sampled {
		s.record(c.trace.serviceSegment(c, status, start, time.Now()))
	}
	if err != nil {
		return invokeOutput{}, err
	}
	out := invokeOutput{
		Status: status, ExecutedVersion: r.version, Payload: r.Payload, TraceID: "Root=" + r.traceID,
	}
	if r.failed() {
		out.FunctionError = "Unhandled"
	}
	if tail {
		out.LogResult = base64.StdEncoding.EncodeToString(r.tail)
	}
	return out, nil
}

// Receive queues an asynchronous invocation of the function arn, with or without a qualifier; when it returns nil the
// event is stored. It returns a *delivery.Error if the function does not exist or does not let the sender in: the
// resource policy of what was invoked decides, or, if the sender assumes a role, that role.
func (s *Service) Receive(_ context.Context, arn string, m delivery.Message) error {
	r, ok := isFunction(arn)
	if !ok {
		return delivery.Errorf("NO_RESOURCE", "%s is not the ARN of a function.", arn)
	}
	f, ok := s.lookup(r.name)
	if !ok {
		return delivery.Errorf("NO_RESOURCE", "Function not found: %s", arn)
	}
	c, err := s.newCall(f, r.qualifier, m.Body, m.TraceHeader)
	if err != nil {
		return delivery.Errorf("NO_RESOURCE", "Function not found: %s", arn)
	}
	allowed, err := f.allows(r, m)
	if err != nil {
		return err
	}
	if !allowed {
		return delivery.Errorf("NO_PERMISSIONS", "%s is not authorized to perform: lambda:InvokeFunction on resource: %s "+
			"because no resource-based policy allows the lambda:InvokeFunction action", m.Principal, arn)
	}
	if err := checkPayload(m.Body, maxAsyncPayload); err != nil {
		return delivery.Errorf("SDK_CLIENT_ERROR", "%s", err)
	}
	var full *wire.Error
	if err := s.accept(c); errors.As(err, &full) {
		return &delivery.Error{Code: "THROTTLING", Message: full.Message, Retryable: true}
	} else if err != nil {
		return err
	}
	return nil
}

// allows evaluates the resource policy of what r names.
func (f *function) allows(r ref, m delivery.Message) (bool, error) {
	if m.RoleARN != "" {
		return true, nil // whoever sent it has asked the role
	}
	p, ok := f.Policies[r.qualifier]
	if !ok {
		return false, nil
	}
	raw, err := json.Marshal(p.Document)
	if err != nil {
		return false, err
	}
	doc, err := policy.Parse(policy.Resource, string(raw))
	if err != nil {
		return false, err
	}
	request := policy.ServiceRequest(m.Principal, "lambda:InvokeFunction", r.arn(), m.SourceARN, m.SourceAccount)
	return policy.Evaluate([]policy.Document{doc}, request) == policy.Allow, nil
}
