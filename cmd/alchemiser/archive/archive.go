// Package archive replays a stage's events from its archive, and says before what would come and afterwards what came of it.
package archive

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"github.com/the-alchemiser/alchemiser/internal/naming"
)

// Archive is the archive of a stage. It is safe for concurrent use.
type Archive struct {
	stage  naming.Stage
	events *eventbridge.Client
	logs   *cloudwatchlogs.Client
}

// New returns the archive of a stage.
func New(cfg aws.Config, stage naming.Stage) *Archive {
	return &Archive{stage: stage, events: eventbridge.NewFromConfig(cfg), logs: cloudwatchlogs.NewFromConfig(cfg)}
}

// Holdings is what an archive has.
type Holdings struct {
	ARN    string `json:"arn"`
	BusARN string `json:"bus_arn"`
	State  string `json:"state"`
	// Events is how many events the archive holds in all; AWS counts them with a delay of some minutes.
	Events        int64 `json:"events"`
	RetentionDays int32 `json:"retention_days"`
}

// Describe returns what the archive has.
func (a *Archive) Describe(ctx context.Context) (Holdings, error) {
	name := a.stage.Archive()
	got, err := a.events.DescribeArchive(ctx, &eventbridge.DescribeArchiveInput{ArchiveName: &name})
	if err != nil {
		return Holdings{}, fmt.Errorf("archive %s: %w", name, err)
	}
	return Holdings{
		ARN: aws.ToString(got.ArchiveArn), BusARN: aws.ToString(got.EventSourceArn), State: string(got.State), Events: got.EventCount,
		RetentionDays: aws.ToInt32(got.RetentionDays),
	}, nil
}

// Count returns how many events passed on the bus from one time to another, by type. The figures are those of the log group
// of all events: nobody can look into an archive. With a replay's name, only what that replay brought again is counted, else
// only what no replay brought.
func (a *Archive) Count(ctx context.Context, from, to time.Time, replay string) (map[string]int, error) {
	counts := map[string]int{}
	pages := cloudwatchlogs.NewFilterLogEventsPaginator(a.logs, &cloudwatchlogs.FilterLogEventsInput{
		LogGroupName: aws.String(a.stage.EventLog()), StartTime: aws.Int64(from.UnixMilli()), EndTime: aws.Int64(to.UnixMilli()),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("count events: read log group %s: %w", a.stage.EventLog(), err)
		}
		for _, line := range page.Events {
			var event struct {
				Type   string `json:"detail-type"`
				Replay string `json:"replay-name"`
			}
			if err := json.Unmarshal([]byte(aws.ToString(line.Message)), &event); err != nil {
				return nil, fmt.Errorf("count events: log group %s: %w", a.stage.EventLog(), err)
			}
			if event.Replay == replay {
				counts[event.Type]++
			}
		}
	}
	return counts, nil
}

// Ignored returns how many replayed events each function has ignored: those that act do, and say so in their log.
func (a *Archive) Ignored(ctx context.Context, replay string, since time.Time) (map[naming.Function]int, error) {
	counts := map[naming.Function]int{}
	for _, f := range naming.Functions() {
		pages := cloudwatchlogs.NewFilterLogEventsPaginator(a.logs, &cloudwatchlogs.FilterLogEventsInput{
			LogGroupName: aws.String(a.stage.FunctionLog(f)), StartTime: aws.Int64(since.UnixMilli()),
			FilterPattern: aws.String(fmt.Sprintf("{ $.replay = %q }", replay)),
		})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return nil, fmt.Errorf("read log group %s: %w", a.stage.FunctionLog(f), err)
			}
			counts[f] += len(page.Events)
		}
	}
	return counts, nil
}

// Start begins a replay of what the archive took from one time to another, to the rules named only. To name none is an
// error: EventBridge would take all.
func (a *Archive) Start(ctx context.Context, name string, from, to time.Time, rules ...string) error {
	if len(rules) == 0 {
		return fmt.Errorf("start replay %s: no rule was named", name)
	}
	has, err := a.Describe(ctx)
	if err != nil {
		return err
	}
	destination := &types.ReplayDestination{Arn: &has.BusARN}
	for _, rule := range rules {
		got, err := a.events.DescribeRule(ctx, &eventbridge.DescribeRuleInput{EventBusName: aws.String(a.stage.Bus()), Name: &rule})
		if err != nil {
			return fmt.Errorf("rule %s: %w", rule, err)
		}
		destination.FilterArns = append(destination.FilterArns, aws.ToString(got.Arn))
	}
	_, err = a.events.StartReplay(ctx, &eventbridge.StartReplayInput{
		ReplayName: &name, EventSourceArn: &has.ARN, Destination: destination, EventStartTime: &from, EventEndTime: &to,
	})
	if err != nil {
		return fmt.Errorf("start replay %s: %w", name, err)
	}
	return nil
}

// Progress is how far a replay has come.
type Progress struct {
	State  string `json:"state"`
	Reason string `json:"reason,omitempty"`
	// Last is the time of the last event that was replayed; zero if none was.
	Last time.Time `json:"last"`
}

// Over says whether nothing more will happen.
func (p Progress) Over() bool {
	switch types.ReplayState(p.State) {
	case types.ReplayStateCompleted, types.ReplayStateCancelled, types.ReplayStateFailed:
		return true
	case types.ReplayStateStarting, types.ReplayStateRunning, types.ReplayStateCancelling:
		return false
	default:
		return false
	}
}

// Look returns how far a replay has come.
func (a *Archive) Look(ctx context.Context, name string) (Progress, error) {
	got, err := a.events.DescribeReplay(ctx, &eventbridge.DescribeReplayInput{ReplayName: &name})
	if err != nil {
		return Progress{}, fmt.Errorf("replay %s: %w", name, err)
	}
	return Progress{State: string(got.State), Reason: aws.ToString(got.StateReason), Last: aws.ToTime(got.EventLastReplayedTime)}, nil
}

// pollInterval is how often a replay is looked at.
const pollInterval = 500 * time.Millisecond

// Follow shows the progress of a replay until it is over and returns the end. If ctx ends first, the replay is cancelled.
func (a *Archive) Follow(ctx context.Context, name string, show func(Progress)) (Progress, error) {
	for {
		p, err := a.Look(ctx, name)
		if err == nil {
			show(p)
			if p.Over() {
				return p, nil
			}
			select {
			case <-time.After(pollInterval):
				continue
			case <-ctx.Done():
				err = ctx.Err()
			}
		}
		if ctx.Err() == nil {
			return p, err
		}
		if _, cancel := a.events.CancelReplay(context.WithoutCancel(ctx), &eventbridge.CancelReplayInput{ReplayName: &name}); cancel != nil {
			return p, fmt.Errorf("replay %s goes on: it could not be cancelled: %w", name, cancel)
		}
		return p, fmt.Errorf("replay %s was cancelled: %w", name, ctx.Err())
	}
}
