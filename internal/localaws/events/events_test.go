package events_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/google/go-cmp/cmp"

	"github.com/the-alchemiser/alchemiser/internal/localaws/delivery"
	"github.com/the-alchemiser/alchemiser/internal/localaws/events"
)

const (
	queue = "arn:aws:sqs:us-east-1:000000000000:orders"
	dlq   = "arn:aws:sqs:us-east-1:000000000000:dead"
)

func TestEventReachesTheTargetAsAWSShapesIt(t *testing.T) {
	run(t, func(b *bench) {
		t := b.t
		b.route(func(target *events.Target) { target.RoleArn = "arn:aws:iam::000000000000:role/r" })
		at := time.Date(2026, 3, 2, 20, 45, 0, 999, time.UTC)
		out := must[*eventbridge.PutEventsOutput](t)(b.PutEvents(t.Context(), &eventbridge.PutEventsInput{
			Entries: []types.PutEventsRequestEntry{{
				Source: aws.String("shop"), DetailType: aws.String("a <b> & \"c\""), Detail: aws.String(`{ "n": 1.50, "s": "\u00e9" }`),
				EventBusName: aws.String("orders"), Resources: []string{"correlation:1"}, Time: &at, TraceHeader: aws.String("Root=1"),
			}},
		}))
		synctest.Wait()
		got := b.receiver.take(queue)
		if len(got) != 1 {
			t.Fatalf("%d deliveries, want 1", len(got))
		}
		want := `{"version":"0","id":"` + *out.Entries[0].EventId + `","detail-type":"a <b> & \"c\"","source":"shop","account":"000000000000",` +
			`"time":"2026-03-02T20:45:00Z","region":"us-east-1","resources":["correlation:1"],"detail":{"n":1.50,"s":"\u00e9"}}`
		if diff := cmp.Diff(want, string(got[0].Body)); diff != "" {
			t.Errorf("body (-want +got):\n%s", diff)
		}
		m := got[0].Message
		m.Body = nil
		if diff := cmp.Diff(delivery.Message{
			Principal: "events.amazonaws.com", SourceARN: "arn:aws:events:us-east-1:000000000000:rule/orders/all",
			SourceAccount: "000000000000", RoleARN: "arn:aws:iam::000000000000:role/r", TraceHeader: "Root=1",
		}, m); diff != "" {
			t.Errorf("message (-want +got):\n%s", diff)
		}
	})
}

func TestEntriesFailAlone(t *testing.T) {
	run(t, func(b *bench) {
		t := b.t
		b.route(nil)
		entry := func(source, detail string) types.PutEventsRequestEntry {
			return types.PutEventsRequestEntry{
				Source: aws.String(source), DetailType: aws.String("T"), Detail: aws.String(detail), EventBusName: aws.String("orders"),
			}
		}
		out := must[*eventbridge.PutEventsOutput](t)(b.PutEvents(t.Context(), &eventbridge.PutEventsInput{
			Entries: []types.PutEventsRequestEntry{
				entry("s", "{}"), entry("", "{}"), entry("s", "[]"), entry("s", `{"a":`+strings.Repeat("[", 1200)+strings.Repeat("]", 1200)+`}`),
			},
		}))
		synctest.Wait()
		var codes []string
		for _, e := range out.Entries {
			codes = append(codes, aws.ToString(e.ErrorCode))
		}
		if diff := cmp.Diff([]string{"", "InvalidArgument", "MalformedDetail", "MalformedDetail"}, codes); diff != "" || out.FailedEntryCount != 3 {
			t.Errorf("%d failed (-want +got):\n%s", out.FailedEntryCount, diff)
		}
		if got := b.receiver.take(queue); len(got) != 1 {
			t.Errorf("%d deliveries, want 1", len(got))
		}
	})
}

func TestRequestBeyondOneMebibyteIsRefused(t *testing.T) {
	run(t, func(b *bench) {
		t := b.t
		for size, want := range map[int]int{1 << 20: 200, 1<<20 + 1: 400} {
			const rest = len(`sT{"a":""}`)
			status, answer := call(b.handler, "events", "AWSEvents", "PutEvents", map[string]any{"Entries": []any{map[string]any{
				"Source": "s", "DetailType": "T", "Detail": `{"a":"` + strings.Repeat("x", size-rest) + `"}`,
			}}})
			if status != want {
				t.Errorf("%d bytes: status %d, want %d: %v", size, status, want, answer["message"])
			}
		}
	})
}

func TestRetriesUntilTheTargetTakesIt(t *testing.T) {
	run(t, func(b *bench) {
		t := b.t
		b.route(nil)
		b.receiver.refuseNext(&delivery.Error{Code: "THROTTLING", Message: "later", Retryable: true})
		b.put(`{"n":1}`)
		time.Sleep(time.Hour)
		b.receiver.refuseNext(nil)
		time.Sleep(time.Hour)
		synctest.Wait()
		if got := b.receiver.take(queue); len(got) != 1 {
			t.Errorf("%d deliveries, want 1", len(got))
		}
	})
}

func TestDeadLetters(t *testing.T) {
	throttled := &delivery.Error{Code: "THROTTLING", Message: "later", Retryable: true}
	for name, tt := range map[string]struct {
		refused *delivery.Error
		policy  *events.RetryPolicy
		want    map[string]string
	}{
		"what cannot succeed is not retried": {
			delivery.Errorf("NO_PERMISSIONS", "no"), nil,
			map[string]string{"ERROR_CODE": "NO_PERMISSIONS", "ERROR_MESSAGE": "no", "RETRY_ATTEMPTS": "0"},
		},
		"attempts run out": {
			throttled, &events.RetryPolicy{MaximumRetryAttempts: aws.Int(3)},
			map[string]string{
				"ERROR_CODE": "THROTTLING", "ERROR_MESSAGE": "later", "RETRY_ATTEMPTS": "3",
				"EXHAUSTED_RETRY_CONDITION": "MaximumRetryAttempts",
			},
		},
		"no retry wanted": {
			throttled, &events.RetryPolicy{MaximumRetryAttempts: aws.Int(0)},
			map[string]string{
				"ERROR_CODE": "THROTTLING", "ERROR_MESSAGE": "later", "RETRY_ATTEMPTS": "0",
				"EXHAUSTED_RETRY_CONDITION": "MaximumRetryAttempts",
			},
		},
		"the event grows too old": {
			throttled, &events.RetryPolicy{MaximumEventAgeInSeconds: aws.Int(60)},
			map[string]string{
				"ERROR_CODE": "THROTTLING", "ERROR_MESSAGE": "later",
				"EXHAUSTED_RETRY_CONDITION": "MaximumEventAgeInSeconds",
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			run(t, func(b *bench) {
				t := b.t
				b.route(func(target *events.Target) {
					target.DeadLetterConfig, target.RetryPolicy = &events.DeadLetterConfig{Arn: dlq}, tt.policy
				})
				b.receiver.refuseNext(tt.refused)
				b.put(`{"n":1}`)
				time.Sleep(time.Hour)
				got := b.receiver.take(dlq)
				if len(got) != 1 {
					t.Fatalf("%d dead letters, want 1", len(got))
				}
				tt.want["RULE_ARN"], tt.want["TARGET_ARN"] = "arn:aws:events:us-east-1:000000000000:rule/orders/all", queue
				if _, ok := tt.want["RETRY_ATTEMPTS"]; !ok {
					delete(got[0].Attributes, "RETRY_ATTEMPTS") // as many as fit
				}
				if diff := cmp.Diff(tt.want, got[0].Attributes); diff != "" {
					t.Errorf("attributes (-want +got):\n%s", diff)
				}
				if !strings.Contains(string(got[0].Body), `"detail":{"n":1}`) {
					t.Errorf("body %s is not the event", got[0].Body)
				}
				if got[0].Principal != "events.amazonaws.com" || got[0].SourceARN != tt.want["RULE_ARN"] {
					t.Errorf("sent as %s for %s", got[0].Principal, got[0].SourceARN)
				}
			})
		})
	}
}

func TestPendingDeliveriesOutliveTheProcess(t *testing.T) {
	run(t, func(b *bench) {
		t := b.t
		b.route(func(target *events.Target) {
			target.DeadLetterConfig, target.RetryPolicy = &events.DeadLetterConfig{Arn: dlq}, &events.RetryPolicy{MaximumRetryAttempts: aws.Int(2)}
		})
		b.receiver.refuseNext(&delivery.Error{Code: "THROTTLING", Message: "later", Retryable: true})
		b.put(`{"n":1}`)
		b.stop()
		b.start()
		time.Sleep(time.Minute)
		got := b.receiver.take(dlq)
		if len(got) != 1 || got[0].Attributes["RETRY_ATTEMPTS"] != "2" {
			t.Fatalf("dead letters %v, want one after the attempts of both lives", got)
		}
		b.stop()
		b.start()
		time.Sleep(time.Hour)
		if got := b.receiver.take(dlq); len(got) != 0 {
			t.Errorf("%d dead letters came again", len(got))
		}
	})
}

func TestArchiveAndReplay(t *testing.T) {
	run(t, func(b *bench) {
		t := b.t
		b.route(nil)
		const bus = "arn:aws:events:us-east-1:000000000000:event-bus/orders"
		archive := must[*eventbridge.CreateArchiveOutput](t)(b.CreateArchive(t.Context(), &eventbridge.CreateArchiveInput{
			ArchiveName: aws.String("a"), EventSourceArn: aws.String(bus), RetentionDays: aws.Int32(2),
		}))
		start := time.Now()
		for n := range 250 {
			b.put(`{"n":` + string(rune('0'+n%10)) + `}`)
		}
		first := b.receiver.take(queue)
		time.Sleep(time.Hour)
		b.put(`{"n":"later"}`)
		b.receiver.take(queue)
		must[*eventbridge.StartReplayOutput](t)(b.StartReplay(t.Context(), &eventbridge.StartReplayInput{
			ReplayName: aws.String("again"), EventSourceArn: archive.ArchiveArn,
			EventStartTime: aws.Time(start.Add(-time.Second)), EventEndTime: aws.Time(start.Add(time.Minute)),
			Destination: &types.ReplayDestination{Arn: aws.String(bus), FilterArns: []string{"arn:aws:events:us-east-1:000000000000:rule/orders/all"}},
		}))
		time.Sleep(time.Minute)
		again := b.receiver.take(queue)
		if len(first) != 250 || len(again) != 250 {
			t.Fatalf("%d events, %d replayed, want 250 each", len(first), len(again))
		}
		type event struct {
			ID, Time string
			Replay   string `json:"replay-name"`
		}
		ids := map[string]bool{}
		for _, s := range append(first, again...) {
			var e event
			if err := json.Unmarshal(s.Body, &e); err != nil {
				t.Fatal(err)
			}
			ids[e.ID] = true
			if want := start.UTC().Format(time.RFC3339); e.Time != want {
				t.Fatalf("time %s, want the original %s", e.Time, want)
			}
		}
		if len(ids) != 500 {
			t.Errorf("%d ids of 500 events", len(ids))
		}
		if !strings.Contains(string(again[0].Body), `"region":"us-east-1","replay-name":"again","resources":[]`) || again[0].TraceHeader != "" {
			t.Errorf("replayed event %s with trace %q", again[0].Body, again[0].TraceHeader)
		}
		replay := must[*eventbridge.DescribeReplayOutput](t)(b.DescribeReplay(t.Context(), &eventbridge.DescribeReplayInput{ReplayName: aws.String("again")}))
		if replay.State != types.ReplayStateCompleted || replay.EventLastReplayedTime == nil {
			t.Errorf("replay is %s", replay.State)
		}
		describe := func() int64 {
			return must[*eventbridge.DescribeArchiveOutput](t)(b.DescribeArchive(t.Context(), &eventbridge.DescribeArchiveInput{ArchiveName: aws.String("a")})).EventCount
		}
		if n := describe(); n != 251 {
			t.Errorf("archive has %d events, want 251: replays are not archived again", n)
		}
		b.clock.Set(start.Add(50 * time.Hour))
		synctest.Wait()
		if n := describe(); n != 0 {
			t.Errorf("archive has %d events after its retention", n)
		}
	})
}

// A replay takes its time, in which it can be watched and cancelled; what is acknowledged to whoever cancels holds also if
// the endpoint dies at that moment.
func TestCancelledReplayStops(t *testing.T) {
	run(t, func(b *bench) {
		t := b.t
		b.route(nil)
		const bus = "arn:aws:events:us-east-1:000000000000:event-bus/orders"
		archive := must[*eventbridge.CreateArchiveOutput](t)(b.CreateArchive(t.Context(), &eventbridge.CreateArchiveInput{
			ArchiveName: aws.String("a"), EventSourceArn: aws.String(bus),
		}))
		for range 250 {
			b.put(`{}`)
		}
		b.receiver.take(queue)
		must[*eventbridge.StartReplayOutput](t)(b.StartReplay(t.Context(), &eventbridge.StartReplayInput{
			ReplayName: aws.String("again"), EventSourceArn: archive.ArchiveArn,
			EventStartTime: aws.Time(time.Now().Add(-time.Hour)), EventEndTime: aws.Time(time.Now().Add(time.Hour)),
			Destination: &types.ReplayDestination{Arn: aws.String(bus)},
		}))
		state := func() types.ReplayState {
			return must[*eventbridge.DescribeReplayOutput](t)(b.DescribeReplay(t.Context(), &eventbridge.DescribeReplayInput{ReplayName: aws.String("again")})).State
		}
		if got := state(); got != types.ReplayStateStarting {
			t.Errorf("at once the replay is %s, want STARTING", got)
		}
		time.Sleep(2*time.Second + 50*time.Millisecond)
		synctest.Wait()
		if got := state(); got != types.ReplayStateRunning {
			t.Errorf("after two seconds the replay is %s, want RUNNING", got)
		}
		must[*eventbridge.CancelReplayOutput](t)(b.CancelReplay(t.Context(), &eventbridge.CancelReplayInput{ReplayName: aws.String("again")}))
		if _, err := b.CancelReplay(t.Context(), &eventbridge.CancelReplayInput{ReplayName: aws.String("again")}); err == nil || !strings.Contains(err.Error(), "IllegalStatusException") {
			t.Errorf("cancelled twice: %v", err)
		}
		b.stop()
		b.start() // from what the store holds
		if got := state(); got != types.ReplayStateCancelling {
			t.Errorf("after a restart the replay is %s, want CANCELLING", got)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if got := state(); got != types.ReplayStateCancelled {
			t.Errorf("in the end the replay is %s, want CANCELLED", got)
		}
		if again := b.receiver.take(queue); len(again) != 100 {
			t.Errorf("%d events came again, want the first batch of 100", len(again))
		}
	})
}

func TestEventsFromElsewhere(t *testing.T) {
	run(t, func(b *bench) {
		t := b.t
		b.route(nil)
		const bus = "arn:aws:events:us-east-1:000000000000:event-bus/orders"
		entry := delivery.Message{
			Principal: "scheduler.amazonaws.com", TraceHeader: "Root=2",
			Body: []byte(`{"Source":"alchemiser.scheduler","DetailType":"WorkflowStarted","Detail":"{\n \"a\": 1}"}`),
		}
		if err := b.service.Receive(t.Context(), bus, entry); err != nil {
			t.Fatal(err)
		}
		event := delivery.Message{
			Principal: "events.amazonaws.com",
			Body:      []byte(`{"version":"0","id":"7","detail-type":"D","source":"s","account":"111111111111","time":"2020-01-01T00:00:00Z","region":"eu-west-1","resources":[],"detail":{}}`),
		}
		if err := b.service.Receive(t.Context(), bus, event); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		got := b.receiver.take(queue)
		if len(got) != 2 {
			t.Fatalf("%d deliveries, want 2", len(got))
		}
		if !strings.HasSuffix(string(got[0].Body), `"detail":{"a":1}}`) {
			got[0], got[1] = got[1], got[0]
		}
		if !strings.Contains(string(got[0].Body), `"source":"alchemiser.scheduler"`) || got[0].TraceHeader != "Root=2" {
			t.Errorf("from Scheduler: %s", got[0].Body)
		}
		if string(got[1].Body) != string(event.Body) {
			t.Errorf("from a bus: %s, want it unchanged", got[1].Body)
		}
		for body, to := range map[string]string{`{"Source":"s"}`: bus, `{}`: bus, `{"Source":"s","DetailType":"d","Detail":"{}"}`: bus + "x"} {
			err := b.service.Receive(t.Context(), to, delivery.Message{Principal: "scheduler.amazonaws.com", Body: []byte(body)})
			if err == nil {
				t.Errorf("%s to %s was taken", body, to)
			}
		}
	})
}

func TestInventoryIsEmptyAfterEverythingIsDeleted(t *testing.T) {
	run(t, func(b *bench) {
		t := b.t
		b.route(nil)
		const bus = "arn:aws:events:us-east-1:000000000000:event-bus/orders"
		must[*eventbridge.CreateArchiveOutput](t)(b.CreateArchive(t.Context(), &eventbridge.CreateArchiveInput{
			ArchiveName: aws.String("a"), EventSourceArn: aws.String(bus),
		}))
		want := []string{
			"arn:aws:events:us-east-1:000000000000:archive/a", bus, "arn:aws:events:us-east-1:000000000000:rule/orders/all",
		}
		if diff := cmp.Diff(want, must[[]string](t)(b.service.Inventory())); diff != "" {
			t.Errorf("inventory (-want +got):\n%s", diff)
		}
		if _, err := b.DeleteEventBus(t.Context(), &eventbridge.DeleteEventBusInput{Name: aws.String("orders")}); err == nil {
			t.Error("a bus with rules was deleted")
		}
		must[*eventbridge.DeleteArchiveOutput](t)(b.DeleteArchive(t.Context(), &eventbridge.DeleteArchiveInput{ArchiveName: aws.String("a")}))
		must[*eventbridge.RemoveTargetsOutput](t)(b.RemoveTargets(t.Context(), &eventbridge.RemoveTargetsInput{
			Rule: aws.String("all"), EventBusName: aws.String("orders"), Ids: []string{"t"},
		}))
		must[*eventbridge.DeleteRuleOutput](t)(b.DeleteRule(t.Context(), &eventbridge.DeleteRuleInput{Name: aws.String("all"), EventBusName: aws.String("orders")}))
		must[*eventbridge.DeleteEventBusOutput](t)(b.DeleteEventBus(t.Context(), &eventbridge.DeleteEventBusInput{Name: aws.String("orders")}))
		if left := must[[]string](t)(b.service.Inventory()); len(left) != 0 {
			t.Errorf("left: %v", left)
		}
	})
}

func TestScheduledRules(t *testing.T) {
	run(t, func(b *bench) {
		t := b.t
		put := func(state types.RuleState) {
			t.Helper()
			must[*eventbridge.PutRuleOutput](t)(b.PutRule(t.Context(), &eventbridge.PutRuleInput{
				Name: aws.String("tick"), ScheduleExpression: aws.String("rate(5 minutes)"), State: state,
			}))
		}
		put(types.RuleStateEnabled)
		must[*eventbridge.PutTargetsOutput](t)(b.PutTargets(t.Context(), &eventbridge.PutTargetsInput{
			Rule: aws.String("tick"), Targets: []types.Target{{Id: aws.String("q"), Arn: aws.String(queue)}},
		}))
		ticks := func(after time.Duration, want int, why string) {
			t.Helper()
			time.Sleep(after)
			synctest.Wait()
			got := b.receiver.take(queue)
			if len(got) != want {
				t.Fatalf("%s: %d events, want %d", why, len(got), want)
			}
			for _, m := range got {
				if body := string(m.Body); !strings.Contains(body, `"detail-type":"Scheduled Event","source":"aws.events"`) || !strings.Contains(body, `:rule/tick"],"detail":{}`) {
					t.Errorf("%s: the event is %s", why, body)
				}
			}
		}
		ticks(5*time.Minute-time.Second, 0, "before the first")
		ticks(time.Second, 1, "the first")
		ticks(time.Hour, 12, "an hour")
		b.stop()
		b.start()
		ticks(5*time.Minute, 1, "after a restart none is missing and none comes again")
		must[*eventbridge.DisableRuleOutput](t)(b.DisableRule(t.Context(), &eventbridge.DisableRuleInput{Name: aws.String("tick")}))
		ticks(time.Hour, 0, "disabled")
		must[*eventbridge.EnableRuleOutput](t)(b.EnableRule(t.Context(), &eventbridge.EnableRuleInput{Name: aws.String("tick")}))
		ticks(4*time.Minute, 0, "enabled again, it begins anew")
		ticks(time.Minute, 1, "and goes on")
		b.stop()
		time.Sleep(33 * time.Minute)
		b.start()
		ticks(0, 0, "what fell due long ago, while the endpoint was down, is left out")
		ticks(2*time.Minute, 1, "the next comes at its time")
	})
}

func TestABusHasAtMost300Rules(t *testing.T) {
	run(t, func(b *bench) {
		t := b.t
		put := func(n int) error {
			_, err := b.PutRule(t.Context(), &eventbridge.PutRuleInput{Name: aws.String(fmt.Sprintf("r-%d", n)), EventPattern: aws.String(`{"source":["a"]}`)})
			return err
		}
		for n := range 300 {
			if err := put(n); err != nil {
				t.Fatal(err)
			}
		}
		var full *types.LimitExceededException
		if err := put(300); !errors.As(err, &full) {
			t.Errorf("the 301st rule: %v, want LimitExceededException", err)
		}
		if err := put(7); err != nil {
			t.Errorf("a rule that is there may change: %v", err)
		}
	})
}
