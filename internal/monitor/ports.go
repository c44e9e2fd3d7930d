package monitor

import (
	"context"
	"time"

	"github.com/the-alchemiser/alchemiser/pkg/events"
	"github.com/the-alchemiser/alchemiser/pkg/market"
)

// State is where a workflow stands.
type State string

// The states of a workflow. A failed or stalled workflow that goes on (its dead letter was redriven) is resumed
// until it ends.
const (
	StateRunning     State = "running"
	StateResumed     State = "resumed"
	StateCompleted   State = "completed"
	StateSkipped     State = "skipped"
	StateNothingToDo State = "nothing_to_do"
	StateFailed      State = "failed"
	StateStalled     State = "stalled"
	// StateReplayed is that of an entry which says that events were replayed. It changes no workflow.
	StateReplayed State = "replayed"
)

// Terminal says whether s ends an attempt of a workflow.
func (s State) Terminal() bool {
	switch s {
	case StateCompleted, StateSkipped, StateNothingToDo, StateFailed:
		return true
	case StateRunning, StateResumed, StateStalled, StateReplayed:
		return false
	default:
		return false
	}
}

// Entry is one event in the timeline of its workflow.
type Entry struct {
	EventID       string
	CorrelationID string
	CausationID   string
	Type          events.Type
	// At is the event's timestamp, UTC; entries of a workflow are ordered by (At, EventID).
	At time.Time
	// Source is the function that published the event.
	Source      string
	PortfolioID string
	// TradingDate is empty until the workflow knows it.
	TradingDate market.Date
	// Summary says in one line, in words a trader understands, what happened.
	Summary string
	// State is what the event makes of the workflow: running or one of the terminal states; replayed makes nothing of it.
	State State
}

// Workflow is one run of a portfolio as the timeline knows it.
type Workflow struct {
	CorrelationID string      `json:"correlation_id"`
	PortfolioID   string      `json:"portfolio_id"`
	TradingDate   market.Date `json:"trading_date"`
	State         State       `json:"state"`
	// StartedAt is the timestamp of the earliest entry, UpdatedAt that of the latest.
	StartedAt time.Time `json:"started_at"`
	UpdatedAt time.Time `json:"updated_at"`
	// LastSummary is the summary of the latest entry.
	LastSummary string `json:"last_summary"`
}

// Timeline keeps what happened in each workflow.
type Timeline interface {
	// Record adds e to its workflow and is idempotent by (CorrelationID, EventID). Entries may come in any order:
	// the workflow takes the state of the entry with the greatest At, of a terminal one among equals, and a running
	// entry later than a failure or a stall makes it resumed. One that has ended otherwise than failed stays so: what an
	// attempt had kept may be published after its failure was announced, and is older than that. A workflow stands under the UTC day on which its first
	// entry was recorded, whatever the days of the later ones.
	//
	// Record returns the workflow as it then stands, or the zero Workflow for an entry in state replayed.
	Record(ctx context.Context, e Entry) (Workflow, error)
}

// Workflows is what the watchdog looks at.
type Workflows interface {
	// Stalled returns the workflows that are running or resumed and whose latest entry is older than before, oldest
	// first; at least the last two UTC days up to before are looked at.
	Stalled(ctx context.Context, before time.Time) ([]Workflow, error)
	// Day returns the workflows that stand under a UTC day, in no certain order.
	Day(ctx context.Context, day market.Date) ([]Workflow, error)
	// MarkStalled makes the workflow with correlation id stalled, if it is still running or resumed; else it does
	// nothing.
	MarkStalled(ctx context.Context, id string) error
}

// Notifier tells people. A digest is short: one e-mail per workflow.
type Notifier interface {
	// Notify sends subject (one line of ASCII, at most 100 characters) and body. An error means that nobody may have
	// been told; it is never taken for success.
	Notify(ctx context.Context, subject, body string) error
}
