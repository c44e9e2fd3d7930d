package scheduler_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/scheduler"
	"github.com/aws/aws-sdk-go-v2/service/scheduler/types"
	"github.com/google/go-cmp/cmp"

	"github.com/the-alchemiser/alchemiser/internal/localaws/clock"
	"github.com/the-alchemiser/alchemiser/internal/localaws/delivery"
	"github.com/the-alchemiser/alchemiser/internal/localaws/scheduler"
	"github.com/the-alchemiser/alchemiser/internal/localaws/state"
	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

const (
	function = "arn:aws:lambda:us-east-1:000000000000:function:monitor:live"
	bus      = "arn:aws:events:us-east-1:000000000000:event-bus/orders"
	dlq      = "arn:aws:sqs:us-east-1:000000000000:dead"
	role     = "arn:aws:iam::000000000000:role/schedule"
)

type sent struct {
	at  time.Time
	arn string
	delivery.Message
}

// receiver is a fake delivery.Sender: it keeps what it is sent, unless it is told to refuse.
type receiver struct {
	clock  *clock.Clock
	mu     sync.Mutex
	got    []sent
	refuse map[string]*delivery.Error
}

func (r *receiver) Send(_ context.Context, arn string, m delivery.Message) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if refused := r.refuse[arn]; refused != nil {
		return refused
	}
	r.got = append(r.got, sent{r.clock.Now(), arn, m})
	return nil
}

func (r *receiver) take() []sent {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := r.got
	r.got = nil
	return out
}

// counts are figures by what they count.
type counts map[string]float64

// tally is a fake metrics.Sink: it adds up.
type tally struct {
	mu   sync.Mutex
	sums counts
}

func (m *tally) Count(namespace, name string, dimensions map[string]string, value float64, _ string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sums[fmt.Sprint(namespace, " ", name, " ", dimensions)] += value
}

func (m *tally) CountAt(_ time.Time, namespace, name string, dimensions map[string]string, value float64, unit string) {
	m.Count(namespace, name, dimensions, value, unit)
}

type bench struct {
	*sdk.Client
	t        *testing.T
	store    *state.Store
	clock    *clock.Clock
	service  *scheduler.Service
	handler  http.Handler
	receiver *receiver
	metrics  *tally
	stop     func()
}

// run runs f with a service in a bubble of its own time, which begins on Saturday, 1 January 2000 UTC.
func run(t *testing.T, f func(b *bench)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store, err := state.Open("")
		if err != nil {
			t.Fatal(err)
		}
		c := clock.New()
		b := &bench{t: t, store: store, clock: c, receiver: &receiver{clock: c, refuse: map[string]*delivery.Error{}}, metrics: &tally{sums: counts{}}}
		defer func() {
			b.stop()
			if err := store.Close(); err != nil {
				t.Error(err)
			}
		}()
		b.start()
		f(b)
	})
}

func (b *bench) start() {
	b.t.Helper()
	service, err := scheduler.New(scheduler.Config{Store: b.store, Clock: b.clock, Sender: b.receiver, Metrics: b.metrics})
	if err != nil {
		b.t.Fatal(err)
	}
	b.service = service
	anyone := func(_ context.Context, key string) (wire.Caller, bool) { return wire.Caller{AccessKeyID: key}, true }
	b.handler = wire.NewHandler([]wire.Service{service.API()}, anyone, log.New(io.Discard, "", 0))
	b.Client = sdk.New(sdk.Options{
		Region: "us-east-1", BaseEndpoint: aws.String("http://endpoint"),
		HTTPClient:  direct{b.handler},
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	})
	ctx, cancel := context.WithCancel(b.t.Context())
	done := make(chan error, 1)
	go func() { done <- service.Run(ctx) }()
	b.stop = func() {
		cancel()
		if err := <-done; err != nil {
			b.t.Errorf("Run: %v", err)
		}
	}
}

// direct carries requests to a handler without a network.
type direct struct{ handler http.Handler }

func (d direct) Do(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	if r.Body == nil {
		r.Body = http.NoBody
	}
	d.handler.ServeHTTP(w, r)
	return w.Result(), nil
}

// schedule makes a schedule "s" that invokes the function.
func (b *bench) schedule(expression string, change func(*sdk.CreateScheduleInput)) {
	b.t.Helper()
	in := &sdk.CreateScheduleInput{
		Name: aws.String("s"), ScheduleExpression: aws.String(expression),
		FlexibleTimeWindow: &types.FlexibleTimeWindow{Mode: types.FlexibleTimeWindowModeOff},
		Target:             &types.Target{Arn: aws.String(function), RoleArn: aws.String(role), Input: aws.String(`{"watchdog": true}`)},
	}
	if change != nil {
		change(in)
	}
	if _, err := b.CreateSchedule(b.t.Context(), in); err != nil {
		b.t.Fatal(err)
	}
}

// pass moves the clock on in steps of five minutes: sleeping for hours takes the store's own tickers too long.
func (b *bench) pass(d time.Duration) {
	for ; d > 0; d -= 5 * time.Minute {
		synctest.Wait()
		b.clock.Set(b.clock.Now().Add(min(d, 5*time.Minute)))
	}
	synctest.Wait()
}

func (b *bench) gone() bool {
	_, err := b.GetSchedule(b.t.Context(), &sdk.GetScheduleInput{Name: aws.String("s")})
	var missing *types.ResourceNotFoundException
	return errors.As(err, &missing)
}

func TestOneTimeScheduleFiresOnceToTheSecondAndDeletesItself(t *testing.T) {
	run(t, func(b *bench) {
		t := b.t
		b.schedule("at(2000-01-01T10:00:07)", func(in *sdk.CreateScheduleInput) {
			in.ScheduleExpressionTimezone, in.ActionAfterCompletion = aws.String("America/New_York"), types.ActionAfterCompletionDelete
			in.Target = &types.Target{
				Arn: aws.String(bus), RoleArn: aws.String(role),
				EventBridgeParameters: &types.EventBridgeParameters{DetailType: aws.String("WorkflowStarted"), Source: aws.String("alchemiser.scheduler")},
				Input:                 aws.String(`{"id":"run-<aws.scheduler.scheduled-time>","n":<aws.scheduler.attempt-number>,"of":"<aws.scheduler.schedule-arn>"}`),
			}
		})
		b.pass(14*time.Hour + 59*time.Minute)
		time.Sleep(2 * time.Minute)
		b.pass(48 * time.Hour)
		got := b.receiver.take()
		if len(got) != 1 {
			t.Fatalf("fired %d times", len(got))
		}
		if want := time.Date(2000, 1, 1, 15, 0, 7, 0, time.UTC); !got[0].at.Equal(want) {
			t.Errorf("fired at %s, want %s", got[0].at, want)
		}
		want := `{"Source":"alchemiser.scheduler","DetailType":"WorkflowStarted","Detail":"{\"id\":\"run-2000-01-01T15:00:07Z\",\"n\":1,` +
			`\"of\":\"arn:aws:scheduler:us-east-1:000000000000:schedule/default/s\"}"}`
		if diff := cmp.Diff(want, string(got[0].Body)); diff != "" {
			t.Errorf("body (-want +got):\n%s", diff)
		}
		m := got[0].Message
		m.Body = nil
		if diff := cmp.Diff(delivery.Message{
			Principal: "scheduler.amazonaws.com", SourceAccount: "000000000000", RoleARN: role,
			SourceARN: "arn:aws:scheduler:us-east-1:000000000000:schedule-group/default",
		}, m); diff != "" || got[0].arn != bus {
			t.Errorf("message to %s (-want +got):\n%s", got[0].arn, diff)
		}
		if !b.gone() {
			t.Error("the schedule is still there")
		}
	})
}

func TestSchedulesRecur(t *testing.T) {
	for name, tt := range map[string]struct {
		expression string
		change     func(*sdk.CreateScheduleInput)
		within     time.Duration
		want       []string
	}{
		"cron by the zone's clock": {
			"cron(45 15 ? * MON-FRI *)", func(in *sdk.CreateScheduleInput) { in.ScheduleExpressionTimezone = aws.String("America/New_York") },
			100 * time.Hour,
			[]string{"2000-01-03T20:45:00Z", "2000-01-04T20:45:00Z"},
		},
		"rate at once and then at its pace": {
			"rate(5 minutes)", nil, 11 * time.Minute, []string{"2000-01-01T00:00:00Z", "2000-01-01T00:05:00Z", "2000-01-01T00:10:00Z"},
		},
		"between start and end": {
			"rate(1 hour)", func(in *sdk.CreateScheduleInput) {
				in.StartDate, in.EndDate = aws.Time(time.Now().Add(30*time.Minute)), aws.Time(time.Now().Add(3*time.Hour))
			},
			24 * time.Hour,
			[]string{"2000-01-01T00:30:00Z", "2000-01-01T01:30:00Z", "2000-01-01T02:30:00Z"},
		},
		"disabled":    {"rate(1 hour)", func(in *sdk.CreateScheduleInput) { in.State = types.ScheduleStateDisabled }, 24 * time.Hour, nil},
		"in the past": {"at(1999-12-31T23:59:59)", nil, 24 * time.Hour, nil},
		"never again": {"cron(0 0 1 1 ? 1999)", nil, 24 * time.Hour, nil},
	} {
		t.Run(name, func(t *testing.T) {
			run(t, func(b *bench) {
				t := b.t
				b.schedule(tt.expression, func(in *sdk.CreateScheduleInput) {
					in.Target.Input = aws.String("<aws.scheduler.scheduled-time>")
					if tt.change != nil {
						tt.change(in)
					}
				})
				b.pass(tt.within)
				var got []string
				for _, s := range b.receiver.take() {
					got = append(got, string(s.Body))
				}
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("fired (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestMovingTheClockFiresWhatIsDueOnce(t *testing.T) {
	run(t, func(b *bench) {
		t := b.t
		b.schedule("cron(0 12 * * ? *)", nil)
		synctest.Wait()
		b.clock.Set(time.Date(2000, 1, 5, 13, 0, 0, 0, time.UTC)) // over five occurrences
		synctest.Wait()
		if got := b.receiver.take(); len(got) != 1 {
			t.Fatalf("fired %d times after the clock went forward, want 1", len(got))
		}
		b.clock.Set(time.Date(2000, 1, 2, 11, 59, 0, 0, time.UTC))
		time.Sleep(2 * time.Minute)
		if got := b.receiver.take(); len(got) != 1 {
			t.Errorf("fired %d times after the clock went back, want 1", len(got))
		}
	})
}

func TestDeadLetters(t *testing.T) {
	for name, tt := range map[string]struct {
		refused *delivery.Error
		want    map[string]string
		metrics counts
	}{
		"what cannot succeed is not retried": {
			delivery.Errorf("NO_PERMISSIONS", "no"),
			map[string]string{"ERROR_CODE": "NO_PERMISSIONS", "ERROR_MESSAGE": "no", "RETRY_ATTEMPTS": "0"},
			counts{
				"AWS/Scheduler InvocationAttemptCount map[ScheduleGroup:default]": 1, "AWS/Scheduler TargetErrorCount map[ScheduleGroup:default]": 1,
				"AWS/Scheduler InvocationDroppedCount map[ScheduleGroup:default]":           1,
				"AWS/Scheduler InvocationsSentToDeadLetterCount map[ScheduleGroup:default]": 1,
			},
		},
		"attempts run out": {
			&delivery.Error{Code: "THROTTLING", Message: "later", Retryable: true},
			map[string]string{
				"ERROR_CODE": "THROTTLING", "ERROR_MESSAGE": "later", "RETRY_ATTEMPTS": "2", "EXHAUSTED_RETRY_CONDITION": "MaximumRetryAttempts",
			},
			counts{
				"AWS/Scheduler InvocationAttemptCount map[ScheduleGroup:default]": 3, "AWS/Scheduler TargetErrorCount map[ScheduleGroup:default]": 3,
				"AWS/Scheduler TargetErrorThrottledCount map[ScheduleGroup:default]":        3,
				"AWS/Scheduler InvocationDroppedCount map[ScheduleGroup:default]":           1,
				"AWS/Scheduler InvocationsSentToDeadLetterCount map[ScheduleGroup:default]": 1,
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			run(t, func(b *bench) {
				t := b.t
				b.receiver.refuse[function] = tt.refused
				b.schedule("at(2000-01-01T00:01:00)", func(in *sdk.CreateScheduleInput) {
					in.Target.RetryPolicy = &types.RetryPolicy{MaximumRetryAttempts: aws.Int32(2)}
					in.Target.DeadLetterConfig = &types.DeadLetterConfig{Arn: aws.String(dlq)}
				})
				time.Sleep(61 * time.Second)
				b.stop() // what is pending outlives the process
				b.start()
				time.Sleep(time.Hour)
				got := b.receiver.take()
				if len(got) != 1 || got[0].arn != dlq {
					t.Fatalf("sent %v, want one dead letter", got)
				}
				if got[0].Attributes["EXECUTION_ID"] == "" || got[0].RoleARN != role {
					t.Errorf("attributes %v, role %s", got[0].Attributes, got[0].RoleARN)
				}
				delete(got[0].Attributes, "EXECUTION_ID")
				tt.want["IS_PAYLOAD_TRUNCATED"], tt.want["SCHEDULED_TIME"] = "false", "2000-01-01T00:01:00Z"
				tt.want["SCHEDULE_ARN"], tt.want["TARGET_ARN"] = "arn:aws:scheduler:us-east-1:000000000000:schedule/default/s", function
				if diff := cmp.Diff(tt.want, got[0].Attributes); diff != "" {
					t.Errorf("attributes (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff(tt.metrics, b.metrics.sums); diff != "" {
					t.Errorf("metrics (-want +got):\n%s", diff)
				}
				if string(got[0].Body) != `{"watchdog": true}` {
					t.Errorf("body %s", got[0].Body)
				}
			})
		})
	}
}

func TestSchedulesAreShownAsTheProviderNeedsThem(t *testing.T) {
	run(t, func(b *bench) {
		t := b.t
		b.schedule("rate(1 days)", func(in *sdk.CreateScheduleInput) { in.State = types.ScheduleStateDisabled })
		got, err := b.GetSchedule(t.Context(), &sdk.GetScheduleInput{Name: aws.String("s")})
		if err != nil {
			t.Fatal(err)
		}
		if got.ActionAfterCompletion != "NONE" || *got.GroupName != "default" || *got.ScheduleExpressionTimezone != "UTC" ||
			*got.Target.RetryPolicy.MaximumRetryAttempts != 185 || *got.Target.RetryPolicy.MaximumEventAgeInSeconds != 86400 {
			t.Errorf("GetSchedule = %+v", got)
		}
		_, err = b.UpdateSchedule(t.Context(), &sdk.UpdateScheduleInput{
			Name: aws.String("s"), ScheduleExpression: aws.String("rate(2 minutes)"), FlexibleTimeWindow: got.FlexibleTimeWindow, Target: got.Target,
		})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(3 * time.Minute)
		if fired := b.receiver.take(); len(fired) != 1 {
			t.Errorf("fired %d times after the update enabled it", len(fired))
		}
		list, err := b.ListSchedules(t.Context(), &sdk.ListSchedulesInput{NamePrefix: aws.String("s"), State: types.ScheduleStateEnabled})
		if err != nil || len(list.Schedules) != 1 {
			t.Errorf("ListSchedules = %v, %v", list, err)
		}
	})
}

func TestGroups(t *testing.T) {
	run(t, func(b *bench) {
		t := b.t
		created, err := b.CreateScheduleGroup(t.Context(), &sdk.CreateScheduleGroupInput{
			Name: aws.String("g"), Tags: []types.Tag{{Key: aws.String("a"), Value: aws.String("1")}},
		})
		if err != nil {
			t.Fatal(err)
		}
		b.schedule("rate(1 minute)", func(in *sdk.CreateScheduleInput) { in.GroupName = aws.String("g") })
		_, err = b.UntagResource(t.Context(), &sdk.UntagResourceInput{ResourceArn: created.ScheduleGroupArn, TagKeys: []string{"a"}})
		if err != nil {
			t.Fatal(err)
		}
		tags, err := b.ListTagsForResource(t.Context(), &sdk.ListTagsForResourceInput{ResourceArn: created.ScheduleGroupArn})
		if err != nil || len(tags.Tags) != 0 {
			t.Errorf("tags %v, %v", tags, err)
		}
		inventory, err := b.service.Inventory()
		if diff := cmp.Diff([]string{
			"arn:aws:scheduler:us-east-1:000000000000:schedule-group/g", "arn:aws:scheduler:us-east-1:000000000000:schedule/g/s",
		}, inventory); diff != "" || err != nil {
			t.Errorf("inventory (-want +got): %v\n%s", err, diff)
		}
		if _, err := b.DeleteScheduleGroup(t.Context(), &sdk.DeleteScheduleGroupInput{Name: aws.String("g")}); err != nil {
			t.Fatal(err)
		}
		if inventory, err := b.service.Inventory(); len(inventory) != 0 || err != nil {
			t.Errorf("left %v, %v", inventory, err)
		}
		_, err = b.GetScheduleGroup(t.Context(), &sdk.GetScheduleGroupInput{Name: aws.String("g")})
		var missing *types.ResourceNotFoundException
		if !errors.As(err, &missing) || *missing.Message != "Schedule group g does not exist." {
			t.Errorf("GetScheduleGroup: %v", err)
		}
	})
}

func TestWhatCannotWorkIsRefused(t *testing.T) {
	run(t, func(b *bench) {
		t := b.t
		b.schedule("rate(1 day)", nil)
		for name, tt := range map[string]struct {
			change func(*sdk.CreateScheduleInput)
			want   string
		}{
			"twice":               {func(in *sdk.CreateScheduleInput) { in.Name = aws.String("s") }, "ConflictException: Schedule s already exists."},
			"unknown group":       {func(in *sdk.CreateScheduleInput) { in.GroupName = aws.String("g") }, "Schedule group g does not exist."},
			"bad expression":      {func(in *sdk.CreateScheduleInput) { in.ScheduleExpression = aws.String("rate(10 seconds)") }, "ValidationException: Invalid Schedule Expression rate(10 seconds)."},
			"unknown zone":        {func(in *sdk.CreateScheduleInput) { in.ScheduleExpressionTimezone = aws.String("Mars/Base") }, "ValidationException"},
			"no role":             {func(in *sdk.CreateScheduleInput) { in.Target.RoleArn = aws.String("nobody") }, "target.roleArn"},
			"start long ago":      {func(in *sdk.CreateScheduleInput) { in.StartDate = aws.Time(time.Now().Add(-time.Hour)) }, "StartDate"},
			"window without mode": {func(in *sdk.CreateScheduleInput) { in.FlexibleTimeWindow.MaximumWindowInMinutes = aws.Int32(3) }, "FlexibleTimeWindow"},
			"universal target": {func(in *sdk.CreateScheduleInput) {
				in.Target.Arn = aws.String("arn:aws:scheduler:::aws-sdk:sqs:sendMessage")
			}, "not implemented"},
			"bus without parameters": {func(in *sdk.CreateScheduleInput) { in.Target.Arn = aws.String(bus) }, "EventBridgeParameters"},
			"too many retries": {func(in *sdk.CreateScheduleInput) {
				in.Target.RetryPolicy = &types.RetryPolicy{MaximumRetryAttempts: aws.Int32(186)}
			}, "less than or equal to 185"},
		} {
			in := &sdk.CreateScheduleInput{
				Name: aws.String("other"), ScheduleExpression: aws.String("rate(1 day)"),
				FlexibleTimeWindow: &types.FlexibleTimeWindow{Mode: types.FlexibleTimeWindowModeOff},
				Target:             &types.Target{Arn: aws.String(function), RoleArn: aws.String(role)},
			}
			tt.change(in)
			if _, err := b.CreateSchedule(t.Context(), in); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%s: %v, want %q", name, err, tt.want)
			}
		}
	})
}
