package telemetry

import (
	"context"
	"fmt"

	"github.com/aws/aws-xray-sdk-go/v2/header"
	"github.com/aws/aws-xray-sdk-go/v2/strategy/ctxmissing"
	"github.com/aws/aws-xray-sdk-go/v2/strategy/sampling"
	"github.com/aws/aws-xray-sdk-go/v2/xray"
	"github.com/aws/aws-xray-sdk-go/v2/xraylog"

	"github.com/the-alchemiser/alchemiser/pkg/events"
)

// Tracer records what a function does with an event as X-Ray subsegments. Without a segment around it, as in tests and
// outside Lambda, it does nothing. It is safe for concurrent use.
type Tracer struct {
	function, stage string
	observer        bool
}

// TracerConfig sets up a Tracer.
type TracerConfig struct {
	Function, Stage string
	// Observer says that the function takes no part in the workflow: what it traces on its own, without the context of a
	// publisher, is not the workflow's trace.
	Observer bool
	// DaemonAddress is where segments are sent by UDP. Empty means AWS_XRAY_DAEMON_ADDRESS, which Lambda sets.
	DaemonAddress string
}

// NewTracer returns a tracer and sets the X-Ray SDK's globals: no requests for sampling rules (Lambda decides), no lines
// of its own in the log, silence where there is no segment. Call it once, when the process starts.
func NewTracer(cfg TracerConfig) (*Tracer, error) {
	xray.SetLogger(xraylog.NullLogger)
	local, err := sampling.NewLocalizedStrategy()
	if err != nil {
		return nil, fmt.Errorf("tracer: %w", err)
	}
	if err := xray.Configure(xray.Config{
		DaemonAddr: cfg.DaemonAddress, SamplingStrategy: local, ContextMissingStrategy: ctxmissing.NewDefaultIgnoreErrorStrategy(),
	}); err != nil {
		return nil, fmt.Errorf("tracer: %w", err)
	}
	return &Tracer{function: cfg.Function, stage: cfg.Stage, observer: cfg.Observer}, nil
}

// Begin opens the subsegment of one delivery and returns a context that carries it, together with the ids of e for the
// logger. Call end with the outcome; an error is recorded.
//
// The annotation correlation_id finds a workflow's trace. A delivery that comes without a publisher's trace context
// and does not begin the workflow would be a second trace under the same id: the start of the workflow seen by an
// observer, or a replay. It is annotated as observed_correlation_id instead.
// https://docs.aws.amazon.com/lambda/latest/dg/golang-tracing.html: the function's own segment takes no annotations.
func (t *Tracer) Begin(ctx context.Context, e events.Event, replayed bool) (_ context.Context, end func(error)) {
	ctx = WithEvent(ctx, e)
	ctx, seg := xray.BeginSubsegment(ctx, "handle "+string(e.Type()))
	if seg == nil {
		return ctx, func(error) {}
	}
	prefix := ""
	if replayed || t.observer && e.Type() == events.TypeWorkflowStarted {
		prefix = "observed_"
	}
	annotate(seg, map[string]string{
		prefix + "correlation_id": e.CorrelationID,
		prefix + "workflow_id":    e.CorrelationID,
		"stage":                   t.stage,
		"function":                t.function,
		"event_type":              string(e.Type()),
		"event_id":                e.ID,
		"causation_id":            e.CausationID,
		"portfolio_id":            e.Payload.Portfolio(),
	})
	return ctx, func(err error) { seg.Close(err) }
}

// annotate adds strings, which the SDK never refuses.
func annotate(seg *xray.Segment, annotations map[string]string) {
	for key, value := range annotations {
		_ = seg.AddAnnotation(key, value)
	}
}

// TraceHeader returns the trace context to publish under: the trace's root, the current subsegment as parent, and
// whether it is sampled. It is "" if there is no trace.
func TraceHeader(ctx context.Context) string {
	seg := xray.GetSegment(ctx)
	if seg == nil {
		raw, _ := ctx.Value(xray.LambdaTraceHeaderKey).(string)
		return raw
	}
	seg.RLock()
	defer seg.RUnlock()
	if seg.TraceID == "" {
		return "" // the SDK is switched off
	}
	decision := header.NotSampled
	if seg.Sampled {
		decision = header.Sampled
	}
	return header.Header{TraceID: seg.TraceID, ParentID: seg.ID, SamplingDecision: decision}.String()
}

func traceID(ctx context.Context) string {
	if seg := xray.GetSegment(ctx); seg != nil {
		return seg.TraceID
	}
	raw, _ := ctx.Value(xray.LambdaTraceHeaderKey).(string)
	return header.FromString(raw).TraceID
}
