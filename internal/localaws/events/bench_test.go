package events_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"

	"github.com/the-alchemiser/alchemiser/internal/localaws/clock"
	"github.com/the-alchemiser/alchemiser/internal/localaws/delivery"
	"github.com/the-alchemiser/alchemiser/internal/localaws/events"
	"github.com/the-alchemiser/alchemiser/internal/localaws/state"
	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

// sent is one delivery that the service made.
type sent struct {
	arn string
	delivery.Message
}

// receiver is a fake delivery.Sender: it keeps what it is sent, unless it is told to refuse.
type receiver struct {
	mu     sync.Mutex
	got    []sent
	refuse map[string]*delivery.Error
	to     map[string]delivery.Receiver
}

func (r *receiver) Send(ctx context.Context, arn string, m delivery.Message) error {
	r.mu.Lock()
	refused := r.refuse[arn]
	if refused == nil {
		r.got = append(r.got, sent{arn, m})
	}
	to := r.to[serviceOf(arn)]
	r.mu.Unlock()
	if refused != nil {
		return refused
	}
	if to != nil {
		return to.Receive(ctx, arn, m)
	}
	return nil
}

func serviceOf(arn string) string { return strings.Split(arn+":::", ":")[2] }

// take returns what has come to arn since the last take.
func (r *receiver) take(arn string) []sent {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []sent
	r.got = slices.DeleteFunc(r.got, func(s sent) bool {
		if s.arn == arn {
			out = append(out, s)
		}
		return s.arn == arn
	})
	return out
}

// refuseNext refuses what comes to the queue from now on; nil takes it again.
func (r *receiver) refuseNext(with *delivery.Error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.refuse == nil {
		r.refuse = map[string]*delivery.Error{}
	}
	r.refuse[queue] = with
}

// bench is a running service in a bubble of its own time, with a client that talks to it over the wire format.
type bench struct {
	*eventbridge.Client
	t        *testing.T
	store    *state.Store
	clock    *clock.Clock
	service  *events.Service
	receiver *receiver
	handler  http.Handler
	stop     func()
	// limit is the service's MaxPending.
	limit int
}

// run runs f with a service in a bubble.
func run(t *testing.T, f func(b *bench)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store, err := state.Open("")
		if err != nil {
			t.Fatal(err)
		}
		b := &bench{t: t, store: store, clock: clock.New(), receiver: &receiver{}}
		defer func() {
			b.stop()
			if err := store.Close(); err != nil {
				t.Error(err)
			}
		}()
		b.start()
		f(b)
	})
}

// start starts a service on the store.
func (b *bench) start() {
	b.t.Helper()
	service, err := events.New(events.Config{Store: b.store, Clock: b.clock, Sender: b.receiver, MaxPending: b.limit})
	if err != nil {
		b.t.Fatal(err)
	}
	b.service = service
	b.handler = wire.NewHandler([]wire.Service{service.API()}, anyone, log.New(io.Discard, "", 0))
	ctx, cancel := context.WithCancel(b.t.Context())
	done := make(chan error, 1)
	go func() { done <- service.Run(ctx) }()
	b.stop = func() {
		cancel()
		if err := <-done; err != nil {
			b.t.Errorf("Run: %v", err)
		}
	}
	b.Client = eventbridge.New(eventbridge.Options{
		Region: "us-east-1", BaseEndpoint: aws.String("http://endpoint"), HTTPClient: direct{b.handler},
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	})
}

func anyone(_ context.Context, key string) (wire.Caller, bool) {
	return wire.Caller{AccessKeyID: key}, true
}

// direct carries requests to a handler without a network.
type direct struct{ handler http.Handler }

func (d direct) Do(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	if r.Body == nil {
		r.Body = http.NoBody
	}
	d.handler.ServeHTTP(w, r)
	return w.Result(), nil
}

// call sends a request in JSON and returns status and answer.
func call(handler http.Handler, service, target, action string, body any) (int, map[string]any) {
	raw, err := json.Marshal(body)
	if err != nil {
		panic(err)
	}
	r := httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(raw))
	r.Header.Set("X-Amz-Target", target+"."+action)
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/"+service+"/aws4_request")
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	answer := map[string]any{}
	_ = json.Unmarshal(w.Body.Bytes(), &answer) // an empty answer has no members
	return w.Code, answer
}

// must fails the test on an error and returns the value.
func must[T any](t *testing.T) func(v T, err error) T {
	t.Helper()
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// route makes a bus called "orders" with a rule for everything and the queue as its target.
func (b *bench) route(change func(*events.Target)) {
	b.t.Helper()
	target := events.Target{Id: "t", Arn: queue}
	if change != nil {
		change(&target)
	}
	for _, step := range []struct {
		action string
		body   any
	}{
		{"CreateEventBus", map[string]any{"Name": "orders"}},
		{"PutRule", map[string]any{"Name": "all", "EventBusName": "orders", "EventPattern": `{"source":[{"prefix":""}]}`}},
		{"PutTargets", map[string]any{"Rule": "all", "EventBusName": "orders", "Targets": []events.Target{target}}},
	} {
		if status, answer := call(b.handler, "events", "AWSEvents", step.action, step.body); status != http.StatusOK {
			b.t.Fatalf("%s: %v", step.action, answer)
		}
	}
}

// put puts an event with the detail on the bus called "orders".
func (b *bench) put(detail string) {
	b.t.Helper()
	status, answer := call(b.handler, "events", "AWSEvents", "PutEvents", map[string]any{"Entries": []any{map[string]any{
		"Source": "shop", "DetailType": "Placed", "Detail": detail, "EventBusName": "orders", "TraceHeader": "Root=1-a-b",
	}}})
	if status != http.StatusOK || answer["FailedEntryCount"] != 0.0 {
		b.t.Fatalf("PutEvents: %v", answer)
	}
	synctest.Wait()
}
