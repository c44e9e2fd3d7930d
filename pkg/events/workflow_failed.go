package events

import (
	"github.com/the-alchemiser/alchemiser/pkg/fault"
	"github.com/the-alchemiser/alchemiser/pkg/market"
)

// TypeWorkflowFailed ends one attempt of a workflow; a redrive of the dead letter opens the next.
const TypeWorkflowFailed Type = "WorkflowFailed"

// WorkflowFailed says which function gave up on which event, and why.
type WorkflowFailed struct {
	PortfolioID string `json:"portfolio_id"`
	// Attempt is the attempt of the workflow that failed, from 1.
	Attempt  int    `json:"attempt"`
	Function string `json:"function"`
	// FailedEventID and FailedEventType name the event that could not be handled.
	FailedEventID   string     `json:"failed_event_id"`
	FailedEventType Type       `json:"failed_event_type"`
	Code            fault.Code `json:"code"`
	Reason          string     `json:"reason"`
	// AccountID and TradingDate are there as far as the workflow came.
	AccountID   string      `json:"account_id,omitempty"`
	TradingDate market.Date `json:"trading_date,omitempty"`
}

// EventType implements Payload.
func (WorkflowFailed) EventType() Type { return TypeWorkflowFailed }

// Portfolio implements Payload.
func (p WorkflowFailed) Portfolio() string { return p.PortfolioID }

// Validate implements Payload.
func (p WorkflowFailed) Validate() error { return nil }
