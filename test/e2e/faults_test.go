package e2e_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamodbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/shopspring/decimal"

	"github.com/the-alchemiser/alchemiser/cmd/alchemiser/workflow"
	"github.com/the-alchemiser/alchemiser/pkg/events"
)

// Functions die in the middle of their work, their answers get lost, and every event is delivered twice; the run ends as an
// undisturbed one does, with no order twice.
func (d *deployment) testFaults(t *testing.T) {
	d.post(t, d.stack.Record.BrokerURL+"/_control/reset", "")
	d.post(t, d.stack.Record.URL+"/_alchemiser/faults", `{"seed":1,"rules":[
		{"fault":"kill","function":"*-strategy-*","service":"dynamodb","operation":"TransactWriteItems","done":true,"times":1},
		{"fault":"kill","function":"*-portfolio-*","service":"events","operation":"PutEvents","done":true,"times":1},
		{"fault":"kill","function":"*-execution-*","service":"dynamodb","operation":"PutItem","skip":7,"times":1,"done":true},
		{"fault":"kill","function":"*-execution-*","service":"events","operation":"PutEvents","times":1},
		{"fault":"lose","function":"*-execution-*","service":"dynamodb","operation":"PutItem","skip":12,"times":2},
		{"fault":"refuse","detail_type":"SignalGenerated","times":1},
		{"fault":"duplicate","after":"50ms"}]}`)
	defer d.post(t, d.stack.Record.URL+"/_alchemiser/faults", `{"rules":[]}`)
	id := fmt.Sprintf("faults-%d", time.Now().UnixNano())
	d.put(t, "alchemiser.scheduler", "WorkflowStarted", fmt.Sprintf(`{"event_id":%q,"event_type":"WorkflowStarted","schema_version":"1.0",
		"correlation_id":%[1]q,"causation_id":%[1]q,"timestamp":%q,"source_module":"scheduler","source_component":"test","metadata":{},
		"portfolio_id":"main-faults"}`, id, time.Now().UTC().Format(time.RFC3339)))

	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	client, err := d.workflows()
	if err != nil {
		t.Fatal(err)
	}
	passed, err := client.Follow(ctx, id, func(workflow.Passed) {})
	if err != nil {
		t.Fatal(err)
	}
	var executed events.TradeExecuted
	ends := map[string]bool{}
	for _, e := range passed {
		switch p := e.Payload.(type) {
		case events.TradeExecuted:
			executed = p
		case events.WorkflowCompleted, events.WorkflowFailed:
			ends[e.ID] = true
		}
	}
	if len(ends) != 1 || len(executed.Orders) == 0 {
		t.Fatalf("%d ends and %d orders, want one end and some orders", len(ends), len(executed.Orders))
	}
	d.wantInjected(t)

	t.Run("no order was sent twice, and the account is what the orders make of it", func(t *testing.T) {
		var orders []struct {
			ClientOrderID string          `json:"client_order_id"`
			Symbol        string          `json:"symbol"`
			FilledQty     decimal.Decimal `json:"filled_qty"`
		}
		d.get(t, d.stack.Record.BrokerURL+"/v2/orders?status=all&limit=500", &orders)
		reported := map[string]decimal.Decimal{}
		for _, o := range executed.Orders {
			reported[o.ClientOrderID] = o.FilledQuantity
		}
		if len(orders) != len(reported) {
			t.Errorf("the broker has %d orders, the report %d", len(orders), len(reported))
		}
		for _, o := range orders {
			if filled, ok := reported[o.ClientOrderID]; !ok || !filled.Equal(o.FilledQty) {
				t.Errorf("order %s of %s: the broker filled %s, the report says %s", o.ClientOrderID, o.Symbol, o.FilledQty, filled)
			}
		}
	})
	t.Run("every order is in the ledger as the broker has it", func(t *testing.T) {
		table := dynamodb.NewFromConfig(d.aws)
		for _, o := range executed.Orders {
			item := getItem(t, table, "ORDER#"+o.ClientOrderID, "ORDER")
			if filled, ok := item["filled"].(*dynamodbtypes.AttributeValueMemberS); !ok || !decimal.RequireFromString(filled.Value).Equal(o.FilledQuantity) {
				t.Errorf("order %s is in the ledger as %v", o.ClientOrderID, item)
			}
		}
	})
}

// wantInjected checks that every fault has struck: else the test shows nothing.
func (d *deployment) wantInjected(t *testing.T) {
	t.Helper()
	var counts struct {
		Rules []struct {
			Fault    string `json:"fault"`
			Function string `json:"function"`
			Injected int    `json:"injected"`
		} `json:"rules"`
	}
	d.control(t, "faults", &counts)
	for i, r := range counts.Rules {
		if r.Injected == 0 {
			t.Errorf("fault %d (%s %s) has not struck", i, r.Fault, r.Function)
		}
	}
}

func (d *deployment) post(t *testing.T, url, body string) {
	t.Helper()
	d.request(t, http.MethodPost, url, body)
}

// request is made also when the test has ended.
func (d *deployment) request(t *testing.T, method, url, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(context.WithoutCancel(t.Context()), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode/100 != 2 {
		t.Fatalf("%s %s: %s", method, url, res.Status)
	}
}

func (d *deployment) get(t *testing.T, url string, into any) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("APCA-API-KEY-ID", "paper")
	req.Header.Set("APCA-API-SECRET-KEY", "paper")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if err := json.NewDecoder(res.Body).Decode(into); err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("GET %s: %s, %v", url, res.Status, err)
	}
}
