package health

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	"github.com/aws/aws-sdk-go-v2/service/scheduler/types"

	"github.com/the-alchemiser/alchemiser/internal/localaws/scheduler/expression"
	"github.com/the-alchemiser/alchemiser/internal/nyse"
	"github.com/the-alchemiser/alchemiser/pkg/market"
)

// A start before the close of a session trades if the close is as near as this.
const (
	earliestStart = 20 * time.Minute
	latestStart   = 5 * time.Minute
)

// Run is a run that is due.
type Run struct {
	At time.Time `json:"at"`
	// Schedule is the one that starts it.
	Schedule string `json:"schedule"`
}

// starts are the schedules that start runs.
func starts() []string { return []string{"start-regular", "start-early-close"} }

// next finds the next start that will trade: on a day with a session, shortly before its close. Starts at other times are
// skipped by the strategy.
func (r *Reader) next(ctx context.Context, s *Status) error {
	sessions, err := nyse.New()
	if err != nil {
		return err
	}
	client := scheduler.NewFromConfig(r.cfg)
	var runs []Run
	for _, purpose := range starts() {
		name := r.stage.Schedule(purpose)
		got, err := client.GetSchedule(ctx, &scheduler.GetScheduleInput{Name: &name, GroupName: aws.String(r.stage.ScheduleGroup())})
		if err != nil {
			return fmt.Errorf("read schedule %s: %w", name, err)
		}
		if got.State == types.ScheduleStateDisabled {
			continue
		}
		at, ok, err := trades(aws.ToString(got.ScheduleExpression), aws.ToString(got.ScheduleExpressionTimezone), s.At, sessions)
		if err != nil {
			return fmt.Errorf("schedule %s: %w", name, err)
		}
		if ok {
			runs = append(runs, Run{At: at.In(sessions.Zone()), Schedule: purpose})
		}
	}
	if len(runs) > 0 {
		first := slices.MinFunc(runs, func(a, b Run) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Schedule, b.Schedule)) })
		s.Next = &first
	}
	return nil
}

// trades returns the first occurrence of a schedule after after that meets the end of a session, within a year.
func trades(schedule, zone string, after time.Time, sessions *nyse.Calendar) (time.Time, bool, error) {
	when, err := expression.Parse(schedule)
	if err != nil {
		return time.Time{}, false, err
	}
	place, err := time.LoadLocation(zone)
	if err != nil {
		return time.Time{}, false, err
	}
	for at := after; ; {
		next, ok := when.Next(at, after, place)
		if !ok || next.After(after.AddDate(1, 0, 0)) {
			return time.Time{}, false, nil
		}
		session, ok := sessions.Session(market.DateOf(next.In(sessions.Zone())))
		if left := session.Close.Sub(next); ok && left >= latestStart && left <= earliestStart {
			return next, true, nil
		}
		at = next
	}
}
