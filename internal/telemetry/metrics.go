package telemetry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/the-alchemiser/alchemiser/pkg/bus"
)

// namespace is that of our own metrics. Each has the dimension Stage alone: a metric for each combination of dimensions
// costs.
const namespace = "Alchemiser"

// Metrics writes metrics as lines of the log in the embedded metric format, from which CloudWatch takes them: no request
// is made, and nothing is lost that is in the log. It is safe for concurrent use.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
type Metrics struct {
	stage, function string
	now             func() time.Time

	mu sync.Mutex
	w  io.Writer
}

// NewMetrics returns the metrics of a function; w is what its log lines go to.
func NewMetrics(w io.Writer, stage, function string, now func() time.Time) *Metrics {
	return &Metrics{stage: stage, function: function, now: now, w: w}
}

// metric is one value with its unit in CloudWatch's words.
type metric struct {
	name, unit string
	value      float64
}

// Published counts what was published and what was not, and how long the publication took. It is made for bus.Observe.
func (m *Metrics) Published(ctx context.Context, p bus.Publication) {
	rejected := 0
	if p.Err != nil {
		rejected = 1 // at least: an error that lists none says nothing more
	}
	var publish *bus.PublishError
	if errors.As(p.Err, &publish) {
		rejected = len(publish.Rejected)
	}
	m.write(ctx,
		metric{"EventsPublished", "Count", float64(len(p.Accepted))},
		metric{"EventsNotPublished", "Count", float64(rejected)},
		metric{"PublishDuration", "Milliseconds", float64(p.Took.Microseconds()) / 1000},
	)
}

// write writes one line with the fields that ctx's log lines carry. A line that cannot be written is lost as a log line is.
func (m *Metrics) write(ctx context.Context, metrics ...metric) {
	type definition struct{ Name, Unit string }
	var definitions []definition
	now := m.now()
	line := map[string]any{"time": now.UTC().Format("2006-01-02T15:04:05.000Z"), "level": "info", "message": "metrics", "Stage": m.stage}
	for name, value := range merged(ctx, map[string]string{"function": m.function}) {
		line[name] = value
	}
	for _, v := range metrics {
		definitions = append(definitions, definition{v.name, v.unit})
		line[v.name] = v.value
	}
	line["_aws"] = map[string]any{
		"Timestamp": now.UnixMilli(),
		"CloudWatchMetrics": []any{map[string]any{
			"Namespace": namespace, "Dimensions": [][]string{{"Stage"}}, "Metrics": definitions,
		}},
	}
	text, err := json.Marshal(line)
	if err != nil {
		text = fmt.Appendf(nil, `{"level":"error","message":"a metric is not writable: %v"}`, err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	_, _ = m.w.Write(append(text, '\n'))
}
