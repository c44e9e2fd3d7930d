package dashboard

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

// Picture is a dashboard with what it shows.
type Picture struct {
	Name string    `json:"name"`
	At   time.Time `json:"at"`
	// Span is the time up to At that lines show.
	Span  Span   `json:"span"`
	Tiles []Tile `json:"tiles"`
}

// Span is a duration that is written as "3h".
type Span time.Duration

// String leaves out what is zero.
func (s Span) String() string {
	text := time.Duration(s).String()
	for _, zero := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(text, zero) {
			text = text[:len(text)-2]
		}
	}
	return text
}

// MarshalText implements encoding.TextMarshaler.
func (s Span) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Tile is one widget. Place and size are in the dashboard's own grid of 24 columns.
type Tile struct {
	X      int    `json:"x"`
	Y      int    `json:"y"`
	Width  int    `json:"width"`
	Height int    `json:"height"`
	Title  string `json:"title,omitempty"`
	// Text are lines to be read.
	Text []string `json:"text,omitempty"`
	// Figures are large numbers.
	Figures []Figure `json:"figures,omitempty"`
	// Lines are drawn over time.
	Lines []Line `json:"lines,omitempty"`
	// Lamps are alarms.
	Lamps []Lamp `json:"alarms,omitempty"`
}

// Figure is a number with its name.
type Figure struct {
	Label string `json:"label"`
	Value string `json:"value"`
}

// Line is a metric over time.
type Line struct {
	Label  string  `json:"label"`
	Points []Point `json:"points"`
}

// Point is a value at a time, as a fraction of the picture's span.
type Point struct {
	At    float64 `json:"at"`
	Value float64 `json:"value"`
}

// Lamp is an alarm with its state in CloudWatch's words.
type Lamp struct {
	Name  string `json:"name"`
	State string `json:"state"`
}

// Reader reads dashboards. It is safe for concurrent use.
type Reader struct {
	metrics *cloudwatch.Client
	logs    *cloudwatchlogs.Client
	now     func() time.Time
	span    time.Duration
}

// NewReader returns a Reader of cfg's account that looks back as long as span.
func NewReader(cfg aws.Config, now func() time.Time, span time.Duration) *Reader {
	return &Reader{metrics: cloudwatch.NewFromConfig(cfg), logs: cloudwatchlogs.NewFromConfig(cfg), now: now, span: span}
}

// Read returns the dashboard name. Figures look at least as far back as their widget says.
func (r *Reader) Read(ctx context.Context, name string) (Picture, error) {
	got, err := r.metrics.GetDashboard(ctx, &cloudwatch.GetDashboardInput{DashboardName: &name})
	if err != nil {
		return Picture{}, fmt.Errorf("read dashboard %s: %w", name, err)
	}
	var b body
	if err := json.Unmarshal([]byte(aws.ToString(got.DashboardBody)), &b); err != nil {
		return Picture{}, fmt.Errorf("read dashboard %s: %w", name, err)
	}
	p := Picture{Name: name, At: r.now(), Span: Span(r.span)}
	for _, w := range b.Widgets {
		t := Tile{X: w.X, Y: w.Y, Width: w.Width, Height: w.Height, Title: w.Properties.Title}
		switch w.Type {
		case "text":
			t.Text = plain(w.Properties.Markdown)
		case "alarm":
			t.Lamps, err = r.lamps(ctx, w.Properties.Alarms)
		case "log":
			t.Text, err = r.lines(ctx, w.Properties.Query, 3*w.Height-3)
		case "metric":
			if w.Properties.View == "singleValue" {
				t.Figures, err = r.figures(ctx, w)
			} else {
				t.Lines, err = r.series(ctx, w)
			}
		default:
			err = errors.New("nobody knows how to draw it")
		}
		if err != nil {
			return Picture{}, fmt.Errorf("dashboard %s: %s widget %q: %w", name, w.Type, w.Properties.Title, err)
		}
		p.Tiles = append(p.Tiles, t)
	}
	return p, nil
}

// lamps returns the state of alarms, in the order of arns.
func (r *Reader) lamps(ctx context.Context, arns []string) ([]Lamp, error) {
	states := map[string]string{}
	pages := cloudwatch.NewDescribeAlarmsPaginator(r.metrics, &cloudwatch.DescribeAlarmsInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, a := range page.MetricAlarms {
			states[aws.ToString(a.AlarmArn)] = string(a.StateValue)
		}
	}
	var lamps []Lamp
	for _, arn := range arns {
		_, name, _ := strings.Cut(arn, ":alarm:")
		lamps = append(lamps, Lamp{Name: name, State: cmp.Or(states[arn], "missing")})
	}
	return lamps, nil
}

// query asks for one value series a row.
func (r *Reader) query(ctx context.Context, w widget, back time.Duration) ([]types.MetricDataResult, error) {
	end := r.now()
	in := &cloudwatch.GetMetricDataInput{StartTime: aws.Time(end.Add(-back)), EndTime: &end, ScanBy: types.ScanByTimestampAscending}
	for i, row := range w.Properties.Metrics {
		in.MetricDataQueries = append(in.MetricDataQueries, types.MetricDataQuery{
			Id: aws.String("m" + strconv.Itoa(i)),
			MetricStat: &types.MetricStat{
				Metric: &row.metric, Period: aws.Int32(cmp.Or(row.period, w.Properties.Period, 300)), Stat: aws.String(cmp.Or(row.stat, w.Properties.Stat, "Average")),
			},
		})
	}
	results := make([]types.MetricDataResult, len(w.Properties.Metrics))
	pages := cloudwatch.NewGetMetricDataPaginator(r.metrics, in)
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, part := range page.MetricDataResults {
			i, err := strconv.Atoi(strings.TrimPrefix(aws.ToString(part.Id), "m"))
			if err != nil || i < 0 || i >= len(results) {
				return nil, fmt.Errorf("an answer to a question that was not asked: %q", aws.ToString(part.Id))
			}
			results[i].Timestamps = append(results[i].Timestamps, part.Timestamps...)
			results[i].Values = append(results[i].Values, part.Values...)
		}
	}
	return results, nil
}

// figures returns the last value of each row.
func (r *Reader) figures(ctx context.Context, w widget) ([]Figure, error) {
	results, err := r.query(ctx, w, max(r.span, 2*time.Duration(w.Properties.Period)*time.Second))
	if err != nil {
		return nil, err
	}
	figures := make([]Figure, len(results))
	for i, row := range w.Properties.Metrics {
		figures[i] = Figure{Label: row.label, Value: "–"}
		if n := len(results[i].Values); n > 0 {
			figures[i].Value = number(results[i].Values[n-1])
		}
	}
	return figures, nil
}

// series returns each row over time.
func (r *Reader) series(ctx context.Context, w widget) ([]Line, error) {
	results, err := r.query(ctx, w, r.span)
	if err != nil {
		return nil, err
	}
	start := r.now().Add(-r.span)
	lines := make([]Line, len(results))
	for i, row := range w.Properties.Metrics {
		lines[i].Label = row.label
		for j, at := range results[i].Timestamps {
			// A period that begins before the picture does is shown where it begins.
			since := max(0, float64(at.Sub(start))/float64(r.span))
			lines[i].Points = append(lines[i].Points, Point{At: since, Value: results[i].Values[j]})
		}
	}
	return lines, nil
}

// lines returns the last n events of the log group that a query reads, newest first.
func (r *Reader) lines(ctx context.Context, query string, n int) ([]string, error) {
	_, rest, _ := strings.Cut(query, "SOURCE '")
	group, _, ok := strings.Cut(rest, "'")
	if !ok {
		return nil, fmt.Errorf("query %q names no SOURCE", query)
	}
	var all []string
	pages := cloudwatchlogs.NewFilterLogEventsPaginator(r.logs, &cloudwatchlogs.FilterLogEventsInput{
		LogGroupName: &group, StartTime: aws.Int64(r.now().Add(-r.span).UnixMilli()),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, e := range page.Events {
			var event struct {
				Type string `json:"detail-type"`
			}
			if err := json.Unmarshal([]byte(aws.ToString(e.Message)), &event); err != nil {
				return nil, fmt.Errorf("log group %s: %w", group, err)
			}
			all = append(all, time.UnixMilli(aws.ToInt64(e.Timestamp)).UTC().Format("15:04:05.000")+"  "+event.Type)
		}
	}
	slices.Reverse(all)
	return all[:min(n, len(all))], nil
}

// plain returns the lines of a text in Markdown without headings, links and code.
func plain(markdown string) []string {
	text := regexp.MustCompile(`\[([^]]*)\]\([^)]*\)`).ReplaceAllString(markdown, "$1")
	text = strings.NewReplacer("`", "", "# ", "").Replace(text)
	return strings.Split(text, "\n")
}

// number writes v as short as it can be read.
func number(v float64) string {
	if v == math.Trunc(v) {
		return message.NewPrinter(language.English).Sprintf("%d", int64(v))
	}
	return message.NewPrinter(language.English).Sprintf("%.2f", v)
}
