package events_test

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/the-alchemiser/alchemiser/internal/localaws/delivery"
	"github.com/the-alchemiser/alchemiser/internal/localaws/localawstest/recorded"
	"github.com/the-alchemiser/alchemiser/internal/localaws/sqs"
	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

// The recorded cases are requests with the answers that AWS gave: see the README beside them.
// leftOut says why the service answers a case differently on purpose.
func leftOut(f recorded.Flow) string {
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
		"archive_with_events[False-def": "the recorder's default bus had events of others",
	} {
		if strings.Contains(f.Name, part) {
			return reason
		}
	}
	if !slices.ContainsFunc(f.Steps, func(s recorded.Step) bool { return s.Service == "events" }) {
		return "not about EventBridge"
	}
	for _, s := range f.Steps {
		if s.Check == "" && !slices.Contains([]string{"events", "sqs", "iam"}, s.Service) {
			return "needs " + s.Service + ": for where the whole endpoint is joined"
		}
	}
	return ""
}

func TestAnswersAreThoseThatAWSRecorded(t *testing.T) {
	t.Parallel()
	flows := recorded.Load(t, filepath.Join("..", "..", ".."), "events_api_cases.json")
	left, ran := map[string]int{}, 0
	for i, f := range flows {
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
func (b *bench) replay(f recorded.Flow) {
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
			got := recorded.Substitute(b.t, s.Value, results, start)
			if err := recorded.Compare(s.Expect, got, s.Check); err != nil {
				b.t.Errorf("check %s: %v", s.Check, err)
			}
			continue
		}
		if s.Service == "iam" { // roles are judged by whoever sends
			results[s.ID] = map[string]any{"Role": map[string]any{"Arn": "arn:aws:iam::000000000000:role/r"}}
			continue
		}
		if s.Action == "ListReplays" && !strings.Contains(f.Name, "canceled") {
			time.Sleep(time.Minute) // the recorder waited until they were over
			synctest.Wait()
		}
		if s.Action == "ReceiveMessage" && strings.Contains(f.Name, "TestSchedule") {
			time.Sleep(time.Minute)
			if strings.Contains(f.Name, "cron") { // it was recorded on that day
				b.clock.Set(time.Date(start.Year(), time.November, 23, 4, 3, 1, 0, time.UTC))
			}
			synctest.Wait()
		}
		body, _ := epoch(recorded.Substitute(b.t, s.Body, results, start)).(map[string]any)
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
			if err := recorded.Compare(s.Response, any(answer), s.Action); err != nil {
				b.t.Errorf("%s: %v", s.ID, err)
			}
		}
		if s.Error != nil {
			got := map[string]any{"code": answer["__type"], "message": answer["message"]}
			if err := recorded.Compare(map[string]any{"code": s.Error.Code, "message": s.Error.Message}, any(got), s.Action); err != nil {
				b.t.Errorf("%s: %v", s.ID, err)
			}
		}
	}
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
