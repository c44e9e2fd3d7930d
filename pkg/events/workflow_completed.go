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
	// PortfolioID is the portfolio that was run.
	PortfolioID string `json:"portfolio_id" jsonschema:"minLength=1"`
	// Outcome is how it ended.
	Outcome Outcome `json:"outcome" jsonschema:"enum=completed,enum=skipped,enum=nothing_to_do"`
	// Reason says why in words a trader understands; it is never empty.
	Reason string `json:"reason" jsonschema:"minLength=1"`
	// AccountID is there if the workflow came as far as the broker.
	AccountID string `json:"account_id,omitempty"`
	// TradingDate is there if the workflow came as far as the calendar.
	TradingDate market.Date `json:"trading_date,omitempty"`
	// PlanID is there if there was a plan.
	PlanID string `json:"plan_id,omitempty"`
	// Orders counts the orders that were submitted.
	Orders int `json:"orders" jsonschema:"minimum=0"`
}

// EventType implements Payload.
func (WorkflowCompleted) EventType() Type { return TypeWorkflowCompleted }

// Portfolio implements Payload.
func (p WorkflowCompleted) Portfolio() string { return p.PortfolioID }

// Validate implements Payload.
func (p WorkflowCompleted) Validate() error {
	var fs faults
	in := fs.root()
	in.text("portfolio_id", p.PortfolioID)
	oneOf(in, "outcome", p.Outcome, OutcomeCompleted, OutcomeSkipped, OutcomeNothingToDo)
	in.text("reason", p.Reason)
	in.optionalDate("trading_date", p.TradingDate)
	in.atLeast("orders", p.Orders, 0)
	return fs.err(p.EventType())
}
