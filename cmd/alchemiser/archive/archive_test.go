package archive_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	logstypes "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/google/go-cmp/cmp"

	"github.com/the-alchemiser/alchemiser/cmd/alchemiser/archive"
	"github.com/the-alchemiser/alchemiser/internal/localaws"
	"github.com/the-alchemiser/alchemiser/internal/naming"
)

const stage = naming.Stage("test")

// account returns an account on the in-process endpoint with a bus, its archive, the rule of the monitor and log groups.
func account(t *testing.T) aws.Config {
	t.Helper()
	server, err := localaws.New(localaws.Config{Log: t.Output(), RetryScale: 1})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- server.Serve(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	cfg := aws.Config{Region: "us-east-1", BaseEndpoint: aws.String(server.URL()), Credentials: credentials.NewStaticCredentialsProvider("test", "test", "")}
	client := eventbridge.NewFromConfig(cfg)
	bus, err := client.CreateEventBus(t.Context(), &eventbridge.CreateEventBusInput{Name: aws.String(stage.Bus())})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.CreateArchive(t.Context(), &eventbridge.CreateArchiveInput{
		ArchiveName: aws.String(stage.Archive()), EventSourceArn: bus.EventBusArn, RetentionDays: aws.Int32(30),
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := client.PutRule(t.Context(), &eventbridge.PutRuleInput{
		EventBusName: aws.String(stage.Bus()), Name: aws.String(stage.Rule(naming.Monitor)), EventPattern: aws.String(`{"source":[{"prefix":"alchemiser."}]}`),
	}); err != nil {
		t.Fatal(err)
	}
	groups := []string{stage.EventLog()}
	for _, f := range naming.Functions() {
		groups = append(groups, stage.FunctionLog(f))
	}
	for _, group := range groups {
		if _, err := cloudwatchlogs.NewFromConfig(cfg).CreateLogGroup(t.Context(), &cloudwatchlogs.CreateLogGroupInput{LogGroupName: &group}); err != nil {
			t.Fatal(err)
		}
	}
	return cfg
}

// write puts lines into a log group at a time.
func write(t *testing.T, cfg aws.Config, group string, at time.Time, lines ...string) {
	t.Helper()
	client, stream := cloudwatchlogs.NewFromConfig(cfg), fmt.Sprintf("s-%d", at.UnixNano())
	if _, err := client.CreateLogStream(t.Context(), &cloudwatchlogs.CreateLogStreamInput{LogGroupName: &group, LogStreamName: &stream}); err != nil {
		t.Fatal(err)
	}
	in := &cloudwatchlogs.PutLogEventsInput{LogGroupName: &group, LogStreamName: &stream}
	for _, line := range lines {
		in.LogEvents = append(in.LogEvents, logstypes.InputLogEvent{Message: aws.String(line), Timestamp: aws.Int64(at.UnixMilli())})
	}
	if _, err := client.PutLogEvents(t.Context(), in); err != nil {
		t.Fatal(err)
	}
}

func TestReplayedEventsAreCountedApart(t *testing.T) {
	t.Parallel()
	cfg, now := account(t), time.Now()
	write(t, cfg, stage.EventLog(), now.Add(-time.Hour), `{"detail-type":"TradeExecuted"}`) // before
	write(t, cfg, stage.EventLog(), now, `{"detail-type":"WorkflowStarted"}`, `{"detail-type":"SignalGenerated"}`, `{"detail-type":"SignalGenerated"}`,
		`{"detail-type":"SignalGenerated","replay-name":"r-1"}`, `{"detail-type":"SignalGenerated","replay-name":"r-2"}`)
	write(t, cfg, stage.FunctionLog(naming.Strategy), now, `{"msg":"ignored","replay":"r-1"}`, `{"msg":"ignored","replay":"r-2"}`, `{"msg":"other"}`)

	past := archive.New(cfg, stage)
	for replay, want := range map[string]map[string]int{
		"":    {"WorkflowStarted": 1, "SignalGenerated": 2},
		"r-1": {"SignalGenerated": 1},
		"r-3": {},
	} {
		got, err := past.Count(t.Context(), now.Add(-time.Minute), now.Add(time.Minute), replay)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("of replay %q (-want +got):\n%s", replay, d)
		}
	}
	ignored, err := past.Ignored(t.Context(), "r-1", now.Add(-time.Minute))
	if err != nil || ignored[naming.Strategy] != 1 || ignored[naming.Monitor] != 0 {
		t.Errorf("ignored %v, %v, want 1 of strategy", ignored, err)
	}
}

func TestAReplayIsFollowedToItsEnd(t *testing.T) {
	t.Parallel()
	cfg, now := account(t), time.Now()
	client, past := eventbridge.NewFromConfig(cfg), archive.New(cfg, stage)
	detail, err := json.Marshal(map[string]string{"event_id": "e-1"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.PutEvents(t.Context(), &eventbridge.PutEventsInput{Entries: []types.PutEventsRequestEntry{{
		EventBusName: aws.String(stage.Bus()), Source: aws.String("alchemiser.cli"), DetailType: aws.String("WorkflowStarted"), Detail: aws.String(string(detail)),
	}}}); err != nil {
		t.Fatal(err)
	}
	has, err := past.Describe(t.Context())
	if err != nil || has.RetentionDays != 30 || has.State != "ENABLED" {
		t.Errorf("Describe = %+v, %v", has, err)
	}
	if err := past.Start(t.Context(), "r", now.Add(-time.Hour), now, stage.Rule(naming.Execution)); err == nil || !strings.Contains(err.Error(), stage.Rule(naming.Execution)) {
		t.Errorf("Start to a rule that is not there = %v, want it named", err)
	}
	if err := past.Start(t.Context(), "r", now.Add(-time.Hour), now, stage.Rule(naming.Monitor)); err != nil {
		t.Fatal(err)
	}
	shown := 0
	end, err := past.Follow(t.Context(), "r", func(archive.Progress) { shown++ })
	if err != nil || end.State != "COMPLETED" || shown == 0 {
		t.Errorf("Follow = %+v, %v, shown %d times", end, err, shown)
	}
}

func TestAReplayToNoRuleIsRefused(t *testing.T) {
	t.Parallel()
	past, now := archive.New(account(t), stage), time.Now()
	if err := past.Start(t.Context(), "r", now.Add(-time.Hour), now); err == nil || !strings.Contains(err.Error(), "no rule") {
		t.Errorf("Start = %v, want a refusal: EventBridge would take all rules", err)
	}
}
