package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/shopspring/decimal"

	"github.com/the-alchemiser/alchemiser/internal/deadletter"
	"github.com/the-alchemiser/alchemiser/internal/store"
	"github.com/the-alchemiser/alchemiser/pkg/events"
)

// consumerOf is a function with the events that its rule brings it and its dead letter queue.
type consumerOf struct {
	name     string
	types    []events.Type // none means all
	queue    string
	redriver *deadletter.Redriver
}

func (c consumerOf) wants(t events.Type) bool {
	for _, wanted := range c.types {
		if wanted == t {
			return true
		}
	}
	return len(c.types) == 0
}

// consumers returns the functions of the stack.
func consumers(cloud aws.Config, table *store.Store, queueURL func(name string) (string, error)) ([]consumerOf, error) {
	all := []consumerOf{
		{name: "strategy", types: []events.Type{events.TypeWorkflowStarted}},
		{name: "portfolio", types: []events.Type{events.TypeSignalGenerated}},
		{name: "execution", types: []events.Type{events.TypeRebalancePlanned}},
		{name: "monitor"},
	}
	for i := range all {
		c := &all[i]
		var err error
		if c.queue, err = queueURL("alchemiser-" + c.name + "-dlq-" + stage); err != nil {
			return nil, err
		}
		c.redriver, err = deadletter.NewRedriver(table, lambda.NewFromConfig(cloud), c.name, "alchemiser-"+c.name+"-"+stage+":live")
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

// takeLetters empties the dead letter queues and gives every event back to its function. It returns how many there were.
func (k *soak) takeLetters(ctx context.Context) (taken int, err error) {
	for _, c := range k.consumers {
		out, err := k.sqs.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
			QueueUrl: &c.queue, MaxNumberOfMessages: 10, MessageAttributeNames: []string{"All"},
		})
		if err != nil {
			return taken, err
		}
		for _, m := range out.Messages {
			attributes := map[string]string{}
			for name, v := range m.MessageAttributes {
				attributes[name] = aws.ToString(v.StringValue)
			}
			letter, err := deadletter.Parse([]byte(aws.ToString(m.Body)), attributes)
			if err != nil {
				return taken, fmt.Errorf("dead letter of %s: %w", c.name, err)
			}
			if letter.Reason == "" {
				k.violate("a dead letter of %s has no reason: %s", c.name, aws.ToString(m.Body))
			}
			if err := c.redriver.Redrive(ctx, letter); err != nil {
				return taken, err
			}
			if _, err := k.sqs.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: &c.queue, ReceiptHandle: m.ReceiptHandle}); err != nil {
				return taken, err
			}
			k.letters[letter.Shape]++
			taken++
		}
	}
	return taken, nil
}

// passed returns the events that the log group has, each once, with those of replays apart.
func (k *soak) passed(ctx context.Context) (originals, replayed map[string]events.Event, err error) {
	originals, replayed = map[string]events.Event{}, map[string]events.Event{}
	pages := cloudwatchlogs.NewFilterLogEventsPaginator(k.logs, &cloudwatchlogs.FilterLogEventsInput{
		LogGroupName: aws.String("/aws/events/alchemiser-" + stage),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, nil, err
		}
		for _, line := range page.Events {
			var envelope struct {
				DetailType string          `json:"detail-type"`
				Replay     string          `json:"replay-name"`
				Detail     json.RawMessage `json:"detail"`
			}
			if err := json.Unmarshal([]byte(aws.ToString(line.Message)), &envelope); err != nil {
				return nil, nil, fmt.Errorf("event log: %w", err)
			}
			e, err := events.Decode(envelope.DetailType, envelope.Detail)
			if err != nil {
				return nil, nil, fmt.Errorf("event log: %w", err)
			}
			if envelope.Replay != "" {
				replayed[e.ID] = e
			} else {
				originals[e.ID] = e
			}
		}
	}
	return originals, replayed, nil
}

// account returns what the broker holds.
func (k *soak) account(ctx context.Context) (account, error) {
	var a struct {
		Cash decimal.Decimal `json:"cash"`
	}
	var positions []struct {
		Symbol   string          `json:"symbol"`
		Quantity decimal.Decimal `json:"qty"`
	}
	if err := k.call(ctx, http.MethodGet, k.stack.Record.BrokerURL+"/v2/account", "", &a); err != nil {
		return account{}, err
	}
	if err := k.call(ctx, http.MethodGet, k.stack.Record.BrokerURL+"/v2/positions", "", &positions); err != nil {
		return account{}, err
	}
	held := account{cash: a.Cash, shares: map[string]decimal.Decimal{}}
	for _, p := range positions {
		held.shares[p.Symbol] = p.Quantity
	}
	return held, nil
}

func (k *soak) orders(ctx context.Context) (all []brokerOrder, err error) {
	return all, k.call(ctx, http.MethodGet, k.stack.Record.BrokerURL+"/v2/orders?status=all&limit=500", "", &all)
}

// call makes a request to the broker or to a control API. into may be nil.
func (k *soak) call(ctx context.Context, method, url, body string, into any) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("APCA-API-KEY-ID", "paper")
	r.Header.Set("APCA-API-SECRET-KEY", "paper")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode/100 != 2 {
		return fmt.Errorf("%s %s: %s: %s", method, url, res.Status, text)
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(text, into)
}
