package health_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	eventtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	schedulertypes "github.com/aws/aws-sdk-go-v2/service/scheduler/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"

	"github.com/the-alchemiser/alchemiser/cmd/alchemiser/health"
	"github.com/the-alchemiser/alchemiser/internal/monitor"
	"github.com/the-alchemiser/alchemiser/internal/naming"
	"github.com/the-alchemiser/alchemiser/internal/store"
)

var update = flag.Bool("update", false, "write the golden files anew")

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), string(got)); d != "" {
		t.Errorf("%s (-want +got; -update writes it anew):\n%s", name, d)
	}
}

func TestAStatusOnOneScreen(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 2, 21, 0, 0, 0, time.UTC)
	long := "completed with 13 orders: 13 of 13 trades done: sold 1000.00, bought 98975.54 US dollars, which cost 0.00 against the prices on arrival"
	for name, s := range map[string]health.Status{
		"well.txt": {
			Stage: "prod", Account: "123456789012", Region: "us-east-1", At: now, Mode: "live", Trading: "on",
			Functions:   []health.Function{{Name: "strategy", Version: "12"}, {Name: "portfolio", Version: "9"}, {Name: "execution", Version: "12"}, {Name: "monitor", Version: "12"}},
			DeadLetters: map[string]int{"bus": 0, "strategy": 0},
			Alarms:      []health.Alarm{{Name: "workflow-failed", State: "OK"}, {Name: "strategy-slow", State: "INSUFFICIENT_DATA"}},
			Next:        &health.Run{At: time.Date(2026, 3, 3, 15, 45, 0, 0, time.UTC), Schedule: "start-regular"},
			Portfolio:   &health.Value{USD: decimal.RequireFromString("102345.6"), At: now.Add(-15 * time.Minute)},
			Workflows: []health.Workflow{
				{ID: "run-main-2026-03-02T20:45:00Z", State: monitor.StateCompleted, TradingDate: "2026-03-02", Started: now.Add(-15 * time.Minute), Last: long},
				{ID: "run-main-2026-03-02T17:45:00Z", State: monitor.StateNothingToDo, TradingDate: "2026-03-02", Started: now.Add(-4 * time.Hour), Last: "nothing to do"},
			},
		},
		"ill.txt": {
			Stage: "prod", Account: "123456789012", Region: "us-east-1", At: now, Trading: "off", RulesOff: []string{"alchemiser-rebalance-planned-prod"},
			DeadLetters: map[string]int{"bus": 1, "execution": 3},
			Alarms:      []health.Alarm{{Name: "workflow-failed", State: "ALARM", Since: now.Add(-90 * time.Minute)}, {Name: "execution-dead-letters", State: "ALARM", Since: now.Add(-50 * time.Hour)}},
			Troubles:    []string{"functions: stage prod: no functions are deployed: alchemiser-strategy-prod is not there"},
		},
	} {
		var out bytes.Buffer
		if err := s.Write(&out); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(out.String()) {
			if n := len([]rune(strings.TrimRight(line, "\n"))); n > 100 {
				t.Errorf("%s: a line has %d columns: %s", name, n, line)
			}
		}
		golden(t, name, out.Bytes())
	}
}

// A run trades on the next day with a session: not on a weekend, not on a holiday, and at 12:45 where the session ends early.
func TestTheNextRunIsTheNextThatTrades(t *testing.T) {
	t.Parallel()
	d := newDeployment(t)
	for now, want := range map[string]string{
		"2026-03-02T15:00:00-05:00": "2026-03-02T15:45:00-05:00 start-regular",     // a Monday
		"2026-03-02T15:45:00-05:00": "2026-03-03T15:45:00-05:00 start-regular",     // just started
		"2026-03-06T16:00:00-05:00": "2026-03-09T15:45:00-04:00 start-regular",     // over a weekend with a change of the clock
		"2026-11-25T16:00:00-05:00": "2026-11-27T12:45:00-05:00 start-early-close", // Thanksgiving, and an early close
		"2026-12-24T13:00:00-05:00": "2026-12-28T15:45:00-05:00 start-regular",     // Christmas
	} {
		at, err := time.Parse(time.RFC3339, now)
		if err != nil {
			t.Fatal(err)
		}
		s := d.reader(at).Status(t.Context())
		if s.Next == nil {
			t.Errorf("after %s there is none: %v", now, s.Troubles)
		} else if got := s.Next.At.Format(time.RFC3339) + " " + s.Next.Schedule; got != want {
			t.Errorf("after %s: %s, want %s", now, got, want)
		}
	}
	d.schedule("start-regular", func(s *scheduler.UpdateScheduleInput) { s.State = schedulertypes.ScheduleStateDisabled })
	at := time.Date(2026, 11, 28, 0, 0, 0, 0, time.UTC)
	if s := d.reader(at).Status(t.Context()); s.Next == nil || s.Next.Schedule != "start-early-close" || s.Next.At.Format(time.DateOnly) != "2026-12-24" {
		t.Errorf("with the regular schedule off: %+v", s.Next)
	}
}

func TestAStatusIsReadFromTheStage(t *testing.T) {
	t.Parallel()
	d := newDeployment(t)
	now := time.Now()
	table, err := store.New(store.Config{Client: d.table, Table: stage.Table(), Now: func() time.Time { return now.AddDate(0, 0, -1) }})
	if err != nil {
		t.Fatal(err)
	}
	for i, id := range []string{"run-1", "run-2", "run-3", "run-4", "run-5", "run-6"} {
		d.must(table.Record(t.Context(), monitor.Entry{EventID: id, CorrelationID: id, Type: "WorkflowFailed", At: now.Add(time.Duration(i-60) * time.Minute), State: monitor.StateFailed, Summary: "broken"}))
	}
	d.must(d.sqs.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: d.queueURL(stage.DeadLetters(naming.Execution)), MessageBody: aws.String("x")}))
	d.must(d.metrics.SetAlarmState(t.Context(), &cloudwatch.SetAlarmStateInput{AlarmName: aws.String(stage.AlarmPrefix() + "workflow-failed"), StateValue: cwtypes.StateValueAlarm, StateReason: aws.String("test")}))
	for back, value := range map[time.Duration]float64{time.Hour: 102_345.6, 25 * time.Hour: 99_000} {
		d.must(d.metrics.PutMetricData(t.Context(), &cloudwatch.PutMetricDataInput{Namespace: aws.String("Alchemiser"), MetricData: []cwtypes.MetricDatum{{
			MetricName: aws.String("PortfolioValue"), Timestamp: aws.Time(now.Add(-back)), Value: aws.Float64(value),
			Dimensions: []cwtypes.Dimension{{Name: aws.String("Stage"), Value: aws.String(string(stage))}},
		}}}))
	}
	d.rule(stage.Rule(naming.Execution), eventtypes.RuleStateDisabled)
	d.parameter(stage.TradingSwitch(), "false", ssmtypes.ParameterTypeString)

	s := d.reader(now).Status(t.Context())
	if len(s.Troubles) > 0 || s.Mode != "live" || s.Trading != "off" || len(s.Functions) != 4 || s.Functions[3] != (health.Function{Name: "monitor", Version: "1"}) {
		t.Errorf("troubles %q, mode %s, trading %s, functions %v", s.Troubles, s.Mode, s.Trading, s.Functions)
	}
	var ids []string
	for _, w := range s.Workflows {
		ids = append(ids, w.ID)
	}
	if diff := cmp.Diff([]string{"run-6", "run-5", "run-4", "run-3", "run-2"}, ids); diff != "" {
		t.Errorf("workflows (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{stage.Rule(naming.Execution)}, s.RulesOff); diff != "" {
		t.Errorf("rules off (-want +got):\n%s", diff)
	}
	if s.DeadLetters["execution"] != 1 || s.DeadLetters["monitor"] != 0 {
		t.Errorf("dead letters %v", s.DeadLetters)
	}
	if s.Portfolio == nil || s.Portfolio.USD.String() != "102345.6" {
		t.Errorf("portfolio %+v, want the last value", s.Portfolio)
	}
	loud := 0
	for _, a := range s.Alarms {
		if a.State == "ALARM" && a.Name == "workflow-failed" {
			loud++
		}
	}
	if loud != 1 || len(s.Alarms) != 32 {
		t.Errorf("%d of %d alarms are ours and loud, want 1 of 32", loud, len(s.Alarms))
	}
	d.must(d.sqs.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String(stage.HostQueue())}))
	if s := d.reader(now).Status(t.Context()); s.Mode != "hosted" {
		t.Errorf("with a queue for the process the mode is %s", s.Mode)
	}
}

// Whatever cannot be read, the rest is shown.
func TestAStageThatIsGoneIsAllTrouble(t *testing.T) {
	t.Parallel()
	d := newDeployment(t)
	s := health.NewReader(d.cfg, "other", account, time.Now).Status(t.Context())
	if len(s.Troubles) != 6 || s.Portfolio != nil || len(s.Alarms) != 0 {
		t.Errorf("troubles %q", s.Troubles)
	}
}

// The doctor and Terraform must mean the same alarms.
func TestTerraformMakesTheseAlarms(t *testing.T) {
	t.Parallel()
	var code strings.Builder
	for _, module := range []string{"function", "observability"} {
		raw, err := os.ReadFile(filepath.Join("..", "..", "..", "terraform", "modules", module, "alarms.tf"))
		if err != nil {
			t.Fatal(err)
		}
		code.Write(raw)
	}
	for _, name := range []string{
		"dead-letters", "undelivered", "destination-failures", "dropped-events", "errors", "throttles", "slow",
		"workflow-failed", "workflow-stalled", "event-dead-letters", "rebalance-overdue",
	} {
		if !strings.Contains(code.String(), "    "+name+" = {") {
			t.Errorf("Terraform makes no alarm %s", name)
		}
	}
}
