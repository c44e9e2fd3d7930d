package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cloudwatchtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	eventbridgetypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/goccy/go-yaml"
	"github.com/shopspring/decimal"

	"github.com/the-alchemiser/alchemiser/cmd/alchemiser/workflow"
	"github.com/the-alchemiser/alchemiser/internal/stack"
	"github.com/the-alchemiser/alchemiser/pkg/events"
)

const (
	stage = "costs"
	// metricNames is how many metrics there are once each has happened: docs/decisions/0016.
	metricNames = 10
)

// memoryGB is the memory of each function, as terraform/functions.tf gives it.
var memoryGB = map[string]float64{"strategy": 0.5, "portfolio": 0.25, "execution": executionGB, "monitor": 0.25}

// meter reads from the endpoint what AWS would bill.
type meter struct {
	stack     *stack.Stack
	cfg       aws.Config
	workflows *workflow.Client
}

// measure deploys the stack, runs workflows and watchdogs, and writes what one of each used.
func measure(ctx context.Context, file string, runs int) (err error) {
	root, err := os.Getwd()
	if err != nil {
		return err
	}
	s, err := stack.Start(ctx, stack.Config{
		Root: root, Executable: filepath.Join(root, "bin", "alchemiser"), Stage: stage,
		Architecture: map[string]string{"amd64": "x86_64", "arm64": "arm64"}[runtime.GOARCH],
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Stop()) }()
	m := &meter{stack: s, cfg: aws.Config{
		Region: "us-east-1", BaseEndpoint: aws.String(s.Record.URL), Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	}}
	if m.workflows, err = workflow.New(m.cfg, stage); err != nil {
		return err
	}
	if err := s.Terraform.Init(ctx); err != nil {
		return err
	}
	if _, err := ssm.NewFromConfig(m.cfg).PutParameter(ctx, &ssm.PutParameterInput{
		Name: aws.String("/alchemiser/" + stage + "/broker"), Type: ssmtypes.ParameterTypeSecureString,
		Value: aws.String(`{"key_id":"paper","secret_key":"paper"}`),
	}); err != nil {
		return err
	}
	if err := s.Terraform.Apply(ctx, nil); err != nil {
		return err
	}

	u := usage{Measured: time.Now().UTC().Format(time.DateOnly), Runs: runs}
	if err := m.workflow(ctx, 0); err != nil { // cold
		return err
	}
	if u.Workflow, err = m.per(ctx, runs, m.workflow); err != nil {
		return err
	}
	if u.Watchdog, err = m.per(ctx, runs, m.watchdog); err != nil {
		return err
	}
	// One trace for each: a workflow's spans all functions.
	u.Workflow["trace"], u.Watchdog["trace"], u.Workflow["mail"] = decimal.NewFromInt(1), decimal.NewFromInt(1), decimal.NewFromInt(1)
	if u.Stage, err = m.atRest(ctx); err != nil {
		return err
	}
	text, err := yaml.Marshal(u)
	if err != nil {
		return err
	}
	return os.WriteFile(file, append([]byte("# Measured by `make costs MEASURE=1`.\n"), text...), 0o644)
}

// per returns what one of n times of do used.
func (m *meter) per(ctx context.Context, n int, do func(context.Context, int) error) (map[string]decimal.Decimal, error) {
	before, err := m.totals(ctx)
	if err != nil {
		return nil, err
	}
	for i := range n {
		if err := do(ctx, i+1); err != nil {
			return nil, fmt.Errorf("run %d: %w\n%s", i+1, err, m.stack.LogTail())
		}
	}
	after, err := m.totals(ctx)
	if err != nil {
		return nil, err
	}
	used := map[string]decimal.Decimal{}
	for item, total := range after {
		if d := decimal.NewFromFloat((total - before[item]) / float64(n)); d.IsPositive() {
			used[item] = d.Round(max(4, 4-int32(d.NumDigits())-d.Exponent()))
		}
	}
	return used, nil
}

// totals is what was used since the stage is there.
func (m *meter) totals(ctx context.Context) (map[string]float64, error) {
	total := map[string]float64{}
	var errs []error
	sum := func(namespace, name, dimension, value string) float64 {
		out, err := cloudwatch.NewFromConfig(m.cfg).GetMetricStatistics(ctx, &cloudwatch.GetMetricStatisticsInput{
			Namespace: &namespace, MetricName: &name, Dimensions: []cloudwatchtypes.Dimension{{Name: &dimension, Value: &value}},
			StartTime: aws.Time(time.Now().Add(-2 * time.Hour)), EndTime: aws.Time(time.Now().Add(time.Hour)), Period: aws.Int32(3600),
			Statistics: []cloudwatchtypes.Statistic{cloudwatchtypes.StatisticSum},
		})
		errs = append(errs, err)
		all := 0.0
		if err == nil {
			for _, p := range out.Datapoints {
				all += *p.Sum
			}
		}
		return all
	}
	for function, gb := range memoryGB {
		name := "alchemiser-" + function + "-" + stage
		total["invocation"] += sum("AWS/Lambda", "Invocations", "FunctionName", name)
		total["gb_second"] += sum("AWS/Lambda", "Duration", "FunctionName", name) / 1000 * gb
	}
	table := "alchemiser-state-" + stage
	total["write"] = sum("AWS/DynamoDB", "ConsumedWriteCapacityUnits", "TableName", table)
	total["read"] = sum("AWS/DynamoDB", "ConsumedReadCapacityUnits", "TableName", table)
	described, err := dynamodb.NewFromConfig(m.cfg).DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &table})
	if err != nil {
		return nil, errors.Join(append(errs, err)...)
	}
	total["table_storage"] = gigabytes(aws.ToInt64(described.Table.TableSizeBytes))
	return total, errors.Join(append(errs, m.lines(ctx, total))...)
}

func gigabytes(n int64) float64 { return float64(n) / (1 << 30) }

// lines adds the bytes of all log lines, and the events, which are the lines of the event log.
func (m *meter) lines(ctx context.Context, total map[string]float64) error {
	logs := cloudwatchlogs.NewFromConfig(m.cfg)
	groups, err := logs.DescribeLogGroups(ctx, &cloudwatchlogs.DescribeLogGroupsInput{})
	if err != nil {
		return err
	}
	for _, group := range groups.LogGroups {
		pages := cloudwatchlogs.NewFilterLogEventsPaginator(logs, &cloudwatchlogs.FilterLogEventsInput{LogGroupName: group.LogGroupName})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return err
			}
			for _, line := range page.Events {
				// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html: 26 bytes more an event
				total["log"] += gigabytes(int64(len(*line.Message)) + 26)
				if *group.LogGroupName == "/aws/events/alchemiser-"+stage {
					total["event"]++
					total["archive"] += gigabytes(int64(len(*line.Message)))
				}
			}
		}
	}
	return nil
}

// atRest counts what is paid for by its being there.
func (m *meter) atRest(ctx context.Context) (map[string]decimal.Decimal, error) {
	alarms, err := cloudwatch.NewFromConfig(m.cfg).DescribeAlarms(ctx, &cloudwatch.DescribeAlarmsInput{})
	if err != nil {
		return nil, err
	}
	if len(alarms.MetricAlarms) == 0 {
		return nil, errors.New("there is no alarm: the stage is not whole")
	}
	return map[string]decimal.Decimal{
		// Local stacks have no schedules, and so no alarm that a run is overdue.
		"alarm":  decimal.NewFromInt(int64(len(alarms.MetricAlarms)) + 1),
		"metric": decimal.NewFromInt(metricNames), "dashboard": decimal.NewFromInt(1),
	}, nil
}

// watchdog is what the schedule does every five minutes.
func (m *meter) watchdog(ctx context.Context, _ int) error {
	out, err := lambda.NewFromConfig(m.cfg).Invoke(ctx, &lambda.InvokeInput{
		FunctionName: aws.String("alchemiser-monitor-" + stage), Qualifier: aws.String("live"), Payload: []byte(`{"watchdog": true}`),
	})
	if err == nil && out.FunctionError != nil {
		err = fmt.Errorf("the watchdog failed: %s", out.Payload)
	}
	return err
}

// workflow runs a workflow that trades, on an account as it was at first.
func (m *meter) workflow(ctx context.Context, i int) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, m.stack.Record.BrokerURL+"/_control/reset", http.NoBody)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	if err := res.Body.Close(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	id := fmt.Sprintf("run-costs-%d", i)
	put, err := eventbridge.NewFromConfig(m.cfg).PutEvents(ctx, &eventbridge.PutEventsInput{Entries: []eventbridgetypes.PutEventsRequestEntry{{
		EventBusName: aws.String("alchemiser-trading-events-" + stage), Source: aws.String("alchemiser.scheduler"), DetailType: aws.String("WorkflowStarted"),
		Detail: aws.String(fmt.Sprintf(`{"event_id":"start-%s","event_type":"WorkflowStarted","schema_version":"1.0","correlation_id":%[1]q,`+
			`"causation_id":%[1]q,"timestamp":%q,"source_module":"scheduler","source_component":"costs","metadata":{},"portfolio_id":"main-costs-%d"}`,
			id, time.Now().UTC().Format(time.RFC3339), i)),
	}}})
	if err != nil {
		return err
	}
	if put.FailedEntryCount > 0 {
		return fmt.Errorf("not accepted: %s", aws.ToString(put.Entries[0].ErrorMessage))
	}
	traded := false
	passed, err := m.workflows.Follow(ctx, id, func(e workflow.Passed) {
		if x, ok := e.Payload.(events.TradeExecuted); ok {
			traded = len(x.Orders) > 0
		}
	})
	if err != nil {
		return err
	}
	if !traded {
		return errors.New("it placed no orders, so it measures nothing")
	}
	// The monitor has seen the last of it.
	_, err = m.workflows.Timeline(ctx, id, len(passed))
	return err
}
