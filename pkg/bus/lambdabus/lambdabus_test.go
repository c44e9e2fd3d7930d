package lambdabus_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"

	"github.com/the-alchemiser/alchemiser/pkg/bus"
	"github.com/the-alchemiser/alchemiser/pkg/bus/lambdabus"
	"github.com/the-alchemiser/alchemiser/pkg/events"
	"github.com/the-alchemiser/alchemiser/pkg/fault"
)

const envelope = `{"version":"0","id":"aws-1","detail-type":"WorkflowStarted","source":"alchemiser.scheduler","account":"000000000000",
 "time":"2026-03-02T20:45:00Z","region":"us-east-1","resources":["correlation:r"],"detail":{"event_id":"e-1","n":1.50}}`

func invocation(ctx context.Context) context.Context {
	return lambdacontext.NewContext(ctx, &lambdacontext.LambdaContext{AwsRequestID: "request-1"})
}

// none is a handler that must not be called.
func none(t *testing.T) bus.Handler {
	t.Helper()
	return func(_ context.Context, d bus.Delivery) error {
		t.Errorf("got the delivery %+v, want none", d)
		return nil
	}
}

func TestEventGoesToWhoSubscribedToItsType(t *testing.T) {
	t.Parallel()
	entry := lambdabus.New(lambdabus.Commands{})
	var got []bus.Delivery
	keep := func(_ context.Context, d bus.Delivery) error {
		got = append(got, d)
		return nil
	}
	entry.Subscribe("one", keep, events.TypeSignalGenerated, events.TypeWorkflowStarted)
	entry.Subscribe("all", keep)
	entry.Subscribe("other", none(t), events.TypeTradeExecuted)
	out, err := entry.Invoke(invocation(t.Context()), []byte(envelope))
	if err != nil || string(out) != "null" {
		t.Fatalf("Invoke = %s, %v", out, err)
	}
	if len(got) != 2 {
		t.Fatalf("%d handlers were called, want 2", len(got))
	}
	d := got[0]
	if d.RequestID != "request-1" || d.DetailType != "WorkflowStarted" || d.Source != "alchemiser.scheduler" || d.ReplayName != "" ||
		string(d.Detail) != `{"event_id":"e-1","n":1.50}` || string(d.Raw) != envelope || !d.Time.Equal(time.Date(2026, 3, 2, 20, 45, 0, 0, time.UTC)) {
		t.Errorf("delivery is %+v", d)
	}
}

func TestReplayIsMarked(t *testing.T) {
	t.Parallel()
	entry := lambdabus.New(lambdabus.Commands{})
	var name string
	entry.Subscribe("f", func(_ context.Context, d bus.Delivery) error { name = d.ReplayName; return nil })
	replayed := strings.Replace(envelope, `"resources"`, `"replay-name":"again","resources"`, 1)
	if _, err := entry.Invoke(invocation(t.Context()), []byte(replayed)); err != nil || name != "again" {
		t.Errorf("replay name is %q, %v, want again", name, err)
	}
}

func TestWatchdogIsCalledForItsConstantAlone(t *testing.T) {
	t.Parallel()
	calls := 0
	bark := errors.New("stalled")
	entry := lambdabus.New(lambdabus.Commands{Watchdog: func(context.Context) error { calls++; return bark }})
	entry.Subscribe("monitor", none(t))
	_, err := entry.Invoke(invocation(t.Context()), []byte(` {"watchdog": true}`))
	var invoke *lambdabus.InvokeError
	if calls != 1 || !errors.As(err, &invoke) || invoke.What != "watchdog" || !errors.Is(err, bark) {
		t.Errorf("Invoke = %v after %d calls, want the watchdog's error after 1", err, calls)
	}
	for _, other := range []string{`{"watchdog": false}`, `{"watchdog": "true"}`, `{"watchdog": true, "x": true}`, `true`} {
		if _, err := entry.Invoke(invocation(t.Context()), []byte(other)); err == nil || calls != 1 {
			t.Errorf("Invoke(%s) = %v after %d calls, want an error and no other call", other, err, calls)
		}
	}
}

func TestInvokeRefuses(t *testing.T) {
	t.Parallel()
	entry := lambdabus.New(lambdabus.Commands{})
	entry.Subscribe("f", none(t), events.TypeTradeExecuted)
	for name, tt := range map[string]struct {
		payload, want string
	}{
		"no JSON":                 {`hello`, "not an event of EventBridge"},
		"an SQS event":            {`{"Records":[]}`, "it has no detail-type"},
		"an event without source": {`{"detail-type":"TradeExecuted","detail":{}}`, "it has no source"},
		"an event without detail": {`{"detail-type":"TradeExecuted","source":"s"}`, "it has no detail"},
		"a watchdog call":         {`{"watchdog":true}`, "no watchdog"},
		"a smoke event":           {`{"smoke":true}`, "no smoke test"},
		"a type of nobody here":   {envelope, "nobody here handles it, only TradeExecuted"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := entry.Invoke(invocation(t.Context()), []byte(tt.payload))
			if err == nil || !strings.Contains(err.Error(), tt.want) || fault.CodeOf(err) != fault.Invalid {
				t.Errorf("Invoke = %v (%s), want an invalid error that says %q", err, fault.CodeOf(err), tt.want)
			}
			if _, ok := err.(*lambdabus.InvokeError); !ok { //nolint:errorlint // the outermost type is what Lambda reports
				t.Errorf("the outermost type is %T, want *lambdabus.InvokeError", err)
			}
		})
	}
	if _, err := entry.Invoke(t.Context(), []byte(envelope)); err == nil || !strings.Contains(err.Error(), "request id") {
		t.Errorf("Invoke without a request id = %v, want an error about it", err)
	}
}

func TestErrorOfAnyHandlerFailsTheInvocation(t *testing.T) {
	t.Parallel()
	entry := lambdabus.New(lambdabus.Commands{})
	entry.Subscribe("good", func(context.Context, bus.Delivery) error { return nil })
	entry.Subscribe("bad", func(context.Context, bus.Delivery) error { return fault.New(fault.Transient, "the table is throttled") })
	called := false
	entry.Subscribe("last", func(context.Context, bus.Delivery) error { called = true; return nil })
	_, err := entry.Invoke(invocation(t.Context()), []byte(envelope))
	if want := "transient: WorkflowStarted: bad: the table is throttled"; err == nil || err.Error() != want {
		t.Errorf("Invoke = %v, want %s", err, want)
	}
	if !called {
		t.Error("one handler's error kept the event from the next")
	}
}

// Whatever arrives, the entry answers by its own error and never panics; only events reach a handler.
func FuzzInvoke(f *testing.F) {
	f.Add([]byte(envelope))
	f.Add([]byte(`{"watchdog":true}`))
	f.Add([]byte(`{"detail-type":"a","source":"b","detail":[]}`))
	f.Fuzz(func(t *testing.T, payload []byte) {
		entry := lambdabus.New(lambdabus.Commands{})
		delivered := 0
		entry.Subscribe("f", func(_ context.Context, d bus.Delivery) error {
			delivered++
			if d.DetailType == "" || d.Source == "" || len(d.Detail) == 0 {
				t.Errorf("delivered %+v of %q", d, payload)
			}
			return nil
		})
		_, err := entry.Invoke(invocation(t.Context()), payload)
		if (err == nil) != (delivered == 1) {
			t.Errorf("Invoke(%q) = %v after %d deliveries", payload, err, delivered)
		}
	})
}

func Example() {
	entry := lambdabus.New(lambdabus.Commands{})
	entry.Subscribe("strategy", func(_ context.Context, d bus.Delivery) error {
		fmt.Println(d.RequestID, d.DetailType)
		return nil
	}, events.TypeWorkflowStarted)
	// In a function's main: lambda.Start(entry)
	if _, err := entry.Invoke(invocation(context.Background()), []byte(envelope)); err != nil {
		fmt.Println(err)
	}
	// Output: request-1 WorkflowStarted
}

func TestSmokeIsAnsweredWithItsReport(t *testing.T) {
	t.Parallel()
	broken := errors.New("the broker does not answer")
	var fails error
	entry := lambdabus.New(lambdabus.Commands{Smoke: func(context.Context) (any, error) {
		return map[string]string{"function": "execution"}, fails
	}})
	entry.Subscribe("execution", none(t))
	out, err := entry.Invoke(invocation(t.Context()), []byte(`{"smoke": true}`))
	if err != nil || string(out) != `{"function":"execution"}` {
		t.Errorf("Invoke = %s, %v, want the report", out, err)
	}
	fails = broken
	_, err = entry.Invoke(invocation(t.Context()), []byte(`{"smoke": true}`))
	var invoke *lambdabus.InvokeError
	if !errors.As(err, &invoke) || invoke.What != "smoke" || !errors.Is(err, broken) {
		t.Errorf("Invoke = %v, want the error of the smoke test", err)
	}
}
