// Package expression is the language in which EventBridge says when: at(), rate() and cron().
//
// https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
package expression

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Expression is a parsed schedule expression: exactly one of its three kinds.
type Expression struct {
	once   string // at(): wall time
	every  time.Duration
	cron   *cron
	plural bool // a rate's unit is spelled in agreement with its number
}

const wallTime = "2006-01-02T15:04:05"

// Parse parses s. It takes what Scheduler takes; OfRule says whether rules take it too.
func Parse(s string) (Expression, error) {
	kind, inside, ok := strings.Cut(s, "(")
	inside, closed := strings.CutSuffix(inside, ")")
	if !ok || !closed {
		return Expression{}, fmt.Errorf("schedule %q is not at(…), rate(…) or cron(…)", s)
	}
	switch kind {
	case "at":
		if _, err := time.Parse(wallTime, inside); err != nil || len(inside) != len(wallTime) {
			return Expression{}, fmt.Errorf("time %q is not yyyy-mm-ddThh:mm:ss", inside)
		}
		return Expression{once: inside}, nil
	case "rate":
		return parseRate(inside)
	case "cron":
		c, err := parseCron(inside)
		return Expression{cron: c}, err
	}
	return Expression{}, fmt.Errorf("schedule %q is not at(…), rate(…) or cron(…)", s)
}

func parseRate(s string) (Expression, error) {
	m := regexp.MustCompile(`^([0-9]{1,9}) (minute|hour|day)(s?)$`).FindStringSubmatch(s)
	if m == nil {
		return Expression{}, fmt.Errorf("rate %q is not a number of minutes, hours or days", s)
	}
	n, err := strconv.Atoi(m[1])
	if err != nil || n == 0 {
		return Expression{}, fmt.Errorf("rate %q must be more than 0", s)
	}
	unit := map[string]time.Duration{"minute": time.Minute, "hour": time.Hour, "day": 24 * time.Hour}[m[2]]
	every := time.Duration(n) * unit
	if every/unit != time.Duration(n) {
		return Expression{}, fmt.Errorf("rate %q is too long", s)
	}
	return Expression{every: every, plural: (n == 1) == (m[3] == "")}, nil
}

// OfRule says whether a rule of EventBridge takes the expression: rules know no at() and insist on "1 minute" and
// "2 minutes".
func (e Expression) OfRule() bool { return e.cron != nil || e.every > 0 && e.plural }

// Once says whether the expression is at().
func (e Expression) Once() bool { return e.once != "" }

// Next returns the first occurrence after after; ok is false if there is none. Rates count from start; the others read
// the clock of zone. Where clocks are put forward an occurrence of cron() in the gap is left out, where they are put
// back it occurs the first time only.
// https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html#daylist-savings-time
func (e Expression) Next(after, start time.Time, zone *time.Location) (next time.Time, ok bool) {
	switch {
	case e.Once():
		at, err := time.ParseInLocation(wallTime, e.once, zone)
		return at, err == nil && at.After(after)
	case e.cron != nil:
		return e.cron.next(after.In(zone))
	case start.After(after):
		return start, true
	}
	passed := after.Sub(start)
	return start.Add(passed - passed%e.every).Add(e.every), true
}
