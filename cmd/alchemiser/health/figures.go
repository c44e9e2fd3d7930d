package health

import (
	"context"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"github.com/the-alchemiser/alchemiser/cmd/alchemiser/deadletters"
	"github.com/the-alchemiser/alchemiser/internal/naming"
)

// Figure is what a metric has come to in a span of time. Values that do not fit the metric, and all values of a metric without
// data, are nil.
type Figure struct {
	Namespace string `json:"namespace"`
	Metric    string `json:"metric"`
	// Of is the function, the rule or the dead letter queue of which it is.
	Of   string   `json:"of,omitempty"`
	Unit string   `json:"unit,omitempty"`
	Sum  *float64 `json:"sum,omitempty"`
	P50  *float64 `json:"p50,omitempty"`
	P99  *float64 `json:"p99,omitempty"`
	Max  *float64 `json:"max,omitempty"`
	Last *float64 `json:"last,omitempty"`
}

// known says whether there is any data.
func (f Figure) known() bool {
	return slices.ContainsFunc([]*float64{f.Sum, f.P50, f.P99, f.Max, f.Last}, func(v *float64) bool { return v != nil })
}

// statistic is one of the values of a figure.
type statistic int

const (
	sum statistic = iota
	p50
	p99
	highest
	last
)

// stat returns the statistic in CloudWatch's words.
func (s statistic) stat() string { return [...]string{"Sum", "p50", "p99", "Maximum", "Maximum"}[s] }

// of returns where the statistic stands in f.
func (s statistic) of(f *Figure) **float64 {
	return [...]**float64{&f.Sum, &f.P50, &f.P99, &f.Max, &f.Last}[s]
}

// series is a metric with the statistics that fit it.
type series struct {
	figure     Figure
	dimensions []types.Dimension
	statistics []statistic
}

// MaxSpan is the longest span: CloudWatch keeps data by the minute for 15 days.
const MaxSpan = 15 * 24 * time.Hour

// Figures returns the stage's own metrics, with data or without, and those of the platform that have data, of the span that
// ends now. CloudWatch may cut the span in two; percentiles are then those of the worse part.
func (r *Reader) Figures(ctx context.Context, span time.Duration) ([]Figure, error) {
	all := r.series()
	whole := max(span.Truncate(time.Minute), time.Minute)
	fine := max((span / 1000).Truncate(time.Minute), time.Minute)
	in := &cloudwatch.GetMetricDataInput{StartTime: aws.Time(r.now().Add(-span)), EndTime: aws.Time(r.now().Add(time.Minute)), ScanBy: types.ScanByTimestampDescending}
	for i, s := range all {
		for _, statistic := range s.statistics {
			period := whole
			if statistic == last {
				period = fine
			}
			in.MetricDataQueries = append(in.MetricDataQueries, types.MetricDataQuery{
				Id: aws.String(fmt.Sprintf("m%d_%d", i, statistic)),
				MetricStat: &types.MetricStat{
					Metric: &types.Metric{Namespace: &s.figure.Namespace, MetricName: &s.figure.Metric, Dimensions: s.dimensions},
					Period: aws.Int32(int32(period / time.Second)), Stat: aws.String(statistic.stat()),
				},
			})
		}
	}
	pages := cloudwatch.NewGetMetricDataPaginator(cloudwatch.NewFromConfig(r.cfg), in)
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("read the metrics: %w", err)
		}
		for _, result := range page.MetricDataResults {
			var i int
			var s statistic
			if _, err := fmt.Sscanf(aws.ToString(result.Id), "m%d_%d", &i, &s); err != nil || i >= len(all) || s > last {
				return nil, fmt.Errorf("an answer to a question that was not asked: %q", aws.ToString(result.Id))
			}
			s.add(&all[i].figure, result.Values)
		}
	}
	var figures []Figure
	for _, s := range all {
		if s.figure.Namespace == ownNamespace || s.figure.known() {
			figures = append(figures, s.figure)
		}
	}
	return figures, nil
}

// add takes values, the latest first, into f.
func (s statistic) add(f *Figure, values []float64) {
	into := s.of(f)
	for _, v := range values {
		switch {
		case *into == nil:
			*into = &v
		case s == sum:
			together := **into + v
			*into = &together
		case s != last && v > **into:
			*into = &v
		}
	}
}

const ownNamespace = "Alchemiser"

// series lists the metrics: those of the stage's own, and of the platform those that say how functions, rules and queues are.
func (r *Reader) series() []series {
	dimension := func(name, value string) types.Dimension { return types.Dimension{Name: &name, Value: &value} }
	var all []series
	add := func(namespace, metric, of, unit string, dimensions []types.Dimension, statistics ...statistic) {
		all = append(all, series{Figure{Namespace: namespace, Metric: metric, Of: of, Unit: unit}, dimensions, statistics})
	}
	stage := []types.Dimension{dimension("Stage", string(r.stage))}
	for _, count := range []string{"EventsPublished", "EventsHandled", "EventsDeadLettered"} {
		add(ownNamespace, count, "", "", stage, sum)
	}
	add(ownNamespace, "PublishDuration", "", "ms", stage, p50, p99, highest)
	for _, count := range []string{"WorkflowsCompleted", "WorkflowsFailed", "WorkflowsStalled"} {
		add(ownNamespace, count, "", "", stage, sum)
	}
	add(ownNamespace, "WorkflowDuration", "", "ms", stage, p50, p99, highest)
	add(ownNamespace, "PortfolioValue", "", "USD", stage, highest, last)
	add(ownNamespace, "RebalanceOverdue", "", "", stage, highest, last)
	waiting := func(of, queue string) {
		add("AWS/SQS", "ApproximateNumberOfMessagesVisible", of, "", []types.Dimension{dimension("QueueName", queue)}, highest, last)
		add("AWS/SQS", "ApproximateAgeOfOldestMessage", of, "s", []types.Dimension{dimension("QueueName", queue)}, highest, last)
	}
	for _, f := range naming.Functions() {
		waiting(string(f), r.stage.DeadLetters(f))
		function := []types.Dimension{dimension("FunctionName", r.stage.Function(f))}
		for _, count := range []string{"Invocations", "Errors", "Throttles", "AsyncEventsDropped", "DestinationDeliveryFailures"} {
			add("AWS/Lambda", count, string(f), "", function, sum)
		}
		add("AWS/Lambda", "Duration", string(f), "ms", function, p50, p99, highest)
		rule := []types.Dimension{dimension("EventBusName", r.stage.Bus()), dimension("RuleName", r.stage.Rule(f))}
		for _, count := range []string{"Invocations", "FailedInvocations", "InvocationsSentToDlq", "InvocationsFailedToBeSentToDlq"} {
			add("AWS/Events", count, string(f), "", rule, sum)
		}
	}
	waiting(deadletters.Bus, r.stage.EventDeadLetters())
	slices.SortStableFunc(all, func(a, b series) int { return strings.Compare(a.figure.Namespace, b.figure.Namespace) })
	own := slices.IndexFunc(all, func(s series) bool { return s.figure.Namespace == ownNamespace })
	return slices.Concat(all[own:], all[:own])
}

// WriteFigures writes figures as a table.
func WriteFigures(w io.Writer, figures []Figure) error {
	t := plain()
	t.AppendHeader(table.Row{"metric", "of", "sum", "p50", "p99", "max", "last", "unit"})
	var right []table.ColumnConfig
	for n := 3; n <= 7; n++ {
		right = append(right, table.ColumnConfig{Number: n, Align: text.AlignRight, AlignHeader: text.AlignRight})
	}
	t.SetColumnConfigs(right)
	namespace := ""
	for _, f := range figures {
		if f.Namespace != namespace {
			namespace = f.Namespace
			t.AppendRow(table.Row{namespace})
		}
		row := table.Row{"  " + f.Metric, f.Of}
		for _, v := range []*float64{f.Sum, f.P50, f.P99, f.Max, f.Last} {
			row = append(row, number(v))
		}
		if !f.known() {
			row[2] = "–"
		}
		t.AppendRow(append(row, f.Unit))
	}
	_, err := fmt.Fprintln(w, t.Render())
	return err
}

// number writes v with at most two decimals, and nothing for nil.
func number(v *float64) string {
	if v == nil {
		return ""
	}
	if *v == math.Trunc(*v) {
		return message.NewPrinter(language.English).Sprintf("%.0f", *v)
	}
	return message.NewPrinter(language.English).Sprintf("%.2f", *v)
}
