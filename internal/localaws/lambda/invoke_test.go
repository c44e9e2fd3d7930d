package lambda_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// seen is what the test function tells of its context.
type seen struct {
	Request, ARN, Trace, Value string
	Calls, PID                 int
}

func (h *harness) look(t *testing.T) seen {
	t.Helper()
	var s seen
	out := h.do(t, `{"do":"context"}`)
	if err := json.Unmarshal(out.Payload, &s); err != nil || out.FunctionError != nil {
		t.Fatalf("%s, %v", out.Payload, err)
	}
	return s
}

func TestInvocationsReuseAWarmEnvironment(t *testing.T) {
	t.Parallel()
	h := start(t, "")
	h.create(t)
	first, second := h.look(t), h.look(t)
	if first.Calls != 1 || second.Calls != 2 || first.PID != second.PID {
		t.Errorf("calls %d and %d in processes %d and %d, want 1 and 2 in one", first.Calls, second.Calls, first.PID, second.PID)
	}
	if first.ARN != funcARN || first.Request == second.Request {
		t.Errorf("invoked %s as %s and %s", first.ARN, first.Request, second.Request)
	}
}

func TestBinaryRunsAsItIs(t *testing.T) {
	t.Parallel()
	h := start(t, "")
	h.create(t, func(in *sdk.CreateFunctionInput) { in.Code.ZipFile = binary })
	if out := h.do(t, `{"do":"fine"}`); string(out.Payload) != `"fine"` {
		t.Errorf("%s", out.Payload)
	}
}

func TestUpdateStartsANewEnvironment(t *testing.T) {
	t.Parallel()
	h := start(t, "")
	h.create(t)
	before := h.look(t)
	_, err := h.UpdateFunctionConfiguration(t.Context(), &sdk.UpdateFunctionConfigurationInput{
		FunctionName: aws.String("f"), Environment: &types.Environment{Variables: map[string]string{"VALUE": "new"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	after := h.look(t)
	if after.PID == before.PID || after.Value != "new" {
		t.Errorf("process %d then %d with value %q, want a new one with the new value", before.PID, after.PID, after.Value)
	}
	eventually(t, "the old process ends", func() bool { return errors.Is(syscall.Kill(before.PID, 0), syscall.ESRCH) })
}

func TestCodeIsUnpackedAgainWhenItsFolderIsCleared(t *testing.T) {
	t.Parallel()
	h := start(t, "")
	h.create(t)
	var env []string
	if err := json.Unmarshal(h.do(t, `{"do":"env"}`).Payload, &env); err != nil {
		t.Fatal(err)
	}
	for _, e := range env {
		if root, ok := strings.CutPrefix(e, "LAMBDA_TASK_ROOT="); ok {
			if err := os.RemoveAll(filepath.Dir(root)); err != nil {
				t.Fatal(err)
			}
		}
	}
	h.do(t, `{"do":"exit"}`) // so that the next invocation is a cold start
	if out := h.do(t, `{"do":"fine"}`); string(out.Payload) != `"fine"` {
		t.Errorf("cold start without the folder: %s", out.Payload)
	}
}

func TestVersionKeepsItsConfiguration(t *testing.T) {
	t.Parallel()
	h := start(t, "")
	h.create(t, func(in *sdk.CreateFunctionInput) {
		in.Environment = &types.Environment{Variables: map[string]string{"VALUE": "old"}}
	})
	h.live(t)
	_, err := h.UpdateFunctionConfiguration(t.Context(), &sdk.UpdateFunctionConfigurationInput{
		FunctionName: aws.String("f"), Environment: &types.Environment{Variables: map[string]string{"VALUE": "new"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	out, err := h.Invoke(t.Context(), &sdk.InvokeInput{
		FunctionName: aws.String("f"), Qualifier: aws.String("live"), Payload: []byte(`{"do":"context"}`),
	})
	if err != nil {
		t.Fatal(err)
	}
	var s seen
	if err := json.Unmarshal(out.Payload, &s); err != nil {
		t.Fatal(err)
	}
	if s.Value != "old" || s.ARN != funcARN+":live" || *out.ExecutedVersion != "1" {
		t.Errorf("saw %+v in version %s", s, *out.ExecutedVersion)
	}
}

func TestEnvironmentIsLambdasAndNothingElse(t *testing.T) {
	t.Parallel()
	h := start(t, "")
	h.create(t, func(in *sdk.CreateFunctionInput) {
		in.Environment = &types.Environment{Variables: map[string]string{"STAGE": "dev", "DOLLAR": "$HOME"}}
	})
	var env []string
	if err := json.Unmarshal(h.do(t, `{"do":"env"}`).Payload, &env); err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, e := range env {
		key, value, _ := strings.Cut(e, "=")
		got[key] = value
	}
	daemon, err := h.xray.DaemonFor(role)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"AWS_LAMBDA_FUNCTION_NAME": "f", "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128",
		"AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/f", "AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1",
		"AWS_ACCESS_KEY_ID": "ASIAf", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": "token",
		"AWS_ENDPOINT_URL": h.url, "AWS_XRAY_DAEMON_ADDRESS": daemon,
		"AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR", "_HANDLER": "bootstrap", "TZ": ":UTC", "STAGE": "dev", "DOLLAR": "$HOME",
	}
	for key, value := range want {
		if got[key] != value {
			t.Errorf("%s = %q, want %q", key, got[key], value)
		}
	}
	for _, key := range []string{"HOME", "GOPATH", "USER", "PWD"} {
		if value, ok := got[key]; ok && value != got["LAMBDA_TASK_ROOT"] {
			t.Errorf("%s=%s leaks in from the host", key, value)
		}
	}
}

func TestFunctionErrorsAreUnhandled(t *testing.T) {
	t.Parallel()
	h := start(t, "")
	h.create(t)
	tests := map[string]string{
		"error": `{"errorMessage":"this went wrong","errorType":"errorString"}`,
		"panic": `"errorMessage":"this is beyond repair"`,
		"exit":  `Error: Runtime exited with error: exit status 3`,
		"large": `Response payload size exceeded maximum allowed payload size (6291556 bytes).`,
	}
	for do, want := range tests {
		out := h.do(t, `{"do":"`+do+`"}`)
		if out.StatusCode != 200 || aws.ToString(out.FunctionError) != "Unhandled" || !strings.Contains(string(out.Payload), want) {
			t.Errorf("%s: %d %s %s, want %s", do, out.StatusCode, aws.ToString(out.FunctionError), out.Payload, want)
		}
	}
	if out := h.do(t, `{"do":"fine"}`); string(out.Payload) != `"fine"` || out.FunctionError != nil {
		t.Errorf("after the errors: %s", out.Payload)
	}
}

func TestLogTellsTheInvocation(t *testing.T) {
	t.Parallel()
	h := start(t, "")
	h.create(t, func(in *sdk.CreateFunctionInput) {
		in.LoggingConfig = &types.LoggingConfig{LogGroup: aws.String("/my/group")}
	})
	out := h.do(t, `{"do":"print"}`)
	id := `[0-9a-f-]{36}`
	want := []string{
		`/my/group: INIT_START Runtime Version: provided:al2023\tRuntime Version ARN: .*`,
		`/my/group: START RequestId: ` + id + ` Version: \$LATEST`,
		`/my/group: to stdout`,
		`/my/group: to stderr`,
		`/my/group: without newline`,
		`/my/group: END RequestId: ` + id,
		`/my/group: REPORT RequestId: ` + id + `\tDuration: [0-9.]+ ms\tBilled Duration: \d+ ms\tMemory Size: 128 MB\t` +
			`Max Memory Used: \d+ MB\tInit Duration: [0-9.]+ ms\t`,
	}
	check(t, h.logs.all(), want)
	tail, err := base64.StdEncoding.DecodeString(*out.LogResult)
	if err != nil || !strings.HasPrefix(string(tail), "START") || !strings.Contains(string(tail), "\nREPORT ") {
		t.Errorf("tail %q, %v", tail, err)
	}
	h.do(t, `{"do":"exit"}`)
	check(t, h.logs.all()[len(want):], []string{
		`/my/group: START .*`,
		`/my/group: RequestId: ` + id + ` Error: Runtime exited with error: exit status 3`,
		`/my/group: Runtime.ExitError`,
		`/my/group: END .*`,
		`/my/group: REPORT .*\tStatus: error\tError Type: Runtime.ExitError`,
	})
}

func check(t *testing.T, lines, want []string) {
	t.Helper()
	if len(lines) != len(want) {
		t.Fatalf("lines %q, want %d", lines, len(want))
	}
	for i, line := range lines {
		if !regexp.MustCompile("^(?s)" + want[i] + "$").MatchString(line) {
			t.Errorf("line %d is %q, want %s", i, line, want[i])
		}
	}
}

func TestTimeOutKillsTheFunction(t *testing.T) {
	t.Parallel()
	h := start(t, "")
	h.create(t, func(in *sdk.CreateFunctionInput) { in.Timeout = aws.Int32(1) })
	out := h.do(t, `{"do":"hang"}`)
	if !strings.Contains(string(out.Payload), `"errorType":"Sandbox.Timedout"`) ||
		!strings.Contains(string(out.Payload), "Task timed out after 1.00 seconds") {
		t.Errorf("payload %s", out.Payload)
	}
	if log := strings.Join(h.logs.all(), "\n"); !strings.Contains(log, "Task timed out after 1.00 seconds") || !strings.Contains(log, "Status: timeout") {
		t.Errorf("log %s", log)
	}
}

func TestTooMuchMemoryKillsTheFunction(t *testing.T) {
	t.Parallel()
	h := start(t, "")
	h.create(t)
	out := h.do(t, `{"do":"allocate and hang"}`)
	if aws.ToString(out.FunctionError) != "Unhandled" || !strings.Contains(string(out.Payload), `"errorType":"Runtime.ExitError"`) ||
		!strings.Contains(string(out.Payload), "Runtime exited with error: signal: killed") {
		t.Errorf("payload %s", out.Payload)
	}
	report := "Memory Size: 128 MB\tMax Memory Used: 128 MB\t"
	if log := strings.Join(h.logs.all(), "\n"); !strings.Contains(log, report) || !strings.Contains(log, "Status: error\tError Type: Runtime.ExitError") {
		t.Errorf("log %s", log)
	}
	if out := h.do(t, `{"do":"fine"}`); string(out.Payload) != `"fine"` {
		t.Errorf("afterwards: %s", out.Payload)
	}
}

func TestInitIsTriedAgainWithinTheInvocation(t *testing.T) {
	t.Parallel()
	h := start(t, "")
	h.create(t, func(in *sdk.CreateFunctionInput) {
		in.Environment = &types.Environment{Variables: map[string]string{"INIT": "exit"}}
	})
	out := h.do(t, `{}`)
	if !strings.Contains(string(out.Payload), `Error: Runtime exited with error: exit status 1`) {
		t.Errorf("payload %s", out.Payload)
	}
	log := strings.Join(h.logs.all(), "\n")
	for _, phase := range []string{"Phase: init\tStatus: error\tError Type: Runtime.ExitError", "Phase: invoke\tStatus: error"} {
		if !strings.Contains(log, phase) {
			t.Errorf("log %s, want %s", log, phase)
		}
	}
}

func TestReservedConcurrencyThrottles(t *testing.T) {
	t.Parallel()
	h := start(t, "")
	h.create(t)
	_, err := h.PutFunctionConcurrency(t.Context(), &sdk.PutFunctionConcurrencyInput{
		FunctionName: aws.String("f"), ReservedConcurrentExecutions: aws.Int32(1),
	})
	if err != nil {
		t.Fatal(err)
	}
	gate := filepath.Join(t.TempDir(), "go")
	var running sync.WaitGroup
	running.Go(func() { h.do(t, `{"do":"wait","file":"`+gate+`"}`) })
	eventually(t, "the first one runs", func() bool { return len(h.started()) > 0 })
	_, err = h.Invoke(t.Context(), &sdk.InvokeInput{FunctionName: aws.String("f")})
	refused(t, err, "TooManyRequestsException", "Rate Exceeded")
	if err := os.WriteFile(gate, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	running.Wait()
	if out := h.do(t, `{"do":"again"}`); out.FunctionError != nil {
		t.Errorf("after the first one: %s", out.Payload)
	}
}

func TestInvocationTypesAndLimits(t *testing.T) {
	t.Parallel()
	h := start(t, "")
	h.create(t)
	dry, err := h.Invoke(t.Context(), &sdk.InvokeInput{FunctionName: aws.String("f"), InvocationType: types.InvocationTypeDryRun})
	if err != nil || dry.StatusCode != 204 {
		t.Errorf("dry run: %+v, %v", dry, err)
	}
	large := []byte(`"` + strings.Repeat("x", 1<<20) + `"`)
	_, err = h.Invoke(t.Context(), &sdk.InvokeInput{FunctionName: aws.String("f"), Payload: large, InvocationType: types.InvocationTypeEvent})
	refused(t, err, "RequestTooLargeException", "1048576")
	_, err = h.Invoke(t.Context(), &sdk.InvokeInput{FunctionName: aws.String("f"), Payload: []byte(`"` + strings.Repeat("x", 7<<20) + `"`)})
	refused(t, err, "RequestTooLargeException", "6291456")
	_, err = h.Invoke(t.Context(), &sdk.InvokeInput{FunctionName: aws.String("f"), Payload: []byte(`{`)})
	refused(t, err, "InvalidRequestContentException", "Could not parse request body into json")
	_, err = h.Invoke(t.Context(), &sdk.InvokeInput{FunctionName: aws.String("nobody")})
	refused(t, err, "ResourceNotFoundException", "Function not found: arn:aws:lambda:us-east-1:000000000000:function:nobody:$LATEST")
}

// traced invokes f with a trace header and returns what the function sees.
func (h *harness) traced(t *testing.T, header string) seen {
	t.Helper()
	out, err := h.Invoke(t.Context(), &sdk.InvokeInput{FunctionName: aws.String("f"), Payload: []byte(`{"do":"context"}`)},
		func(o *sdk.Options) {
			o.APIOptions = append(o.APIOptions, smithyhttp.SetHeaderValue("X-Amzn-Trace-Id", header))
		})
	if err != nil {
		t.Fatal(err)
	}
	var s seen
	if err := json.Unmarshal(out.Payload, &s); err != nil {
		t.Fatal(err)
	}
	return s
}
