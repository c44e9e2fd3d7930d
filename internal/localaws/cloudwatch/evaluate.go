package cloudwatch

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/the-alchemiser/alchemiser/internal/localaws/arn"
	"github.com/the-alchemiser/alchemiser/internal/localaws/delivery"
	"github.com/the-alchemiser/alchemiser/internal/localaws/state"
)

// Evaluate looks at every alarm once, changes states and carries out the actions of changes, also of those that a crash
// interrupted. Only complete periods count.
func (s *Service) Evaluate(ctx context.Context) error {
	all, err := s.allAlarms()
	if err != nil {
		return fmt.Errorf("read alarms: %w", err)
	}
	for _, a := range all {
		if err := s.evaluate(ctx, a.AlarmName); err != nil {
			return fmt.Errorf("evaluate alarm %s: %w", a.AlarmName, err)
		}
	}
	return nil
}

func (s *Service) evaluate(ctx context.Context, name string) error {
	s.changing.Lock()
	defer s.changing.Unlock()
	a, ok, err := s.alarms.Get(name)
	if err != nil || !ok {
		return err
	}
	period := time.Duration(max(a.Period, 60)) * time.Second
	end := s.cfg.Clock.Now().Truncate(period)
	// CloudWatch looks at more periods than it evaluates, so that datapoints which are late or missing do no harm.
	start := end.Add(-period * time.Duration(a.EvaluationPeriods+extraPeriods))
	m := metric{a.Namespace, a.MetricName, a.Dimensions}
	buckets, err := s.buckets(m, start, end, a.Period, a.Unit)
	if err != nil {
		return err
	}
	if n := len(buckets) - a.EvaluationPeriods; n > 0 {
		buckets = buckets[n:]
	}
	values := make([]float64, len(buckets))
	for i, b := range buckets {
		values[i] = b.of(a.statistic())
	}
	if to := a.judge(values, a.StateValue); to != a.StateValue {
		if err := s.enter(&a, to, a.reason(to, buckets), ""); err != nil {
			return err
		}
	}
	return s.act(ctx, &a)
}

// extraPeriods is how many periods more than evaluated ones are looked at.
const extraPeriods = 2

// judge returns the state that datapoints, at most as many as are evaluated, lead to.
//
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
func (d AlarmDefinition) judge(values []float64, was string) string {
	breaching := 0
	for _, v := range values {
		if d.breaches(v) {
			breaching++
		}
	}
	missing := d.EvaluationPeriods - len(values)
	switch {
	case breaching >= d.datapoints():
		return stateAlarm
	case d.TreatMissingData == "breaching" && breaching+missing >= d.datapoints():
		return stateAlarm
	case d.TreatMissingData == "breaching" || d.TreatMissingData == "notBreaching" || breaching < len(values):
		return stateOK
	case d.TreatMissingData == "ignore":
		return was
	case len(values) == 0:
		return stateInsufficient
	}
	// All that there is breaches; too little is missing for anything but an alarm.
	return stateAlarm
}

func (d AlarmDefinition) breaches(v float64) bool {
	switch d.ComparisonOperator {
	case "GreaterThanThreshold":
		return v > *d.Threshold
	case "GreaterThanOrEqualToThreshold":
		return v >= *d.Threshold
	case "LessThanThreshold":
		return v < *d.Threshold
	}
	return v <= *d.Threshold
}

// reason words a change of state as AWS does.
func (d AlarmDefinition) reason(to string, buckets []bucket) string {
	if len(buckets) == 0 {
		verb, noun := "was", "datapoint"
		if d.EvaluationPeriods > 1 {
			verb, noun = "were", "datapoints"
		}
		if to == stateInsufficient {
			return fmt.Sprintf("Insufficient Data: %d %s %s unknown.", d.EvaluationPeriods, noun, verb)
		}
		treatment := "NonBreaching"
		if to == stateAlarm {
			treatment = "Breaching"
		}
		return fmt.Sprintf("Threshold Crossed: no datapoints were received for %d %s and %d missing %s %s treated as [%s].",
			d.EvaluationPeriods, strings.Replace(noun, "datapoint", "period", 1), d.EvaluationPeriods, noun, verb, treatment)
	}
	var shown []string
	for _, b := range slices.Backward(buckets) {
		if v := b.of(d.statistic()); to != stateAlarm || d.breaches(v) {
			shown = append(shown, fmt.Sprintf("%s (%s)", decimal(v), b.start.UTC().Format("02/01/06 15:04:05")))
		}
	}
	relation, from := comparisons[d.ComparisonOperator], "OK -> ALARM"
	if to == stateOK {
		relation, from = "not "+relation, "ALARM -> OK"
	}
	least := d.datapoints()
	if to == stateOK {
		least = d.EvaluationPeriods - least + 1
	}
	noun, verb := "datapoint", "was"
	if least > 1 {
		noun = "datapoints"
	}
	if len(shown) > 1 {
		verb = "were"
	}
	return fmt.Sprintf("Threshold Crossed: %d out of the last %d datapoints [%s] %s %s the threshold (%s) (minimum %d %s for %s transition).",
		len(shown), d.EvaluationPeriods, strings.Join(shown, ", "), verb, relation, decimal(*d.Threshold), least, noun, from)
}

// decimal spells a number as CloudWatch does, with a fraction.
func decimal(v float64) string {
	text := strconv.FormatFloat(v, 'f', -1, 64)
	if !strings.Contains(text, ".") {
		text += ".0"
	}
	return text
}

// act carries out the actions of a change of state that has not seen them. An action that fails is noted in the history
// and not tried again. The caller holds changing.
func (s *Service) act(ctx context.Context, a *alarm) error {
	if a.Transition == "" {
		return nil
	}
	actions := map[string][]string{stateOK: a.OKActions, stateAlarm: a.AlarmActions, stateInsufficient: a.InsufficientDataActions}[a.StateValue]
	var outcomes []string
	if *a.ActionsEnabled {
		body, err := a.notification()
		if err != nil {
			return err
		}
		for _, target := range actions {
			m := delivery.Message{
				Body: body, Principal: "cloudwatch.amazonaws.com", SourceARN: a.AlarmARN, SourceAccount: arn.Account,
				Subject: fmt.Sprintf("%s: %q in %s", a.StateValue, a.AlarmName, regionName), Mail: a.mail(),
			}
			if arn.FunctionName(target) != "" {
				m.Principal = "lambda.alarms.cloudwatch.amazonaws.com"
			}
			outcome := "Successfully executed action " + target
			if err := s.cfg.Sender.Send(ctx, target, m); err != nil {
				outcome = fmt.Sprintf("Failed to execute action %s. Received error: %q", target, err)
			}
			outcomes = append(outcomes, outcome)
		}
	}
	if ctx.Err() != nil {
		return nil //nolint:nilerr // the endpoint ends: the actions are carried out when it is back
	}
	a.Transition = ""
	now := s.cfg.Clock.Now()
	return s.cfg.Store.Update(func(tx *state.Tx) error {
		s.alarms.PutTx(tx, a.AlarmName, *a)
		for _, outcome := range outcomes {
			if err := s.note(tx, a.AlarmName, "Action", outcome, now); err != nil {
				return err
			}
		}
		return nil
	})
}

const regionName = "US East (N. Virginia)"

// notification is the message that SNS gets.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/AlarmThatSendsEmail.html
func (a alarm) notification() ([]byte, error) {
	const layout = "2006-01-02T15:04:05.000+0000"
	type dimension struct {
		Value string `json:"value"`
		Name  string `json:"name"`
	}
	dimensions := []dimension{}
	for _, d := range a.Dimensions {
		dimensions = append(dimensions, dimension{d.Value, d.Name})
	}
	names := map[string]string{"SampleCount": "SAMPLE_COUNT"}
	trigger := map[string]any{
		"MetricName": a.MetricName, "Namespace": a.Namespace, "StatisticType": "Statistic",
		"Statistic": cmp.Or(names[a.Statistic], strings.ToUpper(a.Statistic)), "Unit": nil, "Dimensions": dimensions,
		"Period": a.Period, "EvaluationPeriods": a.EvaluationPeriods, "DatapointsToAlarm": a.datapoints(),
		"ComparisonOperator": a.ComparisonOperator, "Threshold": *a.Threshold,
		"TreatMissingData": cmp.Or(a.TreatMissingData, "missing"), "EvaluateLowSampleCountPercentile": a.EvaluateLowSampleCountPercentile,
	}
	if a.ExtendedStatistic != "" {
		delete(trigger, "Statistic")
		trigger["StatisticType"], trigger["ExtendedStatistic"] = "ExtendedStatistic", a.ExtendedStatistic
	}
	if a.Unit != "" {
		trigger["Unit"] = a.Unit
	}
	return json.Marshal(map[string]any{
		"AlarmName": a.AlarmName, "AlarmDescription": a.AlarmDescription, "AWSAccountId": arn.Account,
		"AlarmConfigurationUpdatedTimestamp": a.AlarmConfigurationUpdatedTimestamp.UTC().Format(layout),
		"NewStateValue":                      a.StateValue, "NewStateReason": a.StateReason,
		"StateChangeTime": a.StateUpdatedTimestamp.UTC().Format(layout), "Region": regionName, "AlarmArn": a.AlarmARN,
		"OldStateValue": a.Transition, "OKActions": orEmpty(a.OKActions), "AlarmActions": orEmpty(a.AlarmActions),
		"InsufficientDataActions": orEmpty(a.InsufficientDataActions), "Trigger": trigger,
	})
}

func orEmpty(list []string) []string { return append([]string{}, list...) }
