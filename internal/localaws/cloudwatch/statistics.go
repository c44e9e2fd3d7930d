package cloudwatch

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

// StatisticsInput asks for statistics of one metric. Period is in seconds.
type StatisticsInput struct {
	Namespace, MetricName string
	Dimensions            []Dimension
	StartTime, EndTime    wire.Time
	Period                int
	Statistics            []string
	ExtendedStatistics    []string
	Unit                  string
}

// StatisticsOutput is the datapoints, in no order that clients may rely on.
type StatisticsOutput struct {
	Label      string
	Datapoints []Datapoint
}

// Datapoint is the statistics of one period.
type Datapoint struct {
	Timestamp                                   wire.Time
	SampleCount, Average, Sum, Minimum, Maximum *float64           `json:",omitempty"`
	ExtendedStatistics                          map[string]float64 `json:",omitempty"`
	Unit                                        string
}

// maxDatapoints is how many datapoints GetMetricStatistics returns.
const maxDatapoints = 1440

func (s *Service) getMetricStatistics(_ context.Context, in StatisticsInput) (out StatisticsOutput, err error) {
	out = StatisticsOutput{Label: in.MetricName, Datapoints: []Datapoint{}}
	if err := checkRange(in.StartTime.Time, in.EndTime.Time, in.Period); err != nil {
		return out, err
	}
	if len(in.Statistics)+len(in.ExtendedStatistics) == 0 {
		return out, invalid("At least one of the parameters Statistics and ExtendedStatistics must be specified.")
	}
	if n := int(in.EndTime.Sub(in.StartTime.Time).Seconds()) / in.Period; n > maxDatapoints {
		return out, &wire.Error{
			Code: "InvalidParameterCombinationException", QueryCode: "InvalidParameterCombination;Sender",
			Message: "You have requested up to " + strconv.Itoa(n) + " datapoints, which exceeds the limit of 1,440. You may reduce the datapoints requested by increasing Period, or decreasing the time range.",
		}
	}
	for _, stat := range slices.Concat(in.Statistics, in.ExtendedStatistics) {
		if !validStatistic(stat) {
			return out, invalid("The value %s for parameter Statistics is invalid.", stat)
		}
	}
	m := metric{in.Namespace, in.MetricName, in.Dimensions}
	start := in.StartTime.Truncate(time.Minute)
	buckets, err := s.buckets(m, start, in.EndTime.Time, in.Period, in.Unit)
	for _, b := range buckets {
		d := Datapoint{Timestamp: wire.Time{Time: b.start}, Unit: b.unit}
		for _, stat := range in.Statistics {
			v := b.of(stat)
			switch stat {
			case "SampleCount":
				d.SampleCount = &v
			case "Average":
				d.Average = &v
			case "Sum":
				d.Sum = &v
			case "Minimum":
				d.Minimum = &v
			case "Maximum":
				d.Maximum = &v
			}
		}
		for _, stat := range in.ExtendedStatistics {
			if d.ExtendedStatistics == nil {
				d.ExtendedStatistics = map[string]float64{}
			}
			d.ExtendedStatistics[stat] = b.of(stat)
		}
		out.Datapoints = append(out.Datapoints, d)
	}
	return out, err
}

func checkRange(start, end time.Time, period int) error {
	switch {
	case start.IsZero() || end.IsZero() || !start.Before(end):
		return invalid("The parameter StartTime must be less than the parameter EndTime.")
	case period <= 0 || period%60 != 0 && !slices.Contains([]int{1, 5, 10, 20, 30}, period):
		return invalid("The parameter Period must be a multiple of 60.")
	}
	return nil
}

// bucket is the observations of one period.
type bucket struct {
	start time.Time
	unit  string
	point
}

// buckets returns the periods between two times that have observations, oldest first. A unit of "" is any.
func (s *Service) buckets(m metric, start, end time.Time, period int, unit string) ([]bucket, error) {
	if err := s.flush(); err != nil {
		return nil, err
	}
	period = max(period, 60)
	id := string(appendID(nil, m.Namespace, m.MetricName, slices.Clone(m.Dimensions)))
	var found []bucket
	err := s.points.Scan(id, string(appendRow([]byte(id), max(start.Unix(), 0)/60, "")), func(row string, p point) bool {
		minute, u, _ := strings.Cut(row[len(id):], "/")
		n, err := strconv.ParseInt(minute, 10, 64)
		if err != nil || n*60 >= end.Unix() {
			return false
		}
		if unit != "" && u != unit {
			return true
		}
		first := start.Unix() + (n*60-start.Unix())/int64(period)*int64(period)
		if len(found) == 0 || found[len(found)-1].start.Unix() != first {
			found = append(found, bucket{start: time.Unix(first, 0).UTC(), unit: u})
		}
		found[len(found)-1].merge(&p)
		return true
	})
	return found, err
}

// percentile returns the percent of "p99.9".
func percentile(stat string) (float64, bool) {
	text, ok := strings.CutPrefix(stat, "p")
	p, err := strconv.ParseFloat(text, 64)
	return p, ok && err == nil && p >= 0 && p <= 100
}

func validStatistic(stat string) bool {
	_, ok := percentile(stat)
	return ok || slices.Contains([]string{"SampleCount", "Average", "Sum", "Minimum", "Maximum"}, stat)
}

// of returns a statistic; a percentile is the smallest value that so many percent of the observations do not exceed.
func (p point) of(stat string) float64 {
	switch stat {
	case "SampleCount":
		return p.Count
	case "Average":
		return p.Sum / p.Count
	case "Sum":
		return p.Sum
	case "Minimum":
		return p.Min
	case "Maximum":
		return p.Max
	}
	percent, _ := percentile(stat)
	order := make([]int, len(p.Values))
	total := 0.0
	for i := range order {
		order[i] = i
		total += p.Counts[i]
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(p.Values[a], p.Values[b]) })
	seen := 0.0
	for _, i := range order {
		if seen += p.Counts[i]; seen >= total*percent/100 {
			return p.Values[i]
		}
	}
	return p.Max
}

// Metric names a metric.
type Metric struct {
	Namespace, MetricName string
	Dimensions            []Dimension
}

// MetricStat is a statistic of a metric. Period is in seconds.
type MetricStat struct {
	Metric Metric
	Period int
	Stat   string
	Unit   string
}

// DataQuery is one line of GetMetricData.
type DataQuery struct {
	ID         string `json:"Id"`
	Label      string
	Expression string
	MetricStat *MetricStat
	ReturnData *bool
}

// DataInput asks for statistics of several metrics.
type DataInput struct {
	MetricDataQueries  []DataQuery
	StartTime, EndTime wire.Time
	ScanBy             string
}

// DataOutput holds them.
type DataOutput struct{ MetricDataResults []DataResult }

// DataResult is the answer to one query.
type DataResult struct {
	ID         string `json:"Id"`
	Label      string
	Timestamps []wire.Time
	Values     []float64
	StatusCode string
}

// maxQueries is how many queries one call may have.
const maxQueries = 500

func (s *Service) getMetricData(_ context.Context, in DataInput) (out DataOutput, err error) {
	out.MetricDataResults = []DataResult{}
	if len(in.MetricDataQueries) > maxQueries {
		return out, invalid("The collection MetricDataQueries must not have a size greater than %d.", maxQueries)
	}
	for _, q := range in.MetricDataQueries {
		if q.MetricStat == nil {
			return out, invalid("Query %s: this endpoint does not evaluate expressions.", q.ID)
		}
		stat := *q.MetricStat
		if err := checkRange(in.StartTime.Time, in.EndTime.Time, stat.Period); err != nil {
			return out, err
		}
		if !validStatistic(stat.Stat) {
			return out, invalid("The value %s for parameter Stat is invalid.", stat.Stat)
		}
		if q.ReturnData != nil && !*q.ReturnData {
			continue
		}
		r := DataResult{ID: q.ID, Label: cmp.Or(q.Label, stat.Metric.MetricName), Timestamps: []wire.Time{}, Values: []float64{}, StatusCode: "Complete"}
		start := in.StartTime.Truncate(time.Duration(max(stat.Period, 60)) * time.Second)
		buckets, err := s.buckets(metric(stat.Metric), start, in.EndTime.Time, stat.Period, stat.Unit)
		if err != nil {
			return out, err
		}
		if in.ScanBy != "TimestampAscending" {
			slices.Reverse(buckets)
		}
		for _, b := range buckets {
			r.Timestamps, r.Values = append(r.Timestamps, wire.Time{Time: b.start}), append(r.Values, b.of(stat.Stat))
		}
		out.MetricDataResults = append(out.MetricDataResults, r)
	}
	return out, nil
}

// ListInput asks for metrics. A dimension without a value stands for all of its values.
type ListInput struct {
	Namespace, MetricName string
	Dimensions            []Dimension
}

// ListOutput is the metrics by namespace, name and dimensions.
type ListOutput struct{ Metrics []Metric }

func (s *Service) listMetrics(_ context.Context, in ListInput) (out ListOutput, err error) {
	out.Metrics = []Metric{}
	if err := s.flush(); err != nil {
		return out, err
	}
	return out, s.known.Scan("", "", func(_ string, m metric) bool {
		missing := func(want Dimension) bool {
			return !slices.ContainsFunc(m.Dimensions, func(d Dimension) bool { return d.Name == want.Name && (want.Value == "" || want.Value == d.Value) })
		}
		if (in.Namespace == "" || in.Namespace == m.Namespace) && (in.MetricName == "" || in.MetricName == m.MetricName) &&
			!slices.ContainsFunc(in.Dimensions, missing) {
			out.Metrics = append(out.Metrics, Metric{m.Namespace, m.MetricName, append([]Dimension{}, m.Dimensions...)})
		}
		return true
	})
}
