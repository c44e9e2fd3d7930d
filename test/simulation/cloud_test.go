package simulation_test

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/the-alchemiser/alchemiser/internal/deadletter"
	"github.com/the-alchemiser/alchemiser/pkg/bus"
	"github.com/the-alchemiser/alchemiser/pkg/bus/lambdabus"
	"github.com/the-alchemiser/alchemiser/pkg/events"
	"github.com/the-alchemiser/alchemiser/pkg/fault"
)

const (
	sourcePrefix = "alchemiser"
	attempts     = 3
)

// cloud is EventBridge with its archive, and Lambda's asynchronous queues with their dead letters: at least once, late and in
// any order.
type cloud struct {
	*world
	functions []*function
	archive   []accepted
	// deliveries counts what was handed over: their request ids.
	deliveries int
}

// accepted is an event that the bus has taken. event has no payload if it cannot be decoded.
type accepted struct {
	id       string
	event    events.Event
	envelope bus.Envelope
}

// function is a Lambda function with its rule and its dead letter queue.
type function struct {
	*cloud
	name    string
	types   []events.Type
	entry   *lambdabus.Entry
	timeout time.Duration
	// observer says that the function sees replays.
	observer bool
	redriver *deadletter.Redriver
	letters  []deadletter.Letter
	// buried are all letters that ever came, by event id.
	buried map[string][]deadletter.Letter
	// redriven counts how often an event was given back.
	redriven map[string]int
}

var (
	_ bus.Publisher      = (*cloud)(nil)
	_ deadletter.Client  = (*function)(nil)
	_ deadletter.Invoker = (*function)(nil)
)

// Publish implements bus.Publisher.
func (c *cloud) Publish(ctx context.Context, es ...events.Event) error {
	entries, rejected := bus.Encode(es, sourcePrefix, events.DefaultSizeLimit)
	var refused []bus.Rejected
	err := c.call(ctx, "publish "+names(es), func() error {
		refused = nil
		if a := c.acting(ctx); a.replay {
			c.fault("%s has published %s for a replayed event", a.label, names(es))
		}
		for _, e := range entries {
			if c.chance(c.rates.partial / 4) {
				refused = append(refused, bus.Rejected{Event: e.Event, Code: "InternalFailure", Err: fault.As(fault.Transient, errThrottled)})
				continue
			}
			c.accept(e) //nolint:contextcheck // it is checked from outside of all actors
		}
		return nil
	})
	if err != nil { // nobody can tell what was accepted
		refused = nil
		for _, e := range entries {
			refused = append(refused, bus.Rejected{Event: e.Event, Code: "NotSent", Message: err.Error(), Err: fault.As(fault.Transient, err)})
		}
	}
	return bus.NewPublishError(append(rejected, refused...))
}

func names(es []events.Event) (all string) {
	for i, e := range es {
		if i > 0 {
			all += ", "
		}
		all += string(e.Type())
	}
	return all
}

func (c *cloud) accept(e bus.Encoded) {
	c.put(accepted{id: e.Event.ID, event: e.Event, envelope: c.envelope(e.Wire)})
}

func (c *cloud) envelope(wire events.Wire) bus.Envelope {
	return bus.Envelope{
		Version: "0", ID: "aws-" + strconv.Itoa(len(c.archive)), DetailType: wire.DetailType, Source: wire.Source, Account: "000000000000",
		Time: time.Now().UTC(), Region: "us-east-1", Resources: wire.Resources, Detail: jsontext.Value(wire.Detail),
	}
}

// put takes an event into the archive and hands it to whoever wants it.
func (c *cloud) put(a accepted) {
	c.published(a.event)
	c.archive = append(c.archive, a)
	c.fanOut(a.envelope)
}

func (c *cloud) fanOut(e bus.Envelope) {
	raw, err := json.Marshal(e)
	if err != nil {
		panic(err)
	}
	for _, f := range c.functions {
		if !f.wants(e) {
			continue
		}
		f.enqueue(raw, e.ReplayName != "")
		if c.chance(c.rates.duplicate) {
			c.copies++
			f.enqueue(raw, e.ReplayName != "")
		}
	}
}

// wants says whether the function's rule matches e.
func (f *function) wants(e bus.Envelope) bool {
	return len(f.types) == 0 || slices.Contains(f.types, events.Type(e.DetailType))
}

// enqueue plans the first attempt of one more delivery.
func (f *function) enqueue(raw []byte, replay bool) {
	f.deliveries++
	d := &delivery{function: f, id: fmt.Sprintf("%s-%04d", f.name, f.deliveries), raw: raw, replay: replay}
	var wait time.Duration // in the same moment as others: then their steps are shuffled
	switch {
	case f.chance(f.rates.delayed / 5):
		wait = f.between(time.Minute, 20*time.Minute)
	case f.chance(f.rates.delayed):
		wait = f.between(50*time.Millisecond, 20*time.Second)
	case f.chance(0.3):
		wait = f.between(time.Millisecond, 50*time.Millisecond)
	}
	f.after(wait, d.attempt)
}

// delivery is one entry of a function's queue: up to three attempts under one request id.
type delivery struct {
	*function
	id     string
	raw    []byte
	replay bool
	tries  int
}

// attempt starts a process that handles the event.
func (d *delivery) attempt() {
	d.tries++
	start := time.Now()
	a := &actor{
		label: d.id + "/" + strconv.Itoa(d.tries), replay: d.replay, died: d.failed,
		// Time-outs differ in their last digits, so that no two timers end in the same moment: select would toss a coin.
		deadline: start.Add(d.timeout + d.between(1, time.Millisecond)),
	}
	d.start(context.Background(), a, func(ctx context.Context) {
		ctx, cancel := context.WithDeadline(ctx, a.deadline)
		defer cancel()
		_, err := d.entry.Invoke(lambdacontext.NewContext(ctx, &lambdacontext.LambdaContext{AwsRequestID: d.id}), d.raw)
		d.park(a)
		d.note("%s: ends (%s)", a.label, outcome(err))
		if err != nil {
			d.failed(err.Error())
		}
	})
}

// failed plans the next attempt, or gives the event to the on-failure destination.
func (d *delivery) failed(why string) {
	switch {
	case d.tries < attempts:
		d.after(time.Duration(d.tries)*time.Minute+d.between(1, time.Second), d.attempt)
	default:
		record, err := json.Marshal(map[string]any{
			"version":         "1.0",
			"requestContext":  map[string]any{"requestId": d.id, "condition": "RetriesExhausted", "approximateInvokeCount": d.tries},
			"requestPayload":  jsontext.Value(d.raw),
			"responsePayload": map[string]any{"errorMessage": why},
		})
		if err != nil {
			panic(err)
		}
		d.lie(record, nil)
	}
}

// lie puts a message into the dead letter queue.
func (f *function) lie(body []byte, attributes map[string]string) {
	letter, err := deadletter.Parse(body, attributes)
	if err != nil {
		f.fault("%s: dead letter: %v", f.name, err)
		return
	}
	if letter.Reason == "" {
		f.fault("%s: the dead letter of %s has no reason", f.name, letter.EventID)
	}
	f.letters = append(f.letters, letter)
	f.buried[letter.EventID] = append(f.buried[letter.EventID], letter)
}

// SendMessage implements deadletter.Client.
func (f *function) SendMessage(ctx context.Context, in *sqs.SendMessageInput, _ ...func(*sqs.Options)) (*sqs.SendMessageOutput, error) {
	attributes := map[string]string{}
	for name, v := range in.MessageAttributes {
		attributes[name] = *v.StringValue
	}
	err := f.call(ctx, "send to the dead letter queue", func() error {
		f.lie([]byte(*in.MessageBody), attributes)
		return nil
	})
	return &sqs.SendMessageOutput{}, err
}

// Invoke implements deadletter.Invoker.
func (f *function) Invoke(ctx context.Context, in *lambda.InvokeInput, _ ...func(*lambda.Options)) (*lambda.InvokeOutput, error) {
	err := f.call(ctx, "invoke", func() error {
		f.enqueue(in.Payload, must(bus.ParseEnvelope(in.Payload)).ReplayName != "")
		return nil
	})
	return &lambda.InvokeOutput{}, err
}

// redrive gives every dead letter back to its function. A letter whose redrive fails stays where it is.
func (c *cloud) redrive() {
	for _, f := range c.functions {
		letters := f.letters
		f.letters = nil
		slices.SortStableFunc(letters, func(a, b deadletter.Letter) int { return cmp.Compare(a.EventID, b.EventID) })
		for _, l := range letters {
			c.redrives++
			back := func(why string) {
				c.note("redrive of %s: %s", l.EventID, why)
				f.letters = append(f.letters, l)
			}
			a := &actor{label: fmt.Sprintf("redrive %d", c.redrives), died: back}
			c.start(context.Background(), a, func(ctx context.Context) {
				err := f.redriver.Redrive(ctx, l)
				c.park(a)
				if err != nil {
					back(err.Error())
					return
				}
				f.redriven[l.EventID]++
			})
		}
	}
}
