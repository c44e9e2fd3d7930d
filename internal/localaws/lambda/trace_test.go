package lambda_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	xraysdk "github.com/aws/aws-sdk-go-v2/service/xray"

	"github.com/the-alchemiser/alchemiser/internal/localaws/delivery"
)

// span is a segment document.
type span struct {
	ID          string         `json:"id"`
	ParentID    string         `json:"parent_id"`
	Name        string         `json:"name"`
	Origin      string         `json:"origin"`
	Fault       bool           `json:"fault"`
	InProgress  bool           `json:"in_progress"`
	Annotations map[string]any `json:"annotations"`
	Subsegments []span         `json:"subsegments"`
}

func (s span) names() []string {
	var names []string
	for _, sub := range s.Subsegments {
		names = append(names, sub.Name)
	}
	return names
}

// segments waits until a trace is complete as far as done says, and returns its segments by origin.
func (h *harness) segments(t *testing.T, id string, done func(map[string][]span) bool) map[string][]span {
	t.Helper()
	client := xraysdk.New(xraysdk.Options{
		Region: "us-east-1", BaseEndpoint: h.Options().BaseEndpoint,
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	})
	var byOrigin map[string][]span
	eventually(t, "trace "+id+" is complete", func() bool {
		out, err := client.BatchGetTraces(t.Context(), &xraysdk.BatchGetTracesInput{TraceIds: []string{id}})
		if err != nil {
			t.Fatal(err)
		}
		byOrigin = map[string][]span{}
		for _, trace := range out.Traces {
			for _, seg := range trace.Segments {
				var s span
				if err := json.Unmarshal([]byte(*seg.Document), &s); err != nil {
					t.Fatal(err)
				}
				byOrigin[s.Origin] = append(byOrigin[s.Origin], s)
			}
		}
		return done(byOrigin)
	})
	return byOrigin
}

func TestTracedFunctionJoinsTheTraceOfItsCaller(t *testing.T) {
	t.Parallel()
	h := start(t, "")
	h.create(t, func(in *sdk.CreateFunctionInput) {
		in.Code.ZipFile = traced
		in.TracingConfig = &types.TracingConfig{Mode: types.TracingModeActive}
	})
	h.live(t)
	h.configure(t, "live", aws.Int32(1), nil)
	_, err := h.AddPermission(t.Context(), &sdk.AddPermissionInput{
		FunctionName: aws.String("f"), Qualifier: aws.String("live"), StatementId: aws.String("s"),
		Action: aws.String("lambda:InvokeFunction"), Principal: aws.String("events.amazonaws.com"),
	})
	if err != nil {
		t.Fatal(err)
	}
	id := fmt.Sprintf("1-%08x-0123456789abcdef01234567", time.Now().Unix())
	send := func(do string) {
		err := h.Receive(t.Context(), funcARN+":live", delivery.Message{
			Body: []byte(`{"do":"` + do + `"}`), Principal: "events.amazonaws.com",
			TraceHeader: "Root=" + id + ";Parent=53995c3f42cd8ad8;Sampled=1",
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	send("trace")
	if got := h.next(t); !strings.HasPrefix(got.TraceHeader, "Root="+id+";Parent=") {
		t.Errorf("the record goes on with trace %s", got.TraceHeader)
	}
	got := h.segments(t, id, func(m map[string][]span) bool {
		return len(m["AWS::Lambda"]) == 1 && len(m["AWS::Lambda::Function"]) == 1 &&
			slices.Contains(m["AWS::Lambda::Function"][0].names(), "work")
	})
	service, function := got["AWS::Lambda"][0], got["AWS::Lambda::Function"][0]
	if service.ParentID != "53995c3f42cd8ad8" || service.InProgress || !slices.Equal(service.names(), []string{"Dwell Time", "Attempt #1"}) {
		t.Errorf("segment of the service %+v", service)
	}
	if function.ParentID != service.Subsegments[1].ID {
		t.Errorf("the function hangs on %s, want the attempt %s", function.ParentID, service.Subsegments[1].ID)
	}
	if want := []string{"Initialization", "Invocation", "Overhead", "work"}; !slices.Equal(function.names(), want) {
		t.Errorf("subsegments %v, want %v", function.names(), want)
	} else if function.Subsegments[3].Annotations["correlation_id"] != "run-1" {
		t.Errorf("annotations %v", function.Subsegments[3].Annotations)
	}

	id = fmt.Sprintf("1-%08x-89abcdef0123456701234567", time.Now().Unix())
	send("error")
	h.next(t)
	got = h.segments(t, id, func(m map[string][]span) bool {
		return len(m["AWS::Lambda"]) == 1 && !m["AWS::Lambda"][0].InProgress && len(m["AWS::Lambda::Function"]) == 2
	})
	if names := got["AWS::Lambda"][0].names(); !slices.Equal(names, []string{"Dwell Time", "Attempt #1", "Attempt #2"}) {
		t.Errorf("two attempts are shown as %v", names)
	}
	for _, f := range got["AWS::Lambda::Function"] {
		if !f.Fault {
			t.Errorf("the failed run %+v has no fault", f)
		}
	}
}

func TestTraceHeaderFollowsTheTracingMode(t *testing.T) {
	t.Parallel()
	const root = "1-5759e988-bd862e3fe1be46a994272793"
	tests := map[string]struct {
		mode types.TracingMode
		in   string
		want string
	}{
		"active, no trace":              {types.TracingModeActive, "", "Sampled=1"},
		"active, sampled":               {types.TracingModeActive, "Root=" + root + ";Parent=53995c3f42cd8ad8;Sampled=1", "Root=" + root},
		"active, decided against":       {types.TracingModeActive, "Root=" + root + ";Parent=53995c3f42cd8ad8;Sampled=0", "Root=" + root + ";Parent=53995c3f42cd8ad8;Sampled=0"},
		"pass through, no trace":        {types.TracingModePassThrough, "", "Sampled=0"},
		"pass through, sampled by them": {types.TracingModePassThrough, "Root=" + root + ";Parent=53995c3f42cd8ad8;Sampled=1", "Root=" + root + ";Parent=53995c3f42cd8ad8;Sampled=1"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := start(t, "")
			h.create(t, func(in *sdk.CreateFunctionInput) { in.TracingConfig = &types.TracingConfig{Mode: tt.mode} })
			out := h.traced(t, tt.in)
			if !strings.Contains(out.Trace, tt.want) {
				t.Errorf("the function sees %q, want %q", out.Trace, tt.want)
			}
			if tt.mode == types.TracingModeActive && tt.in != "" && strings.HasSuffix(tt.in, "=1") && strings.Contains(out.Trace, "53995c3f42cd8ad8") {
				t.Errorf("the function sees %q, want its own segment as parent", out.Trace)
			}
		})
	}
}
