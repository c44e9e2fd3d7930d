package telemetry

import (
	"context"
	"fmt"

	"github.com/aws/aws-xray-sdk-go/v2/header"
	"github.com/aws/aws-xray-sdk-go/v2/strategy/ctxmissing"
	"github.com/aws/aws-xray-sdk-go/v2/strategy/sampling"
	"github.com/aws/aws-xray-sdk-go/v2/xray"
	"github.com/aws/aws-xray-sdk-go/v2/xraylog"

	"github.com/the-alchemiser/alchemiser/internal/consumer"
)

// Tracer records what a function does as X-Ray subsegments. Without a segment around it, as in tests and outside Lambda,
// it only calls. It is safe for concurrent use.
type Tracer struct{ stage string }

var _ consumer.Tracer = (*Tracer)(nil)

// TracerConfig sets up a Tracer.
type TracerConfig struct {
	// Stage is an annotation of every subsegment that Trace opens.
	Stage string
	// DaemonAddress is where segments are sent by UDP. AWS_XRAY_DAEMON_ADDRESS, which Lambda sets, goes before it; with
	// neither it is 127.0.0.1:2000.
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
	return &Tracer{stage: cfg.Stage}, nil
}

// Trace implements consumer.Tracer. Lambda's own segment takes no annotations, so those of a workflow stand on the
// subsegment. A panic of f is recorded and goes on.
// https://docs.aws.amazon.com/lambda/latest/dg/golang-tracing.html
func (t *Tracer) Trace(ctx context.Context, name string, annotations map[string]string, f func(context.Context) error) (err error) {
	ctx, seg := xray.BeginSubsegment(ctx, name)
	if seg == nil {
		return f(ctx)
	}
	annotate(seg, "stage", t.stage)
	for key, value := range annotations {
		annotate(seg, key, value)
	}
	defer func() {
		if p := recover(); p != nil {
			seg.Close(fmt.Errorf("panic: %v", p))
			panic(p)
		}
		seg.Close(err)
	}()
	return f(ctx)
}

// annotate adds a string, which the SDK never refuses.
func annotate(seg *xray.Segment, key, value string) { _ = seg.AddAnnotation(key, value) }

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
