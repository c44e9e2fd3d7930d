package transform_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/the-alchemiser/alchemiser/internal/localaws/events/transform"
)

func Example() {
	t, _ := transform.Compile(transform.Spec{
		Template: `{"what": <what>, "text": "rule <aws.events.rule-name>"}`,
		Paths:    map[string]string{"what": "$.detail.items[0]"},
	})
	body, _ := t.Apply([]byte(`{"detail":{"items":[{"n":1.0}]}}`), transform.Context{RuleName: "r"})
	fmt.Println(string(body))
	// Output: {"what": {"n":1.0}, "text": "rule r"}
}

type recorded struct {
	Name   string
	Target struct {
		InputPath        string
		InputTransformer struct {
			InputPathsMap map[string]string
			InputTemplate string
		}
	}
	Event      json.RawMessage
	Body       any    `json:"expect_body"`
	Text       string `json:"expect_body_text"`
	Nothing    bool   `json:"expect_no_delivery"`
	PutTargets *struct {
		Message string
	} `json:"expect_put_targets_error"`
}

func TestTargetsReceiveWhatAWSRecorded(t *testing.T) {
	t.Parallel()
	dir := os.Getenv("SHARED_DIR")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "..", "..", "shared")
	}
	raw, err := os.ReadFile(filepath.Join(dir, "conformance", "input_transformer_cases.json"))
	if errors.Is(err, os.ErrNotExist) {
		t.Skip("SKIPPED: recorded cases input_transformer_cases.json are not there; set SHARED_DIR to run them")
	}
	if err != nil {
		t.Fatal(err)
	}
	var suite struct{ Cases []recorded }
	if err := json.Unmarshal(raw, &suite); err != nil {
		t.Fatal(err)
	}
	// The recorder put names in place of what changes from run to run.
	plain := strings.NewReplacer("<uuid>", "U", "<uuid:2>", "U", "<uuid:3>", "U", "<account>", "111111111111", "<time>", "date",
		"<ingestion-time>", "date", "arn:<partition>:events:<region>:111111111111:rule/<bus-name>/<rule-name>", "ARN",
		"<rule-name>", "RULE", " date", " "+ingested.Format(time.RFC3339))
	for _, c := range suite.Cases {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			compiled, err := transform.Compile(transform.Spec{
				InputPath: c.Target.InputPath,
				Template:  c.Target.InputTransformer.InputTemplate, Paths: c.Target.InputTransformer.InputPathsMap,
			})
			if c.PutTargets != nil {
				var placeholder *transform.PlaceholderError
				if !strings.Contains(c.PutTargets.Message, "invalid placeholder") {
					return // two inputs at once: the service's to refuse
				}
				if !errors.As(err, &placeholder) || !strings.HasSuffix(c.PutTargets.Message, placeholder.Error()+".") {
					t.Fatalf("Compile: %v, want %s", err, c.PutTargets.Message)
				}
				return
			}
			if err != nil {
				t.Fatalf("Compile: %v", err)
			}
			envelope := strings.ReplaceAll(plain.Replace(string(c.Event)), `"date"`, `"`+ingested.Format(time.RFC3339)+`"`)
			body, ok := compiled.Apply([]byte(envelope), transform.Context{RuleName: "RULE", RuleARN: "ARN", Ingested: ingested})
			if ok == c.Nothing {
				t.Fatalf("delivered = %v: %s", ok, body)
			}
			if c.Nothing {
				return
			}
			if c.Text != "" {
				if want := plain.Replace(c.Text); string(body) != want {
					t.Errorf("got %s\nwant %s", body, want)
				}
				return
			}
			want, err := json.Marshal(c.Body)
			if err != nil {
				t.Fatal(err)
			}
			wantText := unescaped.Replace(string(want))
			wantText = strings.ReplaceAll(plain.Replace(wantText), `"date"`, `"`+ingested.Format(time.RFC3339)+`"`)
			var got, expected any
			if err := errors.Join(json.Unmarshal(body, &got), json.Unmarshal([]byte(wantText), &expected)); err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, expected) {
				t.Errorf("got %s\nwant %s", body, wantText)
			}
		})
	}
}

func TestSpecsThatCannotWorkAreRefused(t *testing.T) {
	t.Parallel()
	for _, s := range []transform.Spec{
		{InputPath: "detail"},
		{InputPath: "$."},
		{InputPath: "$.a[x]"},
		{InputPath: "$['a"},
		{Template: `"<a>"`, Paths: map[string]string{"a": "$a"}},
		{Template: `"<b>"`, Paths: map[string]string{"a": "$.a"}},
	} {
		if _, err := transform.Compile(s); err == nil {
			t.Errorf("Compile(%+v) took it", s)
		}
	}
}

func TestInputs(t *testing.T) {
	t.Parallel()
	const envelope = `{"id":"1","detail-type":"T","detail":{"a.b":[10,{"c":"x\"y"}]}}`
	for name, tt := range map[string]struct {
		spec transform.Spec
		want string
	}{
		"nothing":          {transform.Spec{}, envelope},
		"constant":         {transform.Spec{Input: `{"watchdog": true}`}, `{"watchdog": true}`},
		"quoted name":      {transform.Spec{InputPath: `$.detail['a.b'][1].c`}, `"x\"y"`},
		"nowhere":          {transform.Spec{InputPath: `$.detail.q`}, `null`},
		"escapes are kept": {transform.Spec{Template: `{"a":"<c>"}`, Paths: map[string]string{"c": `$.detail["a.b"][1].c`}}, `{"a":"x\"y"}`},
		"whole event":      {transform.Spec{Template: `<aws.events.event.json>`}, envelope},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			compiled, err := transform.Compile(tt.spec)
			if err != nil {
				t.Fatal(err)
			}
			if body, ok := compiled.Apply([]byte(envelope), transform.Context{}); !ok || string(body) != tt.want {
				t.Errorf("Apply = %s, %v, want %s", body, ok, tt.want)
			}
		})
	}
}

// Nothing panics, and what a JSON template delivers is JSON.
func FuzzTransform(f *testing.F) {
	f.Add("", `{"a": <a>, "b": "<a>"}`, "$.detail.x[0]", `{"detail":{"x":["\"",{}]}}`)
	f.Add("$['detail']", "", "", `{"detail":1}`)
	f.Fuzz(func(t *testing.T, inputPath, template, path, envelope string) {
		compiled, err := transform.Compile(transform.Spec{InputPath: inputPath, Template: template, Paths: map[string]string{"a": path}})
		if err != nil || !json.Valid([]byte(envelope)) {
			return
		}
		body, ok := compiled.Apply([]byte(envelope), transform.Context{})
		if ok && !strings.HasPrefix(strings.TrimSpace(template), `"`) && !json.Valid(body) {
			t.Fatalf("delivered %q", body)
		}
	})
}

var ( // fixtures
	ingested  = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	unescaped = strings.NewReplacer(`\u003c`, "<", `\u003e`, ">")
)
