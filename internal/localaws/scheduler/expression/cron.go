package expression

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// cron is a parsed cron(): for each field the values it takes.
// https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html#cron-based
type cron struct {
	minutes, hours, months, years set
	days                          []dayRule // any of them
}

// set is the values that a field takes.
type set []bool

func (s set) has(n int) bool { return n < len(s) && s[n] }

// dayRule says whether it takes a day.
type dayRule func(day time.Time) bool

// unit is what a field counts.
type unit struct {
	name     string
	min, max int
	names    []string // of min, min+1, …
}

func parseCron(s string) (*cron, error) {
	fields := strings.Fields(s)
	if len(fields) != 6 {
		return nil, fmt.Errorf("cron %q has %d fields, not 6", s, len(fields))
	}
	if (fields[2] == "?") == (fields[4] == "?") {
		return nil, errors.New("exactly one of day-of-month and day-of-week must be ?")
	}
	minute := unit{name: "minutes", max: 59}
	hour := unit{name: "hours", max: 23}
	month := unit{name: "month", min: 1, max: 12, names: strings.Fields("JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC")}
	year := unit{name: "year", min: 1970, max: 2199}
	c := &cron{}
	errs := make([]error, 5)
	c.minutes, errs[0] = minute.parse(fields[0])
	c.hours, errs[1] = hour.parse(fields[1])
	c.months, errs[2] = month.parse(fields[3])
	c.years, errs[3] = year.parse(fields[5])
	if fields[2] == "?" {
		c.days, errs[4] = parseDays(fields[4], dayOfWeek)
	} else {
		c.days, errs[4] = parseDays(fields[2], dayOfMonth)
	}
	return c, errors.Join(errs...)
}

// parse reads a list of values, ranges and steps.
func (u unit) parse(s string) (set, error) {
	out := make(set, u.max+1)
	for _, term := range strings.Split(s, ",") {
		if err := u.term(term, out); err != nil {
			return nil, fmt.Errorf("%s %q: %w", u.name, s, err)
		}
	}
	return out, nil
}

func (u unit) term(s string, into set) error {
	spread, stepText, stepped := strings.Cut(s, "/")
	step := 1
	if stepped {
		n, err := strconv.ParseUint(stepText, 10, 15)
		if err != nil || n == 0 || int(n) > u.max {
			return fmt.Errorf("%q is no step", stepText)
		}
		step = int(n)
	}
	from, to := u.min, u.max
	if spread != "*" {
		first, last, isRange := strings.Cut(spread, "-")
		var err error
		if from, err = u.value(first); err != nil {
			return err
		}
		switch {
		case isRange:
			if to, err = u.value(last); err != nil {
				return err
			}
		case !stepped:
			to = from
		}
	}
	if to < from {
		to += u.max - u.min + 1 // FRI-MON goes over the end
	}
	for n := from; n <= to; n += step {
		into[u.min+(n-u.min)%(u.max-u.min+1)] = true
	}
	return nil
}

func (u unit) value(s string) (int, error) {
	if i := slices.Index(u.names, strings.ToUpper(s)); i >= 0 {
		return u.min + i, nil
	}
	n, err := strconv.ParseUint(s, 10, 15)
	if err != nil || int(n) < u.min || int(n) > u.max {
		return 0, fmt.Errorf("%q is not from %d to %d", s, u.min, u.max)
	}
	return int(n), nil
}

func parseDays(s string, parse func(string) (dayRule, error)) ([]dayRule, error) {
	var out []dayRule
	for _, term := range strings.Split(s, ",") {
		rule, err := parse(term)
		if err != nil {
			return nil, err
		}
		out = append(out, rule)
	}
	return out, nil
}

// dayOfMonth reads days, L for the last day, nW for the weekday nearest to day n and LW for the last weekday.
func dayOfMonth(s string) (dayRule, error) {
	u := unit{name: "day-of-month", min: 1, max: 31}
	switch {
	case s == "L":
		return func(day time.Time) bool { return day.Day() == lastDay(day) }, nil
	case s == "LW":
		return func(day time.Time) bool { return day.Day() == nearestWeekday(day, lastDay(day)) }, nil
	case strings.HasSuffix(s, "W"):
		n, err := u.value(strings.TrimSuffix(s, "W"))
		return func(day time.Time) bool { return n <= lastDay(day) && day.Day() == nearestWeekday(day, n) }, err
	}
	days, err := u.parse(s)
	return func(day time.Time) bool { return days.has(day.Day()) }, err
}

// dayOfWeek reads weekdays from 1 (Sunday) to 7, nL for the last of the month, n#m for the m-th and L for Saturday.
func dayOfWeek(s string) (dayRule, error) {
	u := unit{name: "day-of-week", min: 1, max: 7, names: strings.Fields("SUN MON TUE WED THU FRI SAT")}
	weekday := func(day time.Time) int { return int(day.Weekday()) + 1 }
	name, nth, isNth := strings.Cut(s, "#")
	switch {
	case isNth:
		n, err := u.value(name)
		m, nthErr := unit{min: 1, max: 5}.value(nth)
		return func(day time.Time) bool { return weekday(day) == n && (day.Day()-1)/7+1 == m }, errors.Join(err, nthErr)
	case s == "L":
		return func(day time.Time) bool { return day.Weekday() == time.Saturday }, nil
	case strings.HasSuffix(s, "L"):
		n, err := u.value(strings.TrimSuffix(s, "L"))
		return func(day time.Time) bool { return weekday(day) == n && day.Day()+7 > lastDay(day) }, err
	}
	days, err := u.parse(s)
	return func(day time.Time) bool { return days.has(weekday(day)) }, err
}

func lastDay(of time.Time) int {
	return time.Date(of.Year(), of.Month()+1, 0, 0, 0, 0, 0, time.UTC).Day()
}

// nearestWeekday returns the weekday nearest to day n within the month.
func nearestWeekday(of time.Time, n int) int {
	switch time.Date(of.Year(), of.Month(), n, 0, 0, 0, 0, time.UTC).Weekday() {
	case time.Saturday:
		if n == 1 {
			return 3
		}
		return n - 1
	case time.Sunday:
		if n == lastDay(of) {
			return n - 2
		}
		return n + 1
	default:
		return n
	}
}

// next returns the first occurrence after after on the clock of after's zone.
func (c *cron) next(after time.Time) (time.Time, bool) {
	// The day of a moment is found on UTC's calendar, which has no gaps.
	for day := time.Date(after.Year(), after.Month(), after.Day(), 0, 0, 0, 0, time.UTC); day.Year() < len(c.years); day = day.AddDate(0, 0, 1) {
		if !c.years.has(day.Year()) || !c.months.has(int(day.Month())) ||
			!slices.ContainsFunc(c.days, func(r dayRule) bool { return r(day) }) {
			continue
		}
		for hour := range c.hours {
			for minute := range c.minutes {
				if !c.hours[hour] || !c.minutes[minute] {
					continue
				}
				at, ok := wall(day, hour, minute, after.Location())
				if ok && at.After(after) {
					return at, true
				}
			}
		}
	}
	return time.Time{}, false
}

// wall returns when the clock of zone first shows the time; ok is false if it never does.
func wall(day time.Time, hour, minute int, zone *time.Location) (at time.Time, ok bool) {
	shows := func(t time.Time) bool { return t.Hour() == hour && t.Minute() == minute && t.Day() == day.Day() }
	at = time.Date(day.Year(), day.Month(), day.Day(), hour, minute, 0, 0, zone)
	// If the clock has just been put back, the offset of some hours ago gives the first of the two moments.
	_, before := at.Add(-6 * time.Hour).Zone()
	first := time.Date(day.Year(), day.Month(), day.Day(), hour, minute, 0, 0, time.UTC).Add(-time.Duration(before) * time.Second).In(zone)
	if shows(first) && first.Before(at) {
		return first, true
	}
	return at, shows(at)
}
