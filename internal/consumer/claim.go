package consumer

import (
	"maps"
	"time"
)

// Key names what is claimed: one event by one function.
type Key struct {
	Function string
	// EventID is the event's id; a replayed event has the replay's name in front of it.
	EventID string
}

// Status is how far the work on an event has come.
type Status string

// The states of a claim, in the order in which they are reached.
const (
	// StatusRunning means that the handler may have run.
	StatusRunning Status = "running"
	// StatusCommitted means that the handler is done and what follows is in the outbox.
	StatusCommitted Status = "committed"
	// StatusDone means that everything that follows was published.
	StatusDone Status = "done"
	// StatusDead means that the event can never be handled. A duplicate cannot be told from a redrive, so it stays so for
	// every delivery: whoever redrives a dead event opens its claim first, by Reopen.
	StatusDead Status = "dead"
)

// Claim is the record of the work on one event. It is a value: each write stores a new one under a new token.
type Claim struct {
	Key
	// Token is the fencing token: every write changes it and is conditional on the one before, so that whoever was
	// replaced can write nothing more.
	Token  string
	Status Status
	// Owner is the delivery that works on the event: its request id.
	Owner string
	// Lease is the moment until which the owner may still be alive.
	Lease time.Time
	// Round is the attempt of the workflow at this event, from 1. A delivery that comes after the round was closed, which
	// is a redrive, opens the next.
	Round int
	// Attempts counts, for each delivery of this round, how often it took the claim.
	Attempts map[string]int
	// Closed says that the end of the round was announced by WorkflowFailed.
	Closed bool
	// Reason says why the event is dead.
	Reason string
	// Buried says that the dead event is in the dead letter queue.
	Buried bool
}

// holder is a delivery that wants a claim.
type holder struct {
	owner string
	// lease is the moment at which the delivery is dead for certain.
	lease time.Time
}

// first returns the claim of an event that nobody has worked on.
func (h holder) first(key Key, token string) Claim {
	return Claim{
		Key: key, Token: token, Status: StatusRunning, Owner: h.owner, Lease: h.lease, Round: 1, Attempts: map[string]int{h.owner: 1},
	}
}

// settled says that there is nothing left to do.
func (c Claim) settled() bool {
	return c.Status == StatusDone || c.Status == StatusDead && c.Buried && c.Closed
}

// free says that h may take the claim at now: its owner is gone, or is h itself, whose attempt before this one is dead.
func (c Claim) free(h holder, now time.Time) bool {
	return c.Owner == h.owner || !now.Before(c.Lease)
}

// taken returns the claim as h takes it over.
func (c Claim) taken(h holder, token string) Claim {
	if _, known := c.Attempts[h.owner]; c.Closed && !known {
		c.Round, c.Closed, c.Attempts = c.Round+1, false, nil
	}
	attempts := maps.Clone(c.Attempts)
	if attempts == nil {
		attempts = map[string]int{}
	}
	attempts[h.owner]++
	c.Token, c.Owner, c.Lease, c.Attempts = token, h.owner, h.lease, attempts
	return c
}
