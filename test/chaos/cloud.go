package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	eventtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/the-alchemiser/alchemiser/internal/deadletter"
	"github.com/the-alchemiser/alchemiser/internal/store"
	"github.com/the-alchemiser/alchemiser/pkg/events"
	"github.com/the-alchemiser/alchemiser/test/chaos/invariants"
)

// What Terraform has made of our stage.
const (
	busName     = "alchemiser-trading-events-" + stage
	archiveName = "alchemiser-event-archive-" + stage
	tableName   = "alchemiser-state-" + stage
)

// function is a deployed function with its dead letter queue.
type function struct {
	invariants.Function
	queue    string
	redriver *deadletter.Redriver
}

// functions returns the functions of the stack, as their rules are.
func functions(ctx context.Context, cloud aws.Config, table *store.Store) ([]function, error) {
	queues := sqs.NewFromConfig(cloud)
	all := []function{
		{Function: invariants.Function{Name: "strategy", Types: []events.Type{events.TypeWorkflowStarted}}},
		{Function: invariants.Function{Name: "portfolio", Types: []events.Type{events.TypeSignalGenerated}}},
		{Function: invariants.Function{Name: "execution", Types: []events.Type{events.TypeRebalancePlanned}}},
		{Function: invariants.Function{Name: "monitor"}},
	}
	for i := range all {
		f := &all[i]
		queue, err := queues.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: aws.String("alchemiser-" + f.Name + "-dlq-" + stage)})
		if err != nil {
			return nil, fmt.Errorf("find the dead letter queue of %s: %w", f.Name, err)
		}
		f.queue = aws.ToString(queue.QueueUrl)
		f.redriver, err = deadletter.NewRedriver(table, lambda.NewFromConfig(cloud), f.Name, "alchemiser-"+f.Name+"-"+stage+":live")
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

// letter is a dead letter and who gets it back.
type letter struct {
	deadletter.Letter
	of function
}

// takeLetters empties the dead letter queues.
func (k *soak) takeLetters(ctx context.Context) (taken []letter, err error) {
	for _, f := range k.functions {
		for {
			out, err := k.sqs.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: &f.queue, MaxNumberOfMessages: 10, MessageAttributeNames: []string{"All"}})
			if err != nil {
				return taken, fmt.Errorf("look for dead letters of %s: %w", f.Name, err)
			}
			if len(out.Messages) == 0 {
				break
			}
			for _, m := range out.Messages {
				attributes := map[string]string{}
				for name, v := range m.MessageAttributes {
					attributes[name] = aws.ToString(v.StringValue)
				}
				l, err := deadletter.Parse([]byte(aws.ToString(m.Body)), attributes)
				if err != nil {
					return taken, fmt.Errorf("dead letter of %s: %w", f.Name, err)
				}
				if _, err := k.sqs.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: &f.queue, ReceiptHandle: m.ReceiptHandle}); err != nil {
					return taken, fmt.Errorf("take a dead letter of %s: %w", f.Name, err)
				}
				k.letters = append(k.letters, invariants.Letter{Function: f.Name, EventID: l.EventID, Reason: l.Reason})
				k.shapes[l.Shape]++
				taken = append(taken, letter{l, f})
			}
		}
	}
	return taken, nil
}

// redrive gives dead letters back to their functions.
func (k *soak) redrive(ctx context.Context, letters []letter) error {
	for _, l := range letters {
		if err := l.of.redriver.Redrive(ctx, l.Letter); err != nil {
			return err
		}
		k.redriven++
	}
	return nil
}

// replay replays the whole archive to every rule.
func (k *soak) replay(ctx context.Context, name string) error {
	bus, err := k.bus.DescribeEventBus(ctx, &eventbridge.DescribeEventBusInput{Name: aws.String(busName)})
	if err != nil {
		return fmt.Errorf("describe the bus: %w", err)
	}
	archive, err := k.bus.DescribeArchive(ctx, &eventbridge.DescribeArchiveInput{ArchiveName: aws.String(archiveName)})
	if err != nil {
		return fmt.Errorf("describe the archive: %w", err)
	}
	now := time.Now()
	if _, err = k.bus.StartReplay(ctx, &eventbridge.StartReplayInput{
		ReplayName: &name, EventSourceArn: archive.ArchiveArn, EventStartTime: aws.Time(now.AddDate(0, 0, -1)), EventEndTime: &now,
		Destination: &eventtypes.ReplayDestination{Arn: bus.Arn},
	}); err != nil {
		return fmt.Errorf("replay the archive: %w", err)
	}
	return nil
}

// rule is a fault of the endpoint; see docs/faults.md.
type rule struct {
	Fault       string  `json:"fault"`
	Function    string  `json:"function,omitempty"`
	Service     string  `json:"service,omitempty"`
	Operation   string  `json:"operation,omitempty"`
	After       string  `json:"after,omitempty"`
	Random      bool    `json:"random,omitempty"`
	Done        bool    `json:"done,omitempty"`
	Skip        int     `json:"skip,omitempty"`
	Times       int     `json:"times,omitempty"`
	Probability float64 `json:"probability,omitempty"`
}

// rules are the faults of the endpoint. Only the functions suffer: who looks on must see what is there. A victim, if there
// is one, is killed more often than Lambda tries.
func (k *soak) rules(victim string) []rule {
	const ours = "alchemiser-*"
	all := []rule{
		{Fault: "throttle", Function: ours, Service: "dynamodb", Probability: 0.006},
		{Fault: "lose", Function: ours, Service: "dynamodb", Probability: 0.006},
		{Fault: "throttle", Function: ours, Service: "events", Probability: 0.03},
		{Fault: "lose", Function: ours, Service: "events", Probability: 0.03},
		{Fault: "throttle", Function: ours, Service: "sqs", Probability: 0.1},
		{Fault: "fail", Function: ours, Service: "ssm", Probability: 0.01},
		{Fault: "refuse", Probability: 0.03},
		{Fault: "duplicate", Function: ours, After: "100ms", Probability: 0.15},
		{Fault: "delay", Function: ours, After: "300ms", Random: true, Probability: 0.2},
		{Fault: "timeout", Function: ours, After: "50ms", Probability: 0.01},
	}
	if victim != "" {
		all = append(all, rule{Fault: "kill", Function: "alchemiser-" + victim + "-*", Service: "dynamodb", Skip: k.rng.IntN(6), Times: 3})
	}
	for _, f := range k.names() {
		target := "alchemiser-" + f + "-*"
		all = append(all,
			rule{Fault: "kill", Function: target, After: "40ms", Random: true, Probability: 0.06},
			rule{Fault: "kill", Function: target, Service: "dynamodb", Probability: 0.003},
			rule{Fault: "kill", Function: target, Service: "dynamodb", Done: true, Probability: 0.003},
		)
		if f != "monitor" { // which publishes nothing
			all = append(all,
				rule{Fault: "kill", Function: target, Service: "events", Probability: 0.05},
				rule{Fault: "kill", Function: target, Service: "events", Done: true, Probability: 0.05},
			)
		}
	}
	return all
}

func (k *soak) faultsURL() string { return k.stack.Record.URL + "/_alchemiser/faults" }

// misbehave lets the endpoint fail. Each workflow has draws of its own, which its number and the seed of the run tell.
func (k *soak) misbehave(ctx context.Context, workflow int) error {
	victim := ""
	if k.rng.IntN(8) == 0 {
		victim = k.functions[k.rng.IntN(len(k.functions))].Name
	}
	plan, err := json.Marshal(map[string]any{"seed": k.seed + uint64(workflow), "rules": k.rules(victim)})
	if err != nil {
		return err
	}
	return call(ctx, http.MethodPost, k.faultsURL(), string(plan), nil)
}

// behave counts what has struck and ends it.
func (k *soak) behave(ctx context.Context) error {
	var counts struct {
		Rules []struct {
			rule
			Injected int `json:"injected"`
		} `json:"rules"`
	}
	if err := call(ctx, http.MethodGet, k.faultsURL(), "", &counts); err != nil {
		return err
	}
	for _, r := range counts.Rules {
		if r.Fault != "kill" { // who was killed, Lambda's own log tells
			k.struck[faultName(r.rule)] += r.Injected
		}
	}
	return call(ctx, http.MethodPost, k.faultsURL(), `{"rules":[]}`, nil)
}

// faultName says what a rule does, in the words of the report.
func faultName(r rule) string {
	if r.Service == "" {
		return r.Fault
	}
	return r.Fault + " " + r.Service
}
