package lambda_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/the-alchemiser/alchemiser/internal/localaws/delivery"
)

// record is what a destination gets.
type record struct {
	Version        string
	Timestamp      string
	RequestContext struct {
		RequestID              string
		FunctionARN            string
		Condition              string
		ApproximateInvokeCount int
	}
	RequestPayload  json.RawMessage
	ResponseContext *struct {
		StatusCode      int
		ExecutedVersion string
		FunctionError   string
	}
	ResponsePayload json.RawMessage
}

func decode(t *testing.T, body []byte) record {
	t.Helper()
	var r record
	if err := json.Unmarshal(body, &r); err != nil {
		t.Fatalf("record %s: %v", body, err)
	}
	return r
}

// configure sets the event invoke configuration of a qualifier: both destinations are the queue.
func (h *harness) configure(t *testing.T, qualifier string, retries, age *int32) {
	t.Helper()
	in := &sdk.PutFunctionEventInvokeConfigInput{
		FunctionName: aws.String("f"), MaximumRetryAttempts: retries, MaximumEventAgeInSeconds: age,
		DestinationConfig: &types.DestinationConfig{
			OnFailure: &types.OnFailure{Destination: aws.String(queue)}, OnSuccess: &types.OnSuccess{Destination: aws.String(queue)},
		},
	}
	if qualifier != "" {
		in.Qualifier = &qualifier
	}
	if _, err := h.PutFunctionEventInvokeConfig(t.Context(), in); err != nil {
		t.Fatal(err)
	}
}

// started returns the request ids of all invocations in the log.
func (h *harness) started() []string {
	var ids []string
	for _, line := range h.logs.all() {
		if _, rest, ok := strings.Cut(line, "START RequestId: "); ok {
			id, _, _ := strings.Cut(rest, " ")
			ids = append(ids, id)
		}
	}
	return ids
}

func TestErrorIsRetriedTwiceThenSentToTheDestination(t *testing.T) {
	t.Parallel()
	h := start(t, "")
	h.create(t)
	h.live(t)
	h.configure(t, "live", nil, nil)
	h.queue(t, "live", `{"do":"error"}`)
	got := h.next(t)
	if got.arn != queue || got.Principal != "lambda.amazonaws.com" || got.RoleARN != role || got.TraceHeader == "" {
		t.Errorf("sent %+v", got)
	}
	r := decode(t, got.Body)
	if r.Version != "1.0" || r.RequestContext.FunctionARN != funcARN+":live" || r.RequestContext.Condition != "RetriesExhausted" ||
		r.RequestContext.ApproximateInvokeCount != 3 || string(r.RequestPayload) != `{"do":"error"}` ||
		r.ResponseContext.StatusCode != 200 || r.ResponseContext.ExecutedVersion != "1" || r.ResponseContext.FunctionError != "Unhandled" ||
		!strings.Contains(string(r.ResponsePayload), "this went wrong") {
		t.Errorf("record %s", got.Body)
	}
	id := r.RequestContext.RequestID
	if ids := h.started(); !slices.Equal(ids, []string{id, id, id}) {
		t.Errorf("invocations %v, want three with id %s", ids, id)
	}
}

func TestSuccessIsSentToItsDestination(t *testing.T) {
	t.Parallel()
	h := start(t, "")
	h.create(t)
	h.configure(t, "", nil, nil)
	h.queue(t, "", `{"do":"fine"}`)
	r := decode(t, h.next(t).Body)
	if r.RequestContext.Condition != "Success" || r.RequestContext.ApproximateInvokeCount != 1 ||
		r.RequestContext.FunctionARN != funcARN+":$LATEST" || string(r.ResponsePayload) != `"fine"` || r.ResponseContext.FunctionError != "" {
		t.Errorf("record %+v", r)
	}
}

func TestBusGetsTheRecordAsAnEvent(t *testing.T) {
	t.Parallel()
	h := start(t, "")
	h.create(t)
	bus := "arn:aws:events:us-east-1:000000000000:event-bus/b"
	_, err := h.PutFunctionEventInvokeConfig(t.Context(), &sdk.PutFunctionEventInvokeConfigInput{
		FunctionName: aws.String("f"), DestinationConfig: &types.DestinationConfig{OnSuccess: &types.OnSuccess{Destination: &bus}},
	})
	if err != nil {
		t.Fatal(err)
	}
	h.queue(t, "", `{"do":"fine"}`)
	got := h.next(t)
	var event struct {
		Source     string          `json:"source"`
		DetailType string          `json:"detail-type"`
		Resources  []string        `json:"resources"`
		Detail     json.RawMessage `json:"detail"`
	}
	if err := json.Unmarshal(got.Body, &event); err != nil {
		t.Fatal(err)
	}
	if got.arn != bus || event.Source != "lambda" || event.DetailType != "Lambda Function Invocation Result - Success" ||
		!slices.Equal(event.Resources, []string{bus, funcARN + ":$LATEST"}) ||
		decode(t, event.Detail).RequestContext.Condition != "Success" {
		t.Errorf("sent %s to %s", got.Body, got.arn)
	}
}

func TestConfigurationOfAnotherQualifierIsIgnored(t *testing.T) {
	t.Parallel()
	h := start(t, "")
	h.create(t, func(in *sdk.CreateFunctionInput) {
		in.DeadLetterConfig = &types.DeadLetterConfig{TargetArn: aws.String("arn:aws:sqs:us-east-1:000000000000:old-style")}
	})
	h.live(t)
	h.configure(t, "", aws.Int32(0), nil) // for $LATEST: says nothing about the alias
	h.queue(t, "live", `{"do":"error"}`)
	got := h.next(t)
	if got.arn != "arn:aws:sqs:us-east-1:000000000000:old-style" || string(got.Body) != `{"do":"error"}` {
		t.Fatalf("sent %s to %s, want the event to the dead letter queue of the function only", got.Body, got.arn)
	}
	if got.Numbers["ErrorCode"] != "200" || got.Attributes["ErrorMessage"] != "this went wrong" || got.Attributes["RequestID"] == "" {
		t.Errorf("attributes %v and %v", got.Attributes, got.Numbers)
	}
	if n := len(h.started()); n != 3 {
		t.Errorf("%d invocations, want 3", n)
	}
}

func TestEventAgeEndsRetriesBeforeTheyWouldBeTooLate(t *testing.T) {
	t.Parallel()
	for age, count := range map[int32]int{60: 1, 90: 2} {
		t.Run(fmt.Sprintf("%d s", age), func(t *testing.T) {
			t.Parallel()
			h := start(t, "")
			h.create(t)
			h.configure(t, "", nil, &age)
			h.queue(t, "", `{"do":"error"}`)
			r := decode(t, h.next(t).Body)
			if r.RequestContext.Condition != "EventAgeExceeded" || r.RequestContext.ApproximateInvokeCount != count {
				t.Errorf("%+v, want EventAgeExceeded after %d", r.RequestContext, count)
			}
		})
	}
}

func TestThrottledEventWaitsUntilItIsTooOld(t *testing.T) {
	t.Parallel()
	h := start(t, "")
	h.create(t)
	h.configure(t, "", nil, aws.Int32(60))
	_, err := h.PutFunctionConcurrency(t.Context(), &sdk.PutFunctionConcurrencyInput{
		FunctionName: aws.String("f"), ReservedConcurrentExecutions: aws.Int32(0),
	})
	if err != nil {
		t.Fatal(err)
	}
	h.queue(t, "", `{"do":"fine"}`)
	r := decode(t, h.next(t).Body)
	if r.RequestContext.Condition != "ZeroReservedConcurrency" || r.RequestContext.ApproximateInvokeCount != 0 || r.ResponseContext != nil {
		t.Errorf("%+v", r)
	}
}

func TestRecordIsSentAgainUntilItIsTaken(t *testing.T) {
	t.Parallel()
	h := start(t, "")
	h.post.refuse = func(n int) error {
		if n < 3 {
			return &delivery.Error{Code: "THROTTLING", Message: "later", Retryable: true}
		}
		return nil
	}
	h.create(t)
	h.configure(t, "", nil, nil)
	h.queue(t, "", `{"do":"fine"}`)
	h.next(t)
	if n := len(h.started()); n != 1 {
		t.Errorf("%d invocations, want 1: the record is sent again, not the event", n)
	}
}

func TestQueuedEventsSurviveARestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	h := start(t, dir)
	h.create(t, func(in *sdk.CreateFunctionInput) { in.Timeout = aws.Int32(900) })
	h.configure(t, "", aws.Int32(0), nil) // the run that the end of the endpoint kills is not the one there is
	h.queue(t, "", `{"do":"hang"}`)
	eventually(t, "the event is tried", func() bool { return len(h.started()) > 0 })
	h.stop()
	first := h.started()

	h = start(t, dir)
	eventually(t, "the event is tried again", func() bool { return len(h.started()) > 0 })
	if again := h.started(); again[0] != first[0] {
		t.Errorf("request %s after the restart, want %s", again[0], first[0])
	}
}

func TestAFullQueueRefusesFurtherEvents(t *testing.T) {
	t.Parallel()
	h := startLimited(t, "", 2)
	h.create(t, func(in *sdk.CreateFunctionInput) { in.Timeout = aws.Int32(900) })
	h.queue(t, "", `{"do":"hang"}`)
	h.queue(t, "", `{"do":"hang"}`)
	_, err := h.Invoke(t.Context(), &sdk.InvokeInput{FunctionName: aws.String("f"), InvocationType: types.InvocationTypeEvent, Payload: []byte(`{}`)})
	refused(t, err, "TooManyRequestsException", "Rate Exceeded")
	role := delivery.Message{Body: []byte(`{}`), Principal: "events.amazonaws.com", RoleARN: role}
	var full *delivery.Error
	if err := h.Receive(t.Context(), "arn:aws:lambda:us-east-1:000000000000:function:f", role); !errors.As(err, &full) || full.Code != "THROTTLING" || !full.Retryable {
		t.Errorf("a delivery: %v", err)
	}
}

func TestReceiveAsksTheResourcePolicyOfTheQualifier(t *testing.T) {
	t.Parallel()
	h := start(t, "")
	h.create(t)
	h.live(t)
	h.configure(t, "live", nil, nil)
	rule := "arn:aws:events:us-east-1:000000000000:rule/bus/r"
	_, err := h.AddPermission(t.Context(), &sdk.AddPermissionInput{
		FunctionName: aws.String("f"), Qualifier: aws.String("live"), StatementId: aws.String("EventBridge"),
		Action: aws.String("lambda:InvokeFunction"), Principal: aws.String("events.amazonaws.com"), SourceArn: aws.String(rule),
	})
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct{ arn, source, principal, code string }{
		"the rule that may":                {funcARN + ":live", rule, "events.amazonaws.com", ""},
		"another rule":                     {funcARN + ":live", rule + "2", "events.amazonaws.com", "NO_PERMISSIONS"},
		"another service":                  {funcARN + ":live", rule, "sns.amazonaws.com", "NO_PERMISSIONS"},
		"a qualifier without a policy":     {funcARN, rule, "events.amazonaws.com", "NO_PERMISSIONS"},
		"a function that does not exist":   {funcARN + "x", rule, "events.amazonaws.com", "NO_RESOURCE"},
		"an alias that does not exist":     {funcARN + ":dead", rule, "events.amazonaws.com", "NO_RESOURCE"},
		"something that is not a function": {queue, rule, "events.amazonaws.com", "NO_RESOURCE"},
	}
	for name, tt := range tests {
		err := h.Receive(t.Context(), tt.arn, delivery.Message{
			Body: []byte(`{"do":"received"}`), Principal: tt.principal, SourceARN: tt.source, SourceAccount: "000000000000",
		})
		if tt.code == "" {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		var refusal *delivery.Error
		if !asError(err, &refusal) || refusal.Code != tt.code || refusal.Retryable {
			t.Errorf("%s: %v, want %s", name, err, tt.code)
		}
	}
	if r := decode(t, h.next(t).Body); string(r.ResponsePayload) != `"received"` {
		t.Errorf("record %+v", r)
	}
}

func asError(err error, into **delivery.Error) bool {
	e, ok := err.(*delivery.Error) //nolint:errorlint // the type itself is the contract
	*into = e
	return ok
}

// copied returns a copy of a store as a kill of the endpoint at this moment would leave it.
func copied(t *testing.T, dir string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "copy")
	if err := os.CopyFS(to, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	return to
}

func TestRunThatBringsTheEndpointDownCounts(t *testing.T) {
	t.Parallel()
	for retries, runs := range map[int32]int{0: 0, 1: 1} { // so many follow after the restart
		t.Run(fmt.Sprintf("%d retries", retries), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			h := start(t, dir)
			h.create(t, func(in *sdk.CreateFunctionInput) { in.Timeout = aws.Int32(900) })
			h.configure(t, "", &retries, nil)
			gate := filepath.Join(t.TempDir(), "go")
			h.queue(t, "", `{"do":"wait","file":"`+gate+`"}`)
			eventually(t, "the event is tried", func() bool { return len(h.started()) > 0 })
			killed := copied(t, dir)
			h.stop()

			h = start(t, killed)
			if err := os.WriteFile(gate, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			want := "RetriesExhausted"
			if runs > 0 {
				want = "Success"
			}
			r := decode(t, h.next(t).Body)
			if r.RequestContext.Condition != want || r.RequestContext.ApproximateInvokeCount != 1+runs || len(h.started()) != runs {
				t.Errorf("%+v after %d runs, want %s after %d", r.RequestContext, len(h.started()), want, runs)
			}
		})
	}
}
