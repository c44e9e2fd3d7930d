package sqsbus_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/the-alchemiser/alchemiser/pkg/bus"
	"github.com/the-alchemiser/alchemiser/pkg/bus/sqsbus"
	"github.com/the-alchemiser/alchemiser/pkg/events"
)

// queue is an SQS queue as far as visibility goes.
type queue struct {
	mu       sync.Mutex
	messages map[string]*message
	fail     error // of every ReceiveMessage
	// slow is how long it takes until a message is hidden for a minute: prolonged.
	slow time.Duration
}

type message struct {
	body     string
	visible  time.Time
	received int
}

func newQueue(bodies ...string) *queue {
	q := &queue{messages: map[string]*message{}}
	for i, body := range bodies {
		q.messages["m-"+strconv.Itoa(i)] = &message{body: body}
	}
	return q
}

func (q *queue) ReceiveMessage(ctx context.Context, in *sqs.ReceiveMessageInput, _ ...func(*sqs.Options)) (*sqs.ReceiveMessageOutput, error) {
	for end := time.Now().Add(time.Duration(in.WaitTimeSeconds) * time.Second); ; {
		out, err := q.visible(in)
		if err != nil || len(out.Messages) > 0 || !time.Now().Before(end) {
			return out, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(time.Second):
		}
	}
}

func (q *queue) visible(in *sqs.ReceiveMessageInput) (*sqs.ReceiveMessageOutput, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	out := &sqs.ReceiveMessageOutput{}
	for id, m := range q.messages {
		if time.Now().Before(m.visible) || len(out.Messages) == int(in.MaxNumberOfMessages) {
			continue
		}
		m.received++
		m.visible = time.Now().Add(time.Duration(in.VisibilityTimeout) * time.Second)
		out.Messages = append(out.Messages, types.Message{
			MessageId: aws.String(id), ReceiptHandle: aws.String(id), Body: aws.String(m.body),
			Attributes: map[string]string{"ApproximateReceiveCount": strconv.Itoa(m.received)},
		})
	}
	return out, q.fail
}

func (q *queue) DeleteMessage(_ context.Context, in *sqs.DeleteMessageInput, _ ...func(*sqs.Options)) (*sqs.DeleteMessageOutput, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.messages, *in.ReceiptHandle)
	return &sqs.DeleteMessageOutput{}, nil
}

func (q *queue) ChangeMessageVisibility(_ context.Context, in *sqs.ChangeMessageVisibilityInput, _ ...func(*sqs.Options)) (*sqs.ChangeMessageVisibilityOutput, error) {
	if in.VisibilityTimeout == 60 {
		time.Sleep(q.slow)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if m := q.messages[*in.ReceiptHandle]; m != nil {
		m.visible = time.Now().Add(time.Duration(in.VisibilityTimeout) * time.Second)
	}
	return &sqs.ChangeMessageVisibilityOutput{}, nil
}

func (q *queue) left() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.messages)
}

func envelope(detailType string) string {
	return fmt.Sprintf(`{"detail-type":%q,"source":"alchemiser.strategy","detail":{}}`, detailType)
}

// harness is a bus over a queue, with what it said.
type harness struct {
	*sqsbus.Bus
	mu     sync.Mutex
	told   []string
	buried []sqsbus.DeadLetter
}

func start(t *testing.T, q *queue, change func(*sqsbus.Config), subscribe func(*sqsbus.Bus)) *harness {
	t.Helper()
	h := &harness{}
	cfg := sqsbus.Config{
		Client: q, QueueURL: "queue", RetryDelays: []time.Duration{time.Minute, 2 * time.Minute},
		Bury: func(_ context.Context, l sqsbus.DeadLetter) error {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.buried = append(h.buried, l)
			return nil
		},
		Tell: func(err error) {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.told = append(h.told, err.Error())
		},
	}
	change(&cfg)
	var err error
	if h.Bus, err = sqsbus.New(cfg); err != nil {
		t.Fatal(err)
	}
	subscribe(h.Bus)
	h.Start()
	return h
}

func asItIs(*sqsbus.Config) {}

func TestAMessageIsHiddenAsLongAsItIsWorkedOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(envelope("SignalGenerated"))
		var handled int
		h := start(t, q, asItIs, func(b *sqsbus.Bus) {
			b.Subscribe("portfolio", func(context.Context, bus.Delivery) error {
				handled++
				time.Sleep(10 * time.Minute)
				return nil
			})
		})
		time.Sleep(11 * time.Minute)
		synctest.Wait()
		if handled != 1 || q.left() != 0 {
			t.Errorf("handled %d times, %d messages left, want once and none", handled, q.left())
		}
		if err := h.Close(t.Context()); err != nil || len(h.told) > 0 {
			t.Errorf("Close = %v, told %v", err, h.told)
		}
	})
}

func TestAFailureIsTriedAgainAfterItsDelayAndThenBuried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(envelope("SignalGenerated"))
		var at []time.Duration
		var done int
		began := time.Now()
		h := start(t, q, asItIs, func(b *sqsbus.Bus) {
			b.Subscribe("portfolio", func(context.Context, bus.Delivery) error {
				at = append(at, time.Since(began))
				return errors.New("broken")
			}, events.TypeSignalGenerated)
			b.Subscribe("monitor", func(context.Context, bus.Delivery) error { done++; return nil })
		})
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		if len(at) != 3 || at[1] < time.Minute || at[2] < 3*time.Minute || done != 3 {
			t.Errorf("attempts at %v, the other function %d times; want three, a minute and two apart, and as many", at, done)
		}
		if len(h.buried) != 1 || h.buried[0].Function != "portfolio" || h.buried[0].Attempts != 3 || q.left() != 0 {
			t.Errorf("buried %+v, %d messages left", h.buried, q.left())
		}
		if err := h.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestASlowProlongationDoesNotShortenADelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(envelope("SignalGenerated"))
		q.slow = 25 * time.Second
		var began, failed []time.Time
		h := start(t, q, func(c *sqsbus.Config) { c.RetryDelays = []time.Duration{2 * time.Minute} }, func(b *sqsbus.Bus) {
			b.Subscribe("portfolio", func(context.Context, bus.Delivery) error {
				began = append(began, time.Now())
				time.Sleep(31 * time.Second) // a prolongation has begun
				failed = append(failed, time.Now())
				return errors.New("broken")
			})
		})
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if len(began) != 2 || began[1].Sub(failed[0]) < 2*time.Minute {
			t.Errorf("attempts began at %v and failed at %v, want two, two minutes apart", began, failed)
		}
		if err := h.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestAMessageStaysWhileItsDeadLetterIsNotKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(envelope("SignalGenerated"))
		var mended atomic.Bool
		h := start(t, q, func(c *sqsbus.Config) {
			c.RetryDelays = nil
			c.Bury = func(context.Context, sqsbus.DeadLetter) error {
				if mended.Load() {
					return nil
				}
				return errors.New("no queue")
			}
		}, func(b *sqsbus.Bus) {
			b.Subscribe("portfolio", func(context.Context, bus.Delivery) error {
				time.Sleep(time.Second)
				return errors.New("broken")
			})
		})
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		if q.left() != 1 || len(h.told) == 0 || !strings.Contains(h.told[0], "no queue") {
			t.Errorf("%d messages left, told %v", q.left(), h.told)
		}
		mended.Store(true)
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		if q.left() != 0 {
			t.Error("the message is still there")
		}
		if err := h.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestCloseLetsHandlersEndAndCutsOffTheRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(envelope("SignalGenerated"), envelope("RebalancePlanned"))
		h := start(t, q, asItIs, func(b *sqsbus.Bus) {
			b.Subscribe("portfolio", func(context.Context, bus.Delivery) error { time.Sleep(3 * time.Second); return nil }, events.TypeSignalGenerated)
			b.Subscribe("execution", func(ctx context.Context, _ bus.Delivery) error { <-ctx.Done(); return ctx.Err() }, events.TypeRebalancePlanned)
		})
		time.Sleep(time.Second)
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		err := h.Close(ctx)
		if err == nil || q.left() != 1 || len(h.buried) != 0 {
			t.Errorf("Close = %v, %d messages left, buried %v; want the one that was cut off", err, q.left(), h.buried)
		}
	})
}

func TestWhatNobodyWantsIsDeletedAndWhatIsNoEventStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(envelope("Unheard"), "no event")
		h := start(t, q, asItIs, func(b *sqsbus.Bus) {
			b.Subscribe("portfolio", func(context.Context, bus.Delivery) error { return nil }, events.TypeSignalGenerated)
		})
		time.Sleep(time.Minute)
		synctest.Wait()
		if q.left() != 1 || len(h.told) == 0 || !strings.Contains(h.told[0], "not an event of EventBridge") {
			t.Errorf("%d messages left, told %v", q.left(), h.told)
		}
		if err := h.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestAQueueThatDoesNotAnswerIsAskedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue()
		q.fail = errors.New("throttled")
		h := start(t, q, asItIs, func(*sqsbus.Bus) {})
		time.Sleep(time.Minute)
		synctest.Wait()
		if err := h.Close(t.Context()); err != nil || len(h.told) < 5 || len(h.told) > 61 {
			t.Errorf("Close = %v, told %d times in a minute", err, len(h.told))
		}
	})
}

func TestNewNamesEveryFaultOfItsConfig(t *testing.T) {
	_, err := sqsbus.New(sqsbus.Config{Concurrency: -1})
	for _, want := range []string{"client and queue URL", "bury and tell", "0 or more"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("New = %v, want it to say %q", err, want)
		}
	}
}
