package dashboard_test

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	logtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"github.com/the-alchemiser/alchemiser/cmd/alchemiser/dashboard"
	"github.com/the-alchemiser/alchemiser/internal/localaws"
)

// account returns an account on the in-process endpoint.
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
	return aws.Config{
		Region: "us-east-1", BaseEndpoint: aws.String(server.URL()), Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	}
}

const alarmed = `{"widgets": [
	{"type": "text", "x": 0, "y": 0, "width": 24, "height": 2, "properties": {"markdown": "# Did it work?\nSee the [book](https://example.com) & ` + "`status`" + `."}},
	{"type": "metric", "x": 0, "y": 2, "width": 12, "height": 4, "properties": {"title": "Today", "view": "singleValue", "period": 3600, "stat": "Maximum",
		"metrics": [["Alchemiser", "Value", "Stage", "dev", {"label": "value"}], ["Alchemiser", "Nothing", "Stage", "dev"]]}},
	{"type": "metric", "x": 12, "y": 2, "width": 12, "height": 4, "properties": {"title": "Over time", "view": "timeSeries", "period": 60, "stat": "Maximum",
		"metrics": [["Alchemiser", "Value", "Stage", "dev"]]}},
	{"type": "alarm", "x": 0, "y": 6, "width": 24, "height": 2, "properties": {"title": "Alarms", "alarms": ["arn:aws:cloudwatch:us-east-1:000000000000:alarm:alchemiser-dev-high", "arn:aws:cloudwatch:us-east-1:000000000000:alarm:alchemiser-dev-gone"]}},
	{"type": "log", "x": 0, "y": 8, "width": 24, "height": 3, "properties": {"title": "Events", "query": "SOURCE '/aws/events/alchemiser-dev' | limit 20"}}
]}`

func TestTheDashboardIsDrawnAsItIs(t *testing.T) {
	t.Parallel()
	cfg := account(t)
	metrics, logs := cloudwatch.NewFromConfig(cfg), cloudwatchlogs.NewFromConfig(cfg)
	ctx, now := t.Context(), time.Now()
	do := func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	do(metrics.PutDashboard(ctx, &cloudwatch.PutDashboardInput{DashboardName: aws.String("alchemiser-dev"), DashboardBody: aws.String(alarmed)}))
	for _, back := range []time.Duration{59*time.Minute + 50*time.Second, 10 * time.Minute} {
		do(metrics.PutMetricData(ctx, &cloudwatch.PutMetricDataInput{Namespace: aws.String("Alchemiser"), MetricData: []types.MetricDatum{{
			MetricName: aws.String("Value"), Timestamp: aws.Time(now.Add(-back)), Value: aws.Float64(125_000.5),
			Dimensions: []types.Dimension{{Name: aws.String("Stage"), Value: aws.String("dev")}},
		}}}))
	}
	do(metrics.PutMetricAlarm(ctx, &cloudwatch.PutMetricAlarmInput{
		AlarmName: aws.String("alchemiser-dev-high"), Namespace: aws.String("Alchemiser"), MetricName: aws.String("Value"), Period: aws.Int32(60),
		EvaluationPeriods: aws.Int32(1), Threshold: aws.Float64(0), ComparisonOperator: types.ComparisonOperatorGreaterThanThreshold, Statistic: types.StatisticSum,
	}))
	do(metrics.SetAlarmState(ctx, &cloudwatch.SetAlarmStateInput{AlarmName: aws.String("alchemiser-dev-high"), StateValue: types.StateValueAlarm, StateReason: aws.String("test")}))
	group, stream := aws.String("/aws/events/alchemiser-dev"), aws.String("s")
	do(logs.CreateLogGroup(ctx, &cloudwatchlogs.CreateLogGroupInput{LogGroupName: group}))
	do(logs.CreateLogStream(ctx, &cloudwatchlogs.CreateLogStreamInput{LogGroupName: group, LogStreamName: stream}))
	do(logs.PutLogEvents(ctx, &cloudwatchlogs.PutLogEventsInput{LogGroupName: group, LogStreamName: stream, LogEvents: []logtypes.InputLogEvent{
		{Timestamp: aws.Int64(now.UnixMilli()), Message: aws.String(`{"detail-type": "Traded<br>"}`)},
	}}))

	picture, err := dashboard.NewReader(cfg, func() time.Time { return now.Add(time.Second) }, time.Hour).Read(ctx, "alchemiser-dev")
	if err != nil {
		t.Fatal(err)
	}
	var svg bytes.Buffer
	if err := dashboard.Draw(&svg, picture); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		">Did it work?<", ">See the book &amp; status.<", ">125,000.50<", ">value<", ">–<", "high: ALARM", "gone: missing", "Traded&lt;br&gt;", "the last 1h<",
	} {
		if !strings.Contains(svg.String(), want) {
			t.Errorf("the picture lacks %q", want)
		}
	}
	for _, p := range picture.Tiles[2].Lines[0].Points {
		if p.At < 0 || p.At > 1 {
			t.Errorf("a point lies outside of the picture: %+v", p)
		}
	}
	if n := strings.Count(svg.String(), "L"); len(picture.Tiles[2].Lines[0].Points) != 2 || n == 0 {
		t.Errorf("the line is %+v, want two points", picture.Tiles[2].Lines)
	}
	wellFormed(t, svg.Bytes())
}

func wellFormed(t *testing.T, document []byte) {
	t.Helper()
	d := xml.NewDecoder(bytes.NewReader(document))
	for {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatalf("the picture is no XML: %v", err)
		}
	}
}

func TestWhatCannotBeDrawnIsNamed(t *testing.T) {
	t.Parallel()
	cfg := account(t)
	metrics := cloudwatch.NewFromConfig(cfg)
	for widget, want := range map[string]string{
		`{"type": "metric", "x": 0, "y": 0, "width": 6, "height": 6, "properties": {"region": "us-east-1", "metrics": [["A", "B", "C"]]}}`: "want [namespace, name",
		`{"type": "explorer", "x": 0, "y": 0, "width": 6, "height": 6, "properties": {}}`:                                                  "explorer widget",
	} {
		name := fmt.Sprintf("d-%d", len(widget))
		if _, err := metrics.PutDashboard(t.Context(), &cloudwatch.PutDashboardInput{DashboardName: &name, DashboardBody: aws.String(`{"widgets": [` + widget + `]}`)}); err != nil {
			t.Fatal(err)
		}
		_, err := dashboard.NewReader(cfg, time.Now, time.Hour).Read(t.Context(), name)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Read = %v, want it to name %q", err, want)
		}
	}
	if _, err := dashboard.NewReader(cfg, time.Now, time.Hour).Read(t.Context(), "none"); err == nil || !strings.Contains(err.Error(), "dashboard none") {
		t.Errorf("Read of no dashboard = %v, want its name", err)
	}
}
