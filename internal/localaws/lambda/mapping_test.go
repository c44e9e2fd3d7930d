package lambda_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	sqssdk "github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

const (
	sourceName = "source"
	sourceARN  = "arn:aws:sqs:us-east-1:000000000000:source"
	sourceURL  = "http://127.0.0.1:4566/000000000000/source"
)

// source makes the queue that is read, which hides what is received for a minute and more.
func (h *harness) source(t *testing.T) {
	t.Helper()
	_, err := h.queues.CreateQueue(t.Context(), &sqssdk.CreateQueueInput{
		QueueName: aws.String(sourceName), Attributes: map[string]string{"VisibilityTimeout": "90"},
	})
	if err != nil {
		t.Fatal(err)
	}
}

// hides sets how long the queue hides a message.
func (h *harness) hides(t *testing.T, seconds string) {
	t.Helper()
	_, err := h.queues.SetQueueAttributes(t.Context(), &sqssdk.SetQueueAttributesInput{
		QueueUrl: aws.String(sourceURL), Attributes: map[string]string{"VisibilityTimeout": seconds},
	})
	if err != nil {
		t.Fatal(err)
	}
}

// mapped lets f read the queue.
func (h *harness) mapped(t *testing.T, edit ...func(*sdk.CreateEventSourceMappingInput)) *sdk.CreateEventSourceMappingOutput {
	t.Helper()
	in := &sdk.CreateEventSourceMappingInput{FunctionName: aws.String("f"), EventSourceArn: aws.String(sourceARN)}
	for _, f := range edit {
		f(in)
	}
	out, err := h.CreateEventSourceMapping(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func (h *harness) send(t *testing.T, bodies ...string) {
	t.Helper()
	for part := range slices.Chunk(bodies, 10) {
		in := &sqssdk.SendMessageBatchInput{QueueUrl: aws.String(sourceURL)}
		for i, body := range part {
			in.Entries = append(in.Entries, sqstypes.SendMessageBatchRequestEntry{Id: aws.String(fmt.Sprint(i)), MessageBody: aws.String(body)})
		}
		if out, err := h.queues.SendMessageBatch(t.Context(), in); err != nil || len(out.Failed) > 0 {
			t.Fatal(err, out)
		}
	}
}

// batches returns what the function got.
func (h *harness) batches() []string {
	var all []string
	for _, line := range h.logs.all() {
		if _, bodies, ok := strings.Cut(line, "batch "); ok {
			all = append(all, bodies)
		}
	}
	return all
}

// empty waits until nothing is left in the queue, visible or not.
func (h *harness) empty(t *testing.T) {
	t.Helper()
	h.holds(t, "0", "0")
}

// holds waits until so many messages of the queue are visible and hidden.
func (h *harness) holds(t *testing.T, visible, hidden string) {
	t.Helper()
	eventually(t, visible+" visible and "+hidden+" hidden messages are in the queue", func() bool {
		out, err := h.queues.GetQueueAttributes(t.Context(), &sqssdk.GetQueueAttributesInput{
			QueueUrl: aws.String(sourceURL), AttributeNames: []sqstypes.QueueAttributeName{"All"},
		})
		if err != nil {
			t.Fatal(err)
		}
		return out.Attributes["ApproximateNumberOfMessages"] == visible && out.Attributes["ApproximateNumberOfMessagesNotVisible"] == hidden
	})
}

func TestMappingHandsMessagesToTheFunctionAndDeletesThem(t *testing.T) {
	t.Parallel()
	h := start(t, "")
	h.create(t)
	h.source(t)
	made := h.mapped(t)
	if aws.ToString(made.State) != "Creating" || aws.ToInt32(made.BatchSize) != 10 || made.MaximumBatchingWindowInSeconds == nil ||
		aws.ToString(made.EventSourceMappingArn) != "arn:aws:lambda:us-east-1:000000000000:event-source-mapping:"+aws.ToString(made.UUID) {
		t.Errorf("answer %+v", made)
	}
	h.send(t, "one", "two", "three")
	h.empty(t)
	if got := strings.Join(h.batches(), ""); got != `["one" "two" "three"]` {
		t.Errorf("the function got %s", got)
	}
}

func TestFullBatchDoesNotWaitForItsWindow(t *testing.T) {
	t.Parallel()
	h := start(t, "")
	h.create(t)
	h.source(t)
	h.mapped(t, func(in *sdk.CreateEventSourceMappingInput) {
		in.BatchSize, in.MaximumBatchingWindowInSeconds = aws.Int32(25), aws.Int32(300)
	})
	var bodies []string
	for i := range 25 {
		bodies = append(bodies, fmt.Sprint(i))
	}
	h.send(t, bodies...)
	h.empty(t)
	if got := h.batches(); len(got) != 1 {
		t.Errorf("batches %s, want one of 25 messages", got)
	}
}

func TestWindowEndsABatchThatIsNotFull(t *testing.T) {
	t.Parallel()
	h := start(t, "")
	h.create(t)
	h.source(t)
	h.mapped(t, func(in *sdk.CreateEventSourceMappingInput) { in.MaximumBatchingWindowInSeconds = aws.Int32(1) })
	h.send(t, "one", "two")
	h.empty(t)
	if got := strings.Join(h.batches(), ""); got != `["one" "two"]` {
		t.Errorf("batches %s, want one of both messages", got)
	}
}

func TestBatchesFitIntoAPayload(t *testing.T) {
	t.Parallel()
	h := start(t, "")
	h.create(t)
	h.source(t)
	for i := range 8 {
		_, err := h.queues.SendMessage(t.Context(), &sqssdk.SendMessageInput{
			QueueUrl: aws.String(sourceURL), MessageBody: aws.String(fmt.Sprint(i) + strings.Repeat("x", 1<<20-1)),
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	h.mapped(t)
	h.empty(t)
	if n := len(h.started()); n != 2 {
		t.Errorf("%d invocations for 8 MB, want 2", n)
	}
}

func TestMessagesOfAFailedBatchComeAgain(t *testing.T) {
	t.Parallel()
	h := start(t, "")
	h.create(t)
	h.source(t)
	h.mapped(t)
	h.send(t, "good", "bad at first")
	h.holds(t, "0", "2")
	eventually(t, "the batch is tried", func() bool { return len(h.batches()) == 1 })
	h.clock.Set(h.clock.Now().Add(2 * time.Minute))
	h.empty(t)
	if got := h.batches(); len(got) != 2 || got[0] != got[1] {
		t.Errorf("batches %s, want the same one twice", got)
	}
}

func TestReportedMessagesAloneComeAgain(t *testing.T) {
	t.Parallel()
	h := start(t, "")
	h.create(t, func(in *sdk.CreateFunctionInput) {
		in.Environment = &types.Environment{Variables: map[string]string{"REPORT": "ids"}}
	})
	h.source(t)
	h.mapped(t, func(in *sdk.CreateEventSourceMappingInput) {
		in.FunctionResponseTypes = []types.FunctionResponseType{types.FunctionResponseTypeReportBatchItemFailures}
	})
	h.send(t, "good", "bad at first", "better")
	h.holds(t, "0", "1")
	h.clock.Set(h.clock.Now().Add(2 * time.Minute))
	h.empty(t)
	if got := strings.Join(h.batches(), ""); got != `["good" "bad at first" "better"]["bad at first"]` {
		t.Errorf("batches %s", got)
	}
}

func TestReportThatIsNoneFailsTheBatch(t *testing.T) {
	t.Parallel()
	h := start(t, "")
	h.create(t, func(in *sdk.CreateFunctionInput) {
		in.Environment = &types.Environment{Variables: map[string]string{"REPORT": "garbage"}}
	})
	h.source(t)
	h.mapped(t, func(in *sdk.CreateEventSourceMappingInput) {
		in.FunctionResponseTypes = []types.FunctionResponseType{types.FunctionResponseTypeReportBatchItemFailures}
	})
	h.send(t, "good", "better")
	eventually(t, "the batch is tried", func() bool { return len(h.batches()) == 1 })
	h.clock.Set(h.clock.Now().Add(2 * time.Minute))
	eventually(t, "the batch is tried again", func() bool { return len(h.batches()) == 2 })
	h.holds(t, "0", "2")
}

func TestMessagesThatNoFilterPassesAreDeleted(t *testing.T) {
	t.Parallel()
	h := start(t, "")
	h.create(t)
	h.source(t)
	h.mapped(t, func(in *sdk.CreateEventSourceMappingInput) {
		in.FilterCriteria = &types.FilterCriteria{Filters: []types.Filter{
			{Pattern: aws.String(`{"body":{"side":["buy"]}}`)}, {Pattern: aws.String(`{"body":["plain text"]}`)},
		}}
	})
	h.send(t, `{"side":"sell"}`, `plain`, `{"side":"buy"}`, `plain text`, `"plain text"`)
	h.empty(t)
	if got := strings.Join(h.batches(), ""); got != `["{\"side\":\"buy\"}" "plain text"]` {
		t.Errorf("the function got %s", got)
	}
}

func TestDisabledMappingLeavesTheQueueAlone(t *testing.T) {
	t.Parallel()
	h := start(t, "")
	h.create(t)
	h.source(t)
	made := h.mapped(t, func(in *sdk.CreateEventSourceMappingInput) { in.Enabled = aws.Bool(false) })
	if aws.ToString(made.State) != "Disabled" {
		t.Errorf("state %s", aws.ToString(made.State))
	}
	update := func(enabled bool) string {
		out, err := h.UpdateEventSourceMapping(t.Context(), &sdk.UpdateEventSourceMappingInput{UUID: made.UUID, Enabled: &enabled})
		if err != nil {
			t.Fatal(err)
		}
		return aws.ToString(out.State)
	}
	h.send(t, "one")
	h.holds(t, "1", "0")
	if state := update(true); state != "Enabling" {
		t.Errorf("state %s", state)
	}
	h.empty(t)
	if state := update(false); state != "Disabling" {
		t.Errorf("state %s", state)
	}
	h.send(t, "two")
	h.holds(t, "1", "0")
	if got := len(h.batches()); got != 1 {
		t.Errorf("%d batches, want only that of the time in which it was enabled", got)
	}
}

func TestMappingWorksOnSoManyBatchesAtOnceAsItMay(t *testing.T) {
	t.Parallel()
	h := start(t, "")
	h.create(t)
	h.source(t)
	h.mapped(t, func(in *sdk.CreateEventSourceMappingInput) {
		in.BatchSize, in.ScalingConfig = aws.Int32(1), &types.ScalingConfig{MaximumConcurrency: aws.Int32(2)}
	})
	gate := filepath.Join(t.TempDir(), "go")
	h.send(t, "wait for "+gate, "wait for "+gate, "wait for "+gate)
	eventually(t, "two batches are worked on", func() bool { return len(h.started()) == 2 })
	h.holds(t, "1", "2")
	if err := os.WriteFile(gate, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	h.empty(t)
}

func TestThrottledBatchIsTriedAgain(t *testing.T) {
	t.Parallel()
	h := start(t, "")
	h.create(t)
	h.source(t)
	concurrency := func(n int32) {
		_, err := h.PutFunctionConcurrency(t.Context(), &sdk.PutFunctionConcurrencyInput{FunctionName: aws.String("f"), ReservedConcurrentExecutions: &n})
		if err != nil {
			t.Fatal(err)
		}
	}
	concurrency(0)
	h.mapped(t)
	h.send(t, "one")
	h.holds(t, "0", "1")
	concurrency(1)
	h.empty(t)
}
