package scheduler_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/the-alchemiser/alchemiser/internal/localaws/localawstest/recorded"
)

func TestAnswersAreThoseThatAWSRecorded(t *testing.T) {
	t.Parallel()
	ran := 0
	for i, f := range recorded.Load(t, filepath.Join("..", "..", ".."), "events_api_cases.json") {
		if !slices.ContainsFunc(f.Steps, func(s recorded.Step) bool { return s.Service == "scheduler" }) {
			continue
		}
		ran++
		t.Run(fmt.Sprintf("%d %s", i, f.Name), func(t *testing.T) {
			run(t, func(b *bench) { b.replay(f) })
		})
	}
	t.Logf("%d cases ran, none was left out", ran)
}

// replay carries out the steps of a flow; the roles that it makes are there.
func (b *bench) replay(f recorded.Flow) {
	b.t.Helper()
	results, start := map[string]any{}, time.Now()
	for _, s := range f.Steps {
		if s.Service == "iam" {
			results[s.ID] = map[string]any{"Role": map[string]any{"Arn": role}}
			continue
		}
		body, _ := recorded.Substitute(b.t, s.Body, results, start).(map[string]any)
		status, answer := b.ask(s.Action, body)
		results[s.ID] = answer
		want := s.Status
		if want == 0 {
			want = http.StatusOK
		}
		if status != want {
			b.t.Fatalf("%s %s: status %d, want %d: %v", s.ID, s.Action, status, want, answer)
		}
		if s.Response != nil {
			if err := recorded.Compare(s.Response, any(answer), s.Action); err != nil {
				b.t.Errorf("%s: %v", s.ID, err)
			}
		}
		if s.Error != nil && (answer["__type"] != s.Error.Code || answer["Message"] != s.Error.Message) {
			b.t.Errorf("%s: %v, want %v", s.ID, answer, *s.Error)
		}
	}
}

// ask sends one request.
func (b *bench) ask(action string, body map[string]any) (status int, answer map[string]any) {
	b.t.Helper()
	text := func(name string) string { return url.PathEscape(fmt.Sprint(body[name])) }
	keys, _ := body["TagKeys"].([]any)
	query := url.Values{}
	for _, key := range keys {
		query.Add("TagKeys", fmt.Sprint(key))
	}
	method, path := http.MethodPost, ""
	switch action {
	case "CreateSchedule":
		path = "/schedules/" + text("Name")
	case "CreateScheduleGroup":
		path = "/schedule-groups/" + text("Name")
	case "TagResource":
		path = "/tags/" + text("ResourceArn")
	case "UntagResource":
		method, path = http.MethodDelete, "/tags/"+text("ResourceArn")+"?"+query.Encode()
	case "ListTagsForResource":
		method, path = http.MethodGet, "/tags/"+text("ResourceArn")
	default:
		b.t.Fatalf("how to ask for %s is not known", action)
	}
	raw, err := json.Marshal(body)
	if err != nil {
		b.t.Fatal(err)
	}
	r := httptest.NewRequestWithContext(b.t.Context(), method, path, strings.NewReader(string(raw)))
	r.Header.Set("Authorization",
		"AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/scheduler/aws4_request, SignedHeaders=host, Signature=x")
	w := httptest.NewRecorder()
	b.handler.ServeHTTP(w, r)
	answer = map[string]any{"__type": w.Header().Get("X-Amzn-ErrorType")}
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
		b.t.Fatalf("%s: %s: %v", action, w.Body, err)
	}
	return w.Code, answer
}
