package expression_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/the-alchemiser/alchemiser/internal/localaws/scheduler/expression"
)

// field is a field of a cron expression beside what it means.
type field struct {
	text string
	has  func(n int) bool
}

// counts draws a list of values, ranges and steps.
func counts(t *rapid.T, name string, from, to int, names []string) field {
	if rapid.Bool().Draw(t, name+" any") {
		return field{"*", func(int) bool { return true }}
	}
	spell := func(n int) string {
		if names != nil && rapid.Bool().Draw(t, name+" by name") {
			return names[n-from]
		}
		return fmt.Sprint(n)
	}
	var texts []string
	taken := map[int]bool{}
	for range rapid.IntRange(1, 3).Draw(t, name+" terms") {
		first := rapid.IntRange(from, to).Draw(t, name)
		last, step := first, 1
		text := spell(first)
		switch rapid.IntRange(0, 4).Draw(t, name+" form") {
		case 0:
			last = rapid.IntRange(first, to).Draw(t, name+" last")
			text += "-" + spell(last)
		case 1:
			last, step = to, rapid.IntRange(1, to).Draw(t, name+" step")
			text += fmt.Sprintf("/%d", step)
		case 2:
			first, last, step = from, to, rapid.IntRange(1, to).Draw(t, name+" step")
			text = fmt.Sprintf("*/%d", step)
		case 3:
			last, step = rapid.IntRange(first, to).Draw(t, name+" last"), rapid.IntRange(1, to).Draw(t, name+" step")
			text += fmt.Sprintf("-%s/%d", spell(last), step)
		}
		for n := first; n <= last; n += step {
			taken[n] = true
		}
		texts = append(texts, text)
	}
	return field{strings.Join(texts, ","), func(n int) bool { return taken[n] }}
}

// day is a field that is about days.
type day struct {
	text string
	has  func(d time.Time) bool
}

func month(d time.Time) (days []time.Time) {
	for each := time.Date(d.Year(), d.Month(), 1, 12, 0, 0, 0, time.UTC); each.Month() == d.Month(); each = each.AddDate(0, 0, 1) {
		days = append(days, each)
	}
	return days
}

func isWeekday(d time.Time) bool { return d.Weekday() != time.Saturday && d.Weekday() != time.Sunday }

// nearest is the weekday of the month that is the fewest days from day n.
func nearest(d time.Time, n int) int {
	best, distance := 0, 99
	for _, each := range month(d) {
		if away := max(each.Day()-n, n-each.Day()); isWeekday(each) && away < distance {
			best, distance = each.Day(), away
		}
	}
	return best
}

func dayOfMonth(t *rapid.T) day {
	switch rapid.IntRange(0, 4).Draw(t, "day of month kind") {
	case 0:
		return day{"L", func(d time.Time) bool { return d.AddDate(0, 0, 1).Month() != d.Month() }}
	case 1:
		return day{"LW", func(d time.Time) bool {
			days := slices.DeleteFunc(month(d), func(d time.Time) bool { return !isWeekday(d) })
			return d.Day() == days[len(days)-1].Day()
		}}
	case 2:
		n := rapid.OneOf(rapid.SampledFrom([]int{1, 31}), rapid.IntRange(1, 31)).Draw(t, "nearest to")
		return day{fmt.Sprintf("%dW", n), func(d time.Time) bool { return n <= len(month(d)) && d.Day() == nearest(d, n) }}
	}
	f := counts(t, "day of month", 1, 31, nil)
	return day{f.text, func(d time.Time) bool { return f.has(d.Day()) }}
}

func dayOfWeek(t *rapid.T) day {
	n := rapid.IntRange(1, 7).Draw(t, "weekday")
	is := func(d time.Time) bool { return int(d.Weekday())+1 == n }
	sameDays := func(d time.Time) []time.Time {
		return slices.DeleteFunc(month(d), func(d time.Time) bool { return !is(d) })
	}
	switch rapid.IntRange(0, 4).Draw(t, "day of week kind") {
	case 0:
		return day{fmt.Sprintf("%dL", n), func(d time.Time) bool { return is(d) && d.Day() == sameDays(d)[len(sameDays(d))-1].Day() }}
	case 1:
		m := rapid.IntRange(1, 5).Draw(t, "nth")
		return day{fmt.Sprintf("%d#%d", n, m), func(d time.Time) bool {
			return is(d) && len(sameDays(d)) >= m && d.Day() == sameDays(d)[m-1].Day()
		}}
	}
	f := counts(t, "day of week", 1, 7, strings.Fields("SUN MON TUE WED THU FRI SAT"))
	return day{f.text, func(d time.Time) bool { return f.has(int(d.Weekday()) + 1) }}
}

// changes are nights in which clocks were, or will be, put forward or back, by an hour mostly, and some with another catch.
var changes = []struct{ zone, night string }{
	{"America/New_York", "2026-03-08"},
	{"America/New_York", "2026-11-01"},
	{"Europe/Berlin", "2026-03-29"},
	{"Europe/Berlin", "2026-10-25"},
	{"Australia/Lord_Howe", "2026-04-05"},
	{"Australia/Lord_Howe", "2026-10-04"}, // half an hour
	{"Antarctica/Troll", "2026-03-29"},
	{"Antarctica/Troll", "2026-10-25"}, // two hours
	{"Asia/Beirut", "2026-03-29"},
	{"Asia/Beirut", "2026-10-25"}, // at midnight
	{"America/Sao_Paulo", "2018-11-04"},
	{"Asia/Kolkata", "2026-07-01"},
	{"UTC", "2024-02-29"},
	{"America/St_Johns", "2026-11-01"},
	{"Pacific/Apia", "2011-12-30"}, // a day that was not
	{"UTC", "2026-08-01"},
	{"Europe/Berlin", "2026-05-31"}, // a Saturday and a Sunday at the edge of a month
}

// The next occurrence is the one that looking at each minute finds: at the first moment at which the clock of the zone shows
// a time that the expression takes.
func TestNextAgreesWithLookingAtEachMinute(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		change := rapid.SampledFrom(changes).Draw(t, "change")
		zone, err := time.LoadLocation(change.zone)
		if err != nil {
			t.Fatal(err)
		}
		night, err := time.ParseInLocation(time.DateOnly, change.night, zone)
		if err != nil {
			t.Fatal(err)
		}
		minute, hour := counts(t, "minute", 0, 59, nil), counts(t, "hour", 0, 23, nil)
		months := counts(t, "month", 1, 12, strings.Fields("JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC"))
		text, days := "", day{}
		if rapid.Bool().Draw(t, "by week") {
			days = dayOfWeek(t)
			text = fmt.Sprintf("cron(%s %s ? %s %s *)", minute.text, hour.text, months.text, days.text)
		} else {
			days = dayOfMonth(t)
			text = fmt.Sprintf("cron(%s %s %s %s ? *)", minute.text, hour.text, days.text, months.text)
		}
		e, err := expression.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		shows := func(at time.Time) bool {
			at = at.In(zone)
			return minute.has(at.Minute()) && hour.has(at.Hour()) && months.has(int(at.Month())) &&
				days.has(time.Date(at.Year(), at.Month(), at.Day(), 12, 0, 0, 0, time.UTC))
		}
		// A clock that was put back shows a time again: that does not count.
		again := func(at time.Time) bool {
			const format = "2006-01-02 15:04"
			for ago := time.Minute; ago <= 3*time.Hour; ago += time.Minute {
				if at.Add(-ago).In(zone).Format(format) == at.In(zone).Format(format) {
					return true
				}
			}
			return false
		}
		after := night.Add(time.Duration(rapid.IntRange(-36*3600, 36*3600).Draw(t, "after")) * time.Second)
		const horizon = 4 * 24 * time.Hour
		want, found := time.Time{}, false
		for at := after.Truncate(time.Minute).Add(time.Minute); at.Before(after.Add(horizon)); at = at.Add(time.Minute) {
			if shows(at) && !again(at) {
				want, found = at, true
				break
			}
		}
		got, ok := e.Next(after, time.Time{}, zone)
		if found && (!ok || !got.Equal(want)) || !found && ok && got.Before(after.Add(horizon)) {
			t.Fatalf("%s in %s after %s: %s (%v), want %s (%v)", text, zone, after.In(zone), got.In(zone), ok, want.In(zone), found)
		}
	})
}
