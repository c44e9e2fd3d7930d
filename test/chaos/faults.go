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
)

// rule is a fault of the endpoint; see docs/faults.md.
type rule struct {
	Fault       string  `json:"fault"`
	Function    string  `json:"function,omitempty"`
	Service     string  `json:"service,omitempty"`
	Operation   string  `json:"operation,omitempty"`
	After       string  `json:"after,omitempty"`
	Random      bool    `json:"random,omitempty"`
	Done        bool    `json:"done,omitempty"`
	Probability float64 `json:"probability,omitempty"`
}

// struck is a rule with how often it struck.
type struck struct {
	rule
	Injected int `json:"injected"`
}

// rules are the faults of the endpoint. Only the functions suffer: who looks on must see what is there.
func rules() []rule {
	const ours = "alchemiser-*"
	all := []rule{
		{Fault: "throttle", Function: ours, Service: "dynamodb", Probability: 0.01},
		{Fault: "lose", Function: ours, Service: "dynamodb", Probability: 0.01},
		{Fault: "throttle", Function: ours, Service: "events", Probability: 0.03},
		{Fault: "lose", Function: ours, Service: "events", Probability: 0.03},
		{Fault: "throttle", Function: ours, Service: "sqs", Probability: 0.1},
		{Fault: "fail", Function: ours, Service: "ssm", Probability: 0.01},
		{Fault: "refuse", Probability: 0.03},
		{Fault: "duplicate", Function: ours, After: "100ms", Probability: 0.15},
		{Fault: "delay", Function: ours, After: "300ms", Random: true, Probability: 0.2},
		{Fault: "timeout", Function: ours, After: "50ms", Probability: 0.01},
	}
	for _, function := range []string{"strategy", "portfolio", "execution", "monitor"} {
		target := "alchemiser-" + function + "-*"
		all = append(all,
			rule{Fault: "kill", Function: target, After: "5ms", Probability: 0.03},
			rule{Fault: "kill", Function: target, Service: "dynamodb", Probability: 0.003},
			rule{Fault: "kill", Function: target, Service: "dynamodb", Done: true, Probability: 0.003},
		)
		if function != "monitor" { // which publishes nothing
			all = append(all,
				rule{Fault: "kill", Function: target, Service: "events", Probability: 0.05},
				rule{Fault: "kill", Function: target, Service: "events", Done: true, Probability: 0.05},
			)
		}
	}
	return all
}

func (k *soak) faultsURL() string { return k.stack.Record.URL + "/_alchemiser/faults" }

// misbehave lets the endpoint fail.
func (k *soak) misbehave(ctx context.Context) error {
	plan, err := json.Marshal(map[string]any{"seed": k.seed, "rules": rules()})
	if err != nil {
		return err
	}
	return k.call(ctx, http.MethodPost, k.faultsURL(), string(plan), nil)
}

// behave notes what has struck and ends it.
func (k *soak) behave(ctx context.Context) error {
	var counts struct {
		Rules []struck `json:"rules"`
	}
	if err := k.call(ctx, http.MethodGet, k.faultsURL(), "", &counts); err != nil {
		return err
	}
	k.struck = counts.Rules
	return k.call(ctx, http.MethodPost, k.faultsURL(), `{"rules":[]}`, nil)
}

// brokerFaults are what goes wrong at the broker, up to three of them in a workflow.
func brokerFaults() map[string]string {
	const post = `{"route":"POST /v2/orders","times":1,`
	return map[string]string{
		"order accepted, no answer": post + `"kind":"drop"}`,
		"order lost":                post + `"kind":"lost"}`,
		"order answered 429":        post + `"kind":"status","status":429}`,
		"order answered 503":        post + `"kind":"status","status":503}`,
		"order filled by half":      post + `"kind":"partial"}`,
		"order not filled":          post + `"kind":"rest"}`,
		"account answered 500":      `{"route":"GET /v2/account","times":2,"kind":"status","status":500}`,
		"positions lost":            `{"route":"GET /v2/positions","times":1,"kind":"lost"}`,
	}
}

func (k *soak) breakBroker(ctx context.Context) error {
	all := brokerFaults()
	for range k.rng.IntN(4) {
		names := sortedKeys(all)
		name := names[k.rng.IntN(len(names))]
		if err := k.call(ctx, http.MethodPost, k.stack.Record.BrokerURL+"/_control/faults", all[name], nil); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		k.broken[name]++
	}
	return nil
}

// mendBroker takes back what has not struck.
func (k *soak) mendBroker(ctx context.Context) error {
	return k.call(ctx, http.MethodDelete, k.stack.Record.BrokerURL+"/_control/faults", "", nil)
}

// startReplay asks for everything up to now.
func startReplay(name, archive, bus string, now time.Time) *eventbridge.StartReplayInput {
	return &eventbridge.StartReplayInput{
		ReplayName: &name, EventSourceArn: &archive, EventStartTime: aws.Time(now.AddDate(0, 0, -1)), EventEndTime: &now,
		Destination: &eventtypes.ReplayDestination{Arn: &bus},
	}
}
