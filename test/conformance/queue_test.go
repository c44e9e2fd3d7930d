package conformance_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	eventstypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/the-alchemiser/alchemiser/pkg/bus/bustest"
	"github.com/the-alchemiser/alchemiser/pkg/bus/ebbus"
	"github.com/the-alchemiser/alchemiser/pkg/bus/sqsbus"
	"github.com/the-alchemiser/alchemiser/pkg/events"
)

// The same suite again for a process that hosts the functions: PutEvents, one rule for all events, and a queue.
func TestEventBridgeWithAQueueIsABus(t *testing.T) {
	account := newAccount(t)
	var made atomic.Int32
	bustest.Run(t, func(t *testing.T) bustest.Harness {
		t.Helper()
		name := fmt.Sprintf("queue-%d", made.Add(1))
		publisher, err := ebbus.New(ebbus.Config{Client: account.events, BusName: name, SourcePrefix: "alchemiser", MaxRetries: 3})
		must(t, err)
		dead := &letters{}
		b, err := sqsbus.New(sqsbus.Config{
			Client: account.sqs, QueueURL: account.feed(t, name), RetryDelays: []time.Duration{0, 0}, Bury: dead.bury,
			Tell: func(err error) { t.Error(err) },
		})
		must(t, err)
		t.Cleanup(func() {
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			must(t, b.Close(ctx))
		})
		return bustest.Harness{
			Publisher: publisher, Subscriber: b, Start: b.Start, Attempts: 3, Patience: 2 * time.Minute, DeadLetters: dead.of,
		}
	})
}

// letters are the dead letters of a process.
type letters struct {
	mu  sync.Mutex
	ids map[string][]string
}

func (l *letters) bury(_ context.Context, d sqsbus.DeadLetter) error {
	e, err := events.Decode(d.Delivery.DetailType, d.Delivery.Detail)
	if err != nil || d.Attempts != 3 || d.Err == nil {
		return fmt.Errorf("dead letter %+v, %w", d, err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ids == nil {
		l.ids = map[string][]string{}
	}
	l.ids[d.Function] = append(l.ids[d.Function], e.ID)
	return nil
}

func (l *letters) of(function string) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.ids[function])
}

// feed makes a bus with a rule that puts every event into a queue, and returns the queue.
func (a *account) feed(t *testing.T, name string) (queueURL string) {
	t.Helper()
	ctx := t.Context()
	_, err := a.events.CreateEventBus(ctx, &eventbridge.CreateEventBusInput{Name: &name})
	must(t, err)
	rule, err := a.events.PutRule(ctx, &eventbridge.PutRuleInput{Name: &name, EventBusName: &name, EventPattern: aws.String(`{"source":[{"prefix":"alchemiser."}]}`)})
	must(t, err)
	arn := "arn:aws:sqs:us-east-1:000000000000:" + name
	policy, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": []any{map[string]any{
		"Effect": "Allow", "Principal": map[string]string{"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": arn,
		"Condition": map[string]any{"ArnEquals": map[string]string{"aws:SourceArn": *rule.RuleArn}},
	}}})
	must(t, err)
	queue, err := a.sqs.CreateQueue(ctx, &sqs.CreateQueueInput{
		QueueName: &name, Attributes: map[string]string{string(sqstypes.QueueAttributeNamePolicy): string(policy)},
	})
	must(t, err)
	targets, err := a.events.PutTargets(ctx, &eventbridge.PutTargetsInput{
		Rule: &name, EventBusName: &name, Targets: []eventstypes.Target{{Id: aws.String("queue"), Arn: &arn}},
	})
	must(t, err)
	if targets.FailedEntryCount != 0 {
		t.Fatalf("targets of %s were refused: %+v", name, targets.FailedEntries)
	}
	return *queue.QueueUrl
}
