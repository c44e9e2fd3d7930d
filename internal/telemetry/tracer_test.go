package telemetry_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-xray-sdk-go/v2/xray"

	"github.com/the-alchemiser/alchemiser/internal/telemetry"
)

func TestTraceIsASubsegmentOfLambdasSegment(t *testing.T) {
	t.Parallel()
	ctx, traceID := invocation(t.Context(), true)
	var header string
	err := xrayDaemon.tracer.Trace(ctx, "SignalGenerated", map[string]string{"correlation_id": "run-1"}, func(ctx context.Context) error {
		header = telemetry.TraceHeader(ctx)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	got := xrayDaemon.await(traceID)
	if got.Name != "SignalGenerated" || got.Type != "subsegment" || got.ParentID != lambdaSegment || got.Fault {
		t.Errorf("segment is %+v", got)
	}
	if got.Annotations["correlation_id"] != "run-1" || got.Annotations["stage"] != "test" || len(got.Annotations) != 2 {
		t.Errorf("annotations are %v, want those given and the stage", got.Annotations)
	}
	if want := "Root=" + traceID + ";Parent=" + got.ID + ";Sampled=1"; header != want {
		t.Errorf("trace header is %q, want %q: what follows hangs below the subsegment", header, want)
	}
}

func TestErrorAndPanicEndTheSubsegmentAsFaults(t *testing.T) {
	t.Parallel()
	ctx, traceID := invocation(t.Context(), true)
	broken := errors.New("the table is throttled")
	if err := xrayDaemon.tracer.Trace(ctx, "x", nil, func(context.Context) error { return broken }); !errors.Is(err, broken) {
		t.Errorf("Trace = %v, want the error of f", err)
	}
	if got := xrayDaemon.await(traceID); !got.Fault || got.Cause.Exceptions[0].Message != broken.Error() {
		t.Errorf("segment is %+v, want the fault with its message", got)
	}
	ctx, traceID = invocation(t.Context(), true)
	func() {
		defer func() {
			if p := recover(); p != "at the disco" {
				t.Errorf("recovered %v, want the panic of f", p)
			}
		}()
		_ = xrayDaemon.tracer.Trace(ctx, "x", nil, func(context.Context) error { panic("at the disco") })
	}()
	if got := xrayDaemon.await(traceID); !got.Fault || !strings.Contains(got.Cause.Exceptions[0].Message, "at the disco") {
		t.Errorf("segment is %+v, want the panic as fault", got)
	}
}

func TestUnsampledTraceSendsNothingAndSaysSo(t *testing.T) {
	t.Parallel()
	ctx, traceID := invocation(t.Context(), false)
	var header string
	if err := xrayDaemon.tracer.Trace(ctx, "x", nil, func(ctx context.Context) error { header = telemetry.TraceHeader(ctx); return nil }); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(header, "Root="+traceID) || !strings.HasSuffix(header, "Sampled=0") {
		t.Errorf("trace header is %q, want the trace, not sampled", header)
	}
	// A later trace has arrived when the listener has read everything that was sent before it.
	later, laterID := invocation(t.Context(), true)
	if err := xrayDaemon.tracer.Trace(later, "later", nil, func(context.Context) error { return nil }); err != nil {
		t.Fatal(err)
	}
	xrayDaemon.await(laterID)
	if n := xrayDaemon.count(traceID); n != 0 {
		t.Errorf("%d documents were sent, want none", n)
	}
}

func TestWithoutASegmentTracingOnlyCalls(t *testing.T) {
	t.Parallel()
	called := false
	err := xrayDaemon.tracer.Trace(t.Context(), "x", map[string]string{"a": "b"}, func(ctx context.Context) error {
		called = true
		if header := telemetry.TraceHeader(ctx); header != "" {
			t.Errorf("trace header is %q, want none", header)
		}
		resp, err := telemetry.TraceHTTP(answer(200)).RoundTrip(httptest.NewRequestWithContext(ctx, http.MethodGet, "https://broker/", nil))
		if err != nil {
			return err
		}
		return resp.Body.Close()
	})
	if !called || err != nil {
		t.Errorf("Trace = %v, called: %t", err, called)
	}
}

func TestTraceHeaderOutsideOfASubsegmentIsLambdas(t *testing.T) {
	t.Parallel()
	ctx, traceID := invocation(t.Context(), true)
	if got := telemetry.TraceHeader(ctx); !strings.HasPrefix(got, "Root="+traceID+";Parent="+lambdaSegment) {
		t.Errorf("trace header is %q, want Lambda's", got)
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func answer(status int) http.RoundTripper {
	return roundTripper(func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: status, Body: io.NopCloser(strings.NewReader(""))}, nil
	})
}

func TestRequestsAreSubsegmentsThatKeepTheirSecrets(t *testing.T) {
	t.Parallel()
	ctx, traceID := invocation(t.Context(), true)
	unreachable := errors.New("unreachable")
	var sent http.Header
	err := xrayDaemon.tracer.Trace(ctx, "x", nil, func(ctx context.Context) error {
		for _, next := range []http.RoundTripper{
			roundTripper(func(r *http.Request) (*http.Response, error) { sent = r.Header; return answer(429).RoundTrip(r) }),
			roundTripper(func(*http.Request) (*http.Response, error) { return nil, unreachable }),
		} {
			r, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://user:secret@broker.example/v2/orders?token=secret", nil)
			if err != nil {
				return err
			}
			resp, err := telemetry.TraceHTTP(next).RoundTrip(r)
			switch {
			case resp != nil:
				_ = resp.Body.Close()
			case !errors.Is(err, unreachable):
				t.Errorf("RoundTrip = %v", err)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	got := xrayDaemon.await(traceID).Subsegments
	if len(got) != 2 {
		t.Fatalf("subsegments are %+v, want one a request", got)
	}
	refused, lost := got[0], got[1]
	if refused.Name != "broker.example" || refused.Namespace != "remote" || refused.HTTP.Request.Method != "POST" ||
		refused.HTTP.Request.URL != "https://user:xxxxx@broker.example/v2/orders" || refused.HTTP.Response.Status != 429 || !refused.Error || !refused.Throttle {
		t.Errorf("refused request is %+v", refused)
	}
	if !lost.Fault || lost.Cause.Exceptions[0].Message != "unreachable" {
		t.Errorf("lost request is %+v, want the fault", lost)
	}
	if len(sent) != 0 {
		t.Errorf("the broker was told %v, want no trace header", sent)
	}
}

func TestCallsToAWSAreSubsegmentsAndCarryTheTrace(t *testing.T) {
	t.Parallel()
	var header string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header = r.Header.Get(xray.TraceIDHeaderKey)
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		_, _ = io.WriteString(w, `{}`)
	}))
	defer server.Close()
	cfg := aws.Config{Region: "us-east-1", BaseEndpoint: &server.URL, Credentials: aws.AnonymousCredentials{}}
	telemetry.TraceAWS(&cfg)
	client := sqs.NewFromConfig(cfg)
	ctx, traceID := invocation(t.Context(), true)
	err := xrayDaemon.tracer.Trace(ctx, "x", nil, func(ctx context.Context) error {
		_, err := client.ListQueues(ctx, &sqs.ListQueuesInput{})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	got := xrayDaemon.await(traceID)
	if len(got.Subsegments) != 1 || got.Subsegments[0].Name != "SQS" || got.Subsegments[0].Namespace != "aws" || got.Subsegments[0].AWS["operation"] != "ListQueues" {
		t.Errorf("subsegments are %+v, want the call", got.Subsegments)
	}
	if !strings.Contains(header, "Root="+traceID) {
		t.Errorf("AWS was sent the header %q, want the trace", header)
	}
	if _, err := client.ListQueues(t.Context(), &sqs.ListQueuesInput{}); err != nil { // start-up, outside of any trace
		t.Error(err)
	}
}
