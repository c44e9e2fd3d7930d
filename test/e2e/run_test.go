package e2e_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamodbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"

	"github.com/the-alchemiser/alchemiser/cmd/alchemiser/workflow"
	"github.com/the-alchemiser/alchemiser/internal/report"
	"github.com/the-alchemiser/alchemiser/pkg/events"
	"github.com/the-alchemiser/alchemiser/pkg/market"
)

func (d *deployment) testRun(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), patient(time.Minute))
	defer cancel()
	client, err := d.workflows()
	if err != nil {
		t.Fatal(err)
	}
	id, err := client.Schedule(ctx)
	if err != nil {
		t.Fatal(err)
	}
	d.run = id
	passed, err := client.Follow(ctx, id, func(workflow.Passed) {})
	if err != nil {
		t.Fatal(err)
	}

	byType := map[events.Type]events.Event{}
	for _, e := range passed {
		byType[e.Type()] = e.Event
	}
	if skipped(t, byType) {
		return
	}
	chain := []events.Type{
		events.TypeWorkflowStarted, events.TypeSignalGenerated, events.TypeRebalancePlanned,
		events.TypeTradeExecuted, events.TypeWorkflowCompleted,
	}
	for _, want := range chain {
		if _, ok := byType[want]; !ok {
			t.Fatalf("no %s in the event log, only %v", want, slices.Collect(keys(byType)))
		}
	}
	for i, causes := range [][2]events.Type{{chain[0], chain[1]}, {chain[1], chain[2]}, {chain[2], chain[3]}, {chain[2], chain[4]}} {
		cause, effect := byType[causes[0]], byType[causes[1]]
		if effect.CausationID != cause.ID {
			t.Errorf("link %d: %s has causation id %s, want the id of %s, %s", i, effect.Type(), effect.CausationID, cause.Type(), cause.ID)
		}
	}

	x := byType[events.TypeTradeExecuted].Payload.(events.TradeExecuted)
	plan := byType[events.TypeRebalancePlanned].Payload.(events.RebalancePlanned)
	t.Run("orders are filled, sells before buys, and positions change", func(t *testing.T) {
		if len(x.Orders) == 0 || x.Sold.IsZero() || x.Bought.IsZero() {
			t.Fatalf("%d orders, sold %s, bought %s: want some of each", len(x.Orders), x.Sold, x.Bought)
		}
		boughtBefore := false
		for _, o := range x.Orders {
			boughtBefore = boughtBefore || o.Side == market.Buy
			if boughtBefore && o.Side == market.Sell {
				t.Errorf("%s is sold after something was bought", o.Symbol)
			}
			if o.Status != events.OrderFilled {
				t.Errorf("order %s of %s is %s: %s", o.ClientOrderID, o.Symbol, o.Status, o.Reason)
			}
		}
		if len(plan.Positions) == len(x.PositionsAfter) && plan.Cash.Equal(x.CashAfter) {
			t.Error("positions and cash are what they were")
		}
	})

	table := dynamodb.NewFromConfig(d.aws)
	t.Run("every function has completed its claims", func(t *testing.T) {
		claims := map[string]events.Event{
			"strategy": byType[chain[0]], "portfolio": byType[chain[1]], "execution": byType[chain[2]], "monitor": byType[chain[4]],
		}
		for function, e := range claims {
			eventually(t, func() (bool, string) {
				item := getItem(t, table, "CLAIM#"+function+"#"+e.ID, "CLAIM")
				return text(item["status"]) == "done", function + "'s claim of " + string(e.Type()) + " is " + text(item["status"])
			})
		}
	})
	t.Run("every order is in the ledger with its fills", func(t *testing.T) {
		for _, o := range x.Orders {
			if item := getItem(t, table, "ORDER#"+o.ClientOrderID, "ORDER"); item == nil {
				t.Errorf("order %s of %s is not in the ledger", o.ClientOrderID, o.Symbol)
			}
		}
	})
	t.Run("one trace holds all four functions", func(t *testing.T) {
		var functions []string
		eventually(t, func() (bool, string) {
			trace, err := client.Trace(ctx, id)
			if err != nil {
				t.Fatal(err)
			}
			functions = functionsIn(trace)
			if len(trace.Roots) != 1 {
				return false, "the trace has more than one root"
			}
			return len(functions) == 4, "the trace holds " + strings.Join(functions, ", ")
		})
	})
	t.Run("the one-off schedule has deleted itself", func(t *testing.T) {
		got, err := scheduler.NewFromConfig(d.aws).ListSchedules(ctx, &scheduler.ListSchedulesInput{NamePrefix: aws.String("alchemiser-once-")})
		if err != nil {
			t.Fatal(err)
		}
		if len(got.Schedules) > 0 {
			t.Errorf("%d one-off schedules are left", len(got.Schedules))
		}
	})
}

// functionsIn returns the names of the functions that have a segment in the trace and whose parent is in it too.
func functionsIn(trace report.Trace) []string {
	found := map[string]bool{}
	var walk func(s *report.Span)
	walk = func(s *report.Span) {
		if s.Origin == "AWS::Lambda::Function" {
			found[s.Name] = true
		}
		for _, child := range s.Children {
			walk(child)
		}
	}
	for _, root := range trace.Roots {
		walk(root)
	}
	return slices.Sorted(keys(found))
}

func getItem(t *testing.T, table *dynamodb.Client, pk, sk string) map[string]dynamodbtypes.AttributeValue {
	t.Helper()
	got, err := item(t.Context(), table, pk, sk)
	if err != nil {
		t.Fatalf("read %s: %v", pk, err)
	}
	return got
}

func item(ctx context.Context, table *dynamodb.Client, pk, sk string) (map[string]dynamodbtypes.AttributeValue, error) {
	got, err := table.GetItem(ctx, &dynamodb.GetItemInput{
		TableName: aws.String("alchemiser-state-" + stage),
		Key: map[string]dynamodbtypes.AttributeValue{
			"pk": &dynamodbtypes.AttributeValueMemberS{Value: pk},
			"sk": &dynamodbtypes.AttributeValueMemberS{Value: sk},
		},
		ConsistentRead: aws.Bool(true),
	})
	if err != nil {
		return nil, err
	}
	return got.Item, nil
}

func text(v dynamodbtypes.AttributeValue) string {
	if s, ok := v.(*dynamodbtypes.AttributeValueMemberS); ok {
		return s.Value
	}
	return ""
}

// eventually polls until ok. What is asynchronous on AWS is so here; the limit only ends a test that would hang.
func eventually(t *testing.T, check func() (ok bool, state string)) {
	t.Helper()
	var state string
	for deadline := time.Now().Add(patient(30 * time.Second)); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		var ok bool
		if ok, state = check(); ok {
			return
		}
	}
	t.Errorf("after %s %s", patient(30*time.Second), state)
}

func keys[K comparable, V any](m map[K]V) func(func(K) bool) {
	return func(yield func(K) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}
