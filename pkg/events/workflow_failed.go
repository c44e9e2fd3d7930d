package events

import (
	"github.com/the-alchemiser/alchemiser/pkg/fault"
	"github.com/the-alchemiser/alchemiser/pkg/market"
)

// TypeWorkflowFailed ends one attempt of a workflow; a redrive of the dead letter opens the next.
const TypeWorkflowFailed Type = "WorkflowFailed"

// WorkflowFailed says which function gave up on which event, and why.
type WorkflowFailed struct {
	// PortfolioID is the portfolio that was run.
	PortfolioID string `json:"portfolio_id" jsonschema:"minLength=1"`
	// Attempt is the attempt of the workflow that failed, from 1.
	Attempt int `json:"attempt" jsonschema:"minimum=1"`
	// Function is the one that gave up.
	Function string `json:"function" jsonschema:"minLength=1"`
	// FailedEventID names the event that could not be handled.
	FailedEventID string `json:"failed_event_id" jsonschema:"minLength=1"`
	// FailedEventType is the type of that event.
	FailedEventType Type `json:"failed_event_type" jsonschema:"minLength=1"`
	// Code says what the error asked for: whether trying again could have helped.
	Code fault.Code `json:"code" jsonschema:"enum=invalid,enum=transient,enum=ambiguous,enum=internal"`
	// Reason is the error.
	Reason string `json:"reason" jsonschema:"minLength=1"`
	// AccountID is there if the workflow came as far as the broker.
	AccountID string `json:"account_id,omitempty"`
	// TradingDate is there if the workflow came as far as the calendar.
	TradingDate market.Date `json:"trading_date,omitempty"`
}

// EventType implements Payload.
func (WorkflowFailed) EventType() Type { return TypeWorkflowFailed }

// Portfolio implements Payload.
func (p WorkflowFailed) Portfolio() string { return p.PortfolioID }

// Validate implements Payload.
func (p WorkflowFailed) Validate() error {
	var fs faults
	in := fs.root()
	in.text("portfolio_id", p.PortfolioID)
	in.atLeast("attempt", p.Attempt, 1)
	in.text("function", p.Function)
	in.text("failed_event_id", p.FailedEventID)
	in.text("failed_event_type", string(p.FailedEventType))
	oneOf(in, "code", p.Code, fault.Invalid, fault.Transient, fault.Ambiguous, fault.Internal)
	in.text("reason", p.Reason)
	in.optionalDate("trading_date", p.TradingDate)
	return fs.err(p.EventType())
}
