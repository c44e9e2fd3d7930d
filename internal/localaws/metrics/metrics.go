// Package metrics is how the services of the endpoint count what happens in them. They know this package, not CloudWatch.
package metrics

import "time"

// Sink takes observations of metrics. It is safe for concurrent use, does not wait and never fails: an observation goes
// to a total per minute in memory, which reaches the store later.
type Sink interface {
	// Count notes one value of the metric namespace/name now. It keeps no reference to dimensions. unit is one of
	// CloudWatch's, such as Count or Milliseconds.
	// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricDatum.html
	Count(namespace, name string, dimensions map[string]string, value float64, unit string)
	// CountAt notes a value that was observed at a time.
	CountAt(at time.Time, namespace, name string, dimensions map[string]string, value float64, unit string)
}

// Discard is a Sink that keeps nothing.
type Discard struct{}

// Count implements Sink.
func (Discard) Count(string, string, map[string]string, float64, string) {}

// CountAt implements Sink.
func (Discard) CountAt(time.Time, string, string, map[string]string, float64, string) {}
