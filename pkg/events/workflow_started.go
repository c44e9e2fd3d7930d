package events

import "github.com/the-alchemiser/alchemiser/pkg/market"

// TypeWorkflowStarted starts a day's run. EventBridge Scheduler publishes it.
const TypeWorkflowStarted Type = "WorkflowStarted"

// WorkflowStarted asks for one portfolio's run of the day.
type WorkflowStarted struct {
	PortfolioID string `json:"portfolio_id" jsonschema:"minLength=1,description=Portfolio to run."`
	// TradingDate, if given, is the only date on which the run may trade.
	TradingDate market.Date `json:"trading_date,omitempty" jsonschema:"description=If present\\, the only date on which the run may trade."`
}

// EventType implements Payload.
func (WorkflowStarted) EventType() Type { return TypeWorkflowStarted }

// Portfolio implements Payload.
func (p WorkflowStarted) Portfolio() string { return p.PortfolioID }

// Validate implements Payload.
func (p WorkflowStarted) Validate() error { return nil }
