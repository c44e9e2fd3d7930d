package dynamodb_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/the-alchemiser/alchemiser/internal/localaws/clock"
	"github.com/the-alchemiser/alchemiser/internal/localaws/dynamodb"
	"github.com/the-alchemiser/alchemiser/internal/localaws/localawstest/recorded"
)

// leftOut says why the service answers a case differently on purpose, or cannot be asked.
func leftOut(f recorded.Flow) string {
	if f.Truncated != "" {
		return "the recording is cut"
	}
	for _, s := range f.Steps {
		switch {
		case s.Service == "dynamodbstreams", bytes.Contains(s.Body, []byte("StreamSpecification")):
			return "streams are not implemented"
		case strings.HasPrefix(s.Action, "Execute"), strings.HasPrefix(s.Action, "BatchExecute"):
			return "PartiQL is not implemented"
		case strings.Contains(s.Action, "ContributorInsights"):
			return "contributor insights are not implemented"
		case s.Check == "" && s.Service != "dynamodb" && s.Service != "kms":
			return "needs " + s.Service
		}
	}
	return ""
}

func TestAnswersAreThoseThatAWSRecorded(t *testing.T) {
	t.Parallel()
	left, ran := map[string]int{}, 0
	for i, f := range recorded.Load(t, filepath.Join("..", "..", ".."), "other_api_cases.json") {
		if !slices.ContainsFunc(f.Steps, func(s recorded.Step) bool { return s.Service == "dynamodb" }) {
			continue
		}
		if reason := leftOut(f); reason != "" {
			left[reason]++
			continue
		}
		ran++
		t.Run(fmt.Sprintf("%d %s", i, f.Name), func(t *testing.T) {
			t.Parallel()
			replay(t, f)
		})
	}
	t.Logf("%d cases ran", ran)
	for reason, n := range left {
		t.Logf("left out %d: %s", n, reason)
	}
}

// replay carries out the steps of a flow, but for those that ask KMS. Tables that the recorder had from elsewhere are made
// before.
func replay(t *testing.T, f recorded.Flow) {
	t.Helper()
	s, err := dynamodb.New(dynamodb.Config{Store: memory(t), Clock: clock.New()})
	if err != nil {
		t.Fatal(err)
	}
	handler := over(s)
	// What the recorder did not note of its requests.
	opaque := any("arn:aws:dynamodb:us-east-1:000000000000:table/test-ddb-table-u0002")
	if strings.Contains(f.Name, "continuous_backup") {
		opaque = map[string]any{"PointInTimeRecoveryEnabled": true}
	}
	results := map[string]any{"opaque": opaque}
	for _, name := range []string{"ddb-test-table-u0001", "table-u0001", "test-ddb-table-u0001", "test-ddb-table-u0002"} {
		if made := fmt.Sprintf(`"TableName": %q`, name); !slices.ContainsFunc(f.Steps, func(s recorded.Step) bool {
			return s.Action == "CreateTable" && bytes.Contains(s.Body, []byte(made))
		}) {
			ask(t, handler, "CreateTable", map[string]any{
				"TableName": name, "BillingMode": "PAY_PER_REQUEST",
				"KeySchema":            []map[string]string{{"AttributeName": "id", "KeyType": "HASH"}},
				"AttributeDefinitions": []map[string]string{{"AttributeName": "id", "AttributeType": "S"}},
			})
		}
	}
	start, last, refusal := time.Now(), any(nil), ""
	for _, s := range f.Steps {
		switch {
		case s.Check != "":
			got := last
			if !bytes.Equal(s.Value, []byte(`"${opaque}"`)) {
				got = recorded.Substitute(t, s.Value, results, start)
			}
			if got == "<Err>" {
				got = refusal
			}
			if err := recorded.Compare(binary(s.Expect), got, s.Check); err != nil {
				t.Errorf("check %s: %v", s.Check, err)
			}
		case s.Service == "dynamodb":
			status, answer := ask(t, handler, s.Action, binary(recorded.Substitute(t, s.Body, results, start)))
			results[s.ID], last = answer, answer
			code := fmt.Sprint(answer["__type"])
			code = code[strings.LastIndexByte(code, '#')+1:]
			refusal = fmt.Sprintf("An error occurred (%s) when calling the %s operation: %v", code, s.Action, answer["message"])
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
			if s.Error != nil && s.Error.Code != "" && s.Error.Code != code {
				t.Errorf("%s %s: code %s, want %s", s.ID, s.Action, code, s.Error.Code)
			}
			if s.Response != nil {
				if err := recorded.Compare(binary(s.Response), any(answer), s.Action); err != nil {
					t.Errorf("%s: %v", s.ID, err)
				}
			}
		}
	}
}

// binary encodes the binary values in v, which the recorder has as Python shows them, names the table, and takes out what
// the recorder's client added.
func binary(v any) any {
	switch v := v.(type) {
	case map[string]any:
		delete(v, "ResponseMetadata")
		if keys, ok := v["<test-table>"]; ok {
			v["test_table_u0001"] = keys
			delete(v, "<test-table>")
		}
		for name := range v {
			if text, ok := v[name].(string); ok && name == "B" {
				v[name] = base64.StdEncoding.EncodeToString([]byte(strings.TrimSuffix(strings.TrimPrefix(text, "b'"), "'")))
				continue
			}
			v[name] = binary(v[name])
		}
	case []any:
		for i := range v {
			v[i] = binary(v[i])
		}
	}
	return v
}

const authorization = "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=x"

// ask sends one request.
func ask(t testing.TB, handler http.Handler, action string, body any) (status int, answer map[string]any) {
	t.Helper()
	raw, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", bytes.NewReader(raw))
	r.Header.Set("X-Amz-Target", "DynamoDB_20120810."+action)
	r.Header.Set("Authorization", authorization)
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
		t.Fatalf("%s: %s: %v", action, w.Body, err)
	}
	return w.Code, answer
}
