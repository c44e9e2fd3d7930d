package validation_test

import (
	"context"
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
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	eventtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/google/go-cmp/cmp"

	"github.com/the-alchemiser/alchemiser/cmd/alchemiser/deadletters"
	"github.com/the-alchemiser/alchemiser/cmd/alchemiser/deployed"
	"github.com/the-alchemiser/alchemiser/cmd/alchemiser/validation"
	"github.com/the-alchemiser/alchemiser/internal/consumer"
	"github.com/the-alchemiser/alchemiser/internal/fingerprint"
	"github.com/the-alchemiser/alchemiser/internal/localaws"
	"github.com/the-alchemiser/alchemiser/internal/monitor"
	"github.com/the-alchemiser/alchemiser/internal/naming"
	"github.com/the-alchemiser/alchemiser/internal/store"
	"github.com/the-alchemiser/alchemiser/pkg/events"
	"github.com/the-alchemiser/alchemiser/pkg/market"
)

const stage = naming.Stage("test")

// deployment is a stage on the in-process endpoint, without its functions: tests write what these would have written.
type deployment struct {
	t     *testing.T
	cfg   aws.Config
	store *store.Store
	logs  *cloudwatchlogs.Client
	now   time.Time
}

func newDeployment(t *testing.T) *deployment {
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
	d := &deployment{t: t, now: time.Now(), cfg: aws.Config{
		Region: "us-east-1", BaseEndpoint: aws.String(server.URL()), Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	}}
	d.logs = cloudwatchlogs.NewFromConfig(d.cfg)
	table := dynamodb.NewFromConfig(d.cfg)
	key := func(name string, kind types.KeyType) types.KeySchemaElement {
		return types.KeySchemaElement{AttributeName: &name, KeyType: kind}
	}
	text := func(name string) types.AttributeDefinition {
		return types.AttributeDefinition{AttributeName: &name, AttributeType: types.ScalarAttributeTypeS}
	}
	must(t)(table.CreateTable(t.Context(), &dynamodb.CreateTableInput{
		TableName: aws.String(stage.Table()), BillingMode: types.BillingModePayPerRequest,
		KeySchema:            []types.KeySchemaElement{key("pk", types.KeyTypeHash), key("sk", types.KeyTypeRange)},
		AttributeDefinitions: []types.AttributeDefinition{text("pk"), text("sk")},
	}))
	if d.store, err = store.New(store.Config{Client: table, Table: stage.Table(), Now: time.Now}); err != nil {
		t.Fatal(err)
	}
	d.bus()
	for _, name := range deadletters.Names() {
		queue := stage.DeadLetters(naming.Function(name))
		if name == deadletters.Bus {
			queue = stage.EventDeadLetters()
		}
		must(t)(sqs.NewFromConfig(d.cfg).CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: &queue}))
	}
	for _, f := range naming.Functions() {
		d.group(stage.FunctionLog(f))
	}
	d.group(stage.EventLog())
	return d
}

// must fails the test if a call has failed.
func must(t *testing.T) func(any, error) {
	t.Helper()
	return func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
}

// bus makes the bus with the patterns that Terraform gives the rules.
func (d *deployment) bus() {
	client, ctx := eventbridge.NewFromConfig(d.cfg), d.t.Context()
	bus, err := client.CreateEventBus(ctx, &eventbridge.CreateEventBusInput{Name: aws.String(stage.Bus())})
	if err != nil {
		d.t.Fatal(err)
	}
	for f, pattern := range map[naming.Function]string{
		naming.Strategy:  `{"source": [{"prefix": "alchemiser."}], "detail-type": ["WorkflowStarted"]}`,
		naming.Portfolio: `{"source": ["alchemiser.strategy"], "detail-type": ["SignalGenerated"]}`,
		naming.Execution: `{"source": ["alchemiser.portfolio"], "detail-type": ["RebalancePlanned"], "replay-name": [{"exists": false}]}`,
		naming.Monitor:   `{"source": [{"prefix": "alchemiser."}]}`,
	} {
		must(d.t)(client.PutRule(ctx, &eventbridge.PutRuleInput{Name: aws.String(stage.Rule(f)), EventBusName: aws.String(stage.Bus()), EventPattern: &pattern}))
	}
	must(d.t)(client.CreateArchive(ctx, &eventbridge.CreateArchiveInput{ArchiveName: aws.String(stage.Archive()), EventSourceArn: bus.EventBusArn}))
	must(d.t)(client.PutEvents(ctx, &eventbridge.PutEventsInput{Entries: []eventtypes.PutEventsRequestEntry{{
		EventBusName: aws.String(stage.Bus()), Source: aws.String("test"), DetailType: aws.String("something to archive"), Detail: aws.String("{}"),
	}}}))
}

func (d *deployment) group(name string) {
	must(d.t)(d.logs.CreateLogGroup(d.t.Context(), &cloudwatchlogs.CreateLogGroupInput{LogGroupName: &name}))
	must(d.t)(d.logs.CreateLogStream(d.t.Context(), &cloudwatchlogs.CreateLogStreamInput{LogGroupName: &name, LogStreamName: aws.String("s")}))
}

func (d *deployment) log(group string, lines ...string) {
	in := &cloudwatchlogs.PutLogEventsInput{LogGroupName: &group, LogStreamName: aws.String("s")}
	for _, line := range lines {
		in.LogEvents = append(in.LogEvents, logtypes.InputLogEvent{Timestamp: aws.Int64(d.now.UnixMilli()), Message: aws.String(line)})
	}
	must(d.t)(d.logs.PutLogEvents(d.t.Context(), in))
}

// claim writes the claim of function on event id, and its outbox.
func (d *deployment) claim(function, id string, status consumer.Status, outbox ...events.Event) {
	_, err := d.store.Swap(d.t.Context(), "", consumer.Claim{
		Key: consumer.Key{Function: function, EventID: id}, Token: "t", Status: status, Owner: "3a6e0c1e-0000-4000-8000-00000000000" + id[:1], Lease: d.now, Round: 1,
		Attempts: map[string]int{"3a6e0c1e-0000-4000-8000-00000000000" + id[:1]: 1},
	}, outbox)
	if err != nil {
		d.t.Fatal(err)
	}
}

// record lets the monitor have seen e.
func (d *deployment) record(e events.Event, state monitor.State) {
	_, err := d.store.Record(d.t.Context(), monitor.Entry{
		EventID: e.ID, CorrelationID: e.CorrelationID, CausationID: e.CausationID, Type: e.Type(), At: d.now, Source: e.SourceModule, State: state,
	})
	if err != nil {
		d.t.Fatal(err)
	}
	d.claim("monitor", e.ID, consumer.StatusDone)
}

func (d *deployment) judge() validation.Report {
	d.t.Helper()
	var functions []deployed.Function
	for _, f := range naming.Functions() {
		functions = append(functions, deployed.Function{Name: string(f), Version: "3", Timeout: time.Minute})
	}
	r, err := validation.NewReader(d.cfg, stage, "000000000000", functions)
	if err != nil {
		d.t.Fatal(err)
	}
	evidence, err := r.Read(d.t.Context(), validation.Window{From: d.now.Add(-time.Hour), To: time.Now().Add(time.Minute)})
	if err != nil {
		d.t.Fatal(err)
	}
	return validation.Judge(evidence)
}

// check returns a check of the report with its findings in one text.
func check(t *testing.T, r validation.Report, name string) (c validation.Check, findings string) {
	t.Helper()
	for _, c := range r.Checks {
		if c.Name == name {
			return c, strings.Join(c.Findings, "\n")
		}
	}
	t.Fatalf("there is no check %q", name)
	return c, ""
}

func event(id, module string, p events.Payload) events.Event {
	return events.Event{
		ID: id, CorrelationID: "run-1", CausationID: "run-1", SchemaVersion: events.SchemaVersion, Timestamp: time.Now().UTC().Truncate(time.Microsecond),
		SourceModule: module, Payload: p,
	}
}

func started() events.Event {
	return event("1-started", "scheduler", events.WorkflowStarted{PortfolioID: "main"})
}

func skipped() events.Event {
	return event("2-skipped", "strategy", events.WorkflowCompleted{PortfolioID: "main", Outcome: events.OutcomeSkipped, Reason: "holiday"})
}

func TestAWorkflowThatWasHandledWhole(t *testing.T) {
	t.Parallel()
	d := newDeployment(t)
	d.claim("strategy", started().ID, consumer.StatusDone, skipped())
	d.record(started(), monitor.StateRunning)
	d.record(skipped(), monitor.StateSkipped)
	d.log(stage.FunctionLog(naming.Strategy),
		"START RequestId: 3a6e0c1e-0000-4000-8000-000000000001 Version: 3\n",
		"REPORT RequestId: 3a6e0c1e-0000-4000-8000-000000000001\tDuration: 120.50 ms\tBilled Duration: 121 ms\tMemory Size: 512 MB\tMax Memory Used: 30 MB\tInit Duration: 7.00 ms\n",
		`{"level":"info","message":"metrics","function":"strategy","PublishDuration":8.25,"EventsPublished":1}`,
		`{"level":"error","message":"attempt failed","error":"the broker is busy","event_id":"1-started"}`,
		"2026-03-02T12:00:00Z 3a6e0c1e-0000-4000-8000-000000000001 Task timed out after 60.00 seconds\n")
	r := d.judge()
	got := map[string]string{}
	for _, c := range r.Checks {
		got[c.Name] = c.Figure
	}
	want := map[string]string{
		"workflows": "1 skipped", "delivery": "100.00 % (3 of 3)", "publish overhead": "p99 8.2 ms of 1", "dead letters": "0 in 5 queues", "replay": "enabled, 1 events",
		"dual publishing": "no dual run in the window", "duration of strategy": "p99 120.5 ms of 1", "duration of portfolio": "no invocation",
		"duration of execution": "no invocation", "duration of monitor": "no invocation", "error logs": "0 (and 2 made good)",
	}
	if diff := cmp.Diff(want, got); diff != "" || !r.Holds {
		t.Errorf("holds is %t, figures (-want +got):\n%s", r.Holds, diff)
	}
}

func TestWhatIsLostIsFoundFromEachSide(t *testing.T) {
	t.Parallel()
	line := func(e events.Event, replay string) string {
		return fmt.Sprintf(`{"source":"alchemiser.%s","detail-type":%q%s,"detail":{"event_id":%q,"correlation_id":%q}}`, e.SourceModule, e.Type(), replay, e.ID, e.CorrelationID)
	}
	for name, c := range map[string]struct {
		do   func(d *deployment)
		want string
	}{
		"in the outbox, but it has never reached the monitor": {
			func(d *deployment) {
				d.claim("strategy", started().ID, consumer.StatusDone, skipped())
				d.record(started(), monitor.StateRunning)
			}, "WorkflowCompleted 2-skipped of run-1 is not handled by monitor: it has never got there",
		},
		"in the timeline, but its function has not seen it": {
			func(d *deployment) { d.record(started(), monitor.StateRunning) },
			"WorkflowStarted 1-started of run-1 is not handled by strategy: it has never got there",
		},
		"in the log of all events only": {
			func(d *deployment) { d.log(stage.EventLog(), line(started(), "")) },
			"WorkflowStarted 1-started of run-1 is not handled by monitor: it has never got there\n" +
				"WorkflowStarted 1-started of run-1 is not handled by strategy: it has never got there",
		},
		"kept, but not published": {
			func(d *deployment) {
				d.claim("strategy", started().ID, consumer.StatusCommitted)
				d.record(started(), monitor.StateRunning)
			}, "WorkflowStarted 1-started of run-1 is not handled by strategy: handled, but what follows from it is not published",
		},
		"interrupted": {
			func(d *deployment) {
				d.claim("strategy", started().ID, consumer.StatusRunning)
				d.record(started(), monitor.StateRunning)
			}, "WorkflowStarted 1-started of run-1 is not handled by strategy: not finished",
		},
		"refused": {
			func(d *deployment) {
				d.claim("strategy", started().ID, consumer.StatusDead)
				d.record(started(), monitor.StateRunning)
			}, "WorkflowStarted 1-started of run-1 is not handled by strategy: refused: ",
		},
		"a replay is no delivery": {
			func(d *deployment) { d.log(stage.EventLog(), line(started(), `,"replay-name":"r"`)) }, "",
		},
		"an event of others is none": {
			func(d *deployment) {
				d.log(stage.EventLog(), `{"source":"aws.events","detail-type":"Replay State Change","detail":{}}`)
			}, "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDeployment(t)
			c.do(d)
			got, findings := check(t, d.judge(), "delivery")
			if diff := cmp.Diff(c.want, findings); diff != "" || got.Verdict != validation.Fail {
				t.Errorf("%s is a %s, findings (-want +got):\n%s", got.Figure, got.Verdict, diff)
			}
		})
	}
}

func TestErrorsThatStay(t *testing.T) {
	t.Parallel()
	d := newDeployment(t)
	d.claim("execution", "5-plan", consumer.StatusRunning)
	d.log(stage.FunctionLog(naming.Execution),
		`{"level":"error","message":"attempt failed","error":"no broker","event_id":"5-plan"}`,
		`{"level":"info","message":"an error that is none","error":""}`,
		"RequestId: 99999999-0000-4000-8000-000000000001 Error: Runtime exited with error: signal: killed\n")
	got, findings := check(t, d.judge(), "error logs")
	if got.Figure != "2" || !strings.Contains(findings, "execution: attempt failed: no broker") || !strings.Contains(findings, "signal: killed") {
		t.Errorf("%s errors:\n%s", got.Figure, findings)
	}
}

func TestAReplayMustNotTrade(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ pattern, want string }{
		"replays pass": {`{"source": ["alchemiser.portfolio"]}`, "lets a replayed plan pass"},
		"nothing does": {`{"source": ["alchemiser.portfolios"]}`, "lets no plan pass"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDeployment(t)
			must(t)(eventbridge.NewFromConfig(d.cfg).PutRule(t.Context(), &eventbridge.PutRuleInput{
				Name: aws.String(stage.Rule(naming.Execution)), EventBusName: aws.String(stage.Bus()), EventPattern: &c.pattern,
			}))
			got, findings := check(t, d.judge(), "replay")
			if got.Verdict != validation.Fail || !strings.Contains(findings, c.want) {
				t.Errorf("%s: %s, want %q", got.Verdict, findings, c.want)
			}
		})
	}
}

func TestAReplayIsWatchedToItsEnd(t *testing.T) {
	t.Parallel()
	d := newDeployment(t)
	d.record(started(), monitor.StateRunning)
	r, err := validation.NewReader(d.cfg, stage, "000000000000", nil)
	if err != nil {
		t.Fatal(err)
	}
	end := d.now.Add(time.Second)
	evidence, err := r.Read(t.Context(), validation.Window{From: d.now.Add(-time.Hour), To: end})
	if err != nil {
		t.Fatal(err)
	}
	name := "alchemiser-validate-test-" + end.UTC().Format("20060102T150405Z")
	d.claim("monitor", name+"/"+started().ID, consumer.StatusDone) // as the monitor would
	if err := r.Replay(t.Context(), &evidence); err != nil {
		t.Fatal(err)
	}
	want := &validation.Replay{Name: name, State: "COMPLETED", Reason: evidence.Replay.Reason, Came: 1, All: 1}
	if diff := cmp.Diff(want, evidence.Replay); diff != "" {
		t.Errorf("replay (-want +got):\n%s", diff)
	}
}

func TestADualRunOfTheWindowCounts(t *testing.T) {
	t.Parallel()
	d := newDeployment(t)
	for _, at := range []time.Time{d.now, d.now.Add(-2 * time.Hour)} {
		err := d.store.PutFingerprint(t.Context(), fingerprint.Record{
			Side: fingerprint.Memory, EventID: at.Format(time.RFC3339), Type: events.TypeWorkflowStarted, CorrelationID: "run-1",
			Day: market.Date(at.UTC().Format(time.DateOnly)), Fingerprint: "f", At: at,
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if got, _ := check(t, d.judge(), "dual publishing"); got.Verdict != validation.Fail || got.Figure != "0.00 % (0 of 1)" {
		t.Errorf("dual publishing is %s, a %s", got.Figure, got.Verdict)
	}
}
