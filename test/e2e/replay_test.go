package e2e_test

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	eventbridgetypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// The whole day is replayed from the archive to every rule, execution's too: no order, no new event, no dead letter, and the
// timeline of the run says that it was replayed.
func (d *deployment) testReplay(t *testing.T) {
	orders, published, letters := len(d.orders(t)), d.published(t), d.deadLetters(t)
	if orders == 0 || d.run == "" {
		t.Fatal("nothing was traded before the replay, so it would show nothing")
	}
	client := eventbridge.NewFromConfig(d.aws)
	bus, err := client.DescribeEventBus(t.Context(), &eventbridge.DescribeEventBusInput{Name: aws.String("alchemiser-trading-events-" + stage)})
	if err != nil {
		t.Fatal(err)
	}
	archive, err := client.DescribeArchive(t.Context(), &eventbridge.DescribeArchiveInput{ArchiveName: aws.String("alchemiser-event-archive-" + stage)})
	if err != nil {
		t.Fatal(err)
	}
	now, name := time.Now(), fmt.Sprintf("whole-day-%d", time.Now().UnixNano())
	if _, err := client.StartReplay(t.Context(), &eventbridge.StartReplayInput{
		ReplayName: &name, EventSourceArn: archive.ArchiveArn, EventStartTime: aws.Time(now.AddDate(0, 0, -1)), EventEndTime: &now,
		Destination: &eventbridgetypes.ReplayDestination{Arn: bus.Arn},
	}); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() (bool, string) {
		got, err := client.DescribeReplay(t.Context(), &eventbridge.DescribeReplayInput{ReplayName: &name})
		if err != nil {
			t.Fatal(err)
		}
		return got.State == eventbridgetypes.ReplayStateCompleted, "the replay is " + string(got.State)
	})
	runs, err := d.workflows()
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, func() (bool, string) {
		entries, err := runs.Timeline(t.Context(), d.run, 1)
		if err != nil {
			t.Fatal(err)
		}
		last := entries[len(entries)-1]
		return strings.Contains(last.Summary, "replayed from the archive as "+name+": refused"), "the timeline ends with " + last.Summary
	})
	eventually(t, func() (bool, string) {
		replayed := len(d.replayed(t, name))
		return replayed == len(published), fmt.Sprintf("%d of %d events are replayed", replayed, len(published))
	})
	if now := d.published(t); len(now) != len(published) || len(d.orders(t)) != orders || d.deadLetters(t) != letters {
		t.Errorf("after the replay there are %d events, %d orders and %d dead letters; before: %d, %d and %d",
			len(now), len(d.orders(t)), d.deadLetters(t), len(published), orders, letters)
	}
}

// published returns the ids of the events in the event log that are no replays.
func (d *deployment) published(t *testing.T) map[string]bool { return d.replayed(t, "") }

// replayed returns the ids of the events in the event log that came by a replay.
func (d *deployment) replayed(t *testing.T, replay string) map[string]bool {
	t.Helper()
	ids := map[string]bool{}
	pages := cloudwatchlogs.NewFilterLogEventsPaginator(cloudwatchlogs.NewFromConfig(d.aws), &cloudwatchlogs.FilterLogEventsInput{
		LogGroupName: aws.String("/aws/events/alchemiser-" + stage),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range page.Events {
			var e struct {
				Replay string `json:"replay-name"`
				Detail struct {
					EventID string `json:"event_id"`
				} `json:"detail"`
			}
			if err := json.Unmarshal([]byte(aws.ToString(line.Message)), &e); err != nil {
				t.Fatal(err)
			}
			if e.Replay == replay {
				ids[e.Detail.EventID] = true
			}
		}
	}
	return ids
}

// deadLetters counts what lies in the queues of some functions; none given means all.
func (d *deployment) deadLetters(t *testing.T, functions ...string) (n int) {
	t.Helper()
	if len(functions) == 0 {
		functions = []string{"strategy", "portfolio", "execution", "monitor"}
	}
	client := sqs.NewFromConfig(d.aws)
	for _, function := range functions {
		queue, err := client.GetQueueUrl(t.Context(), &sqs.GetQueueUrlInput{QueueName: aws.String("alchemiser-" + function + "-dlq-" + stage)})
		if err != nil {
			t.Fatal(err)
		}
		got, err := client.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{
			QueueUrl: queue.QueueUrl, AttributeNames: []sqstypes.QueueAttributeName{sqstypes.QueueAttributeNameApproximateNumberOfMessages},
		})
		if err != nil {
			t.Fatal(err)
		}
		lying, err := strconv.Atoi(got.Attributes[string(sqstypes.QueueAttributeNameApproximateNumberOfMessages)])
		if err != nil {
			t.Fatal(err)
		}
		n += lying
	}
	return n
}
