package workflow_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	logtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/xray"
	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"

	"github.com/the-alchemiser/alchemiser/cmd/alchemiser/workflow"
	"github.com/the-alchemiser/alchemiser/internal/execution"
	"github.com/the-alchemiser/alchemiser/internal/localaws"
	"github.com/the-alchemiser/alchemiser/internal/monitor"
	"github.com/the-alchemiser/alchemiser/internal/naming"
	"github.com/the-alchemiser/alchemiser/internal/store"
	"github.com/the-alchemiser/alchemiser/pkg/events"
	"github.com/the-alchemiser/alchemiser/pkg/market"
)

const stage = naming.Stage("test")

// account is an account on the in-process endpoint with the table and the event log of a stage.
type account struct {
	t      *testing.T
	cfg    aws.Config
	client *workflow.Client
}

func newAccount(t *testing.T) account {
	t.Helper()
	server, err := localaws.New(localaws.Config{Log: t.Output()})
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
	a := account{t: t, cfg: aws.Config{
		Region: "us-east-1", BaseEndpoint: aws.String(server.URL()), Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	}}
	key := func(name string, kind types.KeyType) types.KeySchemaElement {
		return types.KeySchemaElement{AttributeName: &name, KeyType: kind}
	}
	text := func(name string) types.AttributeDefinition {
		return types.AttributeDefinition{AttributeName: &name, AttributeType: types.ScalarAttributeTypeS}
	}
	a.must(dynamodb.NewFromConfig(a.cfg).CreateTable(t.Context(), &dynamodb.CreateTableInput{
		TableName: aws.String(stage.Table()), BillingMode: types.BillingModePayPerRequest,
		KeySchema:            []types.KeySchemaElement{key("pk", types.KeyTypeHash), key("sk", types.KeyTypeRange)},
		AttributeDefinitions: []types.AttributeDefinition{text("pk"), text("sk")},
	}))
	logs, group := cloudwatchlogs.NewFromConfig(a.cfg), aws.String(stage.EventLog())
	a.must(logs.CreateLogGroup(t.Context(), &cloudwatchlogs.CreateLogGroupInput{LogGroupName: group}))
	a.must(logs.CreateLogStream(t.Context(), &cloudwatchlogs.CreateLogStreamInput{LogGroupName: group, LogStreamName: aws.String("s")}))
	if a.client, err = workflow.New(a.cfg, stage); err != nil {
		t.Fatal(err)
	}
	return a
}

func (a account) must(_ any, err error) {
	a.t.Helper()
	if err != nil {
		a.t.Fatal(err)
	}
}

// pass writes an event into the event log, as EventBridge would.
func (a account) pass(detailType, detail string) { a.passAt(time.Now(), detailType, detail) }

func (a account) passAt(at time.Time, detailType, detail string) {
	a.must(cloudwatchlogs.NewFromConfig(a.cfg).PutLogEvents(a.t.Context(), &cloudwatchlogs.PutLogEventsInput{
		LogGroupName: aws.String(stage.EventLog()), LogStreamName: aws.String("s"), LogEvents: []logtypes.InputLogEvent{{
			Timestamp: aws.Int64(at.UnixMilli()), Message: aws.String(fmt.Sprintf(`{"detail-type":%q,"detail":%s}`, detailType, detail)),
		}},
	}))
}

// start returns the detail of the start of a workflow.
func start(t *testing.T, id string) string {
	t.Helper()
	return detail(t, id, id+"-start", events.WorkflowStarted{PortfolioID: "main"})
}

func detail(t *testing.T, correlationID, id string, payload events.Payload) string {
	t.Helper()
	wire, err := events.Encode(events.Event{
		ID: id, SchemaVersion: events.SchemaVersion, CorrelationID: correlationID, CausationID: correlationID, Timestamp: time.Now().UTC(),
		SourceModule: "cli", SourceComponent: "test", Payload: payload,
	}, "alchemiser")
	if err != nil {
		t.Fatal(err)
	}
	return string(wire.Detail)
}

// record lets the monitor have recorded something at a time.
func (a account) record(at time.Time, id, correlationID string, state monitor.State) {
	a.t.Helper()
	table, err := store.New(store.Config{Client: dynamodb.NewFromConfig(a.cfg), Table: stage.Table(), Now: func() time.Time { return at }})
	if err != nil {
		a.t.Fatal(err)
	}
	a.must(table.Record(a.t.Context(), monitor.Entry{
		EventID: id, CorrelationID: correlationID, CausationID: correlationID, Type: "WorkflowStarted", At: at, Source: "cli", PortfolioID: "main",
		State: state, Summary: "begun",
	}))
}

func TestAWorkflowThatHasEndedIsFollowedToItsEnd(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	begun := time.Now().UTC().Add(-time.Hour)
	a.passAt(begun, "WorkflowStarted", start(t, "run-1"))
	a.passAt(begun.Add(time.Second), "WorkflowCompleted", detail(t, "run-1", "end", events.WorkflowCompleted{
		PortfolioID: "main", Outcome: events.OutcomeSkipped, Reason: "market closed",
	}))
	a.record(begun, "run-1-start", "run-1", monitor.StateRunning)
	a.record(begun.Add(time.Second), "end", "run-1", monitor.StateSkipped)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // whoever waits for the end of what has ended waits for ever
	defer cancel()
	shown := 0
	got, err := a.client.Follow(ctx, "run-1", func(workflow.Passed) { shown++ })
	if err != nil || len(got) != 2 || shown != 2 {
		t.Errorf("Follow = %+v, %v, and showed %d, want both events", got, err, shown)
	}
}

func TestEventsAreThoseOfOneWorkflow(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	a.pass("WorkflowStarted", start(t, "run-1"))
	a.pass("WorkflowStarted", start(t, "run-11"))
	a.pass("WorkflowStarted", `{"correlation_id":"run-2","schema_version":"9.0"}`)
	a.pass("Weather", `"fine"`)
	since := time.Now().Add(-time.Minute)
	got, err := a.client.Events(t.Context(), "run-1", since)
	if err != nil || len(got) != 1 || got[0].CorrelationID != "run-1" {
		t.Errorf("Events = %+v, %v, want the one of run-1", got, err)
	}
	if got, err := a.client.Events(t.Context(), "run-2", since); err == nil || !strings.Contains(err.Error(), "schema") {
		t.Errorf("Events = %+v, %v, want to hear that this workflow's event cannot be read", got, err)
	}
	if got, err := a.client.Events(t.Context(), "run-1", time.Now().Add(time.Hour)); err != nil || len(got) != 0 {
		t.Errorf("Events since tomorrow = %+v, %v", got, err)
	}
}

func TestWorkflowsSinceADay(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	now := time.Now().UTC()
	for id, recorded := range map[string]time.Time{"today": now, "yesterday": now.AddDate(0, 0, -1), "long ago": now.AddDate(0, 0, -9)} {
		a.record(recorded, id+"-start", id, monitor.StateRunning)
	}
	got, err := a.client.Since(t.Context(), now.AddDate(0, 0, -2))
	var ids []string
	for _, w := range got {
		ids = append(ids, w.CorrelationID)
	}
	if d := cmp.Diff([]string{"today", "yesterday"}, ids); d != "" || err != nil {
		t.Errorf("workflows (-want +got), %v:\n%s", err, d)
	}
	if entries, err := a.client.History(t.Context(), "yesterday"); err != nil || len(entries) != 1 || entries[0].Summary != "begun" {
		t.Errorf("History = %+v, %v", entries, err)
	}
}

func TestOrdersOfAPlanAreThoseOfTheLedger(t *testing.T) {
	t.Parallel()
	a, d := newAccount(t), decimal.RequireFromString
	table, err := store.New(store.Config{Client: dynamodb.NewFromConfig(a.cfg), Table: stage.Table(), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	const parts = 12 // more than have one figure
	put := func(symbol string, step int, state execution.State, parts int) {
		t.Helper()
		o := execution.Order{
			OrderRequest: execution.OrderRequest{
				ClientID: execution.OrderID("plan-1", symbol, market.Buy, step), Symbol: symbol, Side: market.Buy, Type: execution.OrderLimit,
				Quantity: d("20"), Limit: d("5"),
			},
			BrokerID: "b", State: state, Filled: decimal.NewFromInt(int64(parts)), AveragePrice: d("5"), PlanID: "plan-1", Step: step, Fills: parts,
		}
		var fills []execution.Fill
		for n := range parts {
			fills = append(fills, execution.Fill{ClientID: o.ClientID, Number: n + 1, Quantity: d("1"), Price: decimal.NewFromInt(int64(n + 1))})
		}
		a.must(nil, table.PutOrder(t.Context(), o, fills...))
	}
	put("SPY", 0, execution.StateCancelled, parts)
	put("SPY", 1, execution.StatePendingSubmit, 0)
	put("TLT", 0, execution.StateWorking, 0)
	got, err := a.client.Orders(t.Context(), events.RebalancePlanned{PlanID: "plan-1", Trades: []events.Trade{
		{Symbol: "TLT", Side: market.Buy}, {Symbol: "GE", Side: market.Sell}, {Symbol: "SPY", Side: market.Buy},
	}})
	if err != nil {
		t.Fatal(err)
	}
	var told []string
	for _, b := range got {
		told = append(told, fmt.Sprint(b.Order.Symbol, " ", b.Order.Step, " ", b.Order.Status, " ", len(b.Fills)))
		for i, f := range b.Fills {
			if f.Price.IntPart() != int64(i+1) {
				t.Errorf("fill %d has the price %s: they are not in order", i, f.Price)
			}
		}
	}
	if d := cmp.Diff([]string{"TLT 0 working 0", "SPY 0 cancelled 12", "SPY 1 pending_submit 0"}, told); d != "" {
		t.Errorf("orders (-want +got):\n%s", d)
	}
}

// traced puts a trace of one segment that begins at a time, and returns its id.
func (a account) traced(begun time.Time, serial int, annotations map[string]string) string {
	a.t.Helper()
	id := fmt.Sprintf("1-%08x-%024x", begun.Unix(), serial)
	seconds := float64(begun.UnixMilli()) / 1000
	document, err := json.Marshal(map[string]any{
		"trace_id": id, "id": fmt.Sprintf("%016x", serial), "name": "f", "start_time": seconds, "end_time": seconds + 1, "annotations": annotations,
	})
	if err != nil {
		a.t.Fatal(err)
	}
	a.must(xray.NewFromConfig(a.cfg).PutTraceSegments(a.t.Context(), &xray.PutTraceSegmentsInput{TraceSegmentDocuments: []string{string(document)}}))
	return id
}

func TestTracesAreFoundWhereTheTimelineSays(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	begun := time.Now().UTC().Truncate(time.Second).Add(-48 * time.Hour)
	redriven, replayed := begun.Add(20*time.Hour), begun.Add(47*time.Hour)
	own := func(id string) map[string]string { return map[string]string{"correlation_id": id, "workflow_id": id} }
	first := a.traced(begun.Add(time.Second), 1, own("run-1"))
	edge := begun.Add(6*time.Hour - 15*time.Minute) // where one search ends and the next begins
	between := a.traced(edge, 6, own("run-1"))
	second := a.traced(redriven.Add(-5*time.Second), 2, own("run-1"))
	again := a.traced(replayed.Add(-time.Second), 3, map[string]string{"workflow_id": "run-1", "replay": "friday"})
	seen := a.traced(begun, 4, map[string]string{"workflow_id": "run-1"})
	a.traced(begun, 5, own("run-11"))

	got, err := a.client.Traces(t.Context(), "run-1", begun, begun.Add(time.Second), begun.Add(time.Minute), edge.Add(5*time.Minute), redriven, replayed)
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, trace := range got.Own {
		ids = append(ids, trace.ID)
	}
	if d := cmp.Diff([]string{first, between, second}, ids); d != "" {
		t.Errorf("own traces (-want +got):\n%s", d)
	}
	want := []workflow.Linked{{ID: seen, Begun: begun}, {ID: again, Begun: replayed.Add(-time.Second), Replay: "friday"}}
	if d := cmp.Diff(want, got.Linked); d != "" {
		t.Errorf("linked traces (-want +got):\n%s", d)
	}
}

func TestATraceThatIsNotKnown(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	if _, err := a.client.TraceByID(t.Context(), "1-65000000-000000000000000000000001"); err == nil || !strings.Contains(err.Error(), "not known") {
		t.Errorf("TraceByID = %v", err)
	}
}
