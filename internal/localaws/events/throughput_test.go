package events_test

import (
	"context"
	"io"
	"log"
	"net/http"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/the-alchemiser/alchemiser/internal/localaws/clock"
	"github.com/the-alchemiser/alchemiser/internal/localaws/delivery"
	"github.com/the-alchemiser/alchemiser/internal/localaws/events"
	"github.com/the-alchemiser/alchemiser/internal/localaws/sqs"
	"github.com/the-alchemiser/alchemiser/internal/localaws/state"
	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

// counter passes deliveries on and says when the last of them is done.
type counter struct {
	to   delivery.Receiver
	left atomic.Int64
	done chan struct{}
}

func (c *counter) Send(ctx context.Context, arn string, m delivery.Message) error {
	err := c.to.Receive(ctx, arn, m)
	if err == nil && c.left.Add(-1) == 0 {
		close(c.done)
	}
	return err
}

// BenchmarkPutEventsToSQS counts events, from requests of ten by one client until the queue has them all.
func BenchmarkPutEventsToSQS(b *testing.B) {
	for name, dir := range map[string]string{"memory": "", "synced": b.TempDir()} {
		b.Run(name, func(b *testing.B) {
			if dir != "" {
				dir = b.TempDir()
			}
			store, err := state.Open(dir)
			if err != nil {
				b.Fatal(err)
			}
			defer func() {
				if err := store.Close(); err != nil {
					b.Error(err)
				}
			}()
			ticks := clock.New()
			queues, err := sqs.New(sqs.Config{Store: store, Clock: ticks, URL: func() string { return "http://endpoint" }})
			if err != nil {
				b.Fatal(err)
			}
			to := &counter{to: queues, done: make(chan struct{})}
			service, err := events.New(events.Config{Store: store, Clock: ticks, Sender: to})
			if err != nil {
				b.Fatal(err)
			}
			ctx, cancel := context.WithCancel(b.Context())
			stopped := make(chan error, 1)
			go func() { stopped <- service.Run(ctx) }()
			defer func() {
				cancel()
				if err := <-stopped; err != nil {
					b.Error(err)
				}
			}()
			handler := wire.NewHandler([]wire.Service{service.API(), queues.API()}, anyone, log.New(io.Discard, "", 0))
			for _, step := range []struct {
				service, target, action string
				body                    map[string]any
			}{
				{"sqs", "AmazonSQS", "CreateQueue", map[string]any{"QueueName": "orders", "Attributes": map[string]string{
					"Policy": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"sqs:*","Resource":"*"}]}`,
				}}},
				{"events", "AWSEvents", "PutRule", map[string]any{"Name": "r", "EventPattern": `{"source":["shop"]}`}},
				{"events", "AWSEvents", "PutTargets", map[string]any{"Rule": "r", "Targets": []events.Target{{Id: "t", Arn: queue}}}},
			} {
				if status, answer := call(handler, step.service, step.target, step.action, step.body); status != http.StatusOK {
					b.Fatal(answer)
				}
			}
			const batch = 10
			to.left.Store(int64(b.N) * batch)
			entries := make([]any, batch)
			for i := range entries {
				entries[i] = map[string]any{"Source": "shop", "DetailType": "Placed", "Detail": `{"order":"` + strconv.Itoa(i) + `","lines":[1,2,3]}`}
			}
			b.ResetTimer()
			for range b.N {
				if status, answer := call(handler, "events", "AWSEvents", "PutEvents", map[string]any{"Entries": entries}); status != http.StatusOK {
					b.Fatal(answer)
				}
			}
			<-to.done
			b.ReportMetric(float64(b.N)*batch/b.Elapsed().Seconds(), "events/s")
		})
	}
}
