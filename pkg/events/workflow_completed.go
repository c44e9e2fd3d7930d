package events

import "github.com/the-alchemiser/alchemiser/pkg/market"

// TypeWorkflowCompleted ends a workflow that did what it should, which may be nothing.
const TypeWorkflowCompleted Type = "WorkflowCompleted"

// Outcome is how a workflow ended.
type Outcome string

// The outcomes.
const (
	OutcomeCompleted   Outcome = "completed"
	OutcomeSkipped     Outcome = "skipped"
	OutcomeNothingToDo Outcome = "nothing_to_do"
)

// WorkflowCompleted is the last event of a workflow that did not fail.
type WorkflowCompleted struct {
	PortfolioID string  `json:"portfolio_id"`
	Outcome     Outcome `json:"outcome"`
	// Reason says why in words a trader understands; it is never empty.
	Reason string `json:"reason"`
	// AccountID, TradingDate and PlanID are there as far as the workflow came.
	AccountID   string      `json:"account_id,omitempty"`
	TradingDate market.Date `json:"trading_date,omitempty"`
	PlanID      string      `json:"plan_id,omitempty"`
	// Orders counts the orders that were submitted.
	Orders int `json:"orders"`
}

// EventType implements Payload.
func (WorkflowCompleted) EventType() Type { return TypeWorkflowCompleted }

// Portfolio implements Payload.
func (p WorkflowCompleted) Portfolio() string { return p.PortfolioID }

// Validate implements Payload.
func (p WorkflowCompleted) Validate() error { return nil }
