package telemetry

import (
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-xray-sdk-go/v2/instrumentation/awsv2"
	"github.com/aws/aws-xray-sdk-go/v2/xray"
)

// TraceAWS makes every client built from cfg record its calls as subsegments. Call it before building them.
func TraceAWS(cfg *aws.Config) { awsv2.AWSV2Instrumentor(&cfg.APIOptions) }

// TraceHTTP returns a round tripper that records the requests made through next as subsegments named after the host.
// Unlike the SDK's it keeps the trace header to itself: other companies' servers have no use for it.
func TraceHTTP(next http.RoundTripper) http.RoundTripper { return roundTripper{next: next} }

type roundTripper struct{ next http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (rt roundTripper) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx, seg := xray.BeginSubsegment(r.Context(), r.URL.Host)
	if seg == nil {
		return rt.next.RoundTrip(r)
	}
	url, _, _ := strings.Cut(r.URL.Redacted(), "?") // a query may hold what does not belong into a trace
	seg.Lock()
	seg.Namespace = "remote"
	seg.GetHTTP().GetRequest().Method = r.Method
	seg.GetHTTP().GetRequest().URL = url
	seg.Unlock()
	resp, err := rt.next.RoundTrip(r.WithContext(ctx))
	if resp != nil {
		xray.HttpCaptureResponse(seg, resp.StatusCode)
	}
	seg.Close(err)
	return resp, err
}
