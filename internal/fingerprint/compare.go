package fingerprint

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/the-alchemiser/alchemiser/pkg/events"
)

// Report is what the records of both sides say.
type Report struct {
	// Types has one line for each event type that occurred, in the order of a workflow; Total counts all events.
	Types []Counts `json:"types"`
	Total Counts   `json:"total"`
	// Publish are the durations of publishing.
	Publish Publish `json:"publish"`
	// Findings are the deviations, by correlation id and event id.
	Findings []Finding `json:"findings"`
}

// Counts counts events by what became of them. An event may count more than once, but Both counts those without fault only.
type Counts struct {
	Type events.Type `json:"type"`
	// Events occurred on one side at least.
	Events int `json:"events"`
	// Both were delivered on both sides to the same functions with the same content.
	Both int `json:"both"`
	// Missing were not delivered on EventBridge, or not to every function.
	Missing int `json:"missing"`
	// Extra were delivered on EventBridge only, or to more functions.
	Extra int `json:"extra"`
	// Different have another content on EventBridge.
	Different int `json:"different"`
	// Duplicated were delivered to a function more than once, on either side.
	Duplicated int `json:"duplicated"`
	// OutOfOrder reached a function on EventBridge before their cause did. EventBridge promises no order, and no
	// function relies on one: it is told, but no inconsistency.
	OutOfOrder int `json:"out_of_order"`
}

// Publish are the durations of a publication on each side, by event. Overhead is what EventBridge takes longer.
type Publish struct {
	Memory      Quantiles `json:"memory"`
	EventBridge Quantiles `json:"eventbridge"`
	Overhead    Quantiles `json:"overhead"`
}

// Quantiles are the median and the 99th percentile (nearest rank) of N durations.
type Quantiles struct {
	N   int           `json:"n"`
	P50 time.Duration `json:"p50_ns"`
	P99 time.Duration `json:"p99_ns"`
}

// Finding is a deviation.
type Finding struct {
	CorrelationID string      `json:"correlation_id"`
	EventID       string      `json:"event_id"`
	Type          events.Type `json:"type"`
	// What is "missing", "extra", "different", "duplicated" or "out of order"; Why says more.
	What string `json:"what"`
	Why  string `json:"why"`
}

// Consistent says whether there were events at all, and EventBridge delivered exactly those, once and unchanged.
func (r Report) Consistent() bool {
	t := r.Total
	return t.Events > 0 && t.Both == t.Events && t.Duplicated == 0
}

// Underway says whether something is missing that may still come.
func (r Report) Underway() bool {
	return r.Total.Missing > 0 || r.Total.Extra > 0 || r.Total.Events == 0
}

// Compare compares the records of both sides. Their order does not matter.
func Compare(records []Record) Report {
	all := map[string]*pair{}
	for _, r := range records {
		p := all[r.EventID]
		if p == nil {
			p = &pair{first: r, sides: map[Side]*seen{Memory: newSeen(), EventBridge: newSeen()}}
			all[r.EventID] = p
		}
		p.sides[r.Side].add(r)
	}
	report := Report{Total: Counts{Type: "total"}}
	byType := map[events.Type]*Counts{}
	for _, id := range slices.Sorted(maps.Keys(all)) {
		p := all[id]
		c := byType[p.first.Type]
		if c == nil {
			c = &Counts{Type: p.first.Type}
			byType[p.first.Type] = c
		}
		found := p.findings(all)
		c.count(found)
		report.Total.count(found)
		report.Findings = append(report.Findings, found...)
	}
	slices.SortStableFunc(report.Findings, func(a, b Finding) int { return strings.Compare(a.CorrelationID, b.CorrelationID) })
	for _, payload := range events.Catalogue() {
		if c := byType[payload.EventType()]; c != nil {
			report.Types = append(report.Types, *c)
		}
	}
	report.Publish = durations(all)
	return report
}

// The kinds of findings.
const (
	missing    = "missing"
	extra      = "extra"
	different  = "different"
	duplicated = "duplicated"
	outOfOrder = "out of order"
)

func (c *Counts) count(found []Finding) {
	c.Events++
	faults := map[string]bool{}
	for _, f := range found {
		faults[f.What] = true
	}
	for what, n := range map[string]*int{
		missing: &c.Missing, extra: &c.Extra, different: &c.Different, duplicated: &c.Duplicated, outOfOrder: &c.OutOfOrder,
	} {
		if faults[what] {
			*n++
		}
	}
	if !faults[missing] && !faults[extra] && !faults[different] {
		c.Both++
	}
}

// pair is an event on both sides; first names it.
type pair struct {
	first Record
	sides map[Side]*seen
}

// seen is an event on one side.
type seen struct {
	accepted *Record
	// deliveries are by function and request id.
	deliveries map[string]map[string]Record
	prints     map[string]bool
}

func newSeen() *seen {
	return &seen{deliveries: map[string]map[string]Record{}, prints: map[string]bool{}}
}

func (s *seen) add(r Record) {
	s.prints[r.Fingerprint] = true
	if !r.delivered() {
		// A second publication, after a restart, says nothing about the duration of the first.
		if s.accepted == nil || r.At.Before(s.accepted.At) {
			s.accepted = &r
		}
		return
	}
	if s.deliveries[r.Function] == nil {
		s.deliveries[r.Function] = map[string]Record{}
	}
	s.deliveries[r.Function][r.RequestID] = r
}

func (s *seen) present() bool { return s.accepted != nil || len(s.deliveries) > 0 }

// at returns when the event first came to function.
func (s *seen) at(function string) (first time.Time, came bool) {
	for _, r := range s.deliveries[function] {
		if !came || r.At.Before(first) {
			first, came = r.At, true
		}
	}
	return first, came
}

func (p *pair) findings(all map[string]*pair) (found []Finding) {
	say := func(what, format string, args ...any) {
		found = append(found, Finding{
			CorrelationID: p.first.CorrelationID, EventID: p.first.EventID, Type: p.first.Type, What: what, Why: fmt.Sprintf(format, args...),
		})
	}
	memory, eventBridge := p.sides[Memory], p.sides[EventBridge]
	lacking, more := apart(memory.deliveries, eventBridge.deliveries), apart(eventBridge.deliveries, memory.deliveries)
	switch {
	case memory.present() && !eventBridge.present():
		say(missing, "EventBridge has not accepted it")
	case len(lacking) > 0 && eventBridge.accepted == nil:
		say(missing, "not delivered to %s; no record that EventBridge has accepted it", strings.Join(lacking, ", "))
	case len(lacking) > 0:
		say(missing, "accepted by EventBridge, but not delivered to %s", strings.Join(lacking, ", "))
	case memory.present() && len(memory.deliveries) == 0 && len(eventBridge.deliveries) == 0:
		say(missing, "accepted, but delivered to nobody on either side")
	}
	switch {
	case !memory.present():
		say(extra, "on EventBridge only: somebody else has published it")
	case len(more) > 0:
		say(extra, "EventBridge delivered it to %s, the process did not", strings.Join(more, ", "))
	}
	if memory.present() && eventBridge.present() && !maps.Equal(memory.prints, eventBridge.prints) {
		say(different, "content %s on EventBridge, %s in the process", short(eventBridge.prints), short(memory.prints))
	}
	for _, side := range []Side{Memory, EventBridge} {
		deliveries := p.sides[side].deliveries
		for _, function := range slices.Sorted(maps.Keys(deliveries)) {
			if n := len(deliveries[function]); n > 1 {
				say(duplicated, "%s delivered it to %s %d times", side, function, n)
			}
		}
	}
	if cause := all[p.first.CausationID]; cause != nil && cause != p {
		for function := range eventBridge.deliveries {
			here, _ := eventBridge.at(function)
			if before, came := cause.sides[EventBridge].at(function); came && here.Before(before) {
				say(outOfOrder, "it came to %s %s before its cause %s", function, before.Sub(here).Round(time.Microsecond), cause.first.Type)
			}
		}
	}
	return found
}

// apart returns the functions of a that are not in b.
func apart(a, b map[string]map[string]Record) (only []string) {
	for _, function := range slices.Sorted(maps.Keys(a)) {
		if _, there := b[function]; !there {
			only = append(only, function)
		}
	}
	return only
}

func short(prints map[string]bool) string {
	all := slices.Sorted(maps.Keys(prints))
	for i := range all {
		all[i] = fmt.Sprintf("%.12s", all[i])
	}
	return strings.Join(all, " and ")
}

func durations(all map[string]*pair) Publish {
	var memory, eventBridge, overhead []time.Duration
	for _, p := range all {
		m, e := p.sides[Memory].accepted, p.sides[EventBridge].accepted
		if m != nil {
			memory = append(memory, m.Took)
		}
		if e != nil {
			eventBridge = append(eventBridge, e.Took)
		}
		if m != nil && e != nil {
			overhead = append(overhead, e.Took-m.Took)
		}
	}
	return Publish{Memory: quantiles(memory), EventBridge: quantiles(eventBridge), Overhead: quantiles(overhead)}
}

func quantiles(ds []time.Duration) Quantiles {
	if len(ds) == 0 {
		return Quantiles{}
	}
	slices.SortFunc(ds, cmp.Compare[time.Duration])
	rank := func(percent int) time.Duration { return ds[max(0, (len(ds)*percent+99)/100-1)] }
	return Quantiles{N: len(ds), P50: rank(50), P99: rank(99)}
}
