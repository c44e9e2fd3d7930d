package cloudwatch_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/the-alchemiser/alchemiser/internal/localaws/clock"
	"github.com/the-alchemiser/alchemiser/internal/localaws/cloudwatch"
	"github.com/the-alchemiser/alchemiser/internal/localaws/delivery"
	"github.com/the-alchemiser/alchemiser/internal/localaws/state"
	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

// outbox keeps what alarms send.
type outbox struct{ sent []delivery.Message }

func (o *outbox) Send(_ context.Context, _ string, m delivery.Message) error {
	o.sent = append(o.sent, m)
	return nil
}

type endpoint struct {
	*sdk.Client
	service *cloudwatch.Service
	clock   *clock.Clock
	outbox  outbox
	url     string
}

func open(t *testing.T, store *state.Store) *endpoint {
	t.Helper()
	e := &endpoint{clock: clock.New()}
	e.clock.Set(time.Date(2026, 3, 2, 14, 0, 30, 0, time.UTC))
	s, err := cloudwatch.New(cloudwatch.Config{Store: store, Clock: e.clock, Sender: &e.outbox})
	if err != nil {
		t.Fatal(err)
	}
	known := func(context.Context, string) (wire.Caller, bool) { return wire.Caller{}, true }
	server := httptest.NewServer(wire.NewHandler([]wire.Service{s.API()}, known, log.New(io.Discard, "", 0)))
	t.Cleanup(server.Close)
	e.service, e.url = s, server.URL
	e.Client = sdk.New(sdk.Options{
		Region: "us-east-1", BaseEndpoint: &server.URL, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	})
	return e
}

func memory(t *testing.T) *state.Store {
	t.Helper()
	store, err := state.Open("")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return store
}

func (e *endpoint) statistics(t *testing.T, name string, period int32) []types.Datapoint {
	t.Helper()
	out, err := e.GetMetricStatistics(t.Context(), &sdk.GetMetricStatisticsInput{
		Namespace: aws.String("Test"), MetricName: &name, Period: &period,
		StartTime: aws.Time(e.clock.Now().Add(-time.Hour)), EndTime: aws.Time(e.clock.Now().Add(time.Minute)),
		Statistics: []types.Statistic{"Sum", "Average", "Minimum", "Maximum", "SampleCount"}, ExtendedStatistics: []string{"p50", "p99"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return out.Datapoints
}

func TestStatisticsAreThoseOfWhatWasPut(t *testing.T) {
	t.Parallel()
	store := memory(t)
	e := open(t, store)
	for _, v := range []float64{1, 2, 3, 10} {
		_, err := e.PutMetricData(t.Context(), &sdk.PutMetricDataInput{Namespace: aws.String("Test"), MetricData: []types.MetricDatum{
			{MetricName: aws.String("n"), Value: aws.Float64(v), Timestamp: aws.Time(e.clock.Now())},
		}})
		if err != nil {
			t.Fatal(err)
		}
	}
	e.service.Count("Test", "n", nil, 4, "None")
	check := func(e *endpoint) {
		t.Helper()
		points := e.statistics(t, "n", 60)
		if len(points) != 1 {
			t.Fatalf("datapoints: %+v", points)
		}
		p := points[0]
		if *p.Sum != 20 || *p.Average != 4 || *p.Minimum != 1 || *p.Maximum != 10 || *p.SampleCount != 5 ||
			p.ExtendedStatistics["p50"] != 3 || p.ExtendedStatistics["p99"] != 10 || p.Timestamp.Second() != 0 {
			t.Errorf("datapoint: %+v", p)
		}
	}
	check(e)
	check(open(t, store)) // and survive a restart
	data, err := e.GetMetricData(t.Context(), &sdk.GetMetricDataInput{
		StartTime: aws.Time(e.clock.Now().Add(-time.Hour)), EndTime: aws.Time(e.clock.Now().Add(time.Minute)),
		MetricDataQueries: []types.MetricDataQuery{{Id: aws.String("q"), MetricStat: &types.MetricStat{
			Metric: &types.Metric{Namespace: aws.String("Test"), MetricName: aws.String("n")}, Period: aws.Int32(300), Stat: aws.String("Sum"),
		}}},
	})
	if err != nil || len(data.MetricDataResults) != 1 || len(data.MetricDataResults[0].Values) != 1 || data.MetricDataResults[0].Values[0] != 20 {
		t.Errorf("data: %+v, %v", data, err)
	}
	list, err := e.ListMetrics(t.Context(), &sdk.ListMetricsInput{Namespace: aws.String("Test")})
	if err != nil || len(list.Metrics) != 1 || *list.Metrics[0].MetricName != "n" {
		t.Errorf("metrics: %+v, %v", list, err)
	}
}

func TestDimensionsTellMetricsApart(t *testing.T) {
	t.Parallel()
	e := open(t, memory(t))
	e.service.Count("Test", "n", map[string]string{"A": "1", "B": "2"}, 7, "Count")
	if points := e.statistics(t, "n", 60); len(points) != 0 {
		t.Errorf("a metric without dimensions: %+v", points)
	}
	out, err := e.ListMetrics(t.Context(), &sdk.ListMetricsInput{Dimensions: []types.DimensionFilter{{Name: aws.String("B")}}})
	if err != nil || len(out.Metrics) != 1 || len(out.Metrics[0].Dimensions) != 2 {
		t.Errorf("metrics: %+v, %v", out, err)
	}
}

func TestQueryClientsAreServedToo(t *testing.T) {
	t.Parallel()
	e := open(t, memory(t))
	e.service.Count("Test", "n", nil, 7, "Count")
	form := url.Values{
		"Action": {"GetMetricStatistics"}, "Version": {"2010-08-01"}, "Namespace": {"Test"}, "MetricName": {"n"}, "Period": {"60"},
		"StartTime": {"2026-03-02T14:00:00Z"}, "EndTime": {"2026-03-02T15:00:00Z"}, "Statistics.member.1": {"Sum"},
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, e.url, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/monitoring/aws4_request, SignedHeaders=host, Signature=x")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil || !strings.Contains(string(body), "<Sum>7</Sum>") || !strings.Contains(string(body), "<Timestamp>2026-03-02T14:00:00.000Z</Timestamp>") {
		t.Errorf("%s %v", body, err)
	}
}

func (e *endpoint) alarm(t *testing.T) types.MetricAlarm {
	t.Helper()
	out, err := e.DescribeAlarms(t.Context(), &sdk.DescribeAlarmsInput{AlarmNames: []string{"dlq"}})
	if err != nil || len(out.MetricAlarms) != 1 {
		t.Fatalf("alarms: %+v, %v", out, err)
	}
	return out.MetricAlarms[0]
}

func putAlarm(t *testing.T, e *endpoint) {
	t.Helper()
	_, err := e.PutMetricAlarm(t.Context(), &sdk.PutMetricAlarmInput{
		AlarmName: aws.String("dlq"), Namespace: aws.String("Test"), MetricName: aws.String("n"), Statistic: "Sum", Period: aws.Int32(60),
		EvaluationPeriods: aws.Int32(1), Threshold: aws.Float64(0), ComparisonOperator: "GreaterThanThreshold",
		TreatMissingData: aws.String("notBreaching"), AlarmActions: []string{"arn:aws:sns:us-east-1:000000000000:ops"},
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestAnAlarmActsWhenItsStateChanges(t *testing.T) {
	t.Parallel()
	store := memory(t)
	e := open(t, store)
	putAlarm(t, e)
	if a := e.alarm(t); a.StateValue != "INSUFFICIENT_DATA" || *a.StateReason != "Unchecked: Initial alarm creation" {
		t.Errorf("new alarm: %+v", a)
	}
	e.service.Count("Test", "n", nil, 2, "Count")
	e.clock.Set(e.clock.Now().Add(time.Minute))
	for range 3 { // once, however often it is looked at
		if err := e.service.Evaluate(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if a := e.alarm(t); a.StateValue != "ALARM" {
		t.Errorf("state: %s, %s", a.StateValue, *a.StateReason)
	}
	if len(e.outbox.sent) != 1 {
		t.Fatalf("sent: %+v", e.outbox.sent)
	}
	m := e.outbox.sent[0]
	var body struct {
		AlarmName, NewStateValue, OldStateValue, NewStateReason string
		Trigger                                                 struct{ Statistic string }
	}
	if err := json.Unmarshal(m.Body, &body); err != nil {
		t.Fatal(err)
	}
	const reason = "Threshold Crossed: 1 out of the last 1 datapoints [2.0 (02/03/26 14:00:00)] was greater than the threshold (0.0) (minimum 1 datapoint for OK -> ALARM transition)."
	if !strings.Contains(m.Mail, "has entered the ALARM state") || m.Subject != `ALARM: "dlq" in US East (N. Virginia)` || m.Principal != "cloudwatch.amazonaws.com" || body.AlarmName != "dlq" ||
		body.NewStateValue != "ALARM" || body.OldStateValue != "INSUFFICIENT_DATA" || body.NewStateReason != reason || body.Trigger.Statistic != "SUM" {
		t.Errorf("%q: %s", m.Subject, m.Body)
	}
	again := open(t, store)
	again.clock.Set(e.clock.Now().Add(5 * time.Minute))
	if err := again.service.Evaluate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if a := again.alarm(t); a.StateValue != "OK" || len(again.outbox.sent) != 0 {
		t.Errorf("state: %s, sent: %v", a.StateValue, again.outbox.sent)
	}
	history, err := again.DescribeAlarmHistory(t.Context(), &sdk.DescribeAlarmHistoryInput{AlarmName: aws.String("dlq")})
	if err != nil || len(history.AlarmHistoryItems) != 3 || *history.AlarmHistoryItems[0].HistorySummary != "Alarm updated from ALARM to OK" {
		t.Errorf("history: %+v, %v", history, err)
	}
}

func TestDisabledActionsAreNotCarriedOut(t *testing.T) {
	t.Parallel()
	e := open(t, memory(t))
	putAlarm(t, e)
	set := func(to types.StateValue) {
		t.Helper()
		if _, err := e.SetAlarmState(t.Context(), &sdk.SetAlarmStateInput{AlarmName: aws.String("dlq"), StateValue: to, StateReason: aws.String("drill")}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := e.DisableAlarmActions(t.Context(), &sdk.DisableAlarmActionsInput{AlarmNames: []string{"dlq"}}); err != nil {
		t.Fatal(err)
	}
	set("ALARM")
	if len(e.outbox.sent) != 0 {
		t.Errorf("sent: %+v", e.outbox.sent)
	}
	if _, err := e.EnableAlarmActions(t.Context(), &sdk.EnableAlarmActionsInput{AlarmNames: []string{"dlq"}}); err != nil {
		t.Fatal(err)
	}
	set("OK")
	set("ALARM")
	if len(e.outbox.sent) != 1 {
		t.Errorf("sent: %+v", e.outbox.sent)
	}
	if _, err := e.DeleteAlarms(t.Context(), &sdk.DeleteAlarmsInput{AlarmNames: []string{"dlq"}}); err != nil {
		t.Error(err)
	}
	var missing *types.ResourceNotFound
	if _, err := e.DeleteAlarms(t.Context(), &sdk.DeleteAlarmsInput{AlarmNames: []string{"dlq"}}); !errors.As(err, &missing) {
		t.Errorf("a deleted alarm: %v", err)
	}
}

// The cases are those of the page on missing data: - stands for nothing, 0 for a value that does not breach, X for one
// that does. https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
func TestMissingDataIsTreatedAsDocumented(t *testing.T) {
	t.Parallel()
	const was = "AS IT WAS"
	for _, tt := range []struct {
		points                                   string
		m                                        int
		missing, ignore, breaching, notBreaching string
	}{
		{"0-X-X", 3, "OK", "OK", "OK", "OK"},
		{"0----", 3, "OK", "OK", "OK", "OK"},
		{"-----", 3, "INSUFFICIENT_DATA", was, "ALARM", "OK"},
		{"0XX-X", 3, "ALARM", "ALARM", "ALARM", "ALARM"},
		{"--X--", 3, "ALARM", was, "ALARM", "OK"},
		{"0-X-X", 2, "ALARM", "ALARM", "ALARM", "ALARM"},
		{"00X0X", 2, "ALARM", "ALARM", "ALARM", "ALARM"},
		{"0-X--", 2, "OK", "OK", "ALARM", "OK"},
		{"----0", 2, "OK", "OK", "ALARM", "OK"},
		{"----X", 2, "ALARM", was, "ALARM", "OK"},
	} {
		var values []float64
		for _, c := range tt.points {
			switch c {
			case '0':
				values = append(values, 0)
			case 'X':
				values = append(values, 2)
			}
		}
		values = values[max(0, len(values)-3):]
		for treatment, want := range map[string]string{"missing": tt.missing, "": tt.missing, "ignore": tt.ignore, "breaching": tt.breaching, "notBreaching": tt.notBreaching} {
			d := cloudwatch.AlarmDefinition{
				EvaluationPeriods: 3, DatapointsToAlarm: tt.m, Threshold: aws.Float64(1), ComparisonOperator: "GreaterThanThreshold", TreatMissingData: treatment,
			}
			if got := cloudwatch.Judge(d, values, was); got != want {
				t.Errorf("%s, %d of 3, %q: %s, want %s", tt.points, tt.m, treatment, got, want)
			}
		}
	}
}

func TestDashboardsAndTagsAreKept(t *testing.T) {
	t.Parallel()
	e := open(t, memory(t))
	put := func(body string) error {
		_, err := e.PutDashboard(t.Context(), &sdk.PutDashboardInput{DashboardName: aws.String("today"), DashboardBody: &body})
		return err
	}
	var bad *types.DashboardInvalidInputError
	if err := put("[]"); !errors.As(err, &bad) {
		t.Errorf("a body that is no object: %v", err)
	}
	if err := put(`{"widgets":[]}`); err != nil {
		t.Fatal(err)
	}
	got, err := e.GetDashboard(t.Context(), &sdk.GetDashboardInput{DashboardName: aws.String("today")})
	if err != nil || *got.DashboardBody != `{"widgets":[]}` {
		t.Fatalf("%+v, %v", got, err)
	}
	if _, err := e.TagResource(t.Context(), &sdk.TagResourceInput{ResourceARN: got.DashboardArn, Tags: []types.Tag{{Key: aws.String("k"), Value: aws.String("v")}}}); err != nil {
		t.Error(err)
	}
	tags, err := e.ListTagsForResource(t.Context(), &sdk.ListTagsForResourceInput{ResourceARN: got.DashboardArn})
	if err != nil || len(tags.Tags) != 1 {
		t.Errorf("tags: %+v, %v", tags, err)
	}
	if _, err := e.UntagResource(t.Context(), &sdk.UntagResourceInput{ResourceARN: got.DashboardArn, TagKeys: []string{"k"}}); err != nil {
		t.Error(err)
	}
	list, err := e.ListDashboards(t.Context(), &sdk.ListDashboardsInput{})
	if err != nil || len(list.DashboardEntries) != 1 {
		t.Errorf("list: %+v, %v", list, err)
	}
	if _, err := e.DeleteDashboards(t.Context(), &sdk.DeleteDashboardsInput{DashboardNames: []string{"today"}}); err != nil {
		t.Error(err)
	}
	var missing *types.DashboardNotFoundError
	if _, err := e.GetDashboard(t.Context(), &sdk.GetDashboardInput{DashboardName: aws.String("today")}); !errors.As(err, &missing) {
		t.Errorf("a deleted dashboard: %v", err)
	}
}

func TestDataThatCannotBeIsRefused(t *testing.T) {
	t.Parallel()
	e := open(t, memory(t))
	for name, in := range map[string]*sdk.PutMetricDataInput{
		"reserved namespace": {Namespace: aws.String("AWS/SQS"), MetricData: []types.MetricDatum{{MetricName: aws.String("n"), Value: aws.Float64(1)}}},
		"no value":           {Namespace: aws.String("Test"), MetricData: []types.MetricDatum{{MetricName: aws.String("n")}}},
		"too old":            {Namespace: aws.String("Test"), MetricData: []types.MetricDatum{{MetricName: aws.String("n"), Value: aws.Float64(1), Timestamp: aws.Time(e.clock.Now().Add(-15 * 24 * time.Hour))}}},
		"counts":             {Namespace: aws.String("Test"), MetricData: []types.MetricDatum{{MetricName: aws.String("n"), Values: []float64{1, 2}, Counts: []float64{1}}}},
	} {
		var refused *types.InvalidParameterValueException
		if _, err := e.PutMetricData(t.Context(), in); !errors.As(err, &refused) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCallsNeedThePermissionsOfTheAuthorizationReference(t *testing.T) {
	t.Parallel()
	const alarm, dashboard = "arn:aws:cloudwatch:us-east-1:000000000000:alarm:", "arn:aws:cloudwatch::000000000000:dashboard/"
	tests := map[string]struct {
		in   any
		want string
	}{
		"PutMetricData":        {cloudwatch.PutMetricDataInput{Namespace: "n"}, "*"},
		"GetMetricData":        {cloudwatch.DataInput{}, "*"},
		"GetMetricStatistics":  {cloudwatch.StatisticsInput{}, "*"},
		"ListMetrics":          {cloudwatch.ListInput{}, "*"},
		"ListDashboards":       {cloudwatch.ListDashboardsInput{}, "*"},
		"PutMetricAlarm":       {cloudwatch.PutAlarmInput{AlarmDefinition: cloudwatch.AlarmDefinition{AlarmName: "a"}}, alarm + "a"},
		"DescribeAlarms":       {cloudwatch.DescribeAlarmsInput{}, alarm + "*"},
		"DescribeAlarmHistory": {cloudwatch.HistoryInput{AlarmName: "a"}, alarm + "a"},
		"DeleteAlarms":         {cloudwatch.AlarmsInput{AlarmNames: []string{"a"}}, alarm + "a"},
		"EnableAlarmActions":   {cloudwatch.AlarmsInput{AlarmNames: []string{"a"}}, alarm + "a"},
		"DisableAlarmActions":  {cloudwatch.AlarmsInput{AlarmNames: []string{"a"}}, alarm + "a"},
		"SetAlarmState":        {cloudwatch.SetStateInput{AlarmName: "a"}, alarm + "a"},
		"PutDashboard":         {cloudwatch.DashboardInput{DashboardName: "d"}, dashboard + "d"},
		"GetDashboard":         {cloudwatch.DashboardInput{DashboardName: "d"}, dashboard + "d"},
		"DeleteDashboards":     {cloudwatch.DeleteDashboardsInput{DashboardNames: []string{"d"}}, dashboard + "d"},
		"ListTagsForResource":  {cloudwatch.TagInput{ResourceARN: alarm + "a"}, alarm + "a"},
		"TagResource":          {cloudwatch.TagInput{ResourceARN: alarm + "a"}, alarm + "a"},
		"UntagResource":        {cloudwatch.TagInput{ResourceARN: alarm + "a"}, alarm + "a"},
	}
	api := open(t, memory(t)).service.API()
	for _, op := range api.Operations {
		tt, ok := tests[op.Name]
		if !ok {
			t.Errorf("%s: no test says what permission it needs", op.Name)
			continue
		}
		needs := api.Access(t.Context(), op.Name, tt.in)
		if len(needs) != 1 || needs[0].Action != "cloudwatch:"+op.Name || needs[0].Resource != tt.want {
			t.Errorf("%s: %+v", op.Name, needs)
		}
	}
}

// BenchmarkCount is on the path of every event and invocation.
func BenchmarkCount(b *testing.B) {
	store, err := state.Open("")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = store.Close() })
	s, err := cloudwatch.New(cloudwatch.Config{Store: store, Clock: clock.New(), Sender: &outbox{}})
	if err != nil {
		b.Fatal(err)
	}
	dimensions := map[string]string{"RuleName": "r", "EventBusName": "b"}
	b.ReportAllocs()
	for b.Loop() {
		s.Count("AWS/Events", "Invocations", dimensions, 1, "Count")
	}
}
