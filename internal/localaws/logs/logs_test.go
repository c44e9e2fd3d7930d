package logs_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	client "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"github.com/the-alchemiser/alchemiser/internal/localaws/clock"
	"github.com/the-alchemiser/alchemiser/internal/localaws/delivery"
	"github.com/the-alchemiser/alchemiser/internal/localaws/logs"
	"github.com/the-alchemiser/alchemiser/internal/localaws/state"
	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

// endpoint is CloudWatch Logs on a port of its own with a client of the real SDK.
type endpoint struct {
	*client.Client
	service *logs.Service
	clock   *clock.Clock
}

func serve(t *testing.T, store *state.Store) endpoint {
	t.Helper()
	e := endpoint{clock: clock.New()}
	s, err := logs.New(logs.Config{Store: store, Clock: e.clock})
	if err != nil {
		t.Fatal(err)
	}
	root := func(context.Context, string) (wire.Caller, bool) { return wire.Caller{AccessKeyID: "test"}, true }
	server := httptest.NewServer(wire.NewHandler([]wire.Service{s.API()}, root, log.New(t.Output(), "", 0)))
	t.Cleanup(server.Close)
	e.service = s
	e.Client = client.New(client.Options{
		BaseEndpoint: &server.URL, Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
		RetryMaxAttempts: 1,
	})
	return e
}

func memory(t *testing.T) *state.Store {
	t.Helper()
	store, err := state.Open("")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return store
}

var (
	groupName  = aws.String("/aws/lambda/strategy")
	streamName = aws.String("2026/03/02/[$LATEST]a")
)

func (e endpoint) open(t *testing.T) {
	t.Helper()
	if _, err := e.CreateLogGroup(t.Context(), &client.CreateLogGroupInput{LogGroupName: groupName}); err != nil {
		t.Fatal(err)
	}
	if _, err := e.CreateLogStream(t.Context(), &client.CreateLogStreamInput{LogGroupName: groupName, LogStreamName: streamName}); err != nil {
		t.Fatal(err)
	}
}

func (e endpoint) put(t *testing.T, at time.Time, messages ...string) *client.PutLogEventsOutput {
	t.Helper()
	var events []types.InputLogEvent
	for i, m := range messages {
		events = append(events, types.InputLogEvent{Timestamp: aws.Int64(at.UnixMilli() + int64(i)), Message: &m})
	}
	out, err := e.PutLogEvents(t.Context(), &client.PutLogEventsInput{LogGroupName: groupName, LogStreamName: streamName, LogEvents: events})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func (e endpoint) filter(t *testing.T, in client.FilterLogEventsInput) []string {
	t.Helper()
	in.LogGroupName = groupName
	var messages []string
	ids := map[string]bool{}
	for pages := client.NewFilterLogEventsPaginator(e.Client, &in); pages.HasMorePages(); {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range page.Events {
			messages = append(messages, *m.Message)
			ids[*m.EventId] = true
		}
	}
	if len(ids) != len(messages) {
		t.Errorf("%d events have %d ids", len(messages), len(ids))
	}
	return messages
}

func refused(t *testing.T, err error, code, message string) {
	t.Helper()
	var e smithy.APIError
	if !errors.As(err, &e) || e.ErrorCode() != code || e.ErrorMessage() != message {
		t.Errorf("got %v\nwant %s: %s", err, code, message)
	}
}

func TestEventsAreFoundByPatternTimeAndStream(t *testing.T) {
	t.Parallel()
	e := serve(t, memory(t))
	e.open(t)
	start := e.clock.Now().Add(-time.Minute)
	e.put(t, start, `{"level":"info","correlation_id":"run-1"}`, `{"level":"error","correlation_id":"run-1"}`, "plain text")
	err := e.service.Write(t.Context(), *groupName, "other", []logs.Event{{Time: start.Add(time.Second), Message: `{"level":"error","correlation_id":"run-2"}`}})
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		in   client.FilterLogEventsInput
		want []string
	}{
		"all, page by page": {client.FilterLogEventsInput{Limit: aws.Int32(2)}, []string{
			`{"level":"info","correlation_id":"run-1"}`, `{"level":"error","correlation_id":"run-1"}`, "plain text", `{"level":"error","correlation_id":"run-2"}`,
		}},
		"a selector": {client.FilterLogEventsInput{FilterPattern: aws.String(`{ $.correlation_id = "run-1" && $.level = "error" }`)}, []string{`{"level":"error","correlation_id":"run-1"}`}},
		"a term":     {client.FilterLogEventsInput{FilterPattern: aws.String(`plain`)}, []string{"plain text"}},
		"a stream":   {client.FilterLogEventsInput{LogStreamNames: []string{"other"}}, []string{`{"level":"error","correlation_id":"run-2"}`}},
		"a prefix":   {client.FilterLogEventsInput{LogStreamNamePrefix: aws.String("oth")}, []string{`{"level":"error","correlation_id":"run-2"}`}},
		"from a time to a time, both included": {client.FilterLogEventsInput{
			StartTime: aws.Int64(start.UnixMilli() + 1), EndTime: aws.Int64(start.UnixMilli() + 2),
		}, []string{`{"level":"error","correlation_id":"run-1"}`, "plain text"}},
	} {
		if diff := cmp.Diff(tt.want, e.filter(t, tt.in)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestAStreamIsReadInBothDirections(t *testing.T) {
	t.Parallel()
	e := serve(t, memory(t))
	e.open(t)
	start := e.clock.Now().Add(-time.Minute)
	e.put(t, start, "1", "2", "3", "4", "5")
	read := func(token *string, head bool) (string, *client.GetLogEventsOutput) {
		out, err := e.GetLogEvents(t.Context(), &client.GetLogEventsInput{
			LogGroupName: groupName, LogStreamName: streamName, Limit: aws.Int32(2), NextToken: token, StartFromHead: &head,
		})
		if err != nil {
			t.Fatal(err)
		}
		text := ""
		for _, m := range out.Events {
			text += *m.Message
		}
		return text, out
	}
	var got []string
	text, out := read(nil, true)
	for {
		got = append(got, text)
		token := *out.NextForwardToken
		if text, out = read(&token, true); *out.NextForwardToken == token {
			break
		}
	}
	if diff := cmp.Diff([]string{"12", "34", "5"}, got); diff != "" {
		t.Errorf("forwards: %s", diff)
	}
	text, out = read(nil, false)
	back, _ := read(out.NextBackwardToken, false)
	if text != "45" || back != "23" {
		t.Errorf("backwards: %s, then %s", text, back)
	}
	e.put(t, start.Add(time.Second), "6")
	if text, _ = read(out.NextForwardToken, false); text != "6" {
		t.Errorf("what came since: %s", text)
	}
	got = nil
	part, err := e.GetLogEvents(t.Context(), &client.GetLogEventsInput{
		LogGroupName: groupName, LogStreamName: streamName, StartTime: aws.Int64(start.UnixMilli() + 1), EndTime: aws.Int64(start.UnixMilli() + 3),
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range part.Events {
		got = append(got, *m.Message)
	}
	if diff := cmp.Diff([]string{"2", "3"}, got); diff != "" {
		t.Errorf("the end is excluded: %s", diff)
	}
}

func TestEventsOutsideTheWindowAreRejected(t *testing.T) {
	t.Parallel()
	e := serve(t, memory(t))
	e.open(t)
	now := e.clock.Now()
	if info := e.put(t, now.Add(-15*24*time.Hour), "old", "old").RejectedLogEventsInfo; info == nil || *info.TooOldLogEventEndIndex != 2 {
		t.Errorf("too old: %+v", info)
	}
	if info := e.put(t, now.Add(3*time.Hour), "new").RejectedLogEventsInfo; info == nil || *info.TooNewLogEventStartIndex != 0 {
		t.Errorf("too new: %+v", info)
	}
	if info := e.put(t, now, "good").RejectedLogEventsInfo; info != nil {
		t.Errorf("good: %+v", info)
	}
	if diff := cmp.Diff([]string{"good"}, e.filter(t, client.FilterLogEventsInput{})); diff != "" {
		t.Error(diff)
	}
}

func TestEventsGoWhenTheirRetentionIsOver(t *testing.T) {
	t.Parallel()
	e := serve(t, memory(t))
	e.open(t)
	_, err := e.PutRetentionPolicy(t.Context(), &client.PutRetentionPolicyInput{LogGroupName: groupName, RetentionInDays: aws.Int32(1)})
	if err != nil {
		t.Fatal(err)
	}
	e.put(t, e.clock.Now(), "x")
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- e.service.Run(ctx) }()
	e.clock.Set(e.clock.Now().Add(25 * time.Hour))
	for len(e.filter(t, client.FilterLogEventsInput{})) > 0 {
		continue // every look is a request, the test's own deadline ends a vain wait
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	e := serve(t, memory(t))
	e.open(t)
	ctx := t.Context()
	for name, tt := range map[string]struct {
		call          func() error
		code, message string
	}{
		"no group": {func() error {
			_, err := e.FilterLogEvents(ctx, &client.FilterLogEventsInput{LogGroupName: aws.String("gone")})
			return err
		}, "ResourceNotFoundException", "The specified log group does not exist."},
		"no stream": {func() error {
			_, err := e.GetLogEvents(ctx, &client.GetLogEventsInput{LogGroupName: groupName, LogStreamName: aws.String("gone")})
			return err
		}, "ResourceNotFoundException", "The specified log stream does not exist."},
		"twice": {func() error {
			_, err := e.CreateLogGroup(ctx, &client.CreateLogGroupInput{LogGroupName: groupName})
			return err
		}, "ResourceAlreadyExistsException", "The specified log group already exists"},
		"order": {func() error {
			_, err := e.PutLogEvents(ctx, &client.PutLogEventsInput{LogGroupName: groupName, LogStreamName: streamName, LogEvents: []types.InputLogEvent{
				{Timestamp: aws.Int64(2), Message: aws.String("b")}, {Timestamp: aws.Int64(1), Message: aws.String("a")},
			}})
			return err
		}, "InvalidParameterException", "Log events in a single PutLogEvents request must be in chronological order."},
		"token": {func() error {
			_, err := e.FilterLogEvents(ctx, &client.FilterLogEventsInput{LogGroupName: groupName, NextToken: aws.String("nonsense")})
			return err
		}, "InvalidParameterException", "The specified nextToken is invalid."},
		"limit": {func() error {
			_, err := e.FilterLogEvents(ctx, &client.FilterLogEventsInput{LogGroupName: groupName, Limit: aws.Int32(10001)})
			return err
		}, "InvalidParameterException", "1 validation error detected: Value '10001' at 'limit' failed to satisfy constraint: Member must have value less than or equal to 10000"},
		"Insights": {func() error {
			_, err := e.StartQuery(ctx, &client.StartQueryInput{LogGroupName: groupName, QueryString: aws.String("fields @message"), StartTime: aws.Int64(0), EndTime: aws.Int64(1)})
			return err
		}, "UnknownOperationException", "logs: StartQuery is not implemented by this endpoint."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			refused(t, tt.call(), tt.code, tt.message)
		})
	}
}

func TestWhatTerraformAsksOfAGroup(t *testing.T) {
	t.Parallel()
	e := serve(t, memory(t))
	e.open(t)
	ctx := t.Context()
	if _, err := e.PutRetentionPolicy(ctx, &client.PutRetentionPolicyInput{LogGroupName: groupName, RetentionInDays: aws.Int32(14)}); err != nil {
		t.Fatal(err)
	}
	groups, err := e.DescribeLogGroups(ctx, &client.DescribeLogGroupsInput{LogGroupNamePrefix: groupName})
	if err != nil || len(groups.LogGroups) != 1 {
		t.Fatalf("%+v, %v", groups, err)
	}
	g := groups.LogGroups[0]
	if *g.Arn != "arn:aws:logs:us-east-1:000000000000:log-group:/aws/lambda/strategy:*" || *g.RetentionInDays != 14 || g.LogGroupClass != "STANDARD" {
		t.Errorf("%+v", g)
	}
	if _, err := e.TagResource(ctx, &client.TagResourceInput{ResourceArn: g.LogGroupArn, Tags: map[string]string{"a": "1", "b": "2"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := e.UntagResource(ctx, &client.UntagResourceInput{ResourceArn: g.Arn, TagKeys: []string{"a"}}); err != nil {
		t.Fatal(err)
	}
	tags, err := e.ListTagsForResource(ctx, &client.ListTagsForResourceInput{ResourceArn: g.LogGroupArn})
	if err != nil || fmt.Sprint(tags.Tags) != "map[b:2]" {
		t.Errorf("%+v, %v", tags, err)
	}
	_, err = e.PutMetricFilter(ctx, &client.PutMetricFilterInput{
		LogGroupName: groupName, FilterName: aws.String("errors"), FilterPattern: aws.String(`{ $.level = "error" }`),
		MetricTransformations: []types.MetricTransformation{{
			MetricName: aws.String("Errors"), MetricNamespace: aws.String("Alchemiser"), MetricValue: aws.String("1"), DefaultValue: aws.Float64(0), Unit: "Count",
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	filters, err := e.DescribeMetricFilters(ctx, &client.DescribeMetricFiltersInput{LogGroupName: groupName, FilterNamePrefix: aws.String("err")})
	if err != nil || len(filters.MetricFilters) != 1 || *filters.MetricFilters[0].MetricTransformations[0].DefaultValue != 0 {
		t.Errorf("%+v, %v", filters, err)
	}
	if _, err := e.DeleteLogGroup(ctx, &client.DeleteLogGroupInput{LogGroupName: groupName}); err != nil {
		t.Fatal(err)
	}
	if arns, err := e.service.Inventory(); err != nil || len(arns) != 0 {
		t.Errorf("inventory after deletion: %v, %v", arns, err)
	}
	_, err = e.DeleteResourcePolicy(ctx, &client.DeleteResourcePolicyInput{PolicyName: aws.String("gone")})
	refused(t, err, "ResourceNotFoundException", "Policy with name [gone] does not exist.")
}

func TestDeliveriesOfOtherServices(t *testing.T) {
	t.Parallel()
	e := serve(t, memory(t))
	e.open(t)
	_, err := e.PutResourcePolicy(t.Context(), &client.PutResourcePolicyInput{
		PolicyName: aws.String("events"),
		PolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":["events.amazonaws.com","delivery.logs.amazonaws.com"]},
			"Action":["logs:CreateLogStream","logs:PutLogEvents"],"Resource":"arn:aws:logs:us-east-1:000000000000:log-group:/aws/lambda/*:*"}]}`),
	})
	if err != nil {
		t.Fatal(err)
	}
	const groupARN = "arn:aws:logs:us-east-1:000000000000:log-group:/aws/lambda/strategy"
	for _, arn := range []string{groupARN, groupARN + ":*"} {
		if err := e.service.Receive(t.Context(), arn, delivery.Message{Body: []byte(`{"a":1}`), Principal: "events.amazonaws.com"}); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]string{`{"a":1}`, `{"a":1}`}, e.filter(t, client.FilterLogEventsInput{})); diff != "" {
		t.Error(diff)
	}
	if _, err := e.CreateLogGroup(t.Context(), &client.CreateLogGroupInput{LogGroupName: aws.String("closed")}); err != nil {
		t.Fatal(err)
	}
	for name, code := range map[string]string{"gone": "NO_RESOURCE", "closed": "NO_PERMISSIONS"} {
		err = e.service.Receive(t.Context(), "arn:aws:logs:us-east-1:000000000000:log-group:"+name, delivery.Message{
			Body: []byte("x"), Principal: "events.amazonaws.com",
		})
		var refusal *delivery.Error
		if !errors.As(err, &refusal) || refusal.Code != code || refusal.Retryable {
			t.Errorf("delivery to %s: %v", name, err)
		}
	}
}

func TestEverythingIsThereAfterARestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	store, err := state.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	e := serve(t, store)
	e.open(t)
	e.put(t, e.clock.Now(), "before")
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	if store, err = state.Open(dir); err != nil {
		t.Fatal(err)
	}
	defer store.Close() //nolint:errcheck // nothing is written after the assertions
	e = serve(t, store)
	e.put(t, e.clock.Now(), "after")
	if diff := cmp.Diff([]string{"before", "after"}, e.filter(t, client.FilterLogEventsInput{})); diff != "" {
		t.Error(diff)
	}
	streams, err := e.DescribeLogStreams(t.Context(), &client.DescribeLogStreamsInput{LogGroupName: groupName, OrderBy: "LastEventTime", Descending: aws.Bool(true)})
	if err != nil || len(streams.LogStreams) != 1 || *streams.LogStreams[0].LastEventTimestamp == 0 {
		t.Errorf("%+v, %v", streams, err)
	}
}
