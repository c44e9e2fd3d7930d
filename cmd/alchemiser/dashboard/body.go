// Package dashboard draws a CloudWatch dashboard as one SVG picture: what the console shows to people who are logged in, a
// file shows to all others. It reads the dashboard, the metrics, the alarms and the logs by AWS's APIs, so it draws the same
// from AWS and from the local endpoint.
package dashboard

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
)

// body is the part of a dashboard's body that is drawn.
//
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
type body struct {
	Widgets []widget `json:"widgets"`
}

type widget struct {
	Type       string `json:"type"`
	X          int    `json:"x"`
	Y          int    `json:"y"`
	Width      int    `json:"width"`
	Height     int    `json:"height"`
	Properties struct {
		Title    string      `json:"title"`
		Markdown string      `json:"markdown"`
		View     string      `json:"view"`
		Stat     string      `json:"stat"`
		Period   int32       `json:"period"`
		Metrics  []metricRow `json:"metrics"`
		Alarms   []string    `json:"alarms"`
		Query    string      `json:"query"`
	} `json:"properties"`
}

// metricRow is one line of a metric widget.
type metricRow struct {
	metric types.Metric
	label  string
	stat   string
	period int32
}

// UnmarshalJSON reads [namespace, name, dimension, value, …, {options}]. Metric math and AWS's shorthands "." and "..." are
// refused: our dashboards have none.
func (r *metricRow) UnmarshalJSON(raw []byte) error {
	var parts []json.RawMessage
	if err := json.Unmarshal(raw, &parts); err != nil {
		return err
	}
	var words []string
	for _, part := range parts {
		var word string
		if json.Unmarshal(part, &word) == nil {
			words = append(words, word)
			continue
		}
		var options struct {
			Label  string `json:"label"`
			Stat   string `json:"stat"`
			Period int32  `json:"period"`
		}
		if err := json.Unmarshal(part, &options); err != nil {
			return fmt.Errorf("metric %s: %w", raw, err)
		}
		r.label, r.stat, r.period = options.Label, options.Stat, options.Period
	}
	if len(words) < 2 || len(words)%2 != 0 || strings.HasPrefix(words[0], ".") {
		return fmt.Errorf("metric %s: want [namespace, name, dimension, value, …, {options}]", raw)
	}
	r.metric = types.Metric{Namespace: aws.String(words[0]), MetricName: aws.String(words[1])}
	for i := 2; i < len(words); i += 2 {
		r.metric.Dimensions = append(r.metric.Dimensions, types.Dimension{Name: aws.String(words[i]), Value: aws.String(words[i+1])})
	}
	if r.label == "" {
		r.label = words[len(words)-1]
	}
	return nil
}
