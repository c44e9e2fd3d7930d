// Package cloudwatch is Amazon CloudWatch: metrics by the minute, statistics, alarms on one metric with their actions,
// and dashboards.
//
// It does not do metric math, composite alarms, anomaly detection and metric streams; requests for them are refused.
//
// API: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/Welcome.html
package cloudwatch

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/the-alchemiser/alchemiser/internal/localaws/clock"
	"github.com/the-alchemiser/alchemiser/internal/localaws/delivery"
	"github.com/the-alchemiser/alchemiser/internal/localaws/metrics"
	"github.com/the-alchemiser/alchemiser/internal/localaws/state"
	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

// Config is what the service needs. All fields are required.
type Config struct {
	Store *state.Store
	Clock *clock.Clock
	// Sender delivers the actions of alarms.
	Sender delivery.Sender
}

// Service is CloudWatch. It is safe for concurrent use.
type Service struct {
	cfg        Config
	points     state.Table[point]
	known      state.Table[metric]
	alarms     state.Table[alarm]
	history    state.Table[HistoryItem]
	dashboards state.Table[dashboard]

	// mu guards pending and series. flushing is held while pending totals go to the store, before mu.
	mu       sync.Mutex
	flushing sync.Mutex
	pending  map[string]*point
	series   map[string]metric

	// changing makes changes of alarms and dashboards one at a time.
	changing sync.Mutex
}

var _ metrics.Sink = (*Service)(nil)

// New returns the service with what the store holds.
func New(cfg Config) (*Service, error) {
	if cfg.Store == nil || cfg.Clock == nil || cfg.Sender == nil {
		return nil, errors.New("cloudwatch: store, clock and sender are required")
	}
	s := &Service{
		cfg:        cfg,
		points:     state.NewTable[point](cfg.Store, "cloudwatch.points"),
		known:      state.NewTable[metric](cfg.Store, "cloudwatch.metrics"),
		alarms:     state.NewTable[alarm](cfg.Store, "cloudwatch.alarms"),
		history:    state.NewTable[HistoryItem](cfg.Store, "cloudwatch.history"),
		dashboards: state.NewTable[dashboard](cfg.Store, "cloudwatch.dashboards"),
		pending:    map[string]*point{}, series: map[string]metric{},
	}
	err := s.known.Scan("", "", func(id string, m metric) bool { s.series[id] = m; return true })
	if err != nil {
		return nil, fmt.Errorf("load metrics: %w", err)
	}
	return s, nil
}

const (
	flushEvery = time.Second
	// evaluateEvery is how often alarms are looked at, as on AWS for periods of a minute and more.
	evaluateEvery = 10 * time.Second
	retention     = 15 * 24 * time.Hour
)

// Run writes totals to the store, evaluates alarms and forgets old data until ctx ends. Moving the clock evaluates the
// alarms at once.
func (s *Service) Run(ctx context.Context) error {
	flush, evaluate, expire := time.NewTicker(flushEvery), time.NewTicker(evaluateEvery), time.NewTicker(time.Hour)
	defer flush.Stop()
	defer evaluate.Stop()
	defer expire.Stop()
	for {
		var err error
		moved := s.cfg.Clock.Changed()
		select {
		case <-ctx.Done():
			return s.flush()
		case <-flush.C:
			err = s.flush()
		case <-evaluate.C:
			err = s.Evaluate(ctx)
		case <-moved:
			err = s.Evaluate(ctx)
		case <-expire.C:
			err = s.expire()
		}
		if err != nil {
			return err
		}
	}
}

// Inventory returns the ARNs of the alarms and dashboards.
func (s *Service) Inventory() ([]string, error) {
	var arns []string
	err := errors.Join(
		s.alarms.Scan("", "", func(name string, _ alarm) bool { arns = append(arns, alarmARN(name)); return true }),
		s.dashboards.Scan("", "", func(name string, _ dashboard) bool { arns = append(arns, dashboardARN(name)); return true }),
	)
	return arns, err
}

func invalid(format string, args ...any) *wire.Error {
	return &wire.Error{
		Code: "InvalidParameterValueException", Message: fmt.Sprintf(format, args...), QueryCode: "InvalidParameterValue;Sender",
	}
}

// API returns the operations.
func (s *Service) API() wire.Service {
	return wire.Service{
		Name: "monitoring", Protocol: wire.JSON10, Target: "GraniteServiceVersion20100801",
		Version: "2010-08-01", Namespace: "http://monitoring.amazonaws.com/doc/2010-08-01/", Access: s.access,
		Gaps: []string{
			"There are no composite alarms, anomaly detectors, insight rules and metric streams: a client gets UnknownOperationException.",
			"Data is kept by the minute for 15 days, whatever its storage resolution, and not beyond.",
			"No alarm publishes an event on the default bus.",
		},
		Operations: []wire.Operation{
			wire.Op("PutMetricData", s.putMetricData).But("Percentiles are exact up to 500 different values a minute and ignore the others."),
			wire.Op("GetMetricData", s.getMetricData).But("Expressions are refused; LabelOptions are ignored and all datapoints come in one answer."),
			wire.Op("GetMetricStatistics", s.getMetricStatistics),
			wire.Op("ListMetrics", s.listMetrics).But("All metrics come in one answer."),
			wire.Op("PutMetricAlarm", s.putMetricAlarm).But("Metric math and anomaly bands are refused; periods of less than a minute are taken as a minute."),
			wire.Op("DescribeAlarms", s.describeAlarms).But("All alarms come in one answer."),
			wire.Op("DescribeAlarmHistory", s.describeHistory).But("Only state updates and actions are noted, the last 1,000 of them."),
			wire.Op("DeleteAlarms", s.deleteAlarms),
			wire.Op("SetAlarmState", s.setAlarmState),
			wire.Op("EnableAlarmActions", s.enableActions),
			wire.Op("DisableAlarmActions", s.disableActions),
			wire.Op("PutDashboard", s.putDashboard).But("Only that the body is a JSON object is checked."),
			wire.Op("GetDashboard", s.getDashboard),
			wire.Op("ListDashboards", s.listDashboards),
			wire.Op("DeleteDashboards", s.deleteDashboards),
			wire.Op("ListTagsForResource", s.listTags),
			wire.Op("TagResource", s.tagResource),
			wire.Op("UntagResource", s.untagResource),
		},
	}
}
