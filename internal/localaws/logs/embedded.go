package logs

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/the-alchemiser/alchemiser/internal/localaws/metrics"
)

// Limits of the embedded metric format.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
const (
	maxEmbedded       = 100
	maxEmbeddedValues = 100
)

// embedded is the part of a line that says which of its members are metrics.
type embedded struct {
	AWS struct {
		Timestamp         int64
		CloudWatchMetrics []struct {
			Namespace  string
			Dimensions [][]string
			Metrics    []struct{ Name, Unit string }
		}
	} `json:"_aws"`
}

// extract gives the metrics in a line to the sink. A line that is not in the embedded metric format is only a line.
func extract(sink metrics.Sink, e InputEvent) {
	if !strings.Contains(e.Message, `"CloudWatchMetrics"`) {
		return
	}
	var head embedded
	var members map[string]json.RawMessage
	if json.Unmarshal([]byte(e.Message), &head) != nil || json.Unmarshal([]byte(e.Message), &members) != nil {
		return
	}
	at := time.UnixMilli(head.AWS.Timestamp)
	if head.AWS.Timestamp == 0 {
		at = time.UnixMilli(e.Timestamp)
	}
	for _, directive := range head.AWS.CloudWatchMetrics {
		if directive.Namespace == "" || len(directive.Metrics) > maxEmbedded {
			continue
		}
		sets := directive.Dimensions
		if len(sets) == 0 {
			sets = [][]string{nil}
		}
		for _, m := range directive.Metrics {
			unit := m.Unit
			if unit == "" {
				unit = "None"
			}
			for _, value := range numbersOf(members[m.Name]) {
				for _, names := range sets {
					if dimensions, ok := pick(members, names); ok && m.Name != "" {
						sink.CountAt(at, directive.Namespace, m.Name, dimensions, value, unit)
					}
				}
			}
		}
	}
}

// numbersOf returns a number, or the numbers of a list.
func numbersOf(raw json.RawMessage) []float64 {
	var one float64
	if len(raw) > 0 && string(raw) != "null" && json.Unmarshal(raw, &one) == nil {
		return []float64{one}
	}
	var many []float64
	if len(raw) == 0 || json.Unmarshal(raw, &many) != nil || len(many) > maxEmbeddedValues {
		return nil
	}
	return many
}

// pick returns the dimensions of a set; ok is false if one of them is no text in the line.
func pick(members map[string]json.RawMessage, names []string) (dimensions map[string]string, ok bool) {
	dimensions = make(map[string]string, len(names))
	for _, name := range names {
		var value string
		if raw := members[name]; len(raw) == 0 || json.Unmarshal(raw, &value) != nil || value == "" {
			return nil, false
		}
		dimensions[name] = value
	}
	return dimensions, true
}
