package events

import "github.com/the-alchemiser/alchemiser/pkg/market"

// TypeWorkflowStarted starts a day's run. EventBridge Scheduler publishes it.
const TypeWorkflowStarted Type = "WorkflowStarted"

// WorkflowStarted asks for one portfolio's run of the day.
type WorkflowStarted struct {
	// PortfolioID is the portfolio to run.
	PortfolioID string `json:"portfolio_id" jsonschema:"minLength=1"`
	// TradingDate, if given, is the only date on which the run may trade.
	TradingDate market.Date `json:"trading_date,omitempty"`
}

// EventType implements Payload.
func (WorkflowStarted) EventType() Type { return TypeWorkflowStarted }

// Portfolio implements Payload.
func (p WorkflowStarted) Portfolio() string { return p.PortfolioID }

// Validate implements Payload.
func (p WorkflowStarted) Validate() error {
	var fs faults
	in := fs.root()
	in.text("portfolio_id", p.PortfolioID)
	in.optionalDate("trading_date", p.TradingDate)
	return fs.err(p.EventType())
}
