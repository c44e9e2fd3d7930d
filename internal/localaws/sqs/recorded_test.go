package sqs_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/the-alchemiser/alchemiser/internal/localaws/clock"
	"github.com/the-alchemiser/alchemiser/internal/localaws/localawstest/recorded"
	"github.com/the-alchemiser/alchemiser/internal/localaws/sqs"
	"github.com/the-alchemiser/alchemiser/internal/localaws/state"
	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

// leftOut says why the service answers a case differently on purpose, or cannot be asked.
func leftOut(f recorded.Flow) string {
	for part, reason := range map[string]string{
		"batch_with_too_large_batch":        "the recording has one entry of the twenty that were sent",
		"test_send_message_with_binary":     "the recording has the bytes as text",
		"test_list_queues_pagination":       "the recording has the names of its own queues",
		"test_sse_kms_and_sqs_are_mutually": "the recording checks the text of a client",
		"test_aws_trace_header_propagation": "the recording lacks the header that carried the trace",
	} {
		if strings.Contains(f.Name, part) {
			return reason
		}
	}
	for _, s := range f.Steps {
		switch {
		case s.Check == "" && s.Service != "sqs":
			return "needs " + s.Service
		case strings.Contains(string(s.Body), `"FifoQueue":"true"`), strings.Contains(string(s.Body), `.fifo`):
			return "FIFO queues are not implemented"
		case strings.Contains(s.Action, "MessageMoveTask"):
			return "message move tasks are not implemented"
		}
	}
	if f.Truncated != "" {
		return "the recording is cut"
	}
	return ""
}

func TestAnswersAreThoseThatAWSRecorded(t *testing.T) {
	t.Parallel()
	left, ran := map[string]int{}, 0
	for i, f := range recorded.Load(t, filepath.Join("..", "..", ".."), "other_api_cases.json") {
		if !slices.ContainsFunc(f.Steps, func(s recorded.Step) bool { return s.Service == "sqs" }) {
			continue
		}
		if reason := leftOut(f); reason != "" {
			left[reason]++
			continue
		}
		ran++
		t.Run(fmt.Sprintf("%d %s", i, f.Name), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { replay(t, f) })
		})
	}
	t.Logf("%d cases ran", ran)
	for reason, n := range left {
		t.Logf("left out %d: %s", n, reason)
	}
}

// replay carries out the steps of a flow.
func replay(t *testing.T, f recorded.Flow) {
	t.Helper()
	store, err := state.Open("")
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	}()
	queues, err := sqs.New(sqs.Config{Store: store, Clock: clock.New(), URL: func() string { return "http://endpoint" }})
	if err != nil {
		t.Fatal(err)
	}
	handler := wire.NewHandler([]wire.Service{queues.API()}, func(_ context.Context, key string) (wire.Caller, bool) {
		return wire.Caller{AccessKeyID: key}, true
	}, log.New(io.Discard, "", 0))
	results := map[string]any{}
	start := time.Now()
	for _, s := range f.Steps {
		if s.Check != "" {
			if err := recorded.Compare(s.Expect, recorded.Substitute(t, s.Value, results, start), s.Check); err != nil {
				t.Errorf("check %s: %v", s.Check, err)
			}
			continue
		}
		body, _ := recorded.Substitute(t, s.Body, results, start).(map[string]any)
		status, answer := ask(t, handler, s.Action, body)
		results[s.ID] = answer
		want := s.Status
		switch {
		case want == 0 && s.Error != nil:
			want = http.StatusBadRequest
		case want == 0:
			want = http.StatusOK
		}
		if status != want {
			t.Fatalf("%s %s: status %d, want %d: %v", s.ID, s.Action, status, want, answer)
		}
		if s.Response != nil {
			if err := recorded.Compare(s.Response, any(answer), s.Action); err != nil {
				t.Errorf("%s: %v", s.ID, err)
			}
		}
		if s.Error != nil {
			if err := recorded.Compare(s.Error.Message, answer["message"], s.Action); err != nil && s.Error.Message != "" {
				t.Errorf("%s: %v", s.ID, err)
			}
		}
	}
}

// ask sends one request over the JSON protocol.
func ask(t *testing.T, handler http.Handler, action string, body map[string]any) (status int, answer map[string]any) {
	t.Helper()
	raw, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", bytes.NewReader(raw))
	r.Header.Set("X-Amz-Target", "AmazonSQS."+action)
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/sqs/aws4_request, SignedHeaders=host, Signature=x")
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	if w.Body.Len() == 0 {
		return w.Code, map[string]any{}
	}
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
		t.Fatalf("%s: %s: %v", action, w.Body, err)
	}
	return w.Code, answer
}
