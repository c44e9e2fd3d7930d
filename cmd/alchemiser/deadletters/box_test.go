package deadletters_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/go-cmp/cmp"

	"github.com/the-alchemiser/alchemiser/cmd/alchemiser/deadletters"
	"github.com/the-alchemiser/alchemiser/internal/localaws"
	"github.com/the-alchemiser/alchemiser/internal/naming"
)

const stage = naming.Stage("test")

// account is an account on the in-process endpoint with the queues of a stage.
type account struct {
	cfg    aws.Config
	queues map[string]string
}

func newAccount(t *testing.T) *account {
	t.Helper()
	server, err := localaws.New(localaws.Config{Log: t.Output(), RetryScale: 1})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- server.Serve(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	a := &account{queues: map[string]string{}, cfg: aws.Config{
		Region: "us-east-1", BaseEndpoint: aws.String(server.URL()), Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	}}
	for _, name := range deadletters.Names() {
		queue := stage.DeadLetters(naming.Function(name))
		if name == deadletters.Bus {
			queue = stage.EventDeadLetters()
		}
		got, err := sqs.NewFromConfig(a.cfg).CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: &queue})
		if err != nil {
			t.Fatal(err)
		}
		a.queues[name] = *got.QueueUrl
	}
	return a
}

// send puts a message into a queue; attributes are NAME=VALUE.
func (a *account) send(t *testing.T, queue, body string, attributes ...string) {
	t.Helper()
	in := &sqs.SendMessageInput{QueueUrl: aws.String(a.queues[queue]), MessageBody: &body, MessageAttributes: map[string]types.MessageAttributeValue{}}
	for _, a := range attributes {
		name, value, _ := strings.Cut(a, "=")
		in.MessageAttributes[name] = types.MessageAttributeValue{DataType: aws.String("String"), StringValue: &value}
	}
	if _, err := sqs.NewFromConfig(a.cfg).SendMessage(t.Context(), in); err != nil {
		t.Fatal(err)
	}
}

func event(id string) string {
	return fmt.Sprintf(`{"version":"0","id":"x","detail-type":"RebalancePlanned","source":"alchemiser.portfolio","account":"000000000000","time":"2026-03-02T20:45:00Z",
		"region":"us-east-1","resources":[],"detail":{"event_id":%q,"event_type":"RebalancePlanned","correlation_id":"run-1"}}`, id)
}

func (a *account) open(t *testing.T, names ...string) *deadletters.Box {
	t.Helper()
	box, err := deadletters.Open(t.Context(), a.cfg, stage, names...)
	if err != nil {
		t.Fatal(err)
	}
	return box
}

func TestEveryShapeIsToldInOneLine(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	a.send(t, "execution", event("e-1"), "ERROR_CODE=NO_PERMISSIONS", "ERROR_MESSAGE=not authorized", "RETRY_ATTEMPTS=0")
	a.send(t, "execution", `{"version":"1.0","requestContext":{"requestId":"r","condition":"RetriesExhausted","approximateInvokeCount":3},"requestPayload":`+event("e-2")+`,"responsePayload":{"errorMessage":"the broker\n is down"}}`)
	a.send(t, "monitor", event("e-3"), "EVENT_ID=e-3", "REASON=no such type")
	a.send(t, "bus", `{"portfolio_id":"main"}`, "ERROR_CODE=INVALID", "ERROR_MESSAGE=too late", "SCHEDULE_ARN=arn:aws:scheduler:us-east-1:000000000000:schedule/g/s", "RETRY_ATTEMPTS=3")
	a.send(t, "strategy", "hello")

	box := a.open(t)
	letters, err := box.Collect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, l := range letters {
		got[l.Queue+" "+l.EventID] = strings.Join([]string{l.Shape, l.EventType, l.CorrelationID, l.Why}, " | ")
		if l.SentAt.IsZero() || l.MessageID == "" {
			t.Errorf("%s: since %s, message %q", l.EventID, l.SentAt, l.MessageID)
		}
	}
	want := map[string]string{
		"execution e-1": "undelivered | RebalancePlanned | run-1 | EventBridge could not deliver it: NO_PERMISSIONS: not authorized",
		"execution e-2": "failed | RebalancePlanned | run-1 | failed 3 times, the last time: the broker is down",
		"monitor e-3":   "refused | RebalancePlanned | run-1 | can never be handled: no such type",
		"bus ":          "undelivered |  |  | Scheduler could not deliver it in 3 more attempts: INVALID: too late",
		"strategy ":     got["strategy "],
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("letters (-want +got):\n%s", d)
	}
	if !strings.HasPrefix(got["strategy "], "unknown |  |  | dead letter: neither attributes nor a record of Lambda") {
		t.Errorf("of what is no letter it says %q", got["strategy "])
	}
}

func TestWhatIsReleasedIsSeenAgainAndWhatIsDeletedIsGone(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	for i := range 25 {
		a.send(t, "portfolio", event(fmt.Sprintf("e-%02d", i)), "EVENT_ID=e", "REASON=x")
	}
	box := a.open(t, "portfolio")
	first, err := box.Collect(t.Context())
	if err != nil || len(first) != 25 {
		t.Fatalf("collected %d, %v, want 25", len(first), err)
	}
	if again, err := box.Collect(t.Context()); err != nil || len(again) != 0 {
		t.Fatalf("while somebody looks, another sees %d, %v, want nothing", len(again), err)
	}
	if err := box.Delete(t.Context(), first[:12]); err != nil {
		t.Fatal(err)
	}
	if err := box.Release(t.Context(), first[12:]); err != nil {
		t.Fatal(err)
	}
	counts, err := box.Count(t.Context())
	if d := cmp.Diff(map[string]int{"portfolio": 13}, counts); d != "" || err != nil {
		t.Errorf("counts, %v (-want +got):\n%s", err, d)
	}
	rest, err := box.Collect(t.Context())
	if err != nil || len(rest) != 13 {
		t.Errorf("then %d are seen, %v, want 13", len(rest), err)
	}
}

func TestNobodyRedrivesWhatNoFunctionFailedOn(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	a.send(t, "bus", event("e-1"), "ERROR_CODE=INVALID")
	a.send(t, "monitor", "hello")
	box := a.open(t)
	letters, err := box.Collect(t.Context())
	if err != nil || len(letters) != 2 {
		t.Fatalf("collected %d, %v", len(letters), err)
	}
	for _, l := range letters {
		want := map[string]string{"bus": "no function has failed", "monitor": "nobody knows what it is"}[l.Queue]
		if err := box.Redrive(t.Context(), l); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Redrive from %s = %v, want %q", l.Queue, err, want)
		}
	}
}

func TestUnknownQueues(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	if _, err := deadletters.Open(t.Context(), a.cfg, stage, "trader"); err == nil || !strings.Contains(err.Error(), `no dead letter queue "trader"`) {
		t.Errorf("Open = %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if _, err := deadletters.Open(ctx, a.cfg, "other"); err == nil || !strings.Contains(err.Error(), "alchemiser-strategy-dlq-other") {
		t.Errorf("Open of another stage = %v, want the queue's name", err)
	}
}
