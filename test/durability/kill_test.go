package durability_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

const (
	// clients put events at the same time.
	clients = 4
	// open lets everybody send to a queue: who may what is not what is tested here.
	open = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"sqs:*","Resource":"*"}]}`
	arns = "arn:aws:sqs:us-east-1:000000000000:"
)

// process is a running endpoint.
type process struct {
	cmd *exec.Cmd
	cfg aws.Config
}

// clientOf returns the configuration of a client of the endpoint at url.
func clientOf(url string) aws.Config {
	return aws.Config{
		Region: "us-east-1", BaseEndpoint: aws.String(url), RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	}
}

func startEndpoint(t *testing.T, dir string) *process {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{cmd: exec.Command(self)}
	p.cmd.Env = append(os.Environ(), dataDir+"="+dir)
	p.cmd.Stderr = os.Stderr
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	url, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("the endpoint did not start: %v", err)
	}
	p.cfg = clientOf(strings.TrimSpace(url))
	return p
}

// kill ends the process as a power cut does, for the process: nothing of it runs any more.
func (p *process) kill(t *testing.T) {
	t.Helper()
	if err := p.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = p.cmd.Wait() // it was killed
}

// prepare makes a bus whose events go to the queue "taken" and to a queue that does not exist, with "dead" for its dead
// letters.
func prepare(t *testing.T, cfg aws.Config) {
	t.Helper()
	ctx, queues, events := t.Context(), sqs.NewFromConfig(cfg), eventbridge.NewFromConfig(cfg)
	for _, name := range []string{"taken", "dead"} {
		_, err := queues.CreateQueue(ctx, &sqs.CreateQueueInput{
			// A message whose answer got lost on its way to the client comes again soon.
			QueueName: aws.String(name), Attributes: map[string]string{"Policy": open, "VisibilityTimeout": "5"},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, err := events.CreateEventBus(ctx, &eventbridge.CreateEventBusInput{Name: aws.String("bus")}); err != nil {
		t.Fatal(err)
	}
	_, err := events.PutRule(ctx, &eventbridge.PutRuleInput{
		Name: aws.String("all"), EventBusName: aws.String("bus"), EventPattern: aws.String(`{"source":["load"]}`),
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = events.PutTargets(ctx, &eventbridge.PutTargetsInput{
		Rule: aws.String("all"), EventBusName: aws.String("bus"), Targets: []ebtypes.Target{
			{Id: aws.String("taken"), Arn: aws.String(arns + "taken")},
			{Id: aws.String("missing"), Arn: aws.String(arns + "missing"), DeadLetterConfig: &ebtypes.DeadLetterConfig{Arn: aws.String(arns + "dead")}},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
}

// ledger is what the endpoint has acknowledged. It is safe for concurrent use.
type ledger struct {
	mu    sync.Mutex
	acked map[string]bool
	// closed is true while answers do not count any more.
	closed bool
	// reached is closed once so many are acknowledged.
	enough  int
	reached chan struct{}
}

// more returns a channel that is closed once n further events are acknowledged.
func (l *ledger) more(n int) <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed, l.enough, l.reached = false, len(l.acked)+n, make(chan struct{})
	return l.reached
}

// load puts events until the endpoint is gone, five at a time, and notes those that were acknowledged.
func (l *ledger) load(ctx context.Context, cfg aws.Config, client string) {
	events := eventbridge.NewFromConfig(cfg)
	for n := 0; ctx.Err() == nil; n++ {
		var in eventbridge.PutEventsInput
		var names []string
		for i := range 5 {
			name := fmt.Sprintf("%s-%d-%d", client, n, i)
			names = append(names, name)
			in.Entries = append(in.Entries, ebtypes.PutEventsRequestEntry{
				EventBusName: aws.String("bus"), Source: aws.String("load"), DetailType: aws.String("Load"),
				Detail: aws.String(`{"name":"` + name + `"}`),
			})
		}
		out, err := events.PutEvents(ctx, &in)
		if err != nil {
			return
		}
		l.mu.Lock()
		for i, e := range out.Entries {
			if e.EventId != nil && !l.closed {
				l.acked[names[i]] = true
			}
		}
		if l.enough > 0 && len(l.acked) >= l.enough {
			l.enough = 0
			close(l.reached)
		}
		l.mu.Unlock()
	}
}

// drain receives everything from a queue until all names that must come have come, and counts them.
func drain(t *testing.T, cfg aws.Config, queue string, must map[string]bool) map[string]int {
	t.Helper()
	client := sqs.NewFromConfig(cfg, func(o *sqs.Options) { o.RetryMaxAttempts = 5 })
	url := aws.String(*cfg.BaseEndpoint + "/000000000000/" + queue)
	got, missing := map[string]int{}, len(must)
	for silent := 0; missing > 0 && silent < 4; silent++ {
		out, err := client.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: url, MaxNumberOfMessages: 10, WaitTimeSeconds: 5})
		if err != nil {
			t.Fatal(err)
		}
		if len(out.Messages) == 0 {
			continue // nothing has come for five seconds
		}
		silent = 0
		var gone []sqstypes.DeleteMessageBatchRequestEntry
		for i, m := range out.Messages {
			var event struct{ Detail struct{ Name string } }
			if err := json.Unmarshal([]byte(*m.Body), &event); err != nil {
				t.Fatal(err)
			}
			if got[event.Detail.Name]++; got[event.Detail.Name] == 1 && must[event.Detail.Name] {
				missing--
			}
			gone = append(gone, sqstypes.DeleteMessageBatchRequestEntry{Id: aws.String(strconv.Itoa(i)), ReceiptHandle: m.ReceiptHandle})
		}
		if _, err := client.DeleteMessageBatch(t.Context(), &sqs.DeleteMessageBatchInput{QueueUrl: url, Entries: gone}); err != nil {
			t.Fatal(err)
		}
	}
	return got
}

// check drains the queues: nothing that was acknowledged may be missing from either.
func (l *ledger) check(t *testing.T, cfg aws.Config) {
	t.Helper()
	for _, queue := range []string{"taken", "dead"} {
		got := drain(t, cfg, queue, l.acked)
		lost, again, more := 0, 0, 0
		for name := range l.acked {
			switch n := got[name]; {
			case n == 0:
				lost++
			case n > 1:
				again++
			}
		}
		for name := range got {
			if !l.acked[name] {
				more++
			}
		}
		t.Logf("%d events acknowledged; in queue %s: %d lost, %d more than once, %d that were never answered", len(l.acked), queue, lost, again, more)
		if lost > 0 {
			t.Errorf("%d of %d acknowledged events never came to queue %s", lost, len(l.acked), queue)
		}
	}
}

// The endpoint is killed again and again under load; each event that it acknowledged is delivered to the one target and
// becomes a dead letter of the other. DURABILITY_KILLS sets how often.
func TestAcknowledgedEventsSurviveKills(t *testing.T) {
	kills := 5
	if s := os.Getenv("DURABILITY_KILLS"); s != "" {
		var err error
		if kills, err = strconv.Atoi(s); err != nil || kills < 1 {
			t.Fatalf("DURABILITY_KILLS=%s: want a number from 1", s)
		}
	}
	dir := filepath.Join(t.TempDir(), "data")
	l := &ledger{acked: map[string]bool{}}
	p := startEndpoint(t, dir)
	prepare(t, p.cfg)
	random := rand.New(rand.NewPCG(1, uint64(kills)))
	for kill := range kills {
		ctx, cancel := context.WithCancel(t.Context())
		reached := l.more(1 + random.IntN(1500))
		var load sync.WaitGroup
		for c := range clients {
			load.Go(func() { l.load(ctx, p.cfg, fmt.Sprintf("%d-%d", kill, c)) })
		}
		<-reached
		p.kill(t)
		load.Wait()
		cancel()
		p = startEndpoint(t, dir)
	}
	defer p.kill(t)
	l.check(t, p.cfg)
	if len(l.acked) < kills {
		t.Errorf("only %d events were acknowledged: there was no load", len(l.acked))
	}
}
