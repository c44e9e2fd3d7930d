package invariants

import (
	"fmt"
	"maps"
	"slices"

	"github.com/the-alchemiser/alchemiser/internal/consumer"
	"github.com/the-alchemiser/alchemiser/internal/monitor"
	"github.com/the-alchemiser/alchemiser/pkg/events"
)

// Check returns what is wrong, each with the ids by which it is found; nothing if every event was handled, each workflow
// ended once, and every order was made once.
func Check(s Snapshot) []string {
	c := &check{Snapshot: s, accepted: map[string]bool{}}
	for _, e := range s.Events {
		c.accepted[e.ID] = true
	}
	c.handled()
	c.failures()
	c.ends()
	c.orders()
	for _, r := range s.Runs {
		c.account(r)
	}
	c.replay()
	return c.wrong
}

type check struct {
	Snapshot
	accepted map[string]bool
	wrong    []string
}

func (c *check) say(format string, args ...any) {
	c.wrong = append(c.wrong, fmt.Sprintf(format, args...))
}

// handled: every accepted event was handled by every function whose rule matches it, and what a function has kept to be
// published was published.
func (c *check) handled() {
	if c.Archived != c.Logged {
		c.say("the archive has %d events, the event log %d", c.Archived, c.Logged)
	}
	letters := map[consumer.Key]Letter{}
	for _, l := range c.Letters {
		if l.Reason == "" {
			c.say("the dead letter of %s by %s has no reason", l.EventID, l.Function)
		}
		letters[consumer.Key{Function: l.Function, EventID: l.EventID}] = l
	}
	for _, e := range c.Events {
		for _, f := range c.Functions {
			key := consumer.Key{Function: f.Name, EventID: e.ID}
			claim, seen := c.Claims[key]
			letter, buried := letters[key]
			switch {
			case !f.Wants(e.Type()) || claim.Status == consumer.StatusDone:
			case buried:
				c.say("%s: %s %s is given up by %s for good: %s", e.CorrelationID, e.Type(), e.ID, f.Name, letter.Reason)
			case !seen:
				c.say("%s: %s %s is lost: %s has never seen it", e.CorrelationID, e.Type(), e.ID, f.Name)
			default:
				c.say("%s: %s %s is lost: %s has left it %s (%s), and it is no dead letter", e.CorrelationID, e.Type(), e.ID, f.Name, claim.Status, claim.Reason)
			}
		}
	}
	for _, k := range c.Outbox {
		if !c.accepted[k.ID] {
			c.say("%s has kept %s %s that follows %s, but never published it", k.By.Function, k.Type, k.ID, k.By.EventID)
		}
	}
	if c.Left > 0 {
		c.say("%d dead letters are left, although nothing fails any more", c.Left)
	}
}

// failures: each attempt is announced as failed once, by a function that has given the event up.
func (c *check) failures() {
	attempts := map[consumer.Key][]int{}
	for _, e := range c.Events {
		if p, ok := e.Payload.(events.WorkflowFailed); ok {
			key := consumer.Key{Function: p.Function, EventID: p.FailedEventID}
			attempts[key] = append(attempts[key], p.Attempt)
		}
	}
	letters := map[consumer.Key]int{}
	for _, l := range c.Letters {
		letters[consumer.Key{Function: l.Function, EventID: l.EventID}]++
	}
	for key, numbers := range attempts {
		slices.Sort(numbers)
		for i, n := range numbers {
			if n != i+1 {
				c.say("%s has failed with %s in attempts %v, want each once", key.Function, key.EventID, numbers)
				break
			}
		}
		if letters[key] < len(numbers) {
			c.say("%s has announced %d failures with %s, and there are %d dead letters", key.Function, len(numbers), key.EventID, letters[key])
		}
	}
}

// ends: each workflow has traded and completed once, and the timeline has each of its events once.
func (c *check) ends() {
	outcomes, reports, entries := map[string][]events.Outcome{}, map[string]int{}, map[string]int{}
	for _, e := range c.Events {
		entries[e.CorrelationID]++
		switch p := e.Payload.(type) {
		case events.WorkflowCompleted:
			outcomes[e.CorrelationID] = append(outcomes[e.CorrelationID], p.Outcome)
		case events.TradeExecuted:
			reports[e.CorrelationID]++
		}
	}
	for _, r := range c.Runs {
		if got := outcomes[r.ID]; len(got) != 1 || got[0] != events.OutcomeCompleted || reports[r.ID] != 1 {
			c.say("%s: it ended as %v with %d reports of its orders, want completed once and one report", r.ID, got, reports[r.ID])
		}
		if len(r.Orders) == 0 {
			c.say("%s: it placed no order, so it shows nothing", r.ID)
		}
		switch at := c.Timeline[r.ID]; {
		case at.State != monitor.StateCompleted:
			c.say("%s: the timeline says %q, want completed", r.ID, at.State)
		case at.Entries != entries[r.ID]:
			c.say("%s: the timeline has %d entries, the workflow has %d events", r.ID, at.Entries, entries[r.ID])
		}
	}
}

// replay: it delivered everything again to the monitor, and nothing came of it.
func (c *check) replay() {
	if c.Replay.NewOrders != 0 || c.Replay.NewEvents != 0 {
		c.say("the replay has made %d orders and %d events, want none", c.Replay.NewOrders, c.Replay.NewEvents)
	}
	for _, e := range c.Events {
		if !c.Replay.Events[e.ID] {
			c.say("%s: %s %s is not in the archive: it was not replayed", e.CorrelationID, e.Type(), e.ID)
			continue
		}
		claim := c.Claims[consumer.Key{Function: "monitor", EventID: c.Replay.Name + "/" + e.ID}]
		if claim.Status != consumer.StatusDone {
			c.say("%s: the monitor has not seen the replayed %s %s: it is %q", e.CorrelationID, e.Type(), e.ID, claim.Status)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(c.Replay.Events)) {
		if !c.accepted[id] {
			c.say("the archive has %s, which nobody has seen before its replay", id)
		}
	}
}
