package logs_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/google/go-cmp/cmp"

	"github.com/the-alchemiser/alchemiser/cmd/alchemiser/logs"
	"github.com/the-alchemiser/alchemiser/internal/localaws"
	"github.com/the-alchemiser/alchemiser/internal/naming"
)

const stage = naming.Stage("test")

// account returns an account on the in-process endpoint with the log groups of a stage.
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
	client := cloudwatchlogs.NewFromConfig(cfg)
	for _, f := range naming.Functions() {
		group := aws.String(stage.FunctionLog(f))
		if _, err := client.CreateLogGroup(t.Context(), &cloudwatchlogs.CreateLogGroupInput{LogGroupName: group}); err != nil {
			t.Fatal(err)
		}
		for _, stream := range []string{"s", "another"} {
			if _, err := client.CreateLogStream(t.Context(), &cloudwatchlogs.CreateLogStreamInput{LogGroupName: group, LogStreamName: &stream}); err != nil {
				t.Fatal(err)
			}
		}
	}
	return cfg
}

func write(t *testing.T, cfg aws.Config, f naming.Function, at time.Time, line string) {
	t.Helper()
	writeTo(t, cfg, f, "s", at, line)
}

func writeTo(t *testing.T, cfg aws.Config, f naming.Function, stream string, at time.Time, line string) {
	t.Helper()
	_, err := cloudwatchlogs.NewFromConfig(cfg).PutLogEvents(t.Context(), &cloudwatchlogs.PutLogEventsInput{
		LogGroupName: aws.String(stage.FunctionLog(f)), LogStreamName: &stream,
		LogEvents: []types.InputLogEvent{{Timestamp: aws.Int64(at.UnixMilli()), Message: &line}},
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestOneStreamOfAllFunctions(t *testing.T) {
	t.Parallel()
	cfg, now := account(t), time.Now().UTC().Truncate(time.Second)
	line := func(at time.Time, level, message, request, correlation string) string {
		return fmt.Sprintf(`{"time":%q,"level":%q,"message":%q,"request_id":%q,"correlation_id":%q,"function":"f","event_id":"e-1"}`,
			at.Format("2006-01-02T15:04:05.000Z"), level, message, request, correlation)
	}
	second := func(n int) time.Time { return now.Add(time.Duration(n-60) * time.Second) }
	write(t, cfg, naming.Strategy, second(1), line(second(1), "info", "handled", "r-1", "run-1"))
	write(t, cfg, naming.Strategy, second(2), "REPORT RequestId: r-1\tDuration: 80.23 ms\tBilled Duration: 81 ms")
	write(t, cfg, naming.Strategy, second(2), "REPORT RequestId: r-9\tDuration: 1 ms")
	write(t, cfg, naming.Strategy, second(3), line(second(3), "info", "handled", "r-9", "run-2"))
	write(t, cfg, naming.Execution, second(4), line(second(4), "error", "attempt failed", "r-2", "run-1"))
	write(t, cfg, naming.Execution, second(4), line(second(4), "info", "metrics", "r-2", "run-1"))

	reader, err := logs.New(cfg, stage)
	if err != nil {
		t.Fatal(err)
	}
	got, err := reader.Read(t.Context(), "run-1", now.Add(-time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	var told []string
	for _, l := range got {
		told = append(told, fmt.Sprint(l.At.UTC().Format("05"), " ", l.Function, " ", l.Level, " ", l.Message, " ", l.Fields))
	}
	want := []string{
		second(1).Format("05") + " strategy info handled [{event_id e-1}]",
		second(2).Format("05") + " strategy report REPORT RequestId: r-1 Duration: 80.23 ms Billed Duration: 81 ms []",
		second(4).Format("05") + " execution error attempt failed [{event_id e-1}]",
	}
	if d := cmp.Diff(want, told); d != "" {
		t.Errorf("lines (-want +got):\n%s", d)
	}
}

func TestTheLastWordsOfAnInvocationAreShown(t *testing.T) {
	t.Parallel()
	cfg, now := account(t), time.Now().UTC().Truncate(time.Second)
	at := func(ms int) time.Time { return now.Add(-time.Minute + time.Duration(ms)*time.Millisecond) }
	for i, said := range []string{
		"START RequestId: r-0 Version: 1", "panic: of another workflow", "END RequestId: r-0", "REPORT RequestId: r-0\tDuration: 1 ms\tStatus: error",
		"START RequestId: r-1 Version: 1",
		`{"level":"info","message":"claimed","request_id":"r-1","correlation_id":"run-1"}`,
		"fatal error: concurrent map writes",
		"RequestId: r-1 Error: Runtime exited with error: exit status 2",
		"END RequestId: r-1",
		"REPORT RequestId: r-1\tDuration: 7 ms\tStatus: error\tError Type: Runtime.ExitError",
		"START RequestId: r-1 Version: 1", // the next attempt, which hangs before it has written a line
		"END RequestId: r-1",
		"REPORT RequestId: r-1\tDuration: 3000 ms\tStatus: timeout",
		"2026-03-02T20:45:00.000Z r-1 Task timed out after 3.00 seconds",
		"START RequestId: r-2 Version: 1", "REPORT RequestId: r-2\tDuration: 1 ms",
	} {
		write(t, cfg, naming.Execution, at(i*10), said)
	}
	reader, err := logs.New(cfg, stage, naming.Execution)
	if err != nil {
		t.Fatal(err)
	}
	got, err := reader.Read(t.Context(), "run-1", now.Add(-time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	var told []string
	for _, l := range got {
		told = append(told, l.Level+" "+l.Message)
	}
	want := []string{
		"info claimed", "error fatal error: concurrent map writes", "error RequestId: r-1 Error: Runtime exited with error: exit status 2",
		"error REPORT RequestId: r-1 Duration: 7 ms Status: error Error Type: Runtime.ExitError",
		"error REPORT RequestId: r-1 Duration: 3000 ms Status: timeout", "error 2026-03-02T20:45:00.000Z r-1 Task timed out after 3.00 seconds",
	}
	if d := cmp.Diff(want, told); d != "" {
		t.Errorf("lines (-want +got):\n%s", d)
	}
}

// Environments run side by side, each with a stream of its own.
func TestLastWordsAreThoseOfTheEnvironmentThatDied(t *testing.T) {
	t.Parallel()
	cfg, now := account(t), time.Now().UTC().Truncate(time.Second)
	at := func(ms int) time.Time { return now.Add(-time.Minute + time.Duration(ms)*time.Millisecond) }
	for i, said := range []struct{ stream, line string }{
		{"s", "START RequestId: r-1 Version: 1"},
		{"s", `{"message":"claimed","request_id":"r-1","correlation_id":"run-1"}`},
		{"another", "START RequestId: r-2 Version: 1"},
		{"another", `{"message":"claimed","request_id":"r-2","correlation_id":"run-1"}`},
		{"another", "fine"},
		{"s", "out of memory"},
		{"s", "REPORT RequestId: r-1\tDuration: 7 ms\tStatus: error"},
		{"another", "REPORT RequestId: r-2\tDuration: 7 ms"},
	} {
		writeTo(t, cfg, naming.Portfolio, said.stream, at(i*10), said.line)
	}
	reader, err := logs.New(cfg, stage, naming.Portfolio)
	if err != nil {
		t.Fatal(err)
	}
	got, err := reader.Read(t.Context(), "run-1", now.Add(-time.Hour))
	var told []string
	for _, l := range got {
		told = append(told, l.Level+" "+l.Message)
	}
	want := []string{
		"info claimed", "info claimed", "error out of memory", "error REPORT RequestId: r-1 Duration: 7 ms Status: error", "report REPORT RequestId: r-2 Duration: 7 ms",
	}
	if d := cmp.Diff(want, told); d != "" || err != nil {
		t.Errorf("lines (-want +got), %v:\n%s", err, d)
	}
}

func TestFollowShowsEachLineOnceUntilInterrupted(t *testing.T) {
	t.Parallel()
	cfg := account(t)
	reader, err := logs.New(cfg, stage, naming.Monitor)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	write(t, cfg, naming.Monitor, time.Now(), `{"message":"one","correlation_id":"run-1"}`)
	var told []string
	err = reader.Follow(ctx, "run-1", time.Now().Add(-time.Hour), func(l logs.Line) {
		told = append(told, l.Message)
		if l.Message == "one" {
			write(t, cfg, naming.Monitor, time.Now(), `{"message":"two","correlation_id":"run-1"}`)
			return
		}
		cancel()
	})
	if err != nil || strings.Join(told, " ") != "one two" {
		t.Errorf("Follow showed %v, %v, want one and two", told, err)
	}
}

func TestUnknownFunction(t *testing.T) {
	t.Parallel()
	if _, err := logs.New(aws.Config{}, stage, "trader"); err == nil || !strings.Contains(err.Error(), `no function "trader"`) {
		t.Errorf("New = %v", err)
	}
}
