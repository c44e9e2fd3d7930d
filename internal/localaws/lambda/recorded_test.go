package lambda_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/the-alchemiser/alchemiser/internal/localaws/localawstest/recorded"
	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

// leftOut says why the service answers a case differently on purpose, or cannot be asked.
func leftOut(f recorded.Flow) string {
	for part, reason := range map[string]string{
		"test_lambda_concurrent_":          "a change takes effect at once: no update is ever in progress",
		"invalid_result_json_batch_fails":  "it waits for seconds, again and again: see the tests of mappings",
		"empty_json_batch_succeeds":        "it waits for seconds, again and again: see the tests of mappings",
		"after_visibility_timeout":         "it waits for seconds, again and again: see the tests of mappings",
		"test_redrive_policy":              "it waits for seconds, again and again: see the tests of mappings",
		"destination_invocation[payload0]": "its function is Python, and answers with what it sees",
		"test_lambda_runtime_error":        "its function is Python, which tells where it failed",
		"exit_segfault":                    "its function takes its 30 seconds to fail: see TestTimeOutKillsTheFunction",
		"test_lambda_runtime_wrapper":      "its function is Python",
		"test_function_state":              "a change takes effect at once: no function is ever pending",
		"publish_with_update":              "a change takes effect at once: no function is ever pending",
		"lambda_exceptions":                "OS-only runtimes are all there are, which shows in the texts",
		"eventinvokeconfig_exceptions":     "the recording lacks the destinations that it had refused: see TestDestinationsAreChecked",
		"test_tag_exceptions[event_source": "the recording lacks the wrong ARNs",
		"vpc_config":                       "VPCs are not implemented",
		"test_tag_exceptions[capacity":     "capacity providers are not implemented",
	} {
		if strings.Contains(f.Name, part) {
			return reason
		}
	}
	for _, s := range f.Steps {
		switch {
		case s.Check == "" && s.Service != "sqs" && s.Service != "lambda" && s.Service != "harness":
			return "needs " + s.Service
		case strings.Contains(s.Action, "FunctionUrlConfig"):
			return "function URLs are not implemented"
		case strings.Contains(string(s.Body), ".fifo"):
			return "FIFO queues are not implemented"
		}
	}
	// The recorder lacked a way to look at an error once more, after it had everything of the request.
	if f.Truncated != "" && !strings.Contains(f.Truncated, "'Raises' object has no attribute 'match'") && !strings.Contains(f.Name, "TestLambdaDLQ") {
		return "the recording is cut"
	}
	return ""
}

func TestAnswersAreThoseThatAWSRecorded(t *testing.T) {
	t.Parallel()
	left, ran := map[string]int{}, 0
	refusing := start(t, "") // refusals leave nothing behind: their flows share a service
	for i, f := range recorded.Load(t, filepath.Join("..", "..", ".."), "other_api_cases.json") {
		if !slices.ContainsFunc(f.Steps, func(s recorded.Step) bool { return s.Service == "lambda" }) {
			continue
		}
		if reason := leftOut(f); reason != "" {
			left[reason]++
			continue
		}
		ran++
		t.Run(fmt.Sprintf("%d %s", i, f.Name), func(t *testing.T) {
			t.Parallel()
			if slices.ContainsFunc(f.Steps, func(s recorded.Step) bool { return s.Check == "" && s.Error == nil }) {
				h := start(t, "")
				h.post.forward = h.sqs
				h.replay(t, f)
			} else {
				refusing.replay(t, f)
			}
		})
	}
	t.Logf("%d cases ran", ran)
	for reason, n := range left {
		t.Logf("left out %d: %s", n, reason)
	}
}

// replay carries out the steps of a flow.
func (h *harness) replay(t *testing.T, f recorded.Flow) {
	t.Helper()
	results := map[string]any{"opaque": h.opaque(t, f.Name)}
	begin := time.Now()
	for _, s := range f.Steps {
		if s.Service == "harness" || s.Check == "invocation_events" { // what the function got
			h.checkReceived(t, s)
			continue
		}
		if s.Check != "" {
			checkValue(t, s, results, begin)
			continue
		}
		body, _ := recorded.Substitute(t, s.Body, results, begin).(map[string]any)
		status, answer := h.ask(t, s.Service, s.Action, body)
		for s.Action == "ReceiveMessage" && answer["Messages"] == nil && (s.Response != nil || refersTo(f, s.ID)) && t.Context().Err() == nil {
			status, answer = h.ask(t, s.Service, s.Action, body)
		}
		results[s.ID] = answer
		if s.Action == "GetEventSourceMapping" && s.Response == nil {
			continue // the recorded test looked until the mapping was gone
		}
		if want := s.Status; want != 0 && status != want || want == 0 && (status >= 300) != (s.Error != nil) {
			t.Fatalf("%s %s: status %d, want %d: %.300s", s.ID, s.Action, status, want, fmt.Sprint(answer))
		}
		if s.Response != nil {
			if err := recorded.Compare(ours(s.Response), any(answer), s.Action); err != nil {
				t.Errorf("%s: %v", s.ID, err)
			}
		}
		if s.Error != nil && s.Error.Message != "" {
			if err := recorded.Compare(s.Error.Message, answer["message"], s.Action); err != nil {
				t.Errorf("%s: %v", s.ID, err)
			}
		}
	}
}

// refersTo says whether a step needs the messages of another.
func refersTo(f recorded.Flow, id string) bool {
	return slices.ContainsFunc(f.Steps, func(s recorded.Step) bool {
		return strings.Contains(string(s.Body)+string(s.Value), "${"+id+":Messages")
	})
}

// checkReceived waits until the function has got as many events as it should, and compares them.
func (h *harness) checkReceived(t *testing.T, s recorded.Step) {
	t.Helper()
	want := s.Response
	if s.Check != "" {
		want = s.Expect
	}
	list, _ := want.([]any)
	var got []any
	eventually(t, fmt.Sprintf("the function gets %d events", len(list)), func() bool {
		got = nil
		for _, line := range h.logs.all() {
			if _, raw, ok := strings.Cut(line, ": event "); ok {
				var event any
				if err := json.Unmarshal([]byte(raw), &event); err != nil {
					t.Fatal(err)
				}
				got = append(got, event)
			}
		}
		return len(got) >= len(list)
	})
	if err := recorded.Compare(ours(want), got, "events"); err != nil {
		t.Error(err)
	}
}

// opaque returns what a recording leaves out: the resource that the tests of tags share.
func (h *harness) opaque(t *testing.T, name string) string {
	t.Helper()
	if strings.Contains(name, "test_tag_lifecycle[") {
		h.create(t)
		h.source(t)
		if !strings.Contains(name, "[event_source_mapping]") {
			return funcARN
		}
		return *h.mapped(t).EventSourceMappingArn
	}
	if strings.Contains(name, "TestLambdaPermissions") {
		return "arn:aws:s3:::bucket"
	}
	return "arn:aws:lambda:us-east-1:000000000000:event-source-mapping:00000000-0000-4000-8000-000000000001"
}

var validation = regexp.MustCompile(`^(\d+) validation errors? detected: (.*)$`)

// checkValue compares answers. The recording has the errors of a validation as a list.
func checkValue(t *testing.T, s recorded.Step, results map[string]any, begin time.Time) {
	t.Helper()
	if text := string(s.Value); text == "null" || strings.Contains(text, "${opaque}") || s.Check == "batch_info" {
		return
	}
	got := recorded.Substitute(t, s.Value, results, begin)
	if want, ok := s.Expect.(map[string]any); ok && want["Count"] != nil {
		refused, _ := got.(map[string]any)
		text, _ := refused["Message"].(string)
		if m := validation.FindStringSubmatch(text); m != nil {
			refused["Count"] = m[1]
			errors := []any{}
			for _, e := range strings.Split(m[2], "; ") {
				errors = append(errors, e)
			}
			refused["Errors"] = errors
		}
	}
	if err := recorded.Compare(ours(s.Expect), got, s.Check); err != nil {
		t.Errorf("check %s: %v", s.Check, err)
	}
}

var runtimes = regexp.MustCompile(`^(python3\.1[123]|nodejs20\.x)$`)

// ours returns v with the runtime of the test function in place of the recorded ones.
func ours(v any) any {
	switch v := v.(type) {
	case map[string]any:
		delete(v, "ResponseMetadata") // of the recorder's client
		delete(v, "stackTrace")       // of Python
		if v["errorType"] != nil {
			delete(v, "requestId") // of Python too
		}
		for k := range v {
			if v[k] = ours(v[k]); v[k] == nil { // what the recording does not have
				delete(v, k)
			}
		}
	case []any:
		for i := range v {
			v[i] = ours(v[i])
		}
	case string:
		if slices.Contains([]string{"code-sha256", "sent-timestamp", "sender-id", "maximum-batching-window-in-seconds"}, v) {
			return "<" + v + ">"
		}
		return runtimes.ReplaceAllString(v, "provided.al2023")
	}
	return v
}

// fitted returns the input of CreateFunction as the API takes it: the recording has it in the words of the test that it is
// from, and without code.
func fitted(body map[string]any) map[string]any {
	in := map[string]any{
		"Role": role, "Handler": "handler.handler", "Runtime": "provided.al2023", "Code": map[string]any{"ZipFile": base64.StdEncoding.EncodeToString(recordedPkg)},
	}
	if _, ok := body["runtime"]; ok { // the defaults of the recorded test
		in["Timeout"], in["Environment"] = 30, map[string]any{"Variables": map[string]any{}}
	}
	for k, v := range body {
		switch k {
		case "role", "Code":
		case "Role":
			if !strings.HasPrefix(fmt.Sprint(v), "arn:aws:iam:") {
				in[k] = v
			}
		case "envvars":
			in["Environment"] = map[string]any{"Variables": v}
		case "runtime", "handler", "timeout":
			in[strings.ToUpper(k[:1])+k[1:]] = ours(v)
		default:
			in[k] = ours(v)
		}
	}
	return in
}

// ask sends one request: to SQS over the JSON protocol, to Lambda as its path says.
func (h *harness) ask(t *testing.T, service, action string, body map[string]any) (status int, answer map[string]any) {
	t.Helper()
	r := h.request(t, service, action, body)
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/"+service+"/aws4_request, SignedHeaders=host, Signature=x")
	w := httptest.NewRecorder()
	h.handler.ServeHTTP(w, r)
	answer = map[string]any{}
	if action == "Invoke" && w.Code < 300 {
		answer = map[string]any{"Payload": w.Body.String(), "ExecutedVersion": w.Header().Get("X-Amz-Executed-Version"), "LogResult": w.Header().Get("X-Amz-Log-Result")}
		if e := w.Header().Get("X-Amz-Function-Error"); e != "" {
			answer["FunctionError"] = e
		}
	} else if w.Body.Len() > 0 {
		if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
			t.Fatalf("%s: %s: %v", action, w.Body, err)
		}
	}
	if _, ok := answer["message"]; !ok && answer["Message"] != nil {
		answer["message"] = answer["Message"]
	}
	if w.Code >= 300 {
		code, _, _ := strings.Cut(w.Header().Get("X-Amzn-Errortype"), ":")
		answer["Error"] = map[string]any{"Code": code, "Message": answer["message"]}
	}
	answer["StatusCode"] = w.Code
	return w.Code, answer
}

func (h *harness) request(t *testing.T, service, action string, body map[string]any) *http.Request {
	t.Helper()
	if service == "sqs" {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", encoded(t, body))
		r.Header.Set("X-Amz-Target", "AmazonSQS."+action)
		return r
	}
	operations := h.API().Operations
	i := slices.IndexFunc(operations, func(op wire.Operation) bool { return op.Name == action })
	if i < 0 {
		t.Fatalf("there is no %s", action)
	}
	op := operations[i]
	switch action {
	case "CreateFunction":
		body = fitted(body)
	case "UpdateFunctionConfiguration":
		body, _ = ours(body).(map[string]any)
	case "UpdateFunctionCode":
		body["ZipFile"] = base64.StdEncoding.EncodeToString(recordedPkg)
	}
	query := url.Values{}
	path := op.Path
	members := map[string]any{}
	for name, v := range body {
		switch label := "{" + name + "}"; {
		case strings.Contains(path, label):
			path = strings.ReplaceAll(path, label, url.PathEscape(fmt.Sprint(v)))
		case name == "TagKeys":
			for _, key := range v.([]any) { //nolint:errcheck // the API has a list there
				query.Add("tagKeys", fmt.Sprint(key))
			}
		case name == "Qualifier" || op.Method == http.MethodGet || op.Method == http.MethodDelete:
			query.Set(name, fmt.Sprint(v))
		default:
			members[name] = v
		}
	}
	if action != "Invoke" {
		return httptest.NewRequestWithContext(t.Context(), op.Method, path+"?"+query.Encode(), encoded(t, members))
	}
	payload, _ := members["Payload"].(string)
	r := httptest.NewRequestWithContext(t.Context(), op.Method, path+"?"+query.Encode(), strings.NewReader(payload))
	if kind, ok := members["InvocationType"].(string); ok {
		r.Header.Set("X-Amz-Invocation-Type", kind)
	}
	if kind, ok := members["LogType"].(string); ok {
		r.Header.Set("X-Amz-Log-Type", kind)
	}
	return r
}

func encoded(t *testing.T, v any) *bytes.Reader {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.NewReader(raw)
}
