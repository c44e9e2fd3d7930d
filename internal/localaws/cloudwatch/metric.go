package cloudwatch

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/the-alchemiser/alchemiser/internal/localaws/state"
	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

// Dimension is one part of the identity of a metric.
type Dimension struct{ Name, Value string }

// metric is the identity of a metric. Its dimensions are in the order of their names.
type metric struct {
	Namespace, MetricName string
	Dimensions            []Dimension
}

// point is what was observed of a metric in a minute, in one unit.
type point struct {
	Count, Sum, Min, Max float64
	// Values and Counts are for percentiles.
	Values, Counts []float64
}

const (
	// maxValues bounds how many different values of a minute are kept for percentiles.
	maxValues = 500
	// maxSeries bounds how many metrics there are.
	maxSeries     = 50_000
	maxDimensions = 30
)

func (p *point) add(value, count float64) {
	p.merge(&point{Count: count, Sum: value * count, Min: value, Max: value, Values: []float64{value}, Counts: []float64{count}})
}

func (p *point) merge(o *point) {
	if o.Count == 0 {
		return
	}
	if p.Count == 0 {
		p.Min, p.Max = o.Min, o.Max
	}
	p.Count, p.Sum = p.Count+o.Count, p.Sum+o.Sum
	p.Min, p.Max = min(p.Min, o.Min), max(p.Max, o.Max)
	for i, v := range o.Values {
		if j := slices.Index(p.Values, v); j >= 0 {
			p.Counts[j] += o.Counts[i]
		} else if len(p.Values) < maxValues {
			p.Values, p.Counts = append(p.Values, v), append(p.Counts, o.Counts[i])
		}
	}
}

// appendID appends what tells a metric from all others. Dimensions are sorted in place.
func appendID(to []byte, namespace, name string, dimensions []Dimension) []byte {
	slices.SortFunc(dimensions, func(a, b Dimension) int { return strings.Compare(a.Name, b.Name) })
	to = append(append(append(append(to, namespace...), 0), name...), 0)
	for _, d := range dimensions {
		to = append(append(append(append(to, d.Name...), '='), d.Value...), 0)
	}
	return append(to, 0)
}

// appendRow appends the place of a point below the id of its metric.
func appendRow(to []byte, minute int64, unit string) []byte {
	for div := int64(1_000_000_000); div > 0; div /= 10 {
		to = append(to, byte('0'+minute/div%10))
	}
	return append(append(to, '/'), unit...)
}

// Count implements metrics.Sink. Beyond maxSeries metrics, new ones are not taken.
func (s *Service) Count(namespace, name string, dimensions map[string]string, value float64, unit string) {
	s.CountAt(s.cfg.Clock.Now(), namespace, name, dimensions, value, unit)
}

// CountAt implements metrics.Sink.
func (s *Service) CountAt(at time.Time, namespace, name string, dimensions map[string]string, value float64, unit string) {
	var few [4]Dimension
	list := few[:0]
	for k, v := range dimensions {
		list = append(list, Dimension{k, v})
	}
	s.observe(namespace, name, list, at, unit, func(p *point) { p.add(value, 1) })
}

// observe changes the pending point of a metric. It reports false if there are too many metrics.
func (s *Service) observe(namespace, name string, dimensions []Dimension, at time.Time, unit string, change func(*point)) bool {
	var buffer [256]byte
	id := appendID(buffer[:0], namespace, name, dimensions)
	length := len(id)
	row := appendRow(id, at.Unix()/60, unit)
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.pending[string(row)]
	if p == nil {
		if _, ok := s.series[string(row[:length])]; !ok {
			if len(s.series) >= maxSeries {
				return false
			}
			s.series[string(row[:length])] = metric{namespace, name, slices.Clone(dimensions)}
		}
		p = &point{}
		s.pending[string(row)] = p
	}
	change(p)
	return true
}

// flush writes the pending points to the store.
func (s *Service) flush() error {
	s.flushing.Lock()
	defer s.flushing.Unlock()
	s.mu.Lock()
	pending := s.pending
	s.pending = map[string]*point{}
	metrics := map[string]metric{}
	for row := range pending {
		id := row[:strings.Index(row, "\x00\x00")+2]
		metrics[id] = s.series[id]
	}
	s.mu.Unlock()
	err := s.cfg.Store.Update(func(tx *state.Tx) error {
		for id, m := range metrics {
			s.known.PutTx(tx, id, m)
		}
		for row, p := range pending {
			have, _, err := s.points.Get(row)
			if err != nil {
				return err
			}
			have.merge(p)
			s.points.PutTx(tx, row, have)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("store metrics: %w", err)
	}
	return nil
}

// expire deletes what is older than the retention, and metrics of which nothing is left.
func (s *Service) expire() error {
	if err := s.flush(); err != nil {
		return err
	}
	s.flushing.Lock()
	defer s.flushing.Unlock()
	oldest := s.cfg.Clock.Now().Add(-retention).Unix() / 60
	s.mu.Lock()
	ids := make([]string, 0, len(s.series))
	for id := range s.series {
		ids = append(ids, id)
	}
	s.mu.Unlock()
	for _, id := range ids {
		limit, left := string(appendRow([]byte(id), oldest, "")), false
		err := s.cfg.Store.Update(func(tx *state.Tx) error {
			err := s.points.Scan(id, "", func(row string, _ point) bool {
				if left = row >= limit; !left {
					s.points.DeleteTx(tx, row)
				}
				return !left
			})
			if !left {
				s.known.DeleteTx(tx, id)
			}
			return err
		})
		if err != nil {
			return fmt.Errorf("expire metrics: %w", err)
		}
		if !left {
			s.mu.Lock()
			delete(s.series, id)
			s.mu.Unlock()
		}
	}
	return nil
}

// Datum is one observation, or several of them, as PutMetricData takes it.
type Datum struct {
	MetricName      string
	Dimensions      []Dimension
	Timestamp       wire.Time
	Value           *float64
	Values, Counts  []float64
	StatisticValues *StatisticSet
	Unit            string
}

// StatisticSet is observations that a client has put together.
type StatisticSet struct{ SampleCount, Sum, Minimum, Maximum float64 }

// PutMetricDataInput is observations of one namespace.
type PutMetricDataInput struct {
	Namespace  string
	MetricData []Datum
}

// Limits of PutMetricData.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricData.html
const (
	maxData   = 1000
	maxCounts = 150
	maxAhead  = 2 * time.Hour
	maxAge    = 14 * 24 * time.Hour
)

// putMetricData is durable when it returns.
func (s *Service) putMetricData(_ context.Context, in PutMetricDataInput) (out wire.Empty, err error) {
	if in.Namespace == "" {
		return out, &wire.Error{
			Code: "MissingRequiredParameterException", QueryCode: "MissingParameter;Sender",
			Message: "The parameter Namespace is required.",
		}
	}
	if strings.HasPrefix(in.Namespace, "AWS/") || strings.ContainsRune(in.Namespace, 0) {
		return out, invalid("The value %s for parameter Namespace is invalid.", in.Namespace)
	}
	if len(in.MetricData) > maxData {
		return out, invalid("The collection MetricData must not have a size greater than %d.", maxData)
	}
	now := s.cfg.Clock.Now()
	for i, d := range in.MetricData {
		if err := d.check(i+1, now); err != nil {
			return out, err
		}
	}
	for _, d := range in.MetricData {
		if !s.put(in.Namespace, d, now) {
			return out, &wire.Error{Code: "LimitExceededFault", QueryCode: "LimitExceeded;Sender", Message: "There are too many metrics."}
		}
	}
	return out, s.flush()
}

func (s *Service) put(namespace string, d Datum, now time.Time) bool {
	at, unit := d.Timestamp.Time, d.Unit
	if at.IsZero() {
		at = now
	}
	if unit == "" {
		unit = "None"
	}
	return s.observe(namespace, d.MetricName, slices.Clone(d.Dimensions), at, unit, func(p *point) {
		if d.Value != nil {
			p.add(*d.Value, 1)
		}
		for i, v := range d.Values {
			count := 1.0
			if d.Counts != nil {
				count = d.Counts[i]
			}
			p.add(v, count)
		}
		if set := d.StatisticValues; set != nil {
			p.merge(&point{Count: set.SampleCount, Sum: set.Sum, Min: set.Minimum, Max: set.Maximum})
		}
	})
}

func (d Datum) check(n int, now time.Time) error {
	member := fmt.Sprintf("MetricData.member.%d", n)
	switch {
	case d.MetricName == "" || len(d.MetricName) > 255 || strings.ContainsRune(d.MetricName, 0):
		return invalid("The parameter %s.MetricName is required and has at most 255 characters.", member)
	case d.Value == nil && len(d.Values) == 0 && d.StatisticValues == nil:
		return invalid("At least one of the parameters must be specified: %s.Value, Values or StatisticValues.", member)
	case d.Value != nil && (len(d.Values) > 0 || d.StatisticValues != nil):
		return invalid("The parameters %s.Value and %s.Values or StatisticValues are mutually exclusive and you have specified both.", member, member)
	case len(d.Values) > maxCounts || d.Counts != nil && len(d.Counts) != len(d.Values):
		return invalid("%s: Values and Counts must have the same size, of at most %d.", member, maxCounts)
	case len(d.Dimensions) > maxDimensions:
		return invalid("The collection %s.Dimensions must not have a size greater than %d.", member, maxDimensions)
	case !d.Timestamp.IsZero() && (d.Timestamp.Before(now.Add(-maxAge)) || d.Timestamp.After(now.Add(maxAhead))):
		return invalid("The parameter %s.Timestamp must not be more than two weeks in the past or two hours in the future.", member)
	}
	for _, x := range d.Dimensions {
		if x.Name == "" || x.Value == "" || strings.ContainsRune(x.Name+x.Value, 0) {
			return invalid("%s: a dimension needs a name and a value.", member)
		}
	}
	values := slices.Clone(d.Values)
	if d.Value != nil {
		values = append(values, *d.Value)
	}
	if x := d.StatisticValues; x != nil {
		values = append(values, x.SampleCount, x.Sum, x.Minimum, x.Maximum)
	}
	if slices.ContainsFunc(append(values, d.Counts...), func(v float64) bool { return math.IsNaN(v) || math.Abs(v) > math.Exp2(360) }) {
		return invalid("%s: a value is not a number or not between -2^360 and 2^360.", member)
	}
	return nil
}
