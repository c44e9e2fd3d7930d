package events_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/the-alchemiser/alchemiser/internal/localaws/delivery"
	"github.com/the-alchemiser/alchemiser/internal/localaws/sqs"
	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

// The recorded cases are requests with the answers that AWS gave: see the README beside them.
type suite struct {
	Single []step
	Flows  []flow
}

type flow struct {
	Name  string
	Steps []step
}

type step struct {
	ID, Name        string
	Service, Action string
	Body            json.RawMessage
	Status          int                             `json:"expect_status"`
	Response        any                             `json:"expect_response"`
	Error           *struct{ Code, Message string } `json:"expect_error"`
	Check           string
	Value           json.RawMessage
	Expect          any
}

// leftOut says why the service answers a case differently on purpose.
func leftOut(f flow) string {
	for part, reason := range map[string]string{
		"too_big_detail":                "recorded when the limit was 256 KiB; it is 1 MiB since January 2026",
		"cross_account_region":          "the endpoint has one account and one region",
		"TestEventsCrossAccountRegion":  "the endpoint has one account and one region",
		"True-regions1":                 "the endpoint has one account and one region",
		"False-regions1":                "the endpoint has one account and one region",
		"api_destinations":              "API destinations and connections are not implemented",
		"Connections":                   "API destinations and connections are not implemented",
		"ApiDestination":                "API destinations and connections are not implemented",
		"create_connection":             "API destinations and connections are not implemented",
		"canceled_replay":               "replays take no time here: there is nothing left to cancel",
		"archive_with_events[False-def": "the recorder's default bus had events of others",
	} {
		if strings.Contains(f.Name, part) {
			return reason
		}
	}
	if strings.Contains(f.Name, "TestSchedule") && !slices.ContainsFunc(f.Steps, func(s step) bool { return s.Error != nil }) {
		return "schedules of rules are refused: EventBridge Scheduler serves schedules"
	}
	if !slices.ContainsFunc(f.Steps, func(s step) bool { return s.Service == "events" }) {
		return "not about EventBridge"
	}
	for _, s := range f.Steps {
		if s.Check == "" && !slices.Contains([]string{"events", "sqs", "iam"}, s.Service) {
			return "needs " + s.Service + ": for where the whole endpoint is joined"
		}
	}
	return ""
}

func load(t *testing.T) suite {
	t.Helper()
	dir := os.Getenv("SHARED_DIR")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "..", "shared")
	}
	raw, err := os.ReadFile(filepath.Join(dir, "conformance", "events_api_cases.json"))
	if errors.Is(err, os.ErrNotExist) {
		t.Skip("SKIPPED: recorded cases events_api_cases.json are not there; set SHARED_DIR to run them")
	}
	if err != nil {
		t.Fatal(err)
	}
	raw = bytes.ReplaceAll(raw, []byte("111111111111"), []byte("000000000000")) // the recorder's account
	var out suite
	if err := json.Unmarshal(raw, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestAnswersAreThoseThatAWSRecorded(t *testing.T) {
	t.Parallel()
	all := load(t)
	for _, s := range all.Single {
		s.ID = "s1"
		all.Flows = append(all.Flows, flow{s.Name + " " + s.Action, []step{s}})
	}
	left, ran := map[string]int{}, 0
	for i, f := range all.Flows {
		if reason := leftOut(f); reason != "" {
			left[reason]++
			continue
		}
		ran++
		t.Run(fmt.Sprintf("%d %s", i, f.Name), func(t *testing.T) {
			run(t, func(b *bench) { b.replay(f) })
		})
	}
	t.Logf("%d cases ran", ran)
	for reason, n := range left {
		t.Logf("left out %d: %s", n, reason)
	}
}

// replay carries out the steps of a flow.
func (b *bench) replay(f flow) {
	b.t.Helper()
	queues, err := sqs.New(sqs.Config{Store: b.store, Clock: b.clock, URL: func() string { return "http://endpoint" }})
	if err != nil {
		b.t.Fatal(err)
	}
	b.receiver.to = map[string]delivery.Receiver{"sqs": queues, "events": b.service}
	b.handler = wire.NewHandler([]wire.Service{b.service.API(), queues.API()}, anyone, log.New(io.Discard, "", 0))
	results := map[string]any{}
	start := time.Now()
	if strings.Contains(f.Name, "too_many_active_replays") {
		b.stop() // else they would be over at once
		defer b.start()
	}
	for _, s := range f.Steps {
		if s.Check != "" {
			got := substitute(b.t, s.Value, results, start)
			if err := compare(s.Expect, got, s.Check); err != nil {
				b.t.Errorf("check %s: %v", s.Check, err)
			}
			continue
		}
		if s.Service == "iam" { // roles are judged by whoever sends
			results[s.ID] = map[string]any{"Role": map[string]any{"Arn": "arn:aws:iam::000000000000:role/r"}}
			continue
		}
		body, _ := epoch(substitute(b.t, s.Body, results, start)).(map[string]any)
		if s.Action == "DeleteMessage" && body["ReceiptHandle"] == nil {
			continue // none came, which the checks judge
		}
		target := map[string]string{"events": "AWSEvents", "sqs": "AmazonSQS"}[s.Service]
		status, answer := call(b.handler, s.Service, target, s.Action, body)
		synctest.Wait()
		results[s.ID] = answer
		want := s.Status
		if want == 0 {
			want = http.StatusOK
		}
		if status != want {
			b.t.Fatalf("%s %s: status %d, want %d: %v", s.ID, s.Action, status, want, answer)
		}
		if s.Response != nil {
			if err := compare(s.Response, any(answer), s.Action); err != nil {
				b.t.Errorf("%s: %v", s.ID, err)
			}
		}
		if s.Error != nil {
			got := map[string]any{"code": answer["__type"], "message": answer["message"]}
			if err := compare(map[string]any{"code": s.Error.Code, "message": s.Error.Message}, any(got), s.Action); err != nil {
				b.t.Errorf("%s: %v", s.ID, err)
			}
		}
	}
}

// substitute decodes raw with its references resolved.
func substitute(t *testing.T, raw json.RawMessage, results map[string]any, start time.Time) any {
	t.Helper()
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatal(err)
	}
	reference := regexp.MustCompile(`\$\{([^}]*)\}`)
	var walk func(v any) any
	walk = func(v any) any {
		switch v := v.(type) {
		case map[string]any:
			for k := range v {
				v[k] = walk(v[k])
			}
		case []any:
			for i := range v {
				v[i] = walk(v[i])
			}
		case string:
			if m := reference.FindStringSubmatch(v); m != nil && m[0] == v {
				return resolve(m[1], results, start)
			}
			return reference.ReplaceAllStringFunc(v, func(s string) string {
				return fmt.Sprint(resolve(s[2:len(s)-1], results, start))
			})
		}
		return v
	}
	return walk(v)
}

// epoch writes the times of entries as clients send them; the recorder has what its user gave the client.
func epoch(body any) any {
	request, _ := body.(map[string]any)
	entries, _ := request["Entries"].([]any)
	for _, e := range entries {
		entry, _ := e.(map[string]any)
		text, _ := entry["Time"].(string)
		for _, layout := range []string{time.RFC3339, time.DateOnly, "2006-01-02 15:04:05Z", "02-01-2006T15:04:05Z"} {
			if at, err := time.Parse(layout, text); err == nil {
				entry["Time"] = at.Unix()
			}
		}
	}
	return body
}

func resolve(ref string, results map[string]any, start time.Time) any {
	if text, ok := strings.CutPrefix(ref, "repeat:"); ok {
		n, _ := strconv.Atoi(text[2:])
		return strings.Repeat(text[:1], n)
	}
	if text, ok := strings.CutPrefix(ref, "now"); ok {
		d, _ := time.ParseDuration(text)
		return float64(start.Add(d).UnixMilli()) / 1000
	}
	ref, asJSON := strings.CutSuffix(ref, "|json")
	id, path, _ := strings.Cut(ref, ":")
	v := results[id]
	for _, name := range strings.FieldsFunc(path, func(r rune) bool { return r == '.' || r == '[' || r == ']' }) {
		switch at := v.(type) {
		case map[string]any:
			v = at[name]
		case []any:
			if i, err := strconv.Atoi(name); err == nil && i < len(at) {
				v = at[i]
			} else {
				v = nil
			}
		}
	}
	if text, ok := v.(string); ok && asJSON {
		_ = json.Unmarshal([]byte(text), &v)
	}
	return v
}

// compare says where got lacks what want has. A token in want stands for any text.
func compare(want, got any, at string) error {
	if text, ok := got.(string); ok {
		if _, isText := want.(string); !isText {
			if err := json.Unmarshal([]byte(text), &got); err != nil {
				return fmt.Errorf("%s = %q, want JSON", at, text)
			}
		}
	}
	switch want := want.(type) {
	case map[string]any:
		object, ok := got.(map[string]any)
		if !ok {
			return fmt.Errorf("%s = %v, want an object", at, got)
		}
		var errs []error
		for k := range want {
			v, there := object[k]
			if !there {
				errs = append(errs, fmt.Errorf("%s has no %s", at, k))
				continue
			}
			errs = append(errs, compare(want[k], v, at+"."+k))
		}
		return errors.Join(errs...)
	case []any:
		list, ok := got.([]any)
		if !ok || len(list) < len(want) && len(list) != 1 || len(list) > len(want) {
			return fmt.Errorf("%s = %v, want %d elements", at, got, len(want))
		}
		var errs []error
		for i := range list {
			errs = append(errs, compare(want[i], list[i], at+"["+strconv.Itoa(i)+"]"))
		}
		return errors.Join(errs...)
	case string:
		return compareText(want, got, at)
	}
	if fmt.Sprint(want) != fmt.Sprint(got) {
		return fmt.Errorf("%s = %v, want %v", at, got, want)
	}
	return nil
}

func compareText(want string, got any, at string) error {
	tokens := []string{
		"datetime", "timestamp", "event-id", "receipt-handle", "m-d5-of-body", "replay-name", "detail",
		"target-arn", "target-id", "target-id-one", "target-id-two",
	}
	if slices.Contains(tokens, want) || strings.HasPrefix(want, "<") && strings.HasSuffix(want, ">") && got != nil {
		return nil
	}
	pattern := regexp.MustCompile(`<[^<>]*(<[^<>]*>[^<>]*)?>|second-invalid-target-id|\bdate\b`).Split(want, -1)
	for i := range pattern {
		pattern[i] = regexp.QuoteMeta(pattern[i])
	}
	if !regexp.MustCompile("(?s)^" + strings.Join(pattern, ".+") + "$").MatchString(fmt.Sprint(got)) {
		return fmt.Errorf("%s = %v, want %s", at, got, want)
	}
	return nil
}
