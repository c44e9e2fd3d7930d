package validation

import (
	"slices"
	"time"

	"github.com/the-alchemiser/alchemiser/internal/fingerprint"
	"github.com/the-alchemiser/alchemiser/internal/monitor"
)

// Evidence is what was found of a stage in a window; Judge makes the report of it.
type Evidence struct {
	Stage, Account, Region string
	From, To               time.Time
	Functions              []Function
	Deliveries             []Delivery
	// EventLog says whether there is a log of all events: without it an event that the monitor has lost is not seen.
	EventLog  bool
	Workflows []monitor.Workflow
	// DeadLetters counts messages by queue.
	DeadLetters map[string]int
	Archive     Archive
	// Replay is what came of a replay; nil if there was none.
	Replay *Replay
	Dual   fingerprint.Report
}

// Underway says whether something is missing that may still come.
func (e Evidence) Underway() bool {
	return e.Dual.Total.Events > 0 && e.Dual.Underway() ||
		slices.ContainsFunc(e.Deliveries, func(d Delivery) bool { return d.State != done }) ||
		slices.ContainsFunc(e.Workflows, func(w monitor.Workflow) bool {
			return w.State == monitor.StateRunning || w.State == monitor.StateResumed
		})
}

// Function is what a function has done.
type Function struct {
	Name, Version string
	Timeout       time.Duration
	// Durations are those of its invocations, Publishes those of its publications.
	Durations, Publishes []time.Duration
	Errors               []ErrorLine
}

// ErrorLine is a line of a function's log that says that something went wrong.
type ErrorLine struct {
	At                 time.Time
	Text               string
	EventID, RequestID string
	// MadeGood says that the event was handled after all, by a later attempt.
	MadeGood bool
}

// Delivery is an event that a function has to handle, and what became of it.
type Delivery struct {
	// At is when the event was published.
	At                                          time.Time
	EventID, EventType, CorrelationID, Function string
	// State is "done", or says in words what is missing.
	State string
	// requests are the invocations that worked on it.
	requests []string
}

// done is the state of a delivery that is complete.
const done = "done"

// Archive is what replays read from.
type Archive struct {
	Name, State string
	Events      int64
	// Missing says that there is no archive.
	Missing bool
	// Trades says that execution's rule would let a replayed plan pass.
	Trades bool
	// Deaf says that execution's rule lets no plan pass at all.
	Deaf bool
}
