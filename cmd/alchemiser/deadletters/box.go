// Package deadletters looks after all dead letter queues of a stage at once: what is in them and why, and how it gets out
// again. It works by AWS's APIs alone.
package deadletters

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"golang.org/x/sync/errgroup"

	"github.com/the-alchemiser/alchemiser/internal/deadletter"
	"github.com/the-alchemiser/alchemiser/internal/naming"
	"github.com/the-alchemiser/alchemiser/internal/store"
)

// Bus names the queue of the bus: what topics, log groups and schedules did not take.
const Bus = "bus"

// Names returns what the queues of a stage are called: the functions in the order of a workflow, and Bus.
func Names() []string {
	var names []string
	for _, f := range naming.Functions() {
		names = append(names, string(f))
	}
	return append(names, Bus)
}

// Box is the dead letter queues of a stage. It is safe for concurrent use, but two people who collect at once see a part
// each.
type Box struct {
	stage  naming.Stage
	sqs    *sqs.Client
	lambda *lambda.Client
	store  *store.Store
	queues map[string]string
	names  []string
}

// Open finds the queues that are named; none means all. A name that is none, or a queue that does not exist, is an error.
func Open(ctx context.Context, cfg aws.Config, stage naming.Stage, names ...string) (*Box, error) {
	if len(names) == 0 {
		names = Names()
	}
	table, err := store.New(store.Config{Client: dynamodb.NewFromConfig(cfg), Table: stage.Table(), Now: time.Now})
	if err != nil {
		return nil, err
	}
	b := &Box{stage: stage, sqs: sqs.NewFromConfig(cfg), lambda: lambda.NewFromConfig(cfg), store: table, queues: map[string]string{}, names: names}
	for _, name := range names {
		if !slices.Contains(Names(), name) {
			return nil, fmt.Errorf("there is no dead letter queue %q: want one of %v", name, Names())
		}
		queue := stage.DeadLetters(naming.Function(name))
		if name == Bus {
			queue = stage.EventDeadLetters()
		}
		got, err := b.sqs.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: &queue})
		if err != nil {
			return nil, fmt.Errorf("find queue %s: %w", queue, err)
		}
		b.queues[name] = aws.ToString(got.QueueUrl)
	}
	return b, nil
}

// hidden is how long messages are hidden from others while they are looked at.
const hidden = 2 * time.Minute

// Collect receives every message that waits and hides it for two minutes, oldest first. Whoever has looked gives the
// messages back with Release, which is also due when Collect fails: it returns what it has got so far.
//
// An answer to a long poll is empty only if no server of the queue has a message:
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-short-and-long-polling.html
func (b *Box) Collect(ctx context.Context) ([]Letter, error) {
	found := make([][]Letter, len(b.names))
	group, ctx := errgroup.WithContext(ctx)
	for i, name := range b.names {
		group.Go(func() error { return b.collect(ctx, name, &found[i]) })
	}
	err := group.Wait()
	all := slices.Concat(found...)
	slices.SortStableFunc(all, func(a, b Letter) int {
		return cmp.Or(a.SentAt.Compare(b.SentAt), cmp.Compare(a.MessageID, b.MessageID))
	})
	return all, err
}

// collect adds the messages of one queue to letters.
func (b *Box) collect(ctx context.Context, name string, letters *[]Letter) error {
	for {
		got, err := b.sqs.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
			QueueUrl: aws.String(b.queues[name]), MaxNumberOfMessages: 10, WaitTimeSeconds: 1, VisibilityTimeout: int32(hidden / time.Second),
			MessageAttributeNames:       []string{"All"},
			MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameSentTimestamp},
		})
		if err != nil {
			return fmt.Errorf("receive from the dead letter queue of %s: %w", name, err)
		}
		if len(got.Messages) == 0 {
			return nil
		}
		for _, m := range got.Messages {
			*letters = append(*letters, newLetter(name, m))
		}
	}
}

// Count returns how many messages there are about, by queue, hidden ones too. It hides nothing.
func (b *Box) Count(ctx context.Context) (map[string]int, error) {
	counts := map[string]int{}
	for _, name := range b.names {
		got, err := b.sqs.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
			QueueUrl: aws.String(b.queues[name]), AttributeNames: []types.QueueAttributeName{
				types.QueueAttributeNameApproximateNumberOfMessages, types.QueueAttributeNameApproximateNumberOfMessagesNotVisible,
			},
		})
		if err != nil {
			return nil, fmt.Errorf("look at the dead letter queue of %s: %w", name, err)
		}
		for _, text := range got.Attributes {
			n, err := strconv.Atoi(text)
			if err != nil {
				return nil, fmt.Errorf("look at the dead letter queue of %s: %q messages", name, text)
			}
			counts[name] += n
		}
	}
	return counts, nil
}

// Release lets others see letters again at once.
func (b *Box) Release(ctx context.Context, letters []Letter) error {
	return b.inBatches(letters, func(url string, batch []Letter) ([]types.BatchResultErrorEntry, error) {
		in := &sqs.ChangeMessageVisibilityBatchInput{QueueUrl: &url}
		for i, l := range batch {
			in.Entries = append(in.Entries, types.ChangeMessageVisibilityBatchRequestEntry{
				Id: aws.String(strconv.Itoa(i)), ReceiptHandle: aws.String(l.receipt), VisibilityTimeout: 0,
			})
		}
		out, err := b.sqs.ChangeMessageVisibilityBatch(ctx, in)
		if err != nil {
			return nil, err
		}
		return out.Failed, nil
	})
}

// Delete removes letters for good.
func (b *Box) Delete(ctx context.Context, letters []Letter) error {
	return b.inBatches(letters, func(url string, batch []Letter) ([]types.BatchResultErrorEntry, error) {
		in := &sqs.DeleteMessageBatchInput{QueueUrl: &url}
		for i, l := range batch {
			in.Entries = append(in.Entries, types.DeleteMessageBatchRequestEntry{Id: aws.String(strconv.Itoa(i)), ReceiptHandle: aws.String(l.receipt)})
		}
		out, err := b.sqs.DeleteMessageBatch(ctx, in)
		if err != nil {
			return nil, err
		}
		return out.Failed, nil
	})
}

// inBatches calls do with at most ten letters of one queue at a time.
func (b *Box) inBatches(letters []Letter, do func(url string, batch []Letter) ([]types.BatchResultErrorEntry, error)) error {
	for _, name := range b.names {
		mine := slices.DeleteFunc(slices.Clone(letters), func(l Letter) bool { return l.Queue != name })
		for batch := range slices.Chunk(mine, 10) {
			failed, err := do(b.queues[name], batch)
			if err != nil {
				return fmt.Errorf("dead letter queue of %s: %w", name, err)
			}
			if len(failed) > 0 {
				return fmt.Errorf("dead letter queue of %s: %d of %d messages: %s", name, len(failed), len(batch), aws.ToString(failed[0].Message))
			}
		}
	}
	return nil
}

// Redrive gives a letter's event back to its function and removes the letter. It is safe to repeat: see deadletter.Redriver.
// A letter of the bus's queue is refused: no function has failed on it.
func (b *Box) Redrive(ctx context.Context, l Letter) error {
	switch {
	case l.Queue == Bus:
		return fmt.Errorf("%s: no function has failed on it: what a topic or a log group has missed is in the archive, and a start that came too late is not made up for", l.name())
	case l.Parsed == nil:
		return fmt.Errorf("%s: nobody knows what it is: export and purge it", l.name())
	}
	function := naming.Function(l.Queue)
	redriver, err := deadletter.NewRedriver(b.store, b.lambda, l.Queue, b.stage.Function(function)+":"+naming.Live)
	if err != nil {
		return err
	}
	if err := redriver.Redrive(ctx, *l.Parsed); err != nil {
		return err
	}
	return b.Delete(ctx, []Letter{l})
}
