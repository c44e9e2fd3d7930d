// Package health says how a stage is: its state on one screen, its figures, and what is misconfigured. It reads by AWS's APIs
// alone and changes nothing.
package health

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/shopspring/decimal"

	"github.com/the-alchemiser/alchemiser/cmd/alchemiser/deadletters"
	"github.com/the-alchemiser/alchemiser/cmd/alchemiser/deployed"
	"github.com/the-alchemiser/alchemiser/cmd/alchemiser/rules"
	"github.com/the-alchemiser/alchemiser/internal/monitor"
	"github.com/the-alchemiser/alchemiser/internal/naming"
	"github.com/the-alchemiser/alchemiser/internal/secret"
	"github.com/the-alchemiser/alchemiser/internal/store"
	"github.com/the-alchemiser/alchemiser/pkg/market"
)

// Status is a stage on one screen.
type Status struct {
	Stage   string    `json:"stage"`
	Account string    `json:"account"`
	Region  string    `json:"region"`
	At      time.Time `json:"at"`
	// Mode is that of Terraform: "live", "shadow" or "hosted".
	Mode      string     `json:"mode"`
	Functions []Function `json:"functions"`
	// Trading is the kill switch: "on" or "off".
	Trading string `json:"trading"`
	// RulesOff are the rules that bring no events.
	RulesOff []string `json:"rules_off"`
	// Workflows are the last ones, the latest first.
	Workflows []Workflow `json:"workflows"`
	// DeadLetters counts the messages of each queue.
	DeadLetters map[string]int `json:"dead_letters"`
	Alarms      []Alarm        `json:"alarms"`
	// Next is the next run that will trade, Portfolio what the last one left; nil if there is none.
	Next      *Run   `json:"next_run"`
	Portfolio *Value `json:"portfolio"`
	// Troubles are the parts that could not be read, and why.
	Troubles []string `json:"troubles"`
}

// Function is a deployed function.
type Function struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

// Workflow is a run.
type Workflow struct {
	ID          string        `json:"id"`
	State       monitor.State `json:"state"`
	TradingDate market.Date   `json:"trading_date"`
	Started     time.Time     `json:"started"`
	Last        string        `json:"last"`
}

// Alarm is an alarm of the stage, by its name without the stage.
type Alarm struct {
	Name  string    `json:"name"`
	State string    `json:"state"`
	Since time.Time `json:"since"`
}

// Value is what the portfolio was worth.
type Value struct {
	USD decimal.Decimal `json:"usd"`
	At  time.Time       `json:"at"`
}

// Reader reads the health of one stage. It changes nothing and is safe for concurrent use.
type Reader struct {
	cfg     aws.Config
	stage   naming.Stage
	account string
	now     func() time.Time
}

// NewReader returns a reader of a stage in an account.
func NewReader(cfg aws.Config, stage naming.Stage, account string, now func() time.Time) *Reader {
	return &Reader{cfg: cfg, stage: stage, account: account, now: now}
}

// Status reads all parts at once. A part that cannot be read is a trouble and keeps no other from being shown: a status is
// asked for when something is broken.
func (r *Reader) Status(ctx context.Context) Status {
	s := Status{
		Stage: string(r.stage), Account: r.account, Region: r.cfg.Region, At: r.now().UTC(),
		Functions: []Function{}, RulesOff: []string{}, Workflows: []Workflow{}, Alarms: []Alarm{}, Troubles: []string{},
	}
	var mu sync.Mutex
	var wait sync.WaitGroup
	for name, part := range map[string]func(context.Context, *Status) error{
		"functions": r.functions, "trading switch": r.trading, "rules": r.rulesOff, "workflows": r.workflows, "dead letters": r.deadLetters,
		"alarms": r.alarms, "next run": r.next, "portfolio": r.portfolio,
	} {
		wait.Go(func() {
			if err := part(ctx, &s); err != nil {
				mu.Lock()
				defer mu.Unlock()
				s.Troubles = append(s.Troubles, name+": "+err.Error())
			}
		})
	}
	wait.Wait()
	slices.Sort(s.Troubles)
	return s
}

// functions reads what runs, and from it the mode.
func (r *Reader) functions(ctx context.Context, s *Status) error {
	all, err := deployed.Functions(ctx, r.cfg, r.stage)
	if err != nil {
		return err
	}
	for _, f := range all {
		s.Functions = append(s.Functions, Function{f.Name, f.Version})
	}
	s.Mode, err = r.mode(ctx, all)
	return err
}

// mode returns Terraform's: only a hosted stage has the queue from which a process takes events.
func (r *Reader) mode(ctx context.Context, functions []deployed.Function) (string, error) {
	_, err := sqs.NewFromConfig(r.cfg).GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: aws.String(r.stage.HostQueue())})
	var none *sqstypes.QueueDoesNotExist
	switch {
	case err == nil:
		return "hosted", nil
	case !errors.As(err, &none):
		return "", fmt.Errorf("look for queue %s: %w", r.stage.HostQueue(), err)
	}
	return functions[0].Environment["MODE"], nil
}

func (r *Reader) trading(ctx context.Context, s *Status) error {
	kill, err := secret.NewSwitch(ssm.NewFromConfig(r.cfg), string(r.stage))
	if err != nil {
		return err
	}
	on, err := kill.TradingEnabled(ctx)
	if err != nil {
		return err
	}
	s.Trading = "off"
	if on {
		s.Trading = "on"
	}
	return nil
}

func (r *Reader) rulesOff(ctx context.Context, s *Status) error {
	all, err := rules.New(r.cfg, r.stage).List(ctx)
	if err != nil {
		return err
	}
	for _, rule := range all {
		if !rule.Enabled {
			s.RulesOff = append(s.RulesOff, rule.Name)
		}
	}
	return nil
}

// What the screen shows of the workflows, and how far it looks back for them.
const (
	workflowsShown  = 5
	daysOfWorkflows = 14
)

func (r *Reader) workflows(ctx context.Context, s *Status) error {
	table, err := store.New(store.Config{Client: dynamodb.NewFromConfig(r.cfg), Table: r.stage.Table(), Now: r.now})
	if err != nil {
		return err
	}
	for back := range daysOfWorkflows {
		day, err := table.Day(ctx, market.DateOf(r.now().UTC().AddDate(0, 0, -back)))
		if err != nil {
			return err
		}
		slices.SortFunc(day, func(a, b monitor.Workflow) int { return b.StartedAt.Compare(a.StartedAt) })
		for _, w := range day {
			s.Workflows = append(s.Workflows, Workflow{w.CorrelationID, w.State, w.TradingDate, w.StartedAt.UTC(), w.LastSummary})
			if len(s.Workflows) == workflowsShown {
				return nil
			}
		}
	}
	return nil
}

func (r *Reader) deadLetters(ctx context.Context, s *Status) error {
	box, err := deadletters.Open(ctx, r.cfg, r.stage)
	if err != nil {
		return err
	}
	s.DeadLetters, err = box.Count(ctx)
	return err
}

func (r *Reader) alarms(ctx context.Context, s *Status) error {
	all, err := r.stageAlarms(ctx)
	for _, a := range all {
		s.Alarms = append(s.Alarms, Alarm{
			Name:  strings.TrimPrefix(aws.ToString(a.AlarmName), r.stage.AlarmPrefix()),
			State: string(a.StateValue), Since: aws.ToTime(a.StateUpdatedTimestamp).UTC(),
		})
	}
	return err
}

// stageAlarms returns the stage's alarms. A stage whose name continues this one's has alarms with the same beginning, but they
// look at something else.
func (r *Reader) stageAlarms(ctx context.Context) ([]types.MetricAlarm, error) {
	var all []types.MetricAlarm
	pages := cloudwatch.NewDescribeAlarmsPaginator(cloudwatch.NewFromConfig(r.cfg), &cloudwatch.DescribeAlarmsInput{AlarmNamePrefix: aws.String(r.stage.AlarmPrefix())})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("read the alarms: %w", err)
		}
		all = append(all, page.MetricAlarms...)
	}
	return slices.DeleteFunc(all, func(a types.MetricAlarm) bool {
		return !slices.ContainsFunc(a.Dimensions, func(d types.Dimension) bool {
			return strings.HasSuffix("-"+aws.ToString(d.Value), "-"+string(r.stage))
		})
	}), nil
}

// valueLife is how far back the portfolio's value is looked for: data by the minute is kept for 15 days.
const valueLife = 14 * 24 * time.Hour

func (r *Reader) portfolio(ctx context.Context, s *Status) error {
	got, err := cloudwatch.NewFromConfig(r.cfg).GetMetricData(ctx, &cloudwatch.GetMetricDataInput{
		StartTime: aws.Time(s.At.Add(-valueLife)), EndTime: aws.Time(s.At.Add(time.Minute)), ScanBy: types.ScanByTimestampDescending,
		MetricDataQueries: []types.MetricDataQuery{{Id: aws.String("value"), MetricStat: &types.MetricStat{
			Period: aws.Int32(60), Stat: aws.String("Maximum"), Metric: r.own("PortfolioValue"),
		}}},
	})
	if err != nil {
		return fmt.Errorf("read the portfolio's value: %w", err)
	}
	if len(got.MetricDataResults) > 0 && len(got.MetricDataResults[0].Values) > 0 {
		first := got.MetricDataResults[0]
		s.Portfolio = &Value{USD: decimal.NewFromFloat(first.Values[0]).Round(2), At: first.Timestamps[0].UTC()}
	}
	return nil
}

// own returns one of the stage's own metrics.
func (r *Reader) own(name string) *types.Metric {
	return &types.Metric{
		Namespace: aws.String(ownNamespace), MetricName: &name,
		Dimensions: []types.Dimension{{Name: aws.String("Stage"), Value: aws.String(string(r.stage))}},
	}
}
