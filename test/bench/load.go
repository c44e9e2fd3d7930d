package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	eventbridgetypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

const (
	// loadTime is how long events are put for each line.
	loadTime = 2 * time.Second
	// loadBudget is for one client and batches of ten, in memory: DESIGN chapter 11.
	loadBudget = 10_000
)

// load is one line of the table: so many clients, each with one request at a time of so many events.
type load struct{ clients, batch int }

// loaded is what came of it.
type loaded struct {
	load
	accepted int
	// accepting is how long putting took, delivering until the queue had everything.
	accepting, delivering time.Duration
	p50, p99              time.Duration
}

func (l loaded) rate() float64 { return float64(l.accepted) / l.delivering.Seconds() }

// measureLoad puts events to a rule with a queue as its target, in memory and with --data, and measures beside it what the
// disk allows.
func measureLoad(ctx context.Context, program string) ([]row, error) {
	var rows []row
	for _, durable := range []bool{false, true} {
		dir, name := "", "in memory"
		if durable {
			var err error
			if dir, err = os.MkdirTemp("", "alchemiser-bench-"); err != nil {
				return nil, err
			}
			name = "with --data"
		}
		e, err := startLoaded(ctx, program, dir)
		if err != nil {
			return nil, err
		}
		for _, l := range []load{{1, 1}, {1, 10}, {8, 1}, {8, 10}, {64, 1}, {64, 10}} {
			got, err := e.run(ctx, l)
			if err != nil {
				return nil, errors.Join(err, e.stop())
			}
			r := row{
				What: fmt.Sprintf("PutEvents → SQS %s, %d × %d", name, l.clients, l.batch),
				Figure: fmt.Sprintf("%.0f events/s delivered, %.0f accepted, p50 %s, p99 %s", got.rate(),
					float64(got.accepted)/got.accepting.Seconds(), ms(got.p50), ms(got.p99)),
			}
			switch {
			case durable:
				if r, err = synced(ctx, r, got, dir); err != nil {
					return nil, errors.Join(err, e.stop())
				}
			case l == (load{1, 10}):
				r.Budget, r.Held = fmt.Sprintf("≥ %d events/s", loadBudget), verdict(got.rate() >= loadBudget)
			}
			rows = append(rows, r)
		}
		held, err := memoryOf(e.cmd.Process.Pid)
		if err = errors.Join(err, e.stop(), os.RemoveAll(dir)); err != nil {
			return nil, err
		}
		rows = append(rows, row{What: "endpoint " + name + ": memory after that", Figure: held.String()})
	}
	return rows, nil
}

// endpoint is a running one.
type endpoint struct {
	cmd    *exec.Cmd
	cfg    aws.Config
	queues int
}

func startLoaded(ctx context.Context, program, dir string) (*endpoint, error) {
	args := []string{"local", "up", "--port", "0"}
	if dir != "" {
		args = append(args, "--data", filepath.Join(dir, "data"))
	}
	e := &endpoint{cmd: exec.CommandContext(ctx, program, args...)}
	stdout, err := e.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := e.cmd.Start(); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	url, ok := strings.CutPrefix(strings.TrimSpace(line), "ready ")
	if err != nil || !ok {
		return nil, errors.Join(fmt.Errorf("the endpoint said %q: %w", line, err), e.stop())
	}
	e.cfg = aws.Config{Region: "us-east-1", BaseEndpoint: aws.String(url), Credentials: credentials.NewStaticCredentialsProvider("test", "test", "")}
	return e, nil
}

func (e *endpoint) stop() error {
	if err := e.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	return e.cmd.Wait()
}

// target makes a queue of its own the target of the rule "load".
func (e *endpoint) target(ctx context.Context) (url string, err error) {
	e.queues++
	name := fmt.Sprintf("load-%d", e.queues)
	out, err := sqs.NewFromConfig(e.cfg).CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String(name), Attributes: map[string]string{
		"Policy": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"sqs:SendMessage","Resource":"*"}]}`,
	}})
	if err != nil {
		return "", err
	}
	events := eventbridge.NewFromConfig(e.cfg)
	if _, err := events.PutRule(ctx, &eventbridge.PutRuleInput{Name: aws.String("load"), EventPattern: aws.String(`{"source":["load"]}`)}); err != nil {
		return "", err
	}
	_, err = events.PutTargets(ctx, &eventbridge.PutTargetsInput{Rule: aws.String("load"), Targets: []eventbridgetypes.Target{
		{Id: aws.String("queue"), Arn: aws.String("arn:aws:sqs:us-east-1:000000000000:" + name)},
	}})
	return aws.ToString(out.QueueUrl), err
}

// run puts events for loadTime and waits until the queue has them all.
func (e *endpoint) run(ctx context.Context, l load) (loaded, error) {
	url, err := e.target(ctx)
	if err != nil {
		return loaded{}, err
	}
	out := loaded{load: l}
	began := time.Now()
	times, _, err := putAll(ctx, e.cfg, l, loadTime)
	if err != nil {
		return out, err
	}
	out.accepted, out.accepting = len(times)*l.batch, time.Since(began)
	sorted(times)
	out.p50, out.p99 = percentile(times, 50), percentile(times, 99)
	err = waitForMessages(ctx, e.cfg, url, out.accepted)
	out.delivering = time.Since(began)
	if err != nil {
		return out, err
	}
	_, err = sqs.NewFromConfig(e.cfg).DeleteQueue(ctx, &sqs.DeleteQueueInput{QueueUrl: aws.String(url)})
	return out, err
}

// putAll lets all clients put events at once for a while. It returns how long each request took, and all of them together.
func putAll(ctx context.Context, cfg aws.Config, l load, d time.Duration) (times []time.Duration, took time.Duration, err error) {
	var mu sync.Mutex
	began := time.Now()
	var clients sync.WaitGroup
	for range l.clients {
		clients.Go(func() {
			mine, failure := putFor(ctx, cfg, l.batch, began.Add(d))
			mu.Lock()
			defer mu.Unlock()
			times, err = append(times, mine...), errors.Join(err, failure)
		})
	}
	clients.Wait()
	return times, time.Since(began), err
}

// putFor is one client: it puts batches until end and returns how long each request took.
func putFor(ctx context.Context, cfg aws.Config, batch int, end time.Time) ([]time.Duration, error) {
	client := eventbridge.NewFromConfig(cfg)
	entries := make([]eventbridgetypes.PutEventsRequestEntry, batch)
	for i := range entries {
		entries[i] = eventbridgetypes.PutEventsRequestEntry{
			Source: aws.String("load"), DetailType: aws.String("Load"),
			Detail: aws.String(`{"order":"` + strconv.Itoa(i) + `","lines":[{"symbol":"SPY","quantity":"1.5"},{"symbol":"TLT","quantity":"2"}]}`),
		}
	}
	var times []time.Duration
	for time.Now().Before(end) {
		began := time.Now()
		out, err := client.PutEvents(ctx, &eventbridge.PutEventsInput{Entries: entries})
		if err != nil {
			return times, err
		}
		if out.FailedEntryCount > 0 {
			return times, fmt.Errorf("%d entries were refused: %s", out.FailedEntryCount, aws.ToString(out.Entries[0].ErrorMessage))
		}
		times = append(times, time.Since(began))
	}
	return times, nil
}

// waitForMessages waits until a queue has as many messages as want.
func waitForMessages(ctx context.Context, cfg aws.Config, url string, want int) error {
	client := sqs.NewFromConfig(cfg)
	for {
		out, err := client.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
			QueueUrl: aws.String(url), AttributeNames: []sqstypes.QueueAttributeName{sqstypes.QueueAttributeNameApproximateNumberOfMessages},
		})
		if err != nil {
			return err
		}
		got, err := strconv.Atoi(out.Attributes["ApproximateNumberOfMessages"])
		if err != nil || got >= want {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the queue has %d of %d messages: %w", got, want, ctx.Err())
		case <-time.After(5 * time.Millisecond):
		}
	}
}
