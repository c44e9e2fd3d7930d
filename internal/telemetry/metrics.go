package telemetry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/shopspring/decimal"

	"github.com/the-alchemiser/alchemiser/internal/consumer"
	"github.com/the-alchemiser/alchemiser/internal/monitor"
	"github.com/the-alchemiser/alchemiser/pkg/bus"
)

// namespace is that of our own metrics. Each has the dimension Stage alone: a metric for each combination of dimensions
// costs. There are ten of them; what else is worth a figure is in the same lines as a field, which Logs Insights can count.
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

var (
	_ consumer.Meter = (*Metrics)(nil)
	_ monitor.Meter  = (*Metrics)(nil)
)

// metric is one value with its unit in CloudWatch's words. Without a unit it is a field of the line and no metric.
type metric struct {
	name, unit string
	value      any
}

// milliseconds has three decimals.
func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// amount writes a decimal as it is: a metric is a number, and no float may come in between.
func amount(d decimal.Decimal) json.Number { return json.Number(d.String()) }

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
		metric{"EventsPublished", "Count", len(p.Accepted)},
		metric{"PublishDuration", "Milliseconds", milliseconds(p.Took)},
		metric{name: "EventsNotPublished", value: rejected},
	)
}

// Delivered implements consumer.Meter.
func (m *Metrics) Delivered(ctx context.Context, o consumer.Outcome) {
	figures := []metric{
		{name: "HandleDuration", value: milliseconds(o.Took)}, {name: "result", value: o.Result}, {name: "event_type", value: o.Type},
	}
	switch o.Result {
	case consumer.ResultHandled:
		figures = append(figures, metric{"EventsHandled", "Count", 1})
	case consumer.ResultRefused:
		figures = append(figures, metric{"EventsDeadLettered", "Count", 1})
	case consumer.ResultDuplicate, consumer.ResultReplayed, consumer.ResultFailed:
	}
	m.write(ctx, figures...)
}

// Ended implements monitor.Meter.
func (m *Metrics) Ended(ctx context.Context, e monitor.Ended) {
	figures := []metric{{name: "state", value: e.State}}
	switch e.State {
	case monitor.StateCompleted, monitor.StateNothingToDo:
		figures = append(figures, metric{"WorkflowsCompleted", "Count", 1}, metric{"WorkflowDuration", "Milliseconds", milliseconds(e.Took)})
	case monitor.StateFailed:
		figures = append(figures, metric{"WorkflowsFailed", "Count", 1}, metric{"WorkflowDuration", "Milliseconds", milliseconds(e.Took)})
	case monitor.StateSkipped, monitor.StateRunning, monitor.StateResumed, monitor.StateStalled, monitor.StateReplayed:
	}
	m.write(ctx, figures...)
}

// Traded implements monitor.Meter.
func (m *Metrics) Traded(ctx context.Context, t monitor.Traded) {
	m.write(ctx,
		metric{"PortfolioValue", "None", amount(t.Equity)},
		metric{name: "Orders", value: t.Orders}, metric{name: "Fills", value: t.Fills},
		metric{name: "Turnover", value: amount(t.Turnover)}, metric{name: "SlippageBps", value: amount(t.SlippageBps)},
	)
}

// Watched implements monitor.Meter.
func (m *Metrics) Watched(ctx context.Context, w monitor.Watched) {
	overdue := 0
	if w.Overdue {
		overdue = 1
	}
	m.write(ctx, metric{"WorkflowsStalled", "Count", w.Stalled}, metric{"RebalanceOverdue", "None", overdue})
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
		if v.unit != "" {
			definitions = append(definitions, definition{v.name, v.unit})
		}
		line[v.name] = v.value
	}
	if len(definitions) > 0 {
		line["_aws"] = map[string]any{
			"Timestamp": now.UnixMilli(),
			"CloudWatchMetrics": []any{map[string]any{
				"Namespace": namespace, "Dimensions": [][]string{{"Stage"}}, "Metrics": definitions,
			}},
		}
	}
	text, err := json.Marshal(line)
	if err != nil {
		text = fmt.Appendf(nil, `{"level":"error","message":"a metric is not writable: %v"}`, err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	_, _ = m.w.Write(append(text, '\n'))
}
