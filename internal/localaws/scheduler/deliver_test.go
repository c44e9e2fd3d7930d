package scheduler_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/scheduler"
	"github.com/aws/aws-sdk-go-v2/service/scheduler/types"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/go-cmp/cmp"

	"github.com/the-alchemiser/alchemiser/internal/localaws/clock"
	"github.com/the-alchemiser/alchemiser/internal/localaws/delivery"
	"github.com/the-alchemiser/alchemiser/internal/localaws/state"
)

const queue = "arn:aws:sqs:us-east-1:000000000000:jobs.fifo"

func later() *delivery.Error {
	return &delivery.Error{Code: "THROTTLING", Message: "later", Retryable: true}
}

func TestAFIFOQueueGetsTheGroup(t *testing.T) {
	run(t, func(b *bench) {
		b.schedule("rate(1 hour)", func(in *sdk.CreateScheduleInput) {
			in.Target.Arn, in.Target.SqsParameters = aws.String(queue), &types.SqsParameters{MessageGroupId: aws.String("g")}
		})
		b.pass(time.Minute)
		got := b.receiver.take()
		if len(got) != 1 || got[0].arn != queue || got[0].MessageGroupID != "g" {
			b.t.Errorf("sent %+v", got)
		}
	})
}

func TestAFlexibleWindowDelaysWithinItsBounds(t *testing.T) {
	run(t, func(b *bench) {
		b.schedule("at(2000-01-01T01:00:00)", func(in *sdk.CreateScheduleInput) {
			in.FlexibleTimeWindow = &types.FlexibleTimeWindow{
				Mode: types.FlexibleTimeWindowModeFlexible, MaximumWindowInMinutes: aws.Int32(15),
			}
			in.Target.Input = aws.String("<aws.scheduler.scheduled-time>")
		})
		b.pass(59 * time.Minute)
		if got := b.receiver.take(); len(got) != 0 {
			b.t.Errorf("sent before its time: %v", got)
		}
		time.Sleep(17 * time.Minute)
		got := b.receiver.take()
		if len(got) != 1 || string(got[0].Body) != "2000-01-01T01:00:00Z" {
			b.t.Errorf("sent %v", got)
		}
	})
}

func TestEachOccurrenceHasAWindowOfItsOwn(t *testing.T) {
	run(t, func(b *bench) {
		b.schedule("rate(5 minutes)", func(in *sdk.CreateScheduleInput) {
			in.FlexibleTimeWindow = &types.FlexibleTimeWindow{
				Mode: types.FlexibleTimeWindowModeFlexible, MaximumWindowInMinutes: aws.Int32(20),
			}
			in.Target.Input = aws.String("<aws.scheduler.scheduled-time>")
		})
		time.Sleep(2 * time.Hour)
		first := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
		fired := map[time.Time]bool{}
		for _, s := range b.receiver.take() {
			scheduled, err := time.Parse(time.RFC3339, string(s.Body))
			if late := s.at.Sub(scheduled); err != nil || late < 0 || late > 20*time.Minute || fired[scheduled] {
				b.t.Errorf("at %s it fired for %s", s.at, s.Body)
			}
			fired[scheduled] = true
		}
		for at := first; at.Before(first.Add(100 * time.Minute)); at = at.Add(5 * time.Minute) {
			if !fired[at] {
				b.t.Errorf("it did not fire for %s", at)
			}
		}
	})
}

func TestAnInvocationThatGetsTooOldIsADeadLetter(t *testing.T) {
	run(t, func(b *bench) {
		b.receiver.refuse[function] = later()
		b.schedule("at(2000-01-01T00:01:00)", func(in *sdk.CreateScheduleInput) {
			in.Target.RetryPolicy = &types.RetryPolicy{MaximumEventAgeInSeconds: aws.Int32(60)}
			in.Target.DeadLetterConfig = &types.DeadLetterConfig{Arn: aws.String(dlq)}
		})
		time.Sleep(5 * time.Minute)
		got := b.receiver.take()
		if len(got) != 1 || got[0].Attributes["EXHAUSTED_RETRY_CONDITION"] != "MaximumEventAgeInSeconds" {
			b.t.Fatalf("sent %v", got)
		}
		if age := got[0].at.Sub(time.Date(2000, 1, 1, 0, 1, 0, 0, time.UTC)); age > time.Minute {
			b.t.Errorf("given up after %s", age)
		}
	})
}

// The client of the real SDK repeats a request, with its token, whose answer was lost.
func TestARepeatedRequestIsAnsweredAsTheFirst(t *testing.T) {
	run(t, func(b *bench) {
		create := func(token, expression string) error {
			_, err := b.CreateSchedule(b.t.Context(), &sdk.CreateScheduleInput{
				Name: aws.String("s"), ScheduleExpression: aws.String(expression), ClientToken: aws.String(token),
				FlexibleTimeWindow: &types.FlexibleTimeWindow{Mode: types.FlexibleTimeWindowModeOff},
				Target:             &types.Target{Arn: aws.String(function), RoleArn: aws.String(role)},
			})
			return err
		}
		if err := create("t", "rate(1 hour)"); err != nil {
			b.t.Fatal(err)
		}
		if err := create("t", "rate(1 hour)"); err != nil {
			b.t.Errorf("repeated: %v", err)
		}
		if create("t", "rate(2 hours)") == nil || create("u", "rate(1 hour)") == nil {
			b.t.Error("another request for the same name was accepted")
		}
		group := func(token string) error {
			_, err := b.CreateScheduleGroup(b.t.Context(), &sdk.CreateScheduleGroupInput{Name: aws.String("g"), ClientToken: aws.String(token)})
			return err
		}
		if first, again, other := group("t"), group("t"), group("u"); first != nil || again != nil || other == nil {
			b.t.Errorf("groups: %v, %v, %v", first, again, other)
		}
	})
}

// What fired and could not be delivered is in the store when the machine loses its power, and so is what comes next.
func TestPendingInvocationsSurviveAPowerLoss(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		disk := vfs.NewCrashableMem()
		open := func(fs vfs.FS) *bench {
			store, err := state.OpenOn(fs, "data")
			if err != nil {
				t.Fatal(err)
			}
			c := clock.New()
			b := &bench{t: t, store: store, clock: c, receiver: &receiver{clock: c, refuse: map[string]*delivery.Error{}}, metrics: &tally{sums: counts{}}}
			b.receiver.refuse[function] = later()
			b.start()
			return b
		}
		closed := func(b *bench) {
			b.stop()
			if err := b.store.Close(); err != nil {
				t.Error(err)
			}
		}
		before := open(disk)
		defer closed(before)
		before.schedule("rate(1 hour)", nil)
		time.Sleep(90 * time.Second)
		after := open(disk.CrashClone(vfs.CrashCloneCfg{}))
		defer closed(after)
		after.receiver.mu.Lock()
		delete(after.receiver.refuse, function)
		after.receiver.mu.Unlock()
		time.Sleep(30 * time.Minute)
		if got := after.receiver.take(); len(got) != 1 {
			t.Errorf("after the power came back %d invocations were delivered, want the one that was pending", len(got))
		}
		time.Sleep(time.Hour)
		if got := after.receiver.take(); len(got) != 1 {
			t.Errorf("within the next hour %d invocations were delivered, want 1", len(got))
		}
	})
}

func TestListsComeInPages(t *testing.T) {
	run(t, func(b *bench) {
		ctx := b.t.Context()
		for _, name := range []string{"c", "a", "b"} {
			if _, err := b.CreateScheduleGroup(ctx, &sdk.CreateScheduleGroupInput{Name: aws.String(name)}); err != nil {
				b.t.Fatal(err)
			}
			b.schedule("rate(1 day)", func(in *sdk.CreateScheduleInput) { in.Name, in.GroupName = aws.String(name), aws.String("c") })
			if name == "c" {
				continue
			}
			b.schedule("rate(1 day)", func(in *sdk.CreateScheduleInput) { in.Name = aws.String(name) })
		}
		var schedules, groups []string
		for pages := sdk.NewListSchedulesPaginator(b, &sdk.ListSchedulesInput{MaxResults: aws.Int32(2)}); pages.HasMorePages(); {
			page, err := pages.NextPage(ctx)
			if err != nil || len(page.Schedules) > 2 {
				b.t.Fatal(page, err)
			}
			for _, s := range page.Schedules {
				schedules = append(schedules, *s.GroupName+"/"+*s.Name)
			}
		}
		for pages := sdk.NewListScheduleGroupsPaginator(b, &sdk.ListScheduleGroupsInput{MaxResults: aws.Int32(1)}); pages.HasMorePages(); {
			page, err := pages.NextPage(ctx)
			if err != nil || len(page.ScheduleGroups) > 1 {
				b.t.Fatal(page, err)
			}
			for _, g := range page.ScheduleGroups {
				groups = append(groups, *g.Name)
			}
		}
		if diff := cmp.Diff([]string{"c/a", "c/b", "c/c", "default/a", "default/b"}, schedules); diff != "" {
			b.t.Errorf("schedules: %s", diff)
		}
		if diff := cmp.Diff([]string{"a", "b", "c", "default"}, groups); diff != "" {
			b.t.Errorf("groups: %s", diff)
		}
	})
}
