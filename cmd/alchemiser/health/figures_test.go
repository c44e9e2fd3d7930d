package health_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/google/go-cmp/cmp"

	"github.com/the-alchemiser/alchemiser/cmd/alchemiser/health"
	"github.com/the-alchemiser/alchemiser/internal/naming"
)

func TestFiguresFitTheirMetrics(t *testing.T) {
	t.Parallel()
	d := newDeployment(t)
	now := time.Now()
	put := func(namespace, metric, dimension, value string, back time.Duration, values ...float64) {
		var data []types.MetricDatum
		for i, v := range values {
			data = append(data, types.MetricDatum{
				MetricName: &metric, Value: aws.Float64(v), Timestamp: aws.Time(now.Add(-back).Add(time.Duration(i) * time.Minute)),
				Dimensions: []types.Dimension{{Name: &dimension, Value: &value}},
			})
		}
		d.must(d.metrics.PutMetricData(t.Context(), &cloudwatch.PutMetricDataInput{Namespace: &namespace, MetricData: data}))
	}
	own := func(metric string, values ...float64) {
		put("Alchemiser", metric, "Stage", string(stage), 30*time.Minute, values...)
	}
	own("EventsPublished", 2, 3)
	own("PublishDuration", 1, 2, 9)
	own("PortfolioValue", 100, 300, 200)
	put("Alchemiser", "EventsPublished", "Stage", string(stage), 2*time.Hour, 1000) // before the span
	put("Alchemiser", "EventsPublished", "Stage", "other", time.Minute, 1000)
	put("Test", "Invocations", "FunctionName", stage.Function(naming.Strategy), 5*time.Minute, 4)

	figures, err := d.reader(now).Figures(t.Context(), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]health.Figure{}
	for _, f := range figures {
		if f.Namespace != "Alchemiser" {
			continue // the endpoint counts its own work, too
		}
		got[f.Metric] = f
	}
	if len(got) != 10 || figures[0].Metric != "EventsPublished" {
		t.Errorf("%d metrics of our own, the first %s; want all ten first", len(got), figures[0].Metric)
	}
	for metric, want := range map[string]health.Figure{
		"EventsPublished": {Sum: aws.Float64(5)}, "PublishDuration": {P50: got["PublishDuration"].P50, P99: aws.Float64(9), Max: aws.Float64(9), Unit: "ms"},
		"PortfolioValue": {Max: aws.Float64(300), Last: aws.Float64(200), Unit: "USD"}, "WorkflowsFailed": {},
	} {
		want.Namespace, want.Metric = "Alchemiser", metric
		if diff := cmp.Diff(want, got[metric]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", metric, diff)
		}
	}
	if median := got["PublishDuration"].P50; median == nil || *median < 2 {
		t.Errorf("the median of 1, 2 and 9 is %v", median)
	}
}

func TestFiguresForPeople(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	err := health.WriteFigures(&out, []health.Figure{
		{Namespace: "Alchemiser", Metric: "EventsPublished", Sum: aws.Float64(12345)},
		{Namespace: "Alchemiser", Metric: "WorkflowsFailed"},
		{Namespace: "Alchemiser", Metric: "PublishDuration", P50: aws.Float64(5.75), P99: aws.Float64(8.734), Max: aws.Float64(9), Unit: "ms"},
		{Namespace: "AWS/SQS", Metric: "ApproximateNumberOfMessagesVisible", Of: "bus", Max: aws.Float64(2), Last: aws.Float64(0)},
	})
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "figures.txt", out.Bytes())
}
