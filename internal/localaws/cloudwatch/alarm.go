package cloudwatch

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/the-alchemiser/alchemiser/internal/localaws/arn"
	"github.com/the-alchemiser/alchemiser/internal/localaws/state"
	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

// The states of an alarm.
const (
	stateOK           = "OK"
	stateAlarm        = "ALARM"
	stateInsufficient = "INSUFFICIENT_DATA"
)

// AlarmDefinition is what a client says about an alarm. Period is in seconds.
type AlarmDefinition struct {
	AlarmName                        string
	AlarmDescription                 string `json:",omitempty"`
	ActionsEnabled                   *bool
	OKActions                        []string
	AlarmActions                     []string
	InsufficientDataActions          []string
	MetricName                       string `json:",omitempty"`
	Namespace                        string `json:",omitempty"`
	Statistic                        string `json:",omitempty"`
	ExtendedStatistic                string `json:",omitempty"`
	Dimensions                       []Dimension
	Period                           int    `json:",omitempty"`
	Unit                             string `json:",omitempty"`
	EvaluationPeriods                int
	DatapointsToAlarm                int `json:",omitempty"`
	Threshold                        *float64
	ComparisonOperator               string
	TreatMissingData                 string `json:",omitempty"`
	EvaluateLowSampleCountPercentile string `json:",omitempty"`
}

// PutAlarmInput makes an alarm or replaces its definition.
type PutAlarmInput struct {
	AlarmDefinition
	Metrics []struct {
		ID string `json:"Id"`
	}
	ThresholdMetricID string `json:"ThresholdMetricId"`
	Tags              []Tag
}

// MetricAlarm is an alarm with its state.
type MetricAlarm struct {
	AlarmDefinition
	AlarmARN                           string `json:"AlarmArn"`
	AlarmConfigurationUpdatedTimestamp wire.Time
	StateValue                         string
	StateReason                        string
	StateReasonData                    string `json:",omitempty"`
	StateUpdatedTimestamp              wire.Time
	StateTransitionedTimestamp         wire.Time
}

// alarm is an alarm as it is stored.
type alarm struct {
	MetricAlarm
	Tags []Tag
	// Transition, if set, is the state before a change whose actions have not been carried out yet.
	Transition string
}

func alarmARN(name string) string { return arn.New("cloudwatch", "alarm:"+name) }

var (
	comparisons = map[string]string{
		"GreaterThanThreshold": "greater than", "GreaterThanOrEqualToThreshold": "greater than or equal to",
		"LessThanThreshold": "less than", "LessThanOrEqualToThreshold": "less than or equal to",
	}
	treatments = []string{"", "missing", "notBreaching", "breaching", "ignore"}
)

const (
	// maxAlarmActions is how many actions an alarm may have for a state, maxAlarms how many alarms an account may have.
	maxAlarmActions = 5
	maxAlarms       = 5000
)

func (d AlarmDefinition) check() error {
	switch {
	case d.AlarmName == "" || len(d.AlarmName) > 255:
		return invalid("The parameter AlarmName is required and has at most 255 characters.")
	case comparisons[d.ComparisonOperator] == "":
		return invalid("The value %s for parameter ComparisonOperator is not supported.", d.ComparisonOperator)
	case !slices.Contains(treatments, d.TreatMissingData):
		return invalid("Unsupported missing data treatment %s: it must be breaching, notBreaching, ignore or missing.", d.TreatMissingData)
	case d.EvaluationPeriods < 1 || d.DatapointsToAlarm < 0 || d.DatapointsToAlarm > d.EvaluationPeriods:
		return invalid("EvaluationPeriods must be at least 1 and DatapointsToAlarm between 1 and EvaluationPeriods.")
	case d.Namespace == "" || d.MetricName == "" || d.Threshold == nil:
		return invalid("The parameters Namespace, MetricName and Threshold are required: this endpoint evaluates no metric math.")
	case (d.Statistic == "") == (d.ExtendedStatistic == "") || !validStatistic(d.statistic()):
		return invalid("Exactly one of the parameters Statistic and ExtendedStatistic must be specified, with a known statistic.")
	case max(len(d.OKActions), len(d.AlarmActions), len(d.InsufficientDataActions)) > maxAlarmActions:
		return invalid("An alarm has at most %d actions for a state.", maxAlarmActions)
	case d.Period <= 0 || d.Period%60 != 0 && !slices.Contains([]int{10, 20, 30}, d.Period):
		return invalid("The parameter Period must be 10, 20, 30 or a multiple of 60.")
	case d.EvaluationPeriods*max(d.Period, 60) > 7*24*3600 || d.Period < 3600 && d.EvaluationPeriods*d.Period > 24*3600:
		return invalid("Metrics cannot be checked across more than a day (EvaluationPeriods * Period must be <= 86400), a week for periods of an hour and more.")
	}
	return nil
}

func (d AlarmDefinition) statistic() string { return cmp.Or(d.Statistic, d.ExtendedStatistic) }

func (d AlarmDefinition) datapoints() int { return cmp.Or(d.DatapointsToAlarm, d.EvaluationPeriods) }

func (s *Service) putMetricAlarm(_ context.Context, in PutAlarmInput) (out wire.Empty, err error) {
	if len(in.Metrics) > 0 || in.ThresholdMetricID != "" {
		return out, invalid("Alarm %s: this endpoint evaluates no metric math.", in.AlarmName)
	}
	if err := in.check(); err != nil {
		return out, err
	}
	s.changing.Lock()
	defer s.changing.Unlock()
	a, exists, err := s.alarms.Get(in.AlarmName)
	if err != nil {
		return out, err
	}
	now := wire.Time{Time: s.cfg.Clock.Now()}
	if !exists {
		if all, err := s.allAlarms(); err != nil || len(all) >= maxAlarms {
			return out, errors.Join(err, &wire.Error{Code: "LimitExceededFault", QueryCode: "LimitExceeded;Sender", Message: "There are too many alarms."})
		}
		a.Tags, a.StateValue, a.StateReason = in.Tags, stateInsufficient, "Unchecked: Initial alarm creation"
		a.StateUpdatedTimestamp, a.StateTransitionedTimestamp = now, now
	}
	in.OKActions, in.AlarmActions, in.InsufficientDataActions = orEmpty(in.OKActions), orEmpty(in.AlarmActions), orEmpty(in.InsufficientDataActions)
	in.Dimensions = append([]Dimension{}, in.Dimensions...)
	a.AlarmDefinition, a.AlarmARN, a.AlarmConfigurationUpdatedTimestamp = in.AlarmDefinition, alarmARN(in.AlarmName), now
	if a.ActionsEnabled == nil {
		enabled := true
		a.ActionsEnabled = &enabled
	}
	return out, s.alarms.Put(a.AlarmName, a)
}

func (s *Service) allAlarms() ([]alarm, error) {
	var all []alarm
	err := s.alarms.Scan("", "", func(_ string, a alarm) bool { all = append(all, a); return true })
	return all, err
}

// DescribeAlarmsInput says which alarms.
type DescribeAlarmsInput struct {
	AlarmNames      []string
	AlarmNamePrefix string
	AlarmTypes      []string
	StateValue      string
	ActionPrefix    string
}

// DescribeAlarmsOutput is the alarms by name.
type DescribeAlarmsOutput struct {
	MetricAlarms    []MetricAlarm
	CompositeAlarms []wire.Empty
}

func (s *Service) describeAlarms(_ context.Context, in DescribeAlarmsInput) (out DescribeAlarmsOutput, err error) {
	out = DescribeAlarmsOutput{[]MetricAlarm{}, []wire.Empty{}}
	if len(in.AlarmNames) > 0 && in.AlarmNamePrefix != "" {
		return out, invalid("The parameters AlarmNames and AlarmNamePrefix are mutually exclusive.")
	}
	if len(in.AlarmTypes) > 0 && !slices.Contains(in.AlarmTypes, "MetricAlarm") {
		return out, nil
	}
	all, err := s.allAlarms()
	for _, a := range all {
		acts := slices.ContainsFunc(slices.Concat(a.OKActions, a.AlarmActions, a.InsufficientDataActions), func(action string) bool {
			return strings.HasPrefix(action, in.ActionPrefix)
		})
		if (len(in.AlarmNames) == 0 || slices.Contains(in.AlarmNames, a.AlarmName)) && strings.HasPrefix(a.AlarmName, in.AlarmNamePrefix) &&
			(in.StateValue == "" || in.StateValue == a.StateValue) && (in.ActionPrefix == "" || acts) {
			out.MetricAlarms = append(out.MetricAlarms, a.MetricAlarm)
		}
	}
	return out, err
}

// AlarmsInput names alarms.
type AlarmsInput struct{ AlarmNames []string }

func (s *Service) deleteAlarms(_ context.Context, in AlarmsInput) (out wire.Empty, err error) {
	s.changing.Lock()
	defer s.changing.Unlock()
	if err := s.mustExist(in.AlarmNames); err != nil {
		return out, err
	}
	return out, s.cfg.Store.Update(func(tx *state.Tx) error {
		for _, name := range in.AlarmNames {
			s.alarms.DeleteTx(tx, name)
		}
		return nil
	})
}

func (s *Service) mustExist(names []string) error {
	for _, name := range names {
		if _, ok, err := s.alarms.Get(name); err != nil || !ok {
			return errors.Join(err, errNoAlarm(name))
		}
	}
	return nil
}

func errNoAlarm(name string) *wire.Error {
	return &wire.Error{
		Code: "ResourceNotFound", Message: fmt.Sprintf("Alarm(s) not found: [%s]", name), Status: 404, QueryCode: "ResourceNotFound;Sender",
	}
}

func (s *Service) enableActions(_ context.Context, in AlarmsInput) (out wire.Empty, err error) {
	return out, s.switchActions(in.AlarmNames, true)
}

func (s *Service) disableActions(_ context.Context, in AlarmsInput) (out wire.Empty, err error) {
	return out, s.switchActions(in.AlarmNames, false)
}

func (s *Service) switchActions(names []string, enabled bool) error {
	s.changing.Lock()
	defer s.changing.Unlock()
	for _, name := range names {
		a, ok, err := s.alarms.Get(name)
		if err != nil {
			return err
		}
		if !ok {
			continue // as on AWS
		}
		a.ActionsEnabled = &enabled
		if err := s.alarms.Put(name, a); err != nil {
			return err
		}
	}
	return nil
}

// SetStateInput sets the state of an alarm until its next evaluation.
type SetStateInput struct{ AlarmName, StateValue, StateReason, StateReasonData string }

func (s *Service) setAlarmState(ctx context.Context, in SetStateInput) (out wire.Empty, err error) {
	if !slices.Contains([]string{stateOK, stateAlarm, stateInsufficient}, in.StateValue) {
		return out, invalid("The value %s for parameter StateValue is not supported.", in.StateValue)
	}
	s.changing.Lock()
	defer s.changing.Unlock()
	a, ok, err := s.alarms.Get(in.AlarmName)
	if err != nil {
		return out, err
	}
	if !ok {
		return out, errNoAlarm(in.AlarmName)
	}
	if err := s.enter(&a, in.StateValue, in.StateReason, in.StateReasonData); err != nil {
		return out, err
	}
	return out, s.act(ctx, &a)
}

// enter stores a new state of an alarm. The caller holds changing.
func (s *Service) enter(a *alarm, to, reason, data string) error {
	if a.StateValue == to {
		return nil
	}
	now := s.cfg.Clock.Now()
	summary := fmt.Sprintf("Alarm updated from %s to %s", a.StateValue, to)
	a.Transition, a.StateValue, a.StateReason, a.StateReasonData = a.StateValue, to, reason, data
	a.StateUpdatedTimestamp, a.StateTransitionedTimestamp = wire.Time{Time: now}, wire.Time{Time: now}
	return s.cfg.Store.Update(func(tx *state.Tx) error {
		s.alarms.PutTx(tx, a.AlarmName, *a)
		return s.note(tx, a.AlarmName, "StateUpdate", summary, now)
	})
}

// HistoryItem is something that happened to an alarm.
type HistoryItem struct {
	AlarmName       string
	AlarmType       string
	Timestamp       wire.Time
	HistoryItemType string
	HistorySummary  string
	HistoryData     string
}

// maxHistory is how many items are kept.
const maxHistory = 1000

// note adds an item to the history and drops the oldest ones.
func (s *Service) note(tx *state.Tx, name, kind, summary string, at time.Time) error {
	var rows []string
	err := s.history.Scan("", "", func(row string, _ HistoryItem) bool { rows = append(rows, row); return true })
	for len(rows) >= maxHistory {
		s.history.DeleteTx(tx, rows[0])
		rows = rows[1:]
	}
	row := fmt.Sprintf("%020d/%s/%s/%s", at.UnixNano(), name, kind, summary)
	s.history.PutTx(tx, row, HistoryItem{name, "MetricAlarm", wire.Time{Time: at}, kind, summary, "{}"})
	return err
}

// HistoryInput says which items, of one alarm or of all.
type HistoryInput struct {
	AlarmName          string
	HistoryItemType    string
	StartDate, EndDate wire.Time
	ScanBy             string
	MaxRecords         int
}

// HistoryOutput is the items, the newest first.
type HistoryOutput struct{ AlarmHistoryItems []HistoryItem }

func (s *Service) describeHistory(_ context.Context, in HistoryInput) (out HistoryOutput, err error) {
	out.AlarmHistoryItems = []HistoryItem{}
	err = s.history.Scan("", "", func(_ string, h HistoryItem) bool {
		if (in.AlarmName == "" || in.AlarmName == h.AlarmName) && (in.HistoryItemType == "" || in.HistoryItemType == h.HistoryItemType) &&
			!h.Timestamp.Before(in.StartDate.Time) && (in.EndDate.IsZero() || h.Timestamp.Before(in.EndDate.Time)) {
			out.AlarmHistoryItems = append(out.AlarmHistoryItems, h)
		}
		return true
	})
	if in.ScanBy != "TimestampAscending" {
		slices.Reverse(out.AlarmHistoryItems)
	}
	if n := cmp.Or(in.MaxRecords, 100); len(out.AlarmHistoryItems) > n && n > 0 {
		out.AlarmHistoryItems = out.AlarmHistoryItems[:n]
	}
	return out, err
}
