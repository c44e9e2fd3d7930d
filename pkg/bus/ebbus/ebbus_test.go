package ebbus_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/the-alchemiser/alchemiser/pkg/bus"
	"github.com/the-alchemiser/alchemiser/pkg/bus/ebbus"
	"github.com/the-alchemiser/alchemiser/pkg/events"
	"github.com/the-alchemiser/alchemiser/pkg/fault"
)

var published = time.Date(2026, 3, 2, 20, 45, 1, 500000000, time.UTC)

func eventOf(id string, p events.Payload) events.Event {
	return events.Event{
		ID: id, CorrelationID: "run-1", CausationID: "cause-1", SchemaVersion: events.SchemaVersion, Timestamp: published,
		SourceModule: "execution", SourceComponent: "orders", Payload: p,
	}
}

func completed(id string) events.Event {
	return eventOf(id, events.WorkflowCompleted{PortfolioID: "core", Outcome: events.OutcomeSkipped, Reason: "the market is closed"})
}

// client is EventBridge: it answers each entry by answer and keeps what it was sent.
type client struct {
	mu    sync.Mutex
	calls [][]types.PutEventsRequestEntry
	times []time.Time
	// fail answers a whole call, answer a single entry by the id of its event; n counts the calls from 1.
	fail   func(n int) error
	answer func(n int, id string) *string
}

func (c *client) PutEvents(ctx context.Context, in *eventbridge.PutEventsInput, opts ...func(*eventbridge.Options)) (*eventbridge.PutEventsOutput, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls = append(c.calls, in.Entries)
	c.times = append(c.times, time.Now())
	n := len(c.calls)
	var o eventbridge.Options
	for _, opt := range opts {
		opt(&o)
	}
	if o.Retryer == nil || o.Retryer.MaxAttempts() != 1 {
		return nil, errors.New("the SDK would retry too")
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if c.fail != nil {
		if err := c.fail(n); err != nil {
			return nil, err
		}
	}
	out := &eventbridge.PutEventsOutput{}
	for _, e := range in.Entries {
		r := types.PutEventsResultEntry{EventId: aws.String("id")}
		if c.answer != nil {
			if code := c.answer(n, idOf(e)); code != nil {
				r = types.PutEventsResultEntry{ErrorCode: code, ErrorMessage: aws.String("says EventBridge")}
				out.FailedEntryCount++
			}
		}
		out.Entries = append(out.Entries, r)
	}
	return out, nil
}

func idOf(e types.PutEventsRequestEntry) string {
	if e.DetailType == nil { // a probe carries no event
		return ""
	}
	decoded, err := events.Decode(*e.DetailType, []byte(*e.Detail))
	if err != nil {
		panic(err)
	}
	return decoded.ID
}

func (c *client) sent() [][]string {
	var all [][]string
	for _, call := range c.calls {
		var ids []string
		for _, e := range call {
			ids = append(ids, idOf(e))
		}
		all = append(all, ids)
	}
	return all
}

func publisher(t *testing.T, c ebbus.Client, change func(*ebbus.Config)) *ebbus.Publisher {
	t.Helper()
	cfg := ebbus.Config{Client: c, BusName: "arn:aws:events:us-east-1:000000000000:event-bus/b", SourcePrefix: "alchemiser", MaxRetries: 3}
	if change != nil {
		change(&cfg)
	}
	p, err := ebbus.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func numbered(n int) []events.Event {
	var es []events.Event
	for i := range n {
		es = append(es, completed(fmt.Sprintf("e-%02d", i)))
	}
	return es
}

func TestEntryHoldsTheEvent(t *testing.T) {
	t.Parallel()
	c := &client{}
	const header = "Root=1-5f84c7a1-0123456789abcdef01234567;Parent=0123456789abcdef;Sampled=1"
	p := publisher(t, c, func(cfg *ebbus.Config) { cfg.TraceHeader = func(context.Context) string { return header } })
	if err := p.Publish(t.Context(), completed("e-1")); err != nil {
		t.Fatal(err)
	}
	got := c.calls[0][0]
	if *got.EventBusName != "arn:aws:events:us-east-1:000000000000:event-bus/b" || *got.Source != "alchemiser.execution" ||
		*got.DetailType != "WorkflowCompleted" || *got.TraceHeader != header || !got.Time.Equal(published) ||
		!slices.Equal(got.Resources, []string{"correlation:run-1", "causation:cause-1"}) {
		t.Errorf("entry is %+v", got)
	}
	if err := publisher(t, c, nil).Publish(t.Context(), completed("e-1")); err != nil || c.calls[1][0].TraceHeader != nil {
		t.Errorf("without a trace the header is %v, %v, want none", c.calls[1][0].TraceHeader, err)
	}
}

func TestBatchesHoldTenEntriesAndTheByteLimit(t *testing.T) {
	t.Parallel()
	c := &client{}
	if err := publisher(t, c, nil).Publish(t.Context(), numbered(25)...); err != nil {
		t.Fatal(err)
	}
	if got := lengths(c.calls); !slices.Equal(got, []int{10, 10, 5}) {
		t.Errorf("25 small events went in calls of %v, want 10, 10 and 5", got)
	}
	c = &client{}
	large := numbered(5)
	for i := range large {
		large[i].Metadata = map[string]string{"padding": strings.Repeat("x", 100*1024)}
	}
	if err := publisher(t, c, nil).Publish(t.Context(), large...); err != nil {
		t.Fatal(err)
	}
	if got := lengths(c.calls); !slices.Equal(got, []int{2, 2, 1}) {
		t.Errorf("5 events of 100 KiB went in calls of %v, want 2, 2 and 1: 256 KiB at most", got)
	}
}

func lengths(calls [][]types.PutEventsRequestEntry) []int {
	var ns []int
	for _, c := range calls {
		ns = append(ns, len(c))
	}
	return ns
}

func TestOnlyFailedEntriesAreSentAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := &client{answer: func(n int, id string) *string {
			switch {
			case n == 1 && id == "e-01":
				return aws.String("ThrottlingException")
			case n <= 2 && id == "e-03":
				return aws.String("InternalFailure")
			}
			return nil
		}}
		if err := publisher(t, c, nil).Publish(t.Context(), numbered(5)...); err != nil {
			t.Fatal(err)
		}
		want := [][]string{{"e-00", "e-01", "e-02", "e-03", "e-04"}, {"e-01", "e-03"}, {"e-03"}}
		if got := c.sent(); !slices.EqualFunc(got, want, slices.Equal) {
			t.Errorf("sent %q, want %q", got, want)
		}
	})
}

func TestErrorListsExactlyWhatWasNotAccepted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := &client{answer: func(_ int, id string) *string {
			switch id {
			case "e-01":
				return aws.String("ThrottlingException") // every time
			case "e-12":
				return aws.String("MalformedDetail") // hopeless: sent once
			}
			return nil
		}}
		err := publisher(t, c, nil).Publish(t.Context(), numbered(15)...)
		var publish *bus.PublishError
		if !errors.As(err, &publish) {
			t.Fatalf("Publish = %v, want a *bus.PublishError", err)
		}
		var got []string
		for _, r := range publish.Rejected {
			got = append(got, r.Event.ID+" "+r.Code+" "+r.Message)
		}
		if want := []string{"e-01 ThrottlingException says EventBridge", "e-12 MalformedDetail says EventBridge"}; !slices.Equal(got, want) {
			t.Errorf("rejected %q, want %q", got, want)
		}
		if fault.CodeOf(err) != fault.Transient {
			t.Errorf("code is %s, want transient: one of them may pass yet", fault.CodeOf(err))
		}
		if got := lengths(c.calls); !slices.Equal(got, []int{10, 1, 1, 1, 5}) {
			t.Errorf("calls had %v entries, want the first batch, its entry three times more, and the second batch", got)
		}
	})
}

func TestCallsThatFail(t *testing.T) {
	t.Parallel()
	response := func(status int) error {
		return &awshttp.ResponseError{ResponseError: &smithyhttp.ResponseError{
			Response: &smithyhttp.Response{Response: &http.Response{StatusCode: status}}, Err: errors.New("answer"),
		}}
	}
	for name, tt := range map[string]struct {
		err   error
		calls int
		code  string
		fault fault.Code
	}{
		"throttled":          {&smithy.GenericAPIError{Code: "ThrottlingException", Message: "slow down"}, 4, "ThrottlingException", fault.Transient},
		"unavailable":        {response(503), 4, "RequestFailed", fault.Transient},
		"connection lost":    {&smithy.OperationError{Err: errors.New("connection reset")}, 4, "RequestFailed", fault.Transient},
		"permission missing": {&smithy.GenericAPIError{Code: "AccessDeniedException", Message: "no"}, 1, "AccessDeniedException", fault.Internal},
		"request refused":    {&smithy.GenericAPIError{Code: "ValidationException", Message: "no"}, 1, "ValidationException", fault.Internal},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c := &client{fail: func(int) error { return tt.err }}
				err := publisher(t, c, nil).Publish(t.Context(), numbered(2)...)
				var publish *bus.PublishError
				if !errors.As(err, &publish) || len(publish.Rejected) != 2 || publish.Rejected[0].Code != tt.code {
					t.Fatalf("Publish = %v, want both events rejected as %s", err, tt.code)
				}
				if fault.CodeOf(err) != tt.fault || !errors.Is(err, tt.err) {
					t.Errorf("Publish = %v (%s), want %s with the cause", err, fault.CodeOf(err), tt.fault)
				}
				if len(c.calls) != tt.calls {
					t.Errorf("%d calls, want %d", len(c.calls), tt.calls)
				}
			})
		})
	}
}

func TestWaitsAreRandomWithinDoublingBounds(t *testing.T) {
	t.Parallel()
	longest := make([]time.Duration, 4)
	shortest := []time.Duration{time.Hour, time.Hour, time.Hour, time.Hour}
	for range 200 {
		synctest.Test(t, func(t *testing.T) {
			c := &client{fail: func(int) error { return &smithy.GenericAPIError{Code: "ThrottlingException"} }}
			p := publisher(t, c, func(cfg *ebbus.Config) {
				cfg.MaxRetries, cfg.FirstDelay, cfg.MaxDelay = 4, 100*time.Millisecond, 400*time.Millisecond
			})
			if err := p.Publish(t.Context(), completed("e-1")); err == nil {
				t.Fatal("Publish = nil, want the throttling")
			}
			for i := range longest {
				wait := c.times[i+1].Sub(c.times[i])
				longest[i], shortest[i] = max(longest[i], wait), min(shortest[i], wait)
			}
		})
	}
	for i, bound := range []time.Duration{100 * time.Millisecond, 200 * time.Millisecond, 400 * time.Millisecond, 400 * time.Millisecond} {
		if longest[i] > bound+1 || longest[i] < bound*3/4 || shortest[i] > bound/4 {
			t.Errorf("200 waits number %d were %s to %s, want random ones from 0 to %s", i+1, shortest[i], longest[i], bound)
		}
	}
}

func TestPublishEndsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := &client{fail: func(int) error { return &smithy.GenericAPIError{Code: "ThrottlingException"} }}
		p := publisher(t, c, func(cfg *ebbus.Config) { cfg.MaxRetries, cfg.FirstDelay = 100, time.Minute; cfg.MaxDelay = time.Hour })
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		start := time.Now()
		err := p.Publish(ctx, numbered(2)...)
		var publish *bus.PublishError
		if !errors.As(err, &publish) || len(publish.Rejected) != 2 || time.Since(start) > time.Hour {
			t.Errorf("Publish = %v after %s, want both events rejected within the hour", err, time.Since(start))
		}
	})
}

// An answer that does not cover what was sent says nothing about any entry.
func TestAnswerOfAnotherLengthIsAFailure(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		err := publisher(t, short{}, nil).Publish(t.Context(), numbered(2)...)
		var publish *bus.PublishError
		if !errors.As(err, &publish) || len(publish.Rejected) != 2 || fault.CodeOf(err) != fault.Transient {
			t.Errorf("Publish = %v, want both rejected as transient", err)
		}
	})
}

type short struct{}

func (short) PutEvents(context.Context, *eventbridge.PutEventsInput, ...func(*eventbridge.Options)) (*eventbridge.PutEventsOutput, error) {
	return &eventbridge.PutEventsOutput{Entries: make([]types.PutEventsResultEntry, 1)}, nil
}

func TestNewNamesEveryFaultOfItsConfig(t *testing.T) {
	t.Parallel()
	_, err := ebbus.New(ebbus.Config{SizeLimit: 1 << 30, MaxRetries: -1})
	for _, want := range []string{"client is required", "bus name is required", "source prefix is required", "size limit is 1073741824", "0 or more"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("New = %v, want it to say %q", err, want)
		}
	}
}

func ExamplePublisher_Publish() {
	p, err := ebbus.New(ebbus.Config{Client: &client{}, BusName: "alchemiser-trading-events-dev", SourcePrefix: "alchemiser", MaxRetries: 3})
	if err != nil {
		fmt.Println(err)
		return
	}
	invalid := completed("e-2")
	invalid.SourceModule = ""
	err = p.Publish(context.Background(), completed("e-1"), invalid)
	var publish *bus.PublishError
	if errors.As(err, &publish) {
		for _, r := range publish.Rejected {
			fmt.Println(r.Event.ID, r.Code)
		}
	}
	// Output: e-2 InvalidEvent
}

func TestProbePublishesNothing(t *testing.T) {
	t.Parallel()
	refused := func(code string) func(int, string) *string { return func(int, string) *string { return &code } }
	for name, tt := range map[string]struct {
		client *client
		want   fault.Code // empty: none
	}{
		"let in":                {client: &client{answer: refused("InvalidArgument")}},
		"not allowed":           {client: &client{fail: func(int) error { return &smithy.GenericAPIError{Code: "AccessDeniedException"} }}, want: fault.Internal},
		"throttled":             {client: &client{fail: func(int) error { return &smithy.GenericAPIError{Code: "ThrottlingException"} }}, want: fault.Transient},
		"taken, against reason": {client: &client{}, want: fault.Internal},
		"failed within":         {client: &client{answer: refused("InternalFailure")}, want: fault.Internal},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, err := ebbus.New(ebbus.Config{Client: tt.client, BusName: "bus", SourcePrefix: "alchemiser"})
			if err != nil {
				t.Fatal(err)
			}
			if err := p.Probe(t.Context()); (err == nil) != (tt.want == "") || err != nil && fault.CodeOf(err) != tt.want {
				t.Errorf("Probe = %v, want code %q", err, tt.want)
			}
			if len(tt.client.calls) != 1 || tt.client.calls[0][0].DetailType != nil || *tt.client.calls[0][0].EventBusName != "bus" {
				t.Errorf("sent %+v, want one entry for the bus that has no type", tt.client.calls)
			}
		})
	}
}
