package validation

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/the-alchemiser/alchemiser/internal/monitor"
)

// The thresholds.
const (
	// publishLimit is what a publication may take, at the 99th percentile.
	publishLimit = 100 * time.Millisecond
	// durationShare is the part of its time-out that a function may need, at the 99th percentile: that of the alarm.
	durationShare = 0.8
)

// Judge returns the report that e makes.
func Judge(e Evidence) Report {
	r := Report{Stage: e.Stage, Account: e.Account, Region: e.Region, From: e.From.UTC(), To: e.To.UTC(), Holds: true}
	for _, f := range e.Functions {
		r.Versions = append(r.Versions, Version{f.Name, f.Version})
	}
	r.Checks = append(r.Checks, workflows(e), deliveries(e), publishing(e), deadLetters(e), replay(e), dual(e))
	for _, f := range e.Functions {
		r.Checks = append(r.Checks, duration(f))
	}
	r.Checks = append(r.Checks, errorLines(e))
	r.Holds = len(r.Failed()) == 0
	return r
}

func verdict(holds bool) Verdict {
	if holds {
		return Pass
	}
	return Fail
}

// workflows fails without any: what has not run has proved nothing.
func workflows(e Evidence) Check {
	c := Check{Name: "workflows", Threshold: "at least 1, none failed or stalled"}
	counts := map[monitor.State]int{}
	holds := len(e.Workflows) > 0
	for _, w := range e.Workflows {
		counts[w.State]++
		if w.State == monitor.StateFailed || w.State == monitor.StateStalled {
			holds = false
			c.Findings = append(c.Findings, fmt.Sprintf("%s %s: %s", w.CorrelationID, w.State, w.LastSummary))
		}
	}
	var parts []string
	for _, state := range slices.Sorted(maps.Keys(counts)) {
		parts = append(parts, fmt.Sprintf("%d %s", counts[state], strings.ReplaceAll(string(state), "_", " ")))
	}
	c.Figure, c.Verdict = strings.Join(parts, ", "), verdict(holds)
	if len(parts) == 0 {
		c.Figure = "none"
		c.Findings = append(c.Findings, "nothing ran in the window: there is nothing to judge by")
	}
	return c
}

func deliveries(e Evidence) Check {
	c := Check{Name: "delivery", Threshold: "100 % handled by each function concerned"}
	complete := 0
	for _, d := range e.Deliveries {
		if d.State == done {
			complete++
			continue
		}
		c.Findings = append(c.Findings, fmt.Sprintf("%s %s of %s is not handled by %s: %s", d.EventType, d.EventID, d.CorrelationID, d.Function, d.State))
	}
	if !e.EventLog {
		c.Findings = append(c.Findings, "there is no log group of all events: one that neither a function nor the monitor has kept is not seen")
	}
	c.Figure = fmt.Sprintf("%s (%d of %d)", percent(complete, len(e.Deliveries)), complete, len(e.Deliveries))
	c.Verdict = verdict(complete > 0 && complete == len(e.Deliveries))
	return c
}

// percent rounds down: 100 % means all.
func percent(part, whole int) string {
	if whole == 0 {
		return "no events"
	}
	return fmt.Sprintf("%.2f %%", math.Floor(float64(part)*10_000/float64(whole))/100)
}

func publishing(e Evidence) Check {
	c := Check{Name: "publish overhead", Threshold: "p99 < " + milliseconds(publishLimit), Verdict: NotRun, Figure: "no publication"}
	var all []time.Duration
	for _, f := range e.Functions {
		all = append(all, f.Publishes...)
	}
	if len(all) > 0 {
		worst := p99(all)
		c.Figure, c.Verdict = fmt.Sprintf("p99 %s of %d", milliseconds(worst), len(all)), verdict(worst < publishLimit)
	} else if o := e.Dual.Publish.Overhead; o.N > 0 { // the functions are shadows: a process publishes
		c.Figure, c.Verdict = fmt.Sprintf("p99 %s of %d, dual", milliseconds(o.P99), o.N), verdict(o.P99 < publishLimit)
	}
	return c
}

func deadLetters(e Evidence) Check {
	c := Check{Name: "dead letters", Threshold: "all queues empty"}
	sum := 0
	for _, queue := range slices.Sorted(maps.Keys(e.DeadLetters)) {
		if n := e.DeadLetters[queue]; n > 0 {
			sum += n
			c.Findings = append(c.Findings, fmt.Sprintf("%d wait in the queue of %s: `alchemiser dlq list`", n, queue))
		}
	}
	c.Figure, c.Verdict = fmt.Sprintf("%d in %d queues", sum, len(e.DeadLetters)), verdict(sum == 0 && len(e.DeadLetters) > 0)
	return c
}

func replay(e Evidence) Check {
	a := e.Archive
	c := Check{Name: "replay", Threshold: "archive on, not empty; replays cannot trade"}
	if a.Missing {
		c.Figure, c.Verdict = "no archive", Fail
		return c
	}
	c.Figure = fmt.Sprintf("%s, %d events", strings.ToLower(a.State), a.Events)
	if a.Events == 0 {
		c.Findings = append(c.Findings, "the archive is empty; on AWS an event may take ten minutes to get there")
	}
	if a.Trades {
		c.Findings = append(c.Findings, "the pattern of execution's rule lets a replayed plan pass")
	}
	if a.Deaf {
		c.Findings = append(c.Findings, "the pattern of execution's rule lets no plan pass")
	}
	c.Verdict = verdict(a.State == "ENABLED" && a.Events > 0 && !a.Trades && !a.Deaf)
	if r := e.Replay; r != nil {
		c.Figure += fmt.Sprintf("; %d of %d replayed", r.Came, r.All)
		if r.State != "COMPLETED" || r.Came == 0 || r.Came < r.Due {
			c.Verdict = Fail
			c.Findings = append(c.Findings, fmt.Sprintf("replay %s is %s %s: the monitor has handled %d of %d events again; %d of them are older than %s, so they must be in the archive",
				r.Name, r.State, r.Reason, r.Came, r.All, r.Due, archiveDelay))
		}
	}
	return c
}

func dual(e Evidence) Check {
	c := Check{Name: "dual publishing", Threshold: "100 % consistent", Verdict: NotRun, Figure: "no dual run in the window"}
	t := e.Dual.Total
	if t.Events == 0 {
		return c
	}
	c.Figure = fmt.Sprintf("%s (%d of %d)", percent(t.Both, t.Events), t.Both, t.Events)
	c.Verdict = verdict(e.Dual.Consistent())
	for _, f := range e.Dual.Findings {
		c.Findings = append(c.Findings, fmt.Sprintf("%s: %s %s of %s: %s", f.What, f.Type, f.EventID, f.CorrelationID, f.Why))
	}
	return c
}

func duration(f Function) Check {
	limit := time.Duration(float64(f.Timeout) * durationShare)
	c := Check{
		Name: "duration of " + f.Name, Verdict: NotRun, Figure: "no invocation",
		Threshold: fmt.Sprintf("p99 < %s (%.0f %% of time-out)", limit, durationShare*100),
	}
	if n := len(f.Durations); n > 0 {
		worst := p99(f.Durations)
		c.Figure, c.Verdict = fmt.Sprintf("p99 %s of %d", milliseconds(worst), n), verdict(worst < limit)
	}
	return c
}

// errorLines counts those that no later attempt has made good: attempts may fail, as long as the event is handled.
func errorLines(e Evidence) Check {
	c := Check{Name: "error logs", Threshold: "0 that no later attempt made good"}
	all, open := 0, 0
	for _, f := range e.Functions {
		for _, line := range f.Errors {
			all++
			if !line.MadeGood {
				open++
				c.Findings = append(c.Findings, fmt.Sprintf("%s %s: %s", line.At.UTC().Format(time.RFC3339), f.Name, line.Text))
			}
		}
	}
	c.Figure, c.Verdict = fmt.Sprintf("%d", open), verdict(open == 0)
	if all > open {
		c.Figure += fmt.Sprintf(" (and %d made good)", all-open)
	}
	return c
}

// p99 is the 99th percentile by nearest rank of at least one duration.
func p99(all []time.Duration) time.Duration {
	sorted := slices.Sorted(slices.Values(all))
	return sorted[int(math.Ceil(0.99*float64(len(sorted))))-1]
}

func milliseconds(d time.Duration) string {
	return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000)
}
