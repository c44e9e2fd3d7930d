package e2e_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamodbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/the-alchemiser/alchemiser/cmd/alchemiser/workflow"
	"github.com/the-alchemiser/alchemiser/internal/deadletter"
	"github.com/the-alchemiser/alchemiser/internal/monitor"
	"github.com/the-alchemiser/alchemiser/internal/store"
	"github.com/the-alchemiser/alchemiser/pkg/events"
)

// testRedrive gives a dead letter of the strategy back, twice, once the broker answers again: the run goes from failed over
// resumed to its end, each order is made once, and no other function sees the event again.
func (d *deployment) testRedrive(t *testing.T, body, id string) {
	d.post(t, d.stack.Record.BrokerURL+"/_control/reset", "")
	letter, err := deadletter.Parse([]byte(body), nil)
	if err != nil {
		t.Fatal(err)
	}
	state, err := store.New(store.Config{Client: dynamodb.NewFromConfig(d.aws), Table: "alchemiser-state-" + stage, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	redriver, err := deadletter.NewRedriver(state, lambda.NewFromConfig(d.aws), "strategy", "alchemiser-strategy-"+stage+":live")
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := redriver.Redrive(t.Context(), letter); err != nil {
			t.Fatal(err)
		}
	}
	var states []monitor.State
	eventually(t, func() (bool, string) {
		entries, err := state.Timeline(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		states = nil
		for _, e := range entries {
			states = append(states, e.State)
		}
		return len(states) > 0 && states[len(states)-1] == monitor.StateCompleted, fmt.Sprintf("the timeline says %v", states)
	})
	failures, ends := 0, 0
	for _, s := range states {
		switch s {
		case monitor.StateFailed:
			failures++
		case monitor.StateCompleted:
			ends++
		}
	}
	if failures != 1 || ends != 1 {
		t.Errorf("the timeline says %v, want one failure and one end", states)
	}
	d.wantTraded(t, "main-failing")
	seen := getItem(t, dynamodb.NewFromConfig(d.aws), "CLAIM#monitor#"+letter.EventID, "CLAIM")
	attempts, ok := seen["attempts"].(*dynamodbtypes.AttributeValueMemberM)
	if !ok || len(attempts.Value) != 1 {
		t.Errorf("the monitor has the event from %d deliveries, want the first one alone: the redrive is the strategy's", len(attempts.Value))
	}
}

// testExpiredClaims lets the claims of a traded plan expire. Neither the plan itself nor another one of the same account,
// portfolio and day makes an order then, and the refusal stands on the timeline.
func (d *deployment) testExpiredClaims(t *testing.T) {
	runs, err := d.workflows()
	if err != nil {
		t.Fatal(err)
	}
	passed, err := runs.Follow(t.Context(), d.run, func(workflow.Passed) {})
	if err != nil {
		t.Fatal(err)
	}
	var plan events.Event
	for _, e := range passed {
		if e.Type() == events.TypeRebalancePlanned {
			plan = e.Event
		}
	}
	payload, ok := plan.Payload.(events.RebalancePlanned)
	if !ok {
		t.Fatal("the run has no plan")
	}
	table, orders, letters := dynamodb.NewFromConfig(d.aws), len(d.orders(t)), d.deadLetters(t)
	for _, sk := range []string{"CLAIM", "OUT#0", "OUT#1"} {
		_, err := table.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{
			TableName: aws.String("alchemiser-state-" + stage), Key: map[string]dynamodbtypes.AttributeValue{
				"pk": &dynamodbtypes.AttributeValueMemberS{Value: "CLAIM#execution#" + plan.ID}, "sk": &dynamodbtypes.AttributeValueMemberS{Value: sk},
			},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	d.publish(t, plan)
	eventually(t, func() (bool, string) {
		status := text(getItem(t, table, "CLAIM#execution#"+plan.ID, "CLAIM")["status"])
		return status == "done", "the plan that came again is " + status
	})
	payload.PlanID = "another-plan"
	plan.ID, plan.Payload = plan.ID+"-another", payload
	d.publish(t, plan)
	eventually(t, func() (bool, string) {
		entries, err := runs.Timeline(t.Context(), d.run, 1)
		if err != nil {
			t.Fatal(err)
		}
		var said []string
		for _, e := range entries {
			said = append(said, e.Summary)
		}
		all := strings.Join(said, "\n")
		return strings.Contains(all, "was traded by plan"), "the timeline says\n" + all
	})
	if now := len(d.orders(t)); now != orders || d.deadLetters(t) != letters {
		t.Errorf("%d orders and %d dead letters, before %d and %d", now, d.deadLetters(t), orders, letters)
	}
}

// publish puts an event on the bus as it is.
func (d *deployment) publish(t *testing.T, e events.Event) {
	t.Helper()
	wire, err := events.Encode(e, "alchemiser")
	if err != nil {
		t.Fatal(err)
	}
	d.put(t, wire.Source, wire.DetailType, string(wire.Detail))
}
