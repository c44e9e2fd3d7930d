package xray_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/xray"

	"github.com/the-alchemiser/alchemiser/internal/localaws/clock"
	"github.com/the-alchemiser/alchemiser/internal/localaws/state"
	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
	"github.com/the-alchemiser/alchemiser/internal/localaws/xray"
)

func setUp(t *testing.T) (*xray.Service, *sdk.Client) {
	t.Helper()
	return setUpLimited(t, 0)
}

// setUpLimited serves traces of so many bytes.
func setUpLimited(t *testing.T, limit int) (*xray.Service, *sdk.Client) {
	t.Helper()
	store, err := state.Open("")
	if err != nil {
		t.Fatal(err)
	}
	s, err := xray.New(xray.Config{Store: store, Clock: clock.New(), MaxBytes: limit})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	known := func(context.Context, string) (wire.Caller, bool) { return wire.Caller{}, true }
	server := httptest.NewServer(wire.NewHandler([]wire.Service{s.API()}, known, log.New(io.Discard, "", 0)))
	t.Cleanup(func() {
		server.Close()
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return s, sdk.New(sdk.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(server.URL), RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	})
}

// newTrace returns a trace id of now and a number that makes it unique.
func newTrace(n int) string { return fmt.Sprintf("1-%08x-%024x", time.Now().Unix(), n) }

func put(t *testing.T, client *sdk.Client, docs ...string) {
	t.Helper()
	out, err := client.PutTraceSegments(t.Context(), &sdk.PutTraceSegmentsInput{TraceSegmentDocuments: docs})
	if err != nil {
		t.Fatal(err)
	}
	if len(out.UnprocessedTraceSegments) > 0 {
		t.Fatalf("unprocessed: %s", *out.UnprocessedTraceSegments[0].Message)
	}
}

func find(t *testing.T, client *sdk.Client, expression string) []string {
	t.Helper()
	out, err := client.GetTraceSummaries(t.Context(), &sdk.GetTraceSummariesInput{
		StartTime: aws.Time(time.Now().Add(-time.Hour)), EndTime: aws.Time(time.Now().Add(time.Minute)),
		FilterExpression: aws.String(expression),
	})
	if err != nil {
		t.Fatalf("%s: %v", expression, err)
	}
	var ids []string
	for _, s := range out.TraceSummaries {
		ids = append(ids, *s.Id)
	}
	return ids
}

// document is the part of a segment that the tests look at.
type document struct {
	ID          string         `json:"id"`
	Name        string         `json:"name"`
	Annotations map[string]any `json:"annotations"`
	Subsegments []document     `json:"subsegments"`
}

func get(t *testing.T, client *sdk.Client, id string) []document {
	t.Helper()
	out, err := client.BatchGetTraces(t.Context(), &sdk.BatchGetTracesInput{TraceIds: []string{id}})
	if err != nil {
		t.Fatal(err)
	}
	var docs []document
	for _, tr := range out.Traces {
		for _, seg := range tr.Segments {
			var d document
			if err := json.Unmarshal([]byte(*seg.Document), &d); err != nil {
				t.Fatal(err)
			}
			docs = append(docs, d)
		}
	}
	return docs
}

func TestSubsegmentsSentAloneJoinTheirParents(t *testing.T) {
	t.Parallel()
	_, client := setUp(t)
	id := newTrace(1)
	// The grandchild comes before its parent, and both before the segment: UDP keeps no order.
	put(t, client, fmt.Sprintf(`{"id":"00000000000000cc","trace_id":%q,"parent_id":"00000000000000bb","type":"subsegment","name":"inner","start_time":3,"end_time":4}`, id))
	put(t, client, fmt.Sprintf(`{"id":"00000000000000bb","trace_id":%q,"parent_id":"00000000000000aa","type":"subsegment","name":"work","start_time":2,"end_time":5,"annotations":{"correlation_id":"run-1"}}`, id))
	put(t, client, fmt.Sprintf(`{"id":"00000000000000aa","trace_id":%q,"name":"strategy","origin":"AWS::Lambda::Function","start_time":1,"end_time":6}`, id))
	docs := get(t, client, id)
	if len(docs) != 1 || len(docs[0].Subsegments) != 1 || docs[0].Subsegments[0].Name != "work" ||
		len(docs[0].Subsegments[0].Subsegments) != 1 || docs[0].Subsegments[0].Subsegments[0].Name != "inner" {
		t.Errorf("documents %+v, want strategy > work > inner", docs)
	}
}

func TestSegmentIsCompletedByItsSecondDocument(t *testing.T) {
	t.Parallel()
	_, client := setUp(t)
	id := newTrace(1)
	put(t, client, fmt.Sprintf(`{"id":"00000000000000aa","trace_id":%q,"name":"s","start_time":1,"in_progress":true}`, id))
	if got := find(t, client, "partial"); !slices.Equal(got, []string{id}) {
		t.Errorf("partial traces %v, want %s", got, id)
	}
	put(t, client, fmt.Sprintf(`{"id":"00000000000000aa","trace_id":%q,"name":"s","start_time":1,"end_time":2}`, id))
	if got := find(t, client, "partial"); len(got) > 0 {
		t.Errorf("partial traces %v, want none", got)
	}
}

func TestFilterExpressions(t *testing.T) {
	t.Parallel()
	_, client := setUp(t)
	good, bad := newTrace(1), newTrace(2)
	put(t, client,
		fmt.Sprintf(`{"id":"00000000000000a1","trace_id":%q,"name":"strategy","origin":"AWS::Lambda","start_time":1,"end_time":1.2,"http":{"request":{"method":"POST","url":"http://x/orders"},"response":{"status":200}}}`, good),
		fmt.Sprintf(`{"id":"00000000000000a2","trace_id":%q,"parent_id":"00000000000000a1","type":"subsegment","name":"w","start_time":1,"end_time":1.1,"annotations":{"correlation_id":"run-1","attempt":2,"replay":false}}`, good),
		fmt.Sprintf(`{"id":"00000000000000b1","trace_id":%q,"name":"strategy","origin":"AWS::Lambda","start_time":1,"end_time":9}`, bad),
		fmt.Sprintf(`{"id":"00000000000000b2","trace_id":%q,"parent_id":"00000000000000b1","name":"execution","origin":"AWS::Lambda::Function","start_time":2,"end_time":8,"fault":true,"subsegments":[{"id":"00000000000000b3","name":"w","start_time":3,"end_time":4,"annotations":{"correlation_id":"run-2"}}]}`, bad),
	)
	tests := map[string][]string{
		`annotation.correlation_id = "run-1"`:                 {good},
		`annotation[correlation_id] = "run-2"`:                {bad},
		`annotation.correlation_id != "run-1"`:                {bad},
		`annotation.correlation_id BEGINSWITH "run-"`:         {good, bad},
		`annotation.correlation_id CONTAINS "n-2"`:            {bad},
		`annotation.correlation_id`:                           {good, bad},
		`annotation.missing = "x"`:                            nil,
		`annotation.attempt = 2`:                              {good},
		`annotation.attempt > 2`:                              nil,
		`annotation.attempt = "2"`:                            nil,
		`annotation.replay = false`:                           {good},
		`service("execution")`:                                {bad},
		`service("strategy")`:                                 {good, bad},
		`service("strategy") { fault }`:                       nil,
		`service("execution") { fault = true }`:               {bad},
		`service(id(name: "strategy", type: "AWS::Lambda"))`:  {good, bad},
		`service(id(name: "execution", type: "AWS::Lambda"))`: nil,
		`service("strategy") { annotation.attempt = 2 }`:      {good},
		`fault`:                      {bad},
		`fault = false`:              {good},
		`!fault`:                     {good},
		`ok`:                         {good},
		`error`:                      nil,
		`duration > 5`:               {bad},
		`responsetime <= 0.5`:        {good},
		`http.status = 200`:          {good},
		`http.url CONTAINS "orders"`: {good},
		`fault OR duration < 1`:      {good, bad},
		`fault AND duration < 1`:     nil,
		`NOT (fault or service("execution")) && duration >= 0.1`: {good},
		`ok OR fault AND annotation.correlation_id = "run-1"`:    {good},
		`(ok OR fault) AND annotation.correlation_id = "run-2"`:  {bad},
	}
	for expression, want := range tests {
		if got := find(t, client, expression); !slices.Equal(got, want) {
			t.Errorf("%s finds %v, want %v", expression, got, want)
		}
	}
}

func TestBadFilterIsRefused(t *testing.T) {
	t.Parallel()
	for _, expression := range []string{
		`annotation.x =`, `fault AND`, `(fault`, `"run-1"`, `duration > "x"`, `edge("a", "b")`, `service(x)`, `fault fault`,
		`annotation.x = "open`, `annotation.x CONTAINS 3`, strings.Repeat("(", 5000), strings.Repeat("!", 5000) + "ok",
	} {
		if err := xray.CheckFilter(expression); err == nil {
			t.Errorf("%.40s is accepted", expression)
		}
	}
}

func TestSummaryTellsAnnotationsAndServices(t *testing.T) {
	t.Parallel()
	_, client := setUp(t)
	id := newTrace(1)
	put(t, client,
		fmt.Sprintf(`{"id":"00000000000000a1","trace_id":%q,"name":"strategy","origin":"AWS::Lambda","start_time":100,"end_time":100.5}`, id),
		fmt.Sprintf(`{"id":"00000000000000a2","trace_id":%q,"parent_id":"00000000000000a1","type":"subsegment","name":"w","start_time":100,"end_time":102,"annotations":{"correlation_id":"run-1"}}`, id))
	out, err := client.GetTraceSummaries(t.Context(), &sdk.GetTraceSummariesInput{
		StartTime: aws.Time(time.Now().Add(-time.Hour)), EndTime: aws.Time(time.Now().Add(time.Minute)),
	})
	if err != nil || len(out.TraceSummaries) != 1 {
		t.Fatalf("%+v, %v", out, err)
	}
	s := out.TraceSummaries[0]
	if *s.Id != id || *s.Duration != 2 || *s.ResponseTime != 0.5 || *s.HasFault || len(s.Annotations["correlation_id"]) != 1 {
		t.Errorf("summary %+v", s)
	}
	if len(s.ServiceIds) != 1 || *s.ServiceIds[0].Name != "strategy" || *s.EntryPoint.Type != "AWS::Lambda" {
		t.Errorf("services %+v, entry %+v", s.ServiceIds, s.EntryPoint)
	}
}

func TestInvalidSegmentsAreNamed(t *testing.T) {
	t.Parallel()
	_, client := setUp(t)
	id := newTrace(1)
	tests := map[string]string{
		`{`: "ParseError",
		fmt.Sprintf(`{"id":"x","trace_id":%q,"name":"n","start_time":1,"end_time":2}`, id):                                    "InvalidId",
		`{"id":"00000000000000a1","trace_id":"1-2-3","name":"n","start_time":1,"end_time":2}`:                                 "InvalidTraceId",
		fmt.Sprintf(`{"id":"00000000000000a1","trace_id":%q,"start_time":1,"end_time":2}`, id):                                "InvalidName",
		fmt.Sprintf(`{"id":"00000000000000a1","trace_id":%q,"name":"n","end_time":2}`, id):                                    "MissingStartTime",
		fmt.Sprintf(`{"id":"00000000000000a1","trace_id":%q,"name":"n","start_time":1}`, id):                                  "MissingEndTime",
		fmt.Sprintf(`{"id":"00000000000000a1","trace_id":%q,"name":"n","start_time":1,"end_time":2,"type":"subsegment"}`, id): "InvalidParentId",
	}
	for doc, code := range tests {
		out, err := client.PutTraceSegments(t.Context(), &sdk.PutTraceSegmentsInput{TraceSegmentDocuments: []string{doc}})
		if err != nil {
			t.Fatal(err)
		}
		if len(out.UnprocessedTraceSegments) != 1 || *out.UnprocessedTraceSegments[0].ErrorCode != code {
			t.Errorf("%s: %+v, want %s", doc, out.UnprocessedTraceSegments, code)
		}
	}
}

func TestDaemonTakesSegmentsByUDP(t *testing.T) {
	t.Parallel()
	s, client := setUp(t)
	conn, err := net.Dial("udp", daemonAddress(t, s))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	id := newTrace(1)
	doc := fmt.Sprintf(`{"id":"00000000000000aa","trace_id":%q,"name":"s","start_time":1,"end_time":2}`, id)
	for _, packet := range []string{"garbage", `{"format":"json","version":2}` + "\n" + doc, `{"format":"json","version":1}` + "\n" + doc} {
		if _, err := io.WriteString(conn, packet); err != nil {
			t.Fatal(err)
		}
	}
	for end := time.Now().Add(time.Minute); len(get(t, client, id)) == 0; { // until the datagram has arrived
		if time.Now().After(end) {
			t.Fatal("the segment has not arrived")
		}
	}
}

func TestDaemonAnswersForSamplingRules(t *testing.T) {
	t.Parallel()
	s, client := setUp(t)
	for _, path := range []string{"/GetSamplingRules", "/SamplingTargets"} {
		resp, err := http.Post("http://"+daemonAddress(t, s)+path, "application/json",
			strings.NewReader(`{"SamplingStatisticsDocuments":[{"RuleName":"Default"}]}`))
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		if err := resp.Body.Close(); err != nil {
			t.Error(err)
		}
		if err != nil || resp.StatusCode != http.StatusOK || !strings.Contains(string(body), `"RuleName":"Default"`) {
			t.Errorf("%s = %d %s, %v", path, resp.StatusCode, body, err)
		}
	}
	rules, err := client.GetSamplingRules(t.Context(), &sdk.GetSamplingRulesInput{})
	if err != nil || len(rules.SamplingRuleRecords) != 1 || *rules.SamplingRuleRecords[0].SamplingRule.RuleName != "Default" {
		t.Errorf("rules %+v, %v", rules, err)
	}
}

func TestUnknownTraceIsUnprocessed(t *testing.T) {
	t.Parallel()
	_, client := setUp(t)
	id := newTrace(7)
	out, err := client.BatchGetTraces(t.Context(), &sdk.BatchGetTracesInput{TraceIds: []string{id}})
	if err != nil || len(out.Traces) != 0 || !slices.Equal(out.UnprocessedTraceIds, []string{id}) {
		t.Errorf("%+v, %v", out, err)
	}
}

func TestTheOldestTracesGoWhenThereIsNoRoom(t *testing.T) {
	t.Parallel()
	_, client := setUpLimited(t, 50_000)
	var traces []string
	for n := range 100 {
		traces = append(traces, fmt.Sprintf("1-%08x-%024x", time.Now().Unix()-100+int64(n), n))
		put(t, client, fmt.Sprintf(`{"id":"00000000000000aa","trace_id":%q,"name":"s","start_time":1,"end_time":2,"annotations":{"a":%q}}`,
			traces[n], strings.Repeat("x", 900)))
	}
	there := func(n int) bool {
		out, err := client.BatchGetTraces(t.Context(), &sdk.BatchGetTracesInput{TraceIds: []string{traces[n]}})
		if err != nil {
			t.Fatal(err)
		}
		return len(out.Traces) == 1
	}
	if there(0) || there(40) || !there(70) || !there(99) {
		t.Errorf("of 100 traces of a kilobyte, with room for 50: the oldest is there: %t, the 41st: %t, the 71st: %t, the newest: %t", there(0), there(40), there(70), there(99))
	}
}

func TestTracesSurviveARestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	id := newTrace(1)
	for restart := range 2 {
		store, err := state.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		s, err := xray.New(xray.Config{Store: store, Clock: clock.New()})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- s.Run(ctx) }()
		server := httptest.NewServer(wire.NewHandler([]wire.Service{s.API()},
			func(context.Context, string) (wire.Caller, bool) { return wire.Caller{}, true }, log.New(io.Discard, "", 0)))
		client := sdk.New(sdk.Options{
			Region: "us-east-1", BaseEndpoint: aws.String(server.URL),
			Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
		})
		if restart == 0 {
			put(t, client, fmt.Sprintf(`{"id":"00000000000000aa","trace_id":%q,"name":"s","start_time":1,"end_time":2}`, id))
		}
		if docs := get(t, client, id); len(docs) != 1 {
			t.Errorf("start %d: %d segments, want 1", restart, len(docs))
		}
		server.Close()
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	}
}

// FuzzFilter: parsing ends, and what is accepted is accepted again in parentheses.
func FuzzFilter(f *testing.F) {
	for _, seed := range []string{
		`annotation.correlation_id = "run-1"`, `NOT (fault or service("x") { ok }) && duration >= 0.1`,
		`service(id(name: "a", type: 'b'))`, `annotation["k"] BEGINSWITH "x\""`, `http.status != -1e3`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, expression string) {
		if xray.CheckFilter(expression) != nil {
			return
		}
		if err := xray.CheckFilter("(" + expression + ") AND !(" + expression + ")"); err != nil && !strings.Contains(err.Error(), "deep") {
			t.Errorf("%q is accepted, but not in parentheses: %v", expression, err)
		}
	})
}

// FuzzDatagram: whatever arrives by UDP, what is accepted has an id that X-Ray takes.
func FuzzDatagram(f *testing.F) {
	f.Add([]byte(`{"format":"json","version":1}` + "\n" + `{"id":"00000000000000aa","trace_id":"1-00000000-000000000000000000000000","name":"s","start_time":1,"end_time":2}`))
	f.Add([]byte("\n"))
	f.Fuzz(func(t *testing.T, packet []byte) {
		id, err := xray.CheckDatagram(packet)
		if err == nil && len(id) != 16 {
			t.Errorf("accepted id %q", id)
		}
	})
}

func daemonAddress(t *testing.T, s *xray.Service) string {
	t.Helper()
	address, err := s.DaemonFor("")
	if err != nil {
		t.Fatal(err)
	}
	return address
}

func TestADaemonActsForItsOwner(t *testing.T) {
	store, err := state.Open("")
	if err != nil {
		t.Fatal(err)
	}
	asked := make(chan string, 100)
	s, err := xray.New(xray.Config{Store: store, Clock: clock.New(), May: func(owner, action string) bool {
		asked <- owner + " " + action
		return owner == "may"
	}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	for owner, want := range map[string]int{"may": http.StatusOK, "may not": http.StatusForbidden} {
		address, err := s.DaemonFor(owner)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := s.DaemonFor(owner); err != nil || again != address {
			t.Errorf("%s: %s, then %s (%v)", owner, address, again, err)
		}
		res, err := http.Post("http://"+address+"/GetSamplingRules", "application/json", strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if got := <-asked; res.StatusCode != want || got != owner+" xray:GetSamplingRules" {
			t.Errorf("%s: status %d after %q", owner, res.StatusCode, got)
		}
		conn, err := net.Dial("udp", address)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Write([]byte("{\"format\":\"json\",\"version\":1}\n" + `{"trace_id":"1-5759e988-bd862e3fe1be46a994272793","id":"53995c3f42cd8ad8","name":"n","start_time":1,"end_time":2}`)); err != nil {
			t.Fatal(err)
		}
		conn.Close()
		if got := <-asked; got != owner+" xray:PutTraceSegments" {
			t.Errorf("%s: asked for %q", owner, got)
		}
		if owner == "may" {
			if got := <-asked; got != "may xray:PutTelemetryRecords" {
				t.Errorf("asked for %q", got)
			}
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if err := store.Close(); err != nil {
		t.Error(err)
	}
}
