// Package workflow starts workflows and reads what became of them, through AWS APIs only, so that it works on AWS and
// on the local endpoint alike. The CLI, the end-to-end tests and the benchmarks share it.
package workflow

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	"github.com/aws/aws-sdk-go-v2/service/scheduler/types"
	"github.com/aws/aws-sdk-go-v2/service/xray"

	"github.com/the-alchemiser/alchemiser/internal/monitor"
	"github.com/the-alchemiser/alchemiser/internal/naming"
	"github.com/the-alchemiser/alchemiser/internal/store"
	"github.com/the-alchemiser/alchemiser/pkg/events"
	"github.com/the-alchemiser/alchemiser/pkg/market"
)

// pollInterval is how often a workflow's traces on AWS are looked at while it runs.
const pollInterval = 100 * time.Millisecond

// Client talks to one stage. It is safe for concurrent use.
type Client struct {
	stage     naming.Stage
	scheduler *scheduler.Client
	logs      *cloudwatchlogs.Client
	xray      *xray.Client
	store     *store.Store
}

// New returns a client for the stage that cfg's account holds.
func New(cfg aws.Config, stage naming.Stage) (*Client, error) {
	table, err := store.New(store.Config{Client: dynamodb.NewFromConfig(cfg), Table: stage.Table(), Now: time.Now})
	if err != nil {
		return nil, err
	}
	return &Client{
		stage:     stage,
		scheduler: scheduler.NewFromConfig(cfg),
		logs:      cloudwatchlogs.NewFromConfig(cfg),
		xray:      xray.NewFromConfig(cfg),
		store:     table,
	}, nil
}

// Schedule lets Scheduler start a run in a moment, by a one-off schedule that has the target and the role of the
// deployed one and deletes itself. It returns the correlation id of the run.
func (c *Client) Schedule(ctx context.Context) (string, error) {
	group := aws.String(c.stage.ScheduleGroup())
	deployed, err := c.scheduler.GetSchedule(ctx, &scheduler.GetScheduleInput{
		Name: aws.String(c.stage.Schedule("start-regular")), GroupName: group,
	})
	if err != nil {
		return "", fmt.Errorf("read the deployed schedule: %w", err)
	}
	var start struct {
		PortfolioID string `json:"portfolio_id"`
	}
	if err := json.Unmarshal([]byte(aws.ToString(deployed.Target.Input)), &start); err != nil {
		return "", fmt.Errorf("read the deployed schedule's input: %w", err)
	}
	at := time.Now().UTC().Add(2 * time.Second).Truncate(time.Second)
	_, err = c.scheduler.CreateSchedule(ctx, &scheduler.CreateScheduleInput{
		Name:                       aws.String(c.stage.Schedule(fmt.Sprintf("once-%d", at.Unix()))),
		GroupName:                  group,
		ScheduleExpression:         aws.String("at(" + at.Format("2006-01-02T15:04:05") + ")"),
		ScheduleExpressionTimezone: aws.String("UTC"),
		FlexibleTimeWindow:         &types.FlexibleTimeWindow{Mode: types.FlexibleTimeWindowModeOff},
		ActionAfterCompletion:      types.ActionAfterCompletionDelete,
		Target:                     deployed.Target,
	})
	if err != nil {
		return "", fmt.Errorf("create the one-off schedule: %w", err)
	}
	return "run-" + start.PortfolioID + "-" + at.Format(time.RFC3339), nil
}

// Passed is an event that passed on the bus.
type Passed struct {
	events.Event
	// At is when the bus recorded it.
	At time.Time
}

// Follow reads the events of workflow id from the event log group as they pass, shows each once, and returns them when
// the workflow has ended. Of one that had ended before it shows all of them at once.
func (c *Client) Follow(ctx context.Context, id string, show func(Passed)) ([]Passed, error) {
	var es []Passed
	seen := map[string]bool{}
	since := time.Now().Add(-time.Minute)
	recorded, err := c.History(ctx, id)
	if err != nil {
		return nil, err
	}
	if n := len(recorded); n > 0 && recorded[n-1].State.Terminal() && recorded[0].At.Before(since) {
		since = recorded[0].At.Add(-time.Minute)
	}
	for {
		found, err := c.Events(ctx, id, since)
		if err != nil {
			return es, err
		}
		for _, e := range found {
			if seen[e.ID] {
				continue
			}
			seen[e.ID] = true
			es = append(es, e)
			show(e)
		}
		if ended(es) {
			return es, nil
		}
		if err := pause(ctx); err != nil {
			return es, fmt.Errorf("workflow %s has not ended: %d events so far: %w", id, len(es), err)
		}
	}
}

// ended says that nothing more will come. Events are delivered out of order: the end may pass before the report of the
// orders that it counts.
func ended(es []Passed) bool {
	var over, traded bool
	var orders int
	for _, e := range es {
		switch p := e.Payload.(type) {
		case events.TradeExecuted:
			traded = true
		case events.WorkflowCompleted:
			over, orders = true, p.Orders
		case events.WorkflowFailed:
			over = true
		}
	}
	return over && (traded || orders == 0)
}

// Events returns the events of workflow id that have passed on the bus since a time, in the order in which they passed; one
// that was replayed is there again. Those of other workflows are not even read: one that cannot be decoded is not this workflow's trouble.
func (c *Client) Events(ctx context.Context, id string, since time.Time) ([]Passed, error) {
	var es []Passed
	pages := cloudwatchlogs.NewFilterLogEventsPaginator(c.logs, &cloudwatchlogs.FilterLogEventsInput{
		LogGroupName:  aws.String(c.stage.EventLog()),
		StartTime:     aws.Int64(since.UnixMilli()),
		FilterPattern: aws.String(fmt.Sprintf("{ $.detail.correlation_id = %q }", id)),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("read the event log: %w", err)
		}
		for _, line := range page.Events {
			var envelope struct {
				DetailType string          `json:"detail-type"`
				Detail     json.RawMessage `json:"detail"`
			}
			if err := json.Unmarshal([]byte(aws.ToString(line.Message)), &envelope); err != nil {
				return nil, fmt.Errorf("read the event log: %w", err)
			}
			e, err := events.Decode(envelope.DetailType, envelope.Detail)
			if err != nil {
				return nil, fmt.Errorf("read the event log: %w", err)
			}
			es = append(es, Passed{Event: e, At: time.UnixMilli(aws.ToInt64(line.Timestamp)).UTC()})
		}
	}
	return es, nil
}

// Timeline returns what the monitor has recorded of workflow id, once it has recorded as many events as passed.
func (c *Client) Timeline(ctx context.Context, id string, passed int) ([]monitor.Entry, error) {
	for {
		entries, err := c.store.Timeline(ctx, id)
		if err != nil {
			return nil, fmt.Errorf("read the timeline of %s: %w", id, err)
		}
		if len(entries) >= passed {
			return entries, nil
		}
		if err := pause(ctx); err != nil {
			return nil, fmt.Errorf("the timeline of %s has %d of %d events: %w", id, len(entries), passed, err)
		}
	}
}

// History returns what the monitor has recorded of workflow id, in the order of time; none if it is not known.
func (c *Client) History(ctx context.Context, id string) ([]monitor.Entry, error) {
	entries, err := c.store.Timeline(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("read the timeline of %s: %w", id, err)
	}
	return entries, nil
}

// Since returns the workflows whose first event was recorded on a UTC day from that of since on, the latest start first.
func (c *Client) Since(ctx context.Context, since time.Time) ([]monitor.Workflow, error) {
	var all []monitor.Workflow
	today := time.Now().UTC().Format(time.DateOnly)
	for day := since.UTC(); day.Format(time.DateOnly) <= today; day = day.AddDate(0, 0, 1) {
		workflows, err := c.store.Day(ctx, market.DateOf(day))
		if err != nil {
			return nil, fmt.Errorf("read the workflows of %s: %w", day.Format(time.DateOnly), err)
		}
		all = append(all, workflows...)
	}
	slices.SortFunc(all, func(a, b monitor.Workflow) int {
		return cmp.Or(b.StartedAt.Compare(a.StartedAt), strings.Compare(a.CorrelationID, b.CorrelationID))
	})
	return all, nil
}

// pause waits a poll interval, or returns ctx's error if it ends first.
func pause(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(pollInterval):
		return nil
	}
}
